//! The figures as bars, drawn as SVG that looks good on light and dark pages.

use crate::measured::Measured;
use crate::table::whole;
use std::fmt::Write as _;

const WIDTH: f64 = 920.0;
const COLUMNS: usize = 2;
const MARGIN: f64 = 24.0;
const GAP: f64 = 40.0;
const LABEL: f64 = 112.0;
const VALUE: f64 = 74.0;
const BAR: f64 = 18.0;
const ROW: f64 = 26.0;
const HEAD: f64 = 34.0;
const TOP: f64 = 64.0;

const STYLE: &str = "
text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; font-size: 13px; fill: #24292f; }
.title { font-size: 17px; font-weight: 600; } .panel { font-weight: 600; } .soft { fill: #57606a; }
.axis { stroke: #d0d7de; } .a { fill: #0b7285; } .b { fill: #66b2c0; } .pa { fill: #868e96; } .pb { fill: #bcc2c8; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .soft { fill: #9198a1; } .axis { stroke: #3d444d; }
.a { fill: #3bc9db; } .b { fill: #1a7f8e; } .pa { fill: #868e96; } .pb { fill: #5b6269; } }
";

/// What one panel shows: one or two parts of a bar.
struct Panel {
    title: &'static str,
    parts: fn(&Measured) -> [Option<f64>; 2],
    show: fn(f64) -> String,
}

fn plain(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

fn kilobytes(value: f64) -> String {
    format!("{:.0} kB", value / 1e3)
}

const PANELS: &[Panel] = &[
    Panel {
        title: "Wire, bytes a row: down, up",
        parts: |m| [m.wire_down, m.wire_up],
        show: plain,
    },
    Panel {
        title: "CPU, µs a row: client, server",
        parts: |m| [m.client_us, m.server_us],
        show: plain,
    },
    Panel {
        title: "Client's disk, bytes a row",
        parts: |m| [m.client_disk, None],
        show: plain,
    },
    Panel {
        title: "Most memory, MB: client, server",
        parts: |m| [m.client_mb, m.server_mb],
        show: plain,
    },
    Panel {
        title: "First push of 1,000 edits, seconds",
        parts: |m| [m.push_s, None],
        show: plain,
    },
    Panel {
        title: "First push of 1,000 edits, both ways",
        parts: |m| [m.push_bytes, None],
        show: kilobytes,
    },
];

pub fn svg(leads: usize, all: &[Measured]) -> String {
    let panel_height = HEAD + ROW * all.len() as f64 + 16.0;
    let height = TOP + panel_height * PANELS.len().div_ceil(COLUMNS) as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"First sync of {leads} leads beside peers\"><style>{STYLE}</style>\n\
         <text class=\"title\" x=\"{MARGIN}\" y=\"34\">First sync of {} leads of 300 bytes; shorter is better</text>\n",
        whole(leads as f64)
    );
    let width = (WIDTH - 2.0 * MARGIN - GAP) / COLUMNS as f64;
    for (at, panel) in PANELS.iter().enumerate() {
        let x = MARGIN + (at % COLUMNS) as f64 * (width + GAP);
        let y = TOP + (at / COLUMNS) as f64 * panel_height;
        draw(&mut out, panel, all, (x, y, width)).unwrap();
    }
    out.push_str("</svg>\n");
    out
}

fn draw(
    out: &mut String,
    panel: &Panel,
    all: &[Measured],
    (x, y, width): (f64, f64, f64),
) -> std::fmt::Result {
    let total = |m: &Measured| (panel.parts)(m).iter().flatten().sum::<f64>();
    let most = all.iter().map(total).fold(f64::MIN_POSITIVE, f64::max);
    let scale = (width - LABEL - VALUE) / most;
    writeln!(
        out,
        "<text class=\"panel\" x=\"{x}\" y=\"{}\">{}</text>",
        y + 12.0,
        panel.title
    )?;
    let (axis, bottom) = (x + LABEL, y + HEAD + ROW * all.len() as f64 - 4.0);
    writeln!(
        out,
        "<line class=\"axis\" x1=\"{axis}\" x2=\"{axis}\" y1=\"{}\" y2=\"{bottom}\"/>",
        y + HEAD - 8.0
    )?;
    for (row, measured) in all.iter().enumerate() {
        let top = y + HEAD - 4.0 + ROW * row as f64;
        let base = top + BAR - 4.5;
        writeln!(
            out,
            "<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{}</text>",
            axis - 8.0,
            measured.name
        )?;
        let end = bars(out, panel, measured, row == 0, (axis, top, scale))?;
        let label = match (panel.parts)(measured) {
            [None, _] => "needs its service".to_owned(),
            [Some(client), None] if panel.title.contains("server") => {
                format!("{}, client only", (panel.show)(client))
            }
            _ => (panel.show)(total(measured)),
        };
        writeln!(
            out,
            "<text class=\"soft\" x=\"{:.1}\" y=\"{base}\">{label}</text>",
            end + 6.0
        )?;
    }
    Ok(())
}

/// Draws the parts of one bar and says where it ends.
fn bars(
    out: &mut String,
    panel: &Panel,
    measured: &Measured,
    is_ours: bool,
    (axis, top, scale): (f64, f64, f64),
) -> Result<f64, std::fmt::Error> {
    let classes = if is_ours { ["a", "b"] } else { ["pa", "pb"] };
    let mut x = axis;
    for (value, class) in (panel.parts)(measured).into_iter().zip(classes) {
        let Some(value) = value else { continue };
        let width = (value * scale).max(1.0);
        writeln!(
            out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{BAR}\"/>"
        )?;
        x += width;
    }
    Ok(x)
}
