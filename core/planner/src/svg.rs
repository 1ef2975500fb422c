//! A drawing of a plan: a map where positions are known, and a bar for each day.

use crate::text::clock;
use crate::{Activity, DayPlan, Plan, Problem};
use fieldfare_geo::LocalPlane;
use std::fmt::Write as _;

const WIDTH: i64 = 960;
const MARGIN: i64 = 24;
const MAP: i64 = 520;
const ROW: i64 = 46;
const BAR: i64 = 20;
/// Told apart also by those who see few colours.
const COLOURS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00",
];

/// The plan as an SVG document, 960 wide: above the map with each rep's stops in order (only if
/// the problem has positions), below each day along its hours, visits as boxes, drives as lines.
pub fn svg(problem: &Problem, plan: &Plan) -> String {
    let map = Map::new(problem);
    let top = if map.is_some() {
        MAP + 2 * MARGIN
    } else {
        MARGIN
    };
    let height = top + ROW * plan.days.len() as i64 + 2 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"11\" fill=\"#222\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    if let Some(map) = map {
        map.draw(problem, plan, &mut out);
    }
    Bars::new(plan).draw(plan, top, &mut out);
    out.push_str("</svg>\n");
    out
}

fn colour(day: usize) -> &'static str {
    COLOURS.get(day % COLOURS.len()).copied().unwrap_or("#000")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

/// Places in the picture, in tenths of a pixel.
struct Map {
    points: Vec<(i64, i64)>,
}

impl Map {
    fn new(problem: &Problem) -> Option<Self> {
        let plane = LocalPlane::at(*problem.positions.first()?);
        let xy: Vec<(f64, f64)> = problem
            .positions
            .iter()
            .map(|&at| plane.to_xy(at))
            .collect();
        let ends = |values: Vec<f64>| {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (low, (high - low).max(1.0))
        };
        let (west, wide) = ends(xy.iter().map(|p| p.0).collect());
        let (south, tall) = ends(xy.iter().map(|p| p.1).collect());
        let room = ((WIDTH - 2 * MARGIN) as f64 / wide).min(MAP as f64 / tall) * 10.0;
        let place = |(x, y): &(f64, f64)| {
            let right = (x - west) * room;
            let down = (south + tall - y) * room;
            (
                right.round() as i64 + 10 * MARGIN,
                down.round() as i64 + 10 * MARGIN,
            )
        };
        Some(Self {
            points: xy.iter().map(place).collect(),
        })
    }

    fn at(&self, place: Option<usize>) -> Option<(String, String)> {
        let (x, y) = self.points.get(place?)?;
        Some((tenths(*x), tenths(*y)))
    }

    fn draw(&self, problem: &Problem, plan: &Plan, out: &mut String) {
        for (index, day) in plan.days.iter().enumerate() {
            self.line(problem, index, day, out);
        }
        for left in &plan.left_out {
            let stop = problem.stops.iter().find(|stop| stop.id == left.stop);
            if let Some((x, y)) = stop.and_then(|stop| self.at(Some(stop.place))) {
                let _ = writeln!(
                    out,
                    "<circle cx=\"{x}\" cy=\"{y}\" r=\"5\" fill=\"#fff\" stroke=\"#999\"><title>{}</title></circle>",
                    escaped(&left.stop)
                );
            }
        }
        for (index, day) in plan.days.iter().enumerate() {
            self.marks(problem, index, day, out);
        }
    }

    fn line(&self, problem: &Problem, index: usize, day: &DayPlan, out: &mut String) {
        let rep = problem.reps.get(index);
        let start = rep.and_then(|rep| rep.start);
        let end = rep.and_then(|rep| rep.end);
        let steps = day.steps.iter().map(|step| step.place);
        let places = std::iter::once(start).chain(steps).chain([end]);
        let points: Vec<String> = places
            .filter_map(|place| self.at(place))
            .map(|(x, y)| format!("{x},{y}"))
            .collect();
        if !day.steps.is_empty() {
            let _ = writeln!(
                out,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>",
                points.join(" "),
                colour(index)
            );
        }
        if let Some((x, y)) = self.at(start) {
            let _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{y}\" width=\"11\" height=\"11\" transform=\"translate(-5.5 -5.5)\" fill=\"{}\"/>",
                colour(index)
            );
        }
    }

    fn marks(&self, problem: &Problem, index: usize, day: &DayPlan, out: &mut String) {
        for (turn, id) in day.stops().enumerate() {
            let stop = problem.stops.iter().find(|stop| stop.id == id);
            let Some((x, y)) = stop.and_then(|stop| self.at(Some(stop.place))) else {
                continue;
            };
            let _ = writeln!(
                out,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"8\" fill=\"{}\"><title>{}</title></circle>\
                 <text x=\"{x}\" y=\"{y}\" dy=\"4\" text-anchor=\"middle\" fill=\"#fff\">{}</text>",
                colour(index),
                escaped(id),
                turn + 1
            );
        }
    }
}

fn tenths(value: i64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

/// Days along their hours.
struct Bars {
    from: i64,
    to: i64,
}

impl Bars {
    fn new(plan: &Plan) -> Self {
        let hour = |at: i64| at.div_euclid(3_600) * 3_600;
        let from = plan
            .days
            .iter()
            .map(|day| hour(day.departure))
            .min()
            .unwrap_or(0);
        let to = plan
            .days
            .iter()
            .map(|day| hour(day.arrival + 3_599))
            .max()
            .unwrap_or(0);
        Self {
            from,
            to: to.max(from + 3_600),
        }
    }

    fn x(&self, at: i64) -> i64 {
        MARGIN + (at - self.from) * (WIDTH - 2 * MARGIN) / (self.to - self.from)
    }

    fn draw(&self, plan: &Plan, top: i64, out: &mut String) {
        let bottom = top + ROW * plan.days.len() as i64;
        let hours = (self.to - self.from) / 3_600;
        let each = hours / 24 + 1;
        for hour in (0..=hours).step_by(usize::try_from(each).unwrap_or(1)) {
            let at = self.from + hour * 3_600;
            let x = self.x(at);
            let _ = writeln!(
                out,
                "<line x1=\"{x}\" y1=\"{top}\" x2=\"{x}\" y2=\"{bottom}\" stroke=\"#ddd\"/>\
                 <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" fill=\"#666\">{}</text>",
                bottom + 14,
                clock(at)
            );
        }
        for (index, day) in plan.days.iter().enumerate() {
            self.day(index, day, top + ROW * index as i64, out);
        }
    }

    fn day(&self, index: usize, day: &DayPlan, top: i64, out: &mut String) {
        let middle = top + 16 + BAR / 2;
        let _ = writeln!(
            out,
            "<text x=\"{MARGIN}\" y=\"{}\">{}</text>\
             <line x1=\"{}\" y1=\"{middle}\" x2=\"{}\" y2=\"{middle}\" stroke=\"{}\" stroke-width=\"2\"/>",
            top + 11,
            escaped(&day.rep),
            self.x(day.departure),
            self.x(day.arrival),
            colour(index)
        );
        let mut turn = 0;
        for step in &day.steps {
            let (fill, name, label) = match &step.what {
                Activity::Visit { stop } => {
                    turn += 1;
                    (colour(index), stop.as_str(), turn.to_string())
                }
                Activity::Break { .. } => ("#bbb", "break", String::new()),
            };
            let (x, end) = (self.x(step.start), self.x(step.departure));
            let wide = (end - x).max(1);
            let _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{BAR}\" fill=\"{fill}\"><title>{} {}</title></rect>\
                 <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#fff\">{label}</text>",
                top + 16,
                clock(step.start),
                escaped(name),
                x + wide / 2,
                middle + 4
            );
        }
    }
}
