//! The side-by-side table, in Markdown.

use crate::fieldfare::CHANGED;
use crate::measured::{Killed, Measured};

struct Line {
    what: &'static str,
    of: fn(&Measured) -> Option<f64>,
    show: fn(f64) -> String,
}

const fn line(
    what: &'static str,
    of: fn(&Measured) -> Option<f64>,
    show: fn(f64) -> String,
) -> Line {
    Line { what, of, show }
}

pub fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn tenth(value: f64) -> String {
    format!("{value:.1}")
}

fn seconds(value: f64) -> String {
    format!("{value:.2}")
}

fn sum(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a? + b?)
}

const LINES: &[Line] = &[
    line("first sync: rows/s by the clock", |m| m.rows_per_s, whole),
    line("B on the wire a row, down", |m| m.wire_down, tenth),
    line("B on the wire a row, up", |m| m.wire_up, tenth),
    line("CPU µs a row, client", |m| m.client_us, tenth),
    line("CPU µs a row, server", |m| m.server_us, tenth),
    line(
        "CPU µs a row, both",
        |m| sum(m.client_us, m.server_us),
        tenth,
    ),
    line("B on the client's disk a row", |m| m.client_disk, whole),
    line("B on the server's disk a row", |m| m.server_disk, whole),
    line("most memory, client, MB", |m| m.client_mb, whole),
    line("most memory, server, MB", |m| m.server_mb, whole),
    line(
        "1,000 changed rows: B a row, both ways",
        |m| m.delta_bytes,
        tenth,
    ),
    line(
        "1,000 changed rows: s from commit to visible",
        |m| m.delta_s,
        seconds,
    ),
    line(
        "sync with nothing to do: B, both ways",
        |m| m.idle_bytes,
        whole,
    ),
    line("first push of 1,000 edits: s", |m| m.push_s, seconds),
    line(
        "first push of 1,000 edits: B, both ways",
        |m| m.push_bytes,
        whole,
    ),
    line(
        "killed at 50 %: rows visible then",
        |m| killed(m).map(|k| k.visible as f64),
        whole,
    ),
    line(
        "killed at 50 %: fetched again, %",
        |m| killed(m).map(|k| k.extra_percent),
        tenth,
    ),
];

const fn killed(measured: &Measured) -> Option<&Killed> {
    measured.killed.as_ref()
}

/// One column for each who takes part, with the ratio to the first.
pub fn markdown(leads: usize, rounds: usize, all: &[Measured]) -> String {
    let names: Vec<&str> = all.iter().map(|m| m.name).collect();
    let out = format!(
        "{} leads of 300 bytes; medians of {rounds} rounds; {CHANGED} rows change.\n\n",
        whole(leads as f64)
    );
    let rows: Vec<Vec<String>> = LINES.iter().map(|line| row(line, all)).collect();
    out + &of_rows(&[&[""], names.as_slice()].concat(), &rows)
}

fn row(line: &Line, all: &[Measured]) -> Vec<String> {
    let ours = all.first().and_then(line.of);
    let cells = all.iter().map(|m| cell(line, m, ours));
    std::iter::once(line.what.to_owned()).chain(cells).collect()
}

/// A table in Markdown.
pub fn of_rows(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!(
        "| {} |\n|{}\n",
        header.join(" | "),
        "---|".repeat(header.len())
    );
    for row in rows {
        out += &format!("| {} |\n", row.join(" | "));
    }
    out
}

/// The value, and how many times ours it is.
fn cell(line: &Line, measured: &Measured, ours: Option<f64>) -> String {
    let Some(value) = (line.of)(measured) else {
        return "-".to_owned();
    };
    let shown = (line.show)(value);
    match ours {
        Some(ours) if ours > 0.0 && ours != value && value / ours >= 0.0 => {
            format!("{shown} ({})", times(value / ours))
        }
        _ => shown,
    }
}

fn times(ratio: f64) -> String {
    if ratio < 0.1 {
        format!("{ratio:.2}x")
    } else {
        format!("{ratio:.1}x")
    }
}
