//! Timing for the benches: medians of several rounds, shown as a table with ratios.

use std::time::Instant;

/// The middle value; of an even number the upper one. Zero for none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The value below which a share of the others lie, `share` from 0 to 1.
pub fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (share * values.len() as f64).ceil() as usize;
    values.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Nanoseconds that one call takes: the median over `rounds` of the mean over all inputs.
pub fn nanos_per_call<T: Copy, R>(
    inputs: &[T],
    rounds: usize,
    mut call: impl FnMut(T) -> R,
) -> f64 {
    let mut round = || {
        let start = Instant::now();
        for input in inputs {
            std::hint::black_box(call(std::hint::black_box(*input)));
        }
        start.elapsed().as_nanos() as f64 / inputs.len().max(1) as f64
    };
    round();
    median((0..rounds).map(|_| round()).collect())
}

/// CPU seconds (user and system, all threads) this process has used, from `/proc`; zero where
/// there is none.
pub fn cpu_seconds() -> f64 {
    cpu_seconds_of("self")
}

/// CPU seconds another process has used, by its id; zero where there is no such process.
pub fn cpu_seconds_of(pid: &str) -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return 0.0;
    };
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| -> f64 {
        after_name
            .split_whitespace()
            .nth(at)
            .and_then(|t| t.parse().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

/// Milliseconds this thread was on a processor, from `/proc`; zero where there is none.
pub fn thread_cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|n| n.parse().ok());
    nanos.unwrap_or(0.0) / 1e6
}

/// Prints rows under a headline, columns aligned.
pub fn print_table(headline: &str, header: &[&str], rows: &[Vec<String>]) {
    println!("\n{headline}");
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|c| c.chars().count());
            let head = header.get(column).map_or(0, |h| h.chars().count());
            cells.chain([head]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(i, (cell, width))| {
                let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
                if i == 0 {
                    format!("{cell}{gap}")
                } else {
                    format!("{gap}{cell}")
                }
            })
            .collect();
        println!("  {}", padded.join("  "));
    };
    line(header.to_vec());
    rows.iter()
        .for_each(|row| line(row.iter().map(String::as_str).collect()));
}
