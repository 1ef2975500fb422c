//! Made-up days of reps, for tests and benches.

use crate::{Break, Objective, Problem, ProblemError, Profile, RepDay, Rng, Stop, Travel, Window};
use fieldfare_model::LatLng;

/// What a made-up problem is to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaySpec {
    /// Number of stops.
    pub stops: usize,
    /// Number of reps.
    pub reps: usize,
    /// Visits twice as long, so that a day does not hold all stops.
    pub overloaded: bool,
    /// A lunch break for each rep.
    pub breaks: bool,
    /// Half of the half-day stops are open in the morning and again late in the afternoon.
    pub several_windows: bool,
    /// Slower traffic in the morning and evening.
    pub traffic: bool,
    /// Some stops need a skill, some are for one rep, all have loads.
    pub team_rules: bool,
    /// Stops that are mandatory, in percent.
    pub mandatory_percent: u64,
    /// What a good plan is.
    pub objective: Objective,
}

impl DaySpec {
    /// One rep's day as in the planner's benches: optional stops, even traffic, no breaks.
    pub const fn rep(stops: usize, overloaded: bool) -> Self {
        Self {
            stops,
            reps: 1,
            overloaded,
            breaks: false,
            several_windows: false,
            traffic: false,
            team_rules: false,
            mandatory_percent: 0,
            objective: Objective::MostPriority,
        }
    }
}

const BOX_M: i64 = 45_000;
const CLUSTERS: usize = 4;
const CLUSTER_RADIUS_M: i64 = 5_000;
const HOUR: i64 = 3_600;
/// Ways are this much longer than the straight line, in percent.
const DETOUR: i64 = 130;
const METRES_PER_SECOND: i64 = 12;

/// Makes a problem: stops in four clusters of a 45 km box, 30 % of them at a fixed hour, 25 % in
/// the morning or afternoon only, priorities 1, 2, 5 or 10, a day from 8 to 18, and legs whose
/// seconds differ by direction. Equal seeds and specs give equal problems.
///
/// # Errors
/// [`ProblemError`] only for more stops or reps than a problem may have.
pub fn rep_day(seed: u64, spec: &DaySpec) -> Result<Problem, ProblemError> {
    let mut rng = Rng::new(seed ^ 0x6669_656c_6466_6172);
    let points = points(&mut rng, spec);
    let travel = travel(&mut rng, &points)?.with_profile(spec.traffic.then(rush_hours));
    let reps: Vec<RepDay> = (0..spec.reps).map(|r| rep(r, spec)).collect();
    let stops = (0..spec.stops).map(|s| stop(&mut rng, s, spec)).collect();
    let problem = Problem {
        objective: spec.objective,
        reps,
        stops,
        travel,
        positions: points.iter().filter_map(|p| position(*p)).collect(),
    };
    problem.validate()?;
    Ok(problem)
}

/// Homes of the reps first, then the stops.
fn points(rng: &mut Rng, spec: &DaySpec) -> Vec<(i64, i64)> {
    let centres: Vec<(i64, i64)> = (0..CLUSTERS)
        .map(|_| (rng.within(0, BOX_M), rng.within(0, BOX_M)))
        .collect();
    let homes = spec.reps.max(1);
    let mut points: Vec<(i64, i64)> = (0..homes)
        .map(|_| (rng.within(0, BOX_M), rng.within(0, BOX_M)))
        .collect();
    for _ in 0..spec.stops {
        let at = rng.below(CLUSTERS as u64) as usize;
        let (x, y) = centres.get(at).copied().unwrap_or((0, 0));
        let mut off = || rng.within(-CLUSTER_RADIUS_M, CLUSTER_RADIUS_M);
        points.push(((x + off()).clamp(0, BOX_M), (y + off()).clamp(0, BOX_M)));
    }
    points
}

fn travel(rng: &mut Rng, points: &[(i64, i64)]) -> Result<Travel, ProblemError> {
    let length = |from: usize, to: usize| {
        let ends = points.get(from).zip(points.get(to));
        ends.map(|(a, b)| {
            ((a.0 - b.0).pow(2) + (a.1 - b.1).pow(2))
                .unsigned_abs()
                .isqrt()
        })
    };
    Travel::from_fn(points.len(), |from, to| {
        let metres = length(from, to)? as i64 * DETOUR / 100;
        let seconds = metres / METRES_PER_SECOND + 60;
        let seconds = seconds * rng.within(90, 125) / 100;
        Some((u32::try_from(seconds).ok()?, u32::try_from(metres).ok()?))
    })
}

fn rush_hours() -> Profile {
    let speed = |hour: u16| match hour {
        7 | 8 => 600,
        9 | 15 => 850,
        16 | 17 => 550,
        18 => 700,
        20..=23 | 0..=5 => 1_150,
        _ => 1_000,
    };
    Profile {
        factors: (0..24).map(speed).collect(),
        zero_second_of_day: 0,
    }
}

fn rep(index: usize, spec: &DaySpec) -> RepDay {
    let mut rep = RepDay::round_trip(
        format!("rep-{index}"),
        index,
        Window::new(8 * HOUR, 18 * HOUR),
    );
    if spec.breaks {
        rep.breaks.push(Break {
            windows: vec![Window::new(11 * HOUR + 1_800, 13 * HOUR + 1_800)],
            duration_s: 1_800,
        });
    }
    if spec.team_rules {
        rep.capacity = vec![40, 30];
        if index.is_multiple_of(2) {
            rep.skills.push("dairy".to_owned());
        }
    }
    rep
}

fn stop(rng: &mut Rng, index: usize, spec: &DaySpec) -> Stop {
    let service = rng.within(15, 45) * 60 * if spec.overloaded { 2 } else { 1 };
    let priority = match rng.below(4) {
        0 => 1,
        1 => 2,
        2 => 5,
        _ => 10,
    };
    let place = spec.reps.max(1) + index;
    let mut stop = Stop::optional(format!("stop-{index}"), place, service as u32, priority);
    stop.mandatory = rng.percent(spec.mandatory_percent);
    match rng.below(100) {
        0..30 => {
            let at = rng.within(9, 16) * HOUR;
            stop.windows = vec![Window::new(at, at)];
        }
        30..55 => stop.windows = half_day(rng, spec),
        _ => {}
    }
    if spec.team_rules {
        give_rules(rng, &mut stop, spec);
    }
    stop
}

fn half_day(rng: &mut Rng, spec: &DaySpec) -> Vec<Window> {
    let morning = Window::new(8 * HOUR, 12 * HOUR);
    if spec.several_windows && rng.percent(50) {
        return vec![
            Window::new(9 * HOUR, 10 * HOUR + 1_800),
            Window::new(15 * HOUR, 17 * HOUR),
        ];
    }
    if rng.percent(50) {
        vec![morning]
    } else {
        vec![Window::new(13 * HOUR, 17 * HOUR)]
    }
}

fn give_rules(rng: &mut Rng, stop: &mut Stop, spec: &DaySpec) {
    stop.load = vec![rng.within(1, 9) as u32, rng.within(0, 6) as u32];
    if rng.percent(15) {
        stop.skills.push("dairy".to_owned());
    } else if rng.percent(15) {
        stop.rep = Some(format!("rep-{}", rng.below(spec.reps as u64)));
    }
}

/// The box lies around Linz, where a degree is 111.2 km north and 74.2 km east.
fn position((x, y): (i64, i64)) -> Option<LatLng> {
    LatLng::from_e7(480_000_000 + y * 90, 140_000_000 + x * 135).ok()
}
