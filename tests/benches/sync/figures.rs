//! The figures to reach, each beside its goal.

use crate::fieldfare::{self, CHANGED, EDITS, Figures};
use crate::table;

const ROUNDS: usize = 3;

struct Figure {
    what: String,
    goal: f64,
    measured: f64,
    unit: &'static str,
    /// Whether more is better.
    is_floor: bool,
}

impl Figure {
    fn at_most(what: impl Into<String>, goal: f64, measured: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            goal,
            measured,
            unit,
            is_floor: false,
        }
    }

    fn rows_per_cpu_second(what: &str, us_a_row: f64) -> Self {
        Self {
            what: what.to_owned(),
            goal: 60_000.0,
            measured: 1e6 / us_a_row,
            unit: "rows/CPU s",
            is_floor: true,
        }
    }

    fn row(&self) -> Vec<String> {
        let is_reached = if self.is_floor {
            self.measured >= self.goal
        } else {
            self.measured <= self.goal
        };
        let show = |value: f64| match value {
            v if v >= 100.0 => format!("{v:.0}"),
            v if v >= 10.0 => format!("{v:.1}"),
            v => format!("{v:.2}"),
        };
        vec![
            self.what.clone(),
            format!("{} {}", show(self.goal), self.unit),
            format!("{} {}", show(self.measured), self.unit),
            if is_reached { "reached" } else { "**missed**" }.to_owned(),
        ]
    }
}

/// Measures Fieldfare alone on so many 300-byte leads.
pub fn print(leads: usize) {
    let figures = fieldfare::measure(leads, ROUNDS);
    let rows: Vec<Vec<String>> = all(&figures).iter().map(Figure::row).collect();
    println!(
        "{leads} leads of 300 bytes; server and phones are processes of their own, HTTP's headers are counted.\n\n{}",
        table::of_rows(&["", "goal", "measured", ""], &rows)
    );
}

fn all(figures: &Figures) -> Vec<Figure> {
    let m = &figures.measured;
    let wire = m.wire_down.unwrap() + m.wire_up.unwrap();
    let (client, server) = (m.client_us.unwrap(), m.server_us.unwrap());
    let killed = m.killed.as_ref().unwrap();
    // To a tenth: a new access token is asked for, too.
    let extra_frames = (killed.extra_bytes.unwrap() / figures.frame_bytes * 10.0).round() / 10.0;
    vec![
        Figure::at_most("first sync, a row on the wire", 50.0, wire, "B"),
        Figure::at_most(
            format!("the same after every row was changed {EDITS} times"),
            50.0,
            figures.wire_after_edits,
            "B",
        ),
        Figure::at_most("client + server CPU a row", 25.0, client + server, "us"),
        Figure::at_most("  of it the server", 25.0, server, "us"),
        Figure::at_most(
            "  after every row was changed, in another order",
            25.0,
            figures.client_us_after_edits + figures.server_us_after_edits,
            "us",
        ),
        Figure::rows_per_cpu_second("client, with HTTP and digests", client),
        Figure::rows_per_cpu_second(
            "  after every row was changed, in another order",
            figures.client_us_after_edits,
        ),
        Figure::at_most(
            format!("{CHANGED} changed rows, a row on the wire"),
            60.0,
            m.delta_bytes.unwrap(),
            "B",
        ),
        Figure::at_most(
            format!("{CHANGED} changed rows, commit to visible"),
            150.0,
            m.delta_s.unwrap() * 1e3,
            "ms",
        ),
        Figure::at_most(
            "  CPU of both sides",
            150.0,
            figures.delta_cpu_s * 1e3,
            "ms",
        ),
        Figure::at_most("sync with nothing to do", 600.0, m.idle_bytes.unwrap(), "B"),
        Figure::at_most("  of it bodies", 600.0, figures.idle_bodies, "B"),
        Figure::at_most(
            format!("first push of {CHANGED} edits, until the last is answered"),
            0.3,
            figures.push_answered_s,
            "s",
        ),
        Figure::at_most(
            "  the whole sync, with the rows that come back",
            0.3,
            m.push_s.unwrap(),
            "s",
        ),
        Figure::at_most("  CPU of both sides", 0.3, figures.push_cpu_s, "s"),
        Figure::at_most(
            "  bytes of the whole sync",
            100.0,
            m.push_bytes.unwrap() / 1e3,
            "kB",
        ),
        Figure::at_most(
            "a row on the phone's disk",
            330.0,
            m.client_disk.unwrap(),
            "B",
        ),
        Figure::at_most(
            "most memory of the server",
            60.0,
            m.server_mb.unwrap(),
            "MB",
        ),
        Figure::at_most(
            "killed at 50 %, frames fetched twice",
            1.0,
            extra_frames,
            "",
        ),
        Figure::at_most(
            "killed at 50 %, rows visible then",
            0.0,
            killed.visible as f64,
            "",
        ),
    ]
}
