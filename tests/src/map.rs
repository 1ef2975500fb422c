//! A day in the field as an SVG picture.

use fieldfare_geo::LocalPlane;
use fieldfare_model::LatLng;
use std::fmt::Write as _;

/// What a mark on the map stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A lead of the territory.
    Lead,
    /// A lead the rep was alerted about.
    Alert,
    /// A lead that was visited.
    Visit,
    /// A lead that both sides edited.
    Conflict,
    /// A lead that was taken into the day.
    Added,
    /// A lead where nobody was.
    Closed,
}

impl Mark {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Lead, "lead"),
        (Self::Alert, "alert"),
        (Self::Visit, "visit"),
        (Self::Conflict, "edited on both sides"),
        (Self::Added, "taken in"),
        (Self::Closed, "closed"),
    ];

    const fn style(self) -> (&'static str, f64) {
        match self {
            Self::Lead => ("#9aa5b1", 3.0),
            Self::Alert | Self::Added => ("#e8a33d", 5.0),
            Self::Visit => ("#2f855a", 6.5),
            Self::Conflict | Self::Closed => ("#c53030", 6.5),
        }
    }
}

/// The picture's content.
#[derive(Debug, Clone, Default)]
pub struct DayMap {
    /// Headline.
    pub title: String,
    /// Line below it.
    pub subtitle: String,
    /// Leads with what happened; later ones are drawn on top.
    pub marks: Vec<(LatLng, Mark)>,
    /// Where the rep went.
    pub path: Vec<LatLng>,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 720.0;
const MARGIN: f64 = 40.0;
const HEAD: f64 = 70.0;

impl DayMap {
    /// Draws the map. Nothing to show gives an empty sheet.
    pub fn to_svg(&self) -> String {
        let view = View::around(self.path.iter().chain(self.marks.iter().map(|(at, _)| at)));
        let mut svg = String::new();
        self.draw(&mut svg, view.as_ref()).ok();
        svg
    }

    fn draw(&self, svg: &mut String, view: Option<&View>) -> std::fmt::Result {
        writeln!(
            svg,
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif"><rect width="{WIDTH}" height="{HEIGHT}" fill="#fbfaf7"/>"##
        )?;
        writeln!(
            svg,
            r##"<text x="{MARGIN}" y="34" font-size="20" font-weight="600" fill="#1f2933">{}</text><text x="{MARGIN}" y="56" font-size="13" fill="#52606d">{}</text>"##,
            escape(&self.title),
            escape(&self.subtitle)
        )?;
        if let Some(view) = view {
            self.draw_path(svg, view)?;
            self.draw_marks(svg, view)?;
            draw_scale(svg, view)?;
        }
        self.draw_legend(svg)?;
        writeln!(svg, "</svg>")
    }

    /// The kinds of marks on the map.
    fn draw_legend(&self, svg: &mut String) -> std::fmt::Result {
        let mut x = MARGIN;
        let is_shown = |kind: Mark| self.marks.iter().any(|(_, mark)| *mark == kind);
        for (mark, name) in Mark::ALL.into_iter().filter(|(mark, _)| is_shown(*mark)) {
            let (colour, radius) = mark.style();
            let y = HEIGHT - 18.0;
            writeln!(
                svg,
                r##"<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}"/><text x="{}" y="{}" font-size="12" fill="#52606d">{name}</text>"##,
                x + 12.0,
                y + 4.0
            )?;
            x += 40.0 + 7.0 * name.len() as f64;
        }
        Ok(())
    }

    fn draw_path(&self, svg: &mut String, view: &View) -> std::fmt::Result {
        write!(
            svg,
            r##"<polyline fill="none" stroke="#3b6fb6" stroke-width="2" stroke-linejoin="round" opacity="0.75" points=""##
        )?;
        for at in &self.path {
            let (x, y) = view.place(*at);
            write!(svg, "{x:.1},{y:.1} ")?;
        }
        writeln!(svg, r##""/>"##)
    }

    fn draw_marks(&self, svg: &mut String, view: &View) -> std::fmt::Result {
        for (at, mark) in &self.marks {
            let (x, y) = view.place(*at);
            let (colour, radius) = mark.style();
            writeln!(
                svg,
                r##"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{colour}" stroke="#fff" stroke-width="0.8"/>"##
            )?;
        }
        Ok(())
    }
}

fn draw_scale(svg: &mut String, view: &View) -> std::fmt::Result {
    let metres = [
        100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 25_000.0, 50_000.0,
    ]
    .into_iter()
    .rfind(|m| m * view.scale <= 200.0)
    .unwrap_or(100.0);
    let (x1, y) = (WIDTH - MARGIN, HEIGHT - 18.0);
    let x0 = x1 - metres * view.scale;
    let label = if metres < 1_000.0 {
        format!("{metres} m")
    } else {
        format!("{} km", metres / 1_000.0)
    };
    writeln!(
        svg,
        r##"<path d="M{x0:.1} {y} H{x1:.1}" stroke="#52606d" stroke-width="2"/><text x="{x1:.1}" y="{}" font-size="12" text-anchor="end" fill="#52606d">{label}</text>"##,
        y - 6.0
    )
}

/// From positions to the sheet: a plane at the middle, scaled to fit.
struct View {
    plane: LocalPlane,
    middle: (f64, f64),
    scale: f64,
}

impl View {
    fn around<'a>(points: impl Iterator<Item = &'a LatLng>) -> Option<Self> {
        let points: Vec<LatLng> = points.copied().collect();
        let plane = LocalPlane::at(*points.first()?);
        let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
        for (x, y) in points.iter().map(|at| plane.to_xy(*at)) {
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        }
        let (wide, tall) = ((high.0 - low.0).max(100.0), (high.1 - low.1).max(100.0));
        let room = (WIDTH - 2.0 * MARGIN, HEIGHT - HEAD - 2.0 * MARGIN);
        let scale = (room.0 / wide).min(room.1 / tall);
        let middle = ((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0);
        Some(Self {
            plane,
            middle,
            scale,
        })
    }

    fn place(&self, at: LatLng) -> (f64, f64) {
        let (x, y) = self.plane.to_xy(at);
        let centre_y = HEAD + (HEIGHT - HEAD - MARGIN) / 2.0;
        (
            WIDTH / 2.0 + (x - self.middle.0) * self.scale,
            centre_y - (y - self.middle.1) * self.scale,
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
