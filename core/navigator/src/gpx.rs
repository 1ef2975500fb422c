//! Reading drives from GPX files.

use crate::CourseFix;
use fieldfare_geo::{bearing_deg, distance_m};
use fieldfare_model::{Fix, LatLng, TimestampMs};
use roxmltree::{Document, Node};

/// What to assume where a file is silent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GpxOptions {
    /// Accuracy of points that do not say theirs, metres.
    pub accuracy_m: f64,
    /// Metres of accuracy for one unit of horizontal dilution, where a point has that.
    pub metres_per_hdop: f64,
    /// Speed along a track without times, metres per second: it is then read as a fix a second.
    pub speed_mps: f64,
    /// When a track without times begins.
    pub start_at: TimestampMs,
}

impl Default for GpxOptions {
    fn default() -> Self {
        Self {
            accuracy_m: 8.0,
            metres_per_hdop: 5.0,
            speed_mps: 10.0,
            start_at: TimestampMs(0),
        }
    }
}

/// Why a GPX file could not be read. The text carries no position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GpxError {
    /// The file is larger than 64 MB.
    #[error("the file is larger than 64 MB: cut it into pieces")]
    TooLarge,
    /// The file is not XML in UTF-8.
    #[error("not XML in UTF-8 near line {line}")]
    Xml {
        /// Line, from 1.
        line: u32,
    },
    /// The file has no track and no route.
    #[error("no track points (trkpt) and no route points (rtept): is this a GPX file?")]
    NoPoints,
    /// A point has no position, or one that is not on Earth.
    #[error("point {index} has no latitude and longitude in range")]
    Position {
        /// Which point, from 1.
        index: usize,
    },
    /// A time is not of the form of RFC 3339.
    #[error("point {index} has a time that is not like 2026-05-04T08:00:00Z")]
    Time {
        /// Which point, from 1.
        index: usize,
    },
    /// The options make no sense.
    #[error("speed_mps and accuracy_m must be above 0")]
    Options,
}

const LARGEST: usize = 64 << 20;
/// A track without times becomes at most this many fixes.
const MOST_FIXES: usize = 2_000_000;

/// Reads the points of all tracks in a GPX file, or of its routes if it has no tracks, in order.
///
/// Points without a time are taken to be driven at an even speed, a fix a second. Speeds and
/// courses are taken from the file (GPX 1.0, or Garmin's extension), else left open.
///
/// # Errors
/// [`GpxError`] saying which point is wrong.
pub fn read_gpx(file: &[u8], options: &GpxOptions) -> Result<Vec<CourseFix>, GpxError> {
    if file.len() > LARGEST {
        return Err(GpxError::TooLarge);
    }
    let sensible = |number: f64| number > 0.0 && number < 1e6;
    if !sensible(options.speed_mps) || !sensible(options.accuracy_m) {
        return Err(GpxError::Options);
    }
    let text = std::str::from_utf8(file).map_err(|_| GpxError::Xml { line: 1 })?;
    let document = Document::parse(text).map_err(|error| GpxError::Xml {
        line: error.pos().row,
    })?;
    let mut points = points(&document, "trkpt", options)?;
    if points.is_empty() {
        points = self::points(&document, "rtept", options)?;
    }
    if points.is_empty() {
        return Err(GpxError::NoPoints);
    }
    if points.iter().all(|point| point.at.is_some()) {
        return Ok(points.iter().map(Point::fix).collect());
    }
    Ok(evenly(&points, options))
}

struct Point {
    position: LatLng,
    at: Option<TimestampMs>,
    accuracy_m: f64,
    speed_mps: Option<f64>,
    course_deg: Option<f64>,
}

impl Point {
    fn fix(&self) -> CourseFix {
        CourseFix {
            fix: Fix {
                position: self.position,
                at: self.at.unwrap_or_default(),
                accuracy_m: self.accuracy_m,
                speed_mps: self.speed_mps,
            },
            course_deg: self.course_deg,
        }
    }
}

fn points(
    document: &Document<'_>,
    name: &str,
    options: &GpxOptions,
) -> Result<Vec<Point>, GpxError> {
    let nodes = document.descendants();
    nodes
        .filter(|node| node.tag_name().name() == name)
        .enumerate()
        .map(|(i, node)| point(node, i + 1, options))
        .collect()
}

fn point(node: Node<'_, '_>, index: usize, options: &GpxOptions) -> Result<Point, GpxError> {
    let degrees = |name| node.attribute(name).and_then(|text| text.parse().ok());
    let position = degrees("lat").zip(degrees("lon"));
    let position = position.and_then(|(lat, lon)| LatLng::new(lat, lon).ok());
    let hdop = number(node, "hdop").filter(|hdop| *hdop > 0.0);
    Ok(Point {
        position: position.ok_or(GpxError::Position { index })?,
        at: time(node, index)?,
        accuracy_m: hdop.map_or(options.accuracy_m, |hdop| hdop * options.metres_per_hdop),
        speed_mps: number(node, "speed"),
        course_deg: number(node, "course"),
    })
}

/// A number in an element below a point, at any depth: extensions nest.
fn number(node: Node<'_, '_>, name: &str) -> Option<f64> {
    let mut below = node.descendants();
    let element = below.find(|child| child.tag_name().name() == name)?;
    let number: f64 = element.text()?.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

fn time(node: Node<'_, '_>, index: usize) -> Result<Option<TimestampMs>, GpxError> {
    let element = node.children().find(|c| c.tag_name().name() == "time");
    let Some(text) = element.and_then(|element| element.text()) else {
        return Ok(None);
    };
    let moment: jiff::Timestamp = text.trim().parse().map_err(|_| GpxError::Time { index })?;
    Ok(Some(TimestampMs(moment.as_millisecond())))
}

/// A fix a second along straight lines between the points.
fn evenly(points: &[Point], options: &GpxOptions) -> Vec<CourseFix> {
    let mut fixes = Vec::new();
    let mut at = options.start_at;
    let mut put = |position: LatLng, near: &Point, course_deg: Option<f64>| {
        if fixes.len() < MOST_FIXES {
            fixes.push(CourseFix {
                fix: Fix {
                    position,
                    at,
                    accuracy_m: near.accuracy_m,
                    speed_mps: Some(options.speed_mps),
                },
                course_deg,
            });
        }
        at = at.plus(1000);
    };
    let mut left = 0.0;
    for pair in points.windows(2) {
        let [from, to] = pair else { continue };
        let length = distance_m(from.position, to.position);
        let course = (length > 0.0).then(|| bearing_deg(from.position, to.position));
        let mut done = left;
        while done < length {
            let bearing = course.unwrap_or(0.0);
            let place = fieldfare_geo::destination(from.position, bearing, done);
            put(place.unwrap_or(from.position), from, course);
            done += options.speed_mps;
        }
        left = done - length;
    }
    if let Some(last) = points.last() {
        put(last.position, last, None);
    }
    fixes
}

/// Writes fixes as a GPX 1.1 track, with accuracy as dilution, and speed and course in Garmin's
/// extension, so that [`read_gpx`] reads them back to the centimetre and tenth.
pub fn write_gpx(fixes: &[CourseFix]) -> String {
    let points: String = fixes.iter().map(gpx_point).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <gpx version=\"1.1\" creator=\"fieldfare\" xmlns=\"http://www.topografix.com/GPX/1/1\" \
         xmlns:tp=\"http://www.garmin.com/xmlschemas/TrackPointExtension/v2\">\n\
         <trk><trkseg>\n{points}</trkseg></trk>\n</gpx>\n"
    )
}

fn gpx_point(fix: &CourseFix) -> String {
    let (at, position) = (fix.fix.at, fix.fix.position);
    let time = jiff::Timestamp::from_millisecond(at.0)
        .map_or(String::new(), |t| format!("<time>{t}</time>"));
    let dilution = fix.fix.accuracy_m / GpxOptions::default().metres_per_hdop;
    let hdop = number_element("hdop", Some(dilution));
    let speed = number_element("tp:speed", fix.fix.speed_mps);
    let course = number_element("tp:course", fix.course_deg);
    let extension = if speed.is_empty() && course.is_empty() {
        String::new()
    } else {
        format!(
            "<extensions><tp:TrackPointExtension>{speed}{course}</tp:TrackPointExtension></extensions>"
        )
    };
    format!(
        "<trkpt lat=\"{:.7}\" lon=\"{:.7}\">{time}{hdop}{extension}</trkpt>\n",
        position.lat(),
        position.lon()
    )
}

fn number_element(name: &str, number: Option<f64>) -> String {
    match number.filter(|n| n.is_finite()) {
        Some(number) => format!("<{name}>{number:.2}</{name}>"),
        None => String::new(),
    }
}
