//! What the benches share: a clock, quantiles, Solomon's files.
#![allow(dead_code, reason = "each bench uses its part")]

use fieldfare_planner::{Problem, RepDay, Stop, Travel, Window};

/// Milliseconds of processor time this process has used.
pub fn cpu_ms() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as f64 * 1e3 + used.tv_nsec as f64 / 1e6
}

/// Runs something and tells how many milliseconds it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = cpu_ms();
    let result = work();
    (result, cpu_ms() - before)
}

/// The value below which `percent` of the values lie; 0 for none.
pub fn quantile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(0.0)
}

/// Distances and times of Solomon's instances are taken times this and rounded.
pub const SCALE: f64 = 1_000.0;

/// Reads one of Solomon's files: 25 vehicles, 100 customers, all mandatory.
pub fn solomon(text: &str) -> Option<Problem> {
    let rows: Vec<Vec<f64>> = text
        .lines()
        .map(|line| {
            line.split_whitespace()
                .filter_map(|cell| cell.parse().ok())
                .collect()
        })
        .collect();
    let fleet = rows.iter().find(|row| row.len() == 2)?;
    let points: Vec<&Vec<f64>> = rows.iter().filter(|row| row.len() == 7).collect();
    let scaled = |value: f64| (value * SCALE).round();
    let travel = Travel::from_fn(points.len(), |from, to| {
        let (a, b) = (points.get(from)?, points.get(to)?);
        let (dx, dy) = (a.get(1)? - b.get(1)?, a.get(2)? - b.get(2)?);
        let length = scaled((dx * dx + dy * dy).sqrt()) as u32;
        Some((length, length))
    });
    let depot = points.first()?;
    let shift = Window::new(scaled(*depot.get(4)?) as i64, scaled(*depot.get(5)?) as i64);
    let rep = |index: usize| RepDay {
        capacity: vec![*fleet.get(1).unwrap_or(&0.0) as u32],
        ..RepDay::round_trip(format!("v{index}"), 0, shift)
    };
    let stop = |(place, row): (usize, &&Vec<f64>)| {
        let cell = |at: usize| row.get(at).copied().unwrap_or(0.0);
        let window = Window::new(scaled(cell(4)) as i64, scaled(cell(5)) as i64);
        Stop {
            windows: vec![window],
            mandatory: true,
            load: vec![cell(3) as u32],
            ..Stop::optional(format!("c{place}"), place, scaled(cell(6)) as u32, 0)
        }
    };
    Some(Problem {
        objective: fieldfare_planner::Objective::MostPriority,
        reps: (0..*fleet.first()? as usize).map(rep).collect(),
        stops: points.iter().enumerate().skip(1).map(stop).collect(),
        travel: travel.ok()?,
        positions: Vec::new(),
    })
}
