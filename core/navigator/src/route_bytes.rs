//! The compact form in which a route is stored.
//!
//! `FFRT`, the version, a table of texts (each once), then the parts of the route with positions
//! and indices as differences. A point of a road takes about four bytes.

use crate::codec::{Reader, Writer};
use crate::draft::{MAX_POINTS, MAX_STEPS, from_e6};
use crate::route::{
    Banner, BannerLine, LimitRun, Route, RouteSource, Spoken, Step, Waypoint, WaypointKind,
};
use crate::{BytesError, DrivingSide, Manoeuvre, ManoeuvreKind, RouteError, SpeedLimit, Turn};
use fieldfare_model::{LatLng, LeadId};
use std::collections::BTreeMap;
use std::sync::Arc;

const MARK: [u8; 4] = *b"FFRT";
const VERSION: u8 = 1;

impl Route {
    /// The route as bytes, the same bytes for the same route everywhere.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new(MARK, VERSION);
        let texts = Texts::of(self);
        out.count(texts.list.len());
        for text in &texts.list {
            out.blob(text.as_bytes());
        }
        out.byte(match self.source {
            RouteSource::Own => 0,
            RouteSource::Osrm => 1,
            RouteSource::Valhalla => 2,
            RouteSource::GraphHopper => 3,
        });
        texts.write(&mut out, &self.language);
        write_path(&mut out, &self.path);
        write_steps(&mut out, &texts, &self.steps);
        write_legs(&mut out, &self.legs);
        write_waypoints(&mut out, &self.waypoints);
        write_spoken(&mut out, &texts, &self.spoken);
        write_banners(&mut out, &texts, &self.banners);
        write_limits(&mut out, &self.limits);
        out.finish()
    }

    /// Reads a route from its bytes. Survives any bytes, and asks for no more memory than a small
    /// multiple of their number.
    ///
    /// # Errors
    /// [`RouteError::Bytes`] if they are not a whole route, or of a newer version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RouteError> {
        let mut r = Reader::open(bytes, MARK, VERSION)?;
        let texts = read_texts(&mut r)?;
        let source = match r.byte()? {
            0 => RouteSource::Own,
            1 => RouteSource::Osrm,
            2 => RouteSource::Valhalla,
            3 => RouteSource::GraphHopper,
            _ => return Err(BytesError::Value { field: "source" }.into()),
        };
        let language = read_text(&mut r, &texts)?;
        let path = read_path(&mut r)?;
        let steps = read_steps(&mut r, &texts, path.len())?;
        let legs = read_legs(&mut r, steps.len())?;
        let waypoints = read_waypoints(&mut r, path.len())?;
        let spoken = read_spoken(&mut r, &texts, steps.len())?;
        let banners = read_banners(&mut r, &texts, steps.len())?;
        let limits = read_limits(&mut r, path.len())?;
        r.close()?;
        Ok(Self {
            source,
            language,
            path,
            steps,
            legs,
            waypoints,
            spoken,
            banners,
            limits,
        })
    }
}

/// Every text of a route once, in order of first use.
struct Texts<'a> {
    list: Vec<&'a str>,
    places: BTreeMap<&'a str, usize>,
}

impl<'a> Texts<'a> {
    fn of(route: &'a Route) -> Self {
        let mut texts = Self {
            list: Vec::new(),
            places: BTreeMap::new(),
        };
        texts.add(&route.language);
        for step in &route.steps {
            for text in [&step.text, &step.road, &step.reference, &step.destinations] {
                texts.add(text);
            }
        }
        for spoken in &route.spoken {
            texts.add(&spoken.text);
            texts.add(&spoken.ssml);
        }
        for banner in &route.banners {
            texts.add(&banner.primary.text);
            if let Some(line) = &banner.secondary {
                texts.add(&line.text);
            }
        }
        texts
    }

    fn add(&mut self, text: &'a str) {
        let next = self.list.len();
        if *self.places.entry(text).or_insert(next) == next {
            self.list.push(text);
        }
    }

    fn write(&self, out: &mut Writer, text: &str) {
        out.count(self.places.get(text).copied().unwrap_or(0));
    }
}

type SharedTexts = [Arc<str>];

fn read_texts(r: &mut Reader<'_>) -> Result<Vec<Arc<str>>, BytesError> {
    r.list(1, |r| {
        let text = std::str::from_utf8(r.blob()?);
        text.map(Arc::from)
            .map_err(|_| BytesError::Value { field: "text" })
    })
}

/// Texts are shared in memory as they are in the bytes, so that no file can blow them up.
fn read_text(r: &mut Reader<'_>, texts: &SharedTexts) -> Result<Arc<str>, BytesError> {
    let index: usize = r.small("text")?;
    let text = texts.get(index);
    text.cloned().ok_or(BytesError::Value { field: "text" })
}

fn write_path(out: &mut Writer, path: &[LatLng]) {
    out.count(path.len());
    let mut before = (0, 0);
    for at in path {
        let now = (at.lat_e7() / 10, at.lon_e7() / 10);
        out.signed(now.0 - before.0);
        out.signed(now.1 - before.1);
        before = now;
    }
}

fn read_path(r: &mut Reader<'_>) -> Result<Vec<LatLng>, RouteError> {
    let (mut lat, mut lon) = (0i64, 0i64);
    let count = r.count(2)?;
    if count == 0 || count > MAX_POINTS {
        return Err(BytesError::Value { field: "path" }.into());
    }
    let mut path: Vec<LatLng> = Vec::with_capacity(count);
    for _ in 0..count {
        lat = lat.saturating_add(r.signed()?);
        lon = lon.saturating_add(r.signed()?);
        let at = from_e6(lat, lon)?;
        if path.last() == Some(&at) {
            return Err(BytesError::Value { field: "path" }.into());
        }
        path.push(at);
    }
    Ok(path)
}

fn write_steps(out: &mut Writer, texts: &Texts<'_>, steps: &[Step]) {
    out.count(steps.len());
    for step in steps {
        out.number(step.last - step.first);
        out.number(step.duration_ms);
        write_manoeuvre(out, &step.manoeuvre);
        for text in [&step.text, &step.road, &step.reference, &step.destinations] {
            texts.write(out, text);
        }
        out.option(step.side, |out, side| out.byte(side.code()));
    }
}

fn read_steps(
    r: &mut Reader<'_>,
    texts: &SharedTexts,
    points: usize,
) -> Result<Vec<Step>, BytesError> {
    let mut first = 0u32;
    let steps = r.list(12, |r| {
        let length: u32 = r.small("step")?;
        let last = first
            .checked_add(length)
            .filter(|last| (*last as usize) < points)
            .ok_or(BytesError::Value { field: "step" })?;
        let step = Step {
            first,
            last,
            duration_ms: r.small("duration")?,
            manoeuvre: read_manoeuvre(r)?,
            text: read_text(r, texts)?,
            road: read_text(r, texts)?,
            reference: read_text(r, texts)?,
            destinations: read_text(r, texts)?,
            side: r.option("side", |r| read_code(r, "side", DrivingSide::from_code))?,
        };
        first = last;
        Ok(step)
    })?;
    let whole = first as usize + 1 == points;
    if steps.is_empty() || steps.len() > MAX_STEPS || !whole {
        return Err(BytesError::Value { field: "step" });
    }
    Ok(steps)
}

fn read_code<T>(
    r: &mut Reader<'_>,
    field: &'static str,
    from_code: impl Fn(u8) -> Option<T>,
) -> Result<T, BytesError> {
    from_code(r.byte()?).ok_or(BytesError::Value { field })
}

fn write_manoeuvre(out: &mut Writer, manoeuvre: &Manoeuvre) {
    out.byte(manoeuvre.kind.code());
    out.option(manoeuvre.turn, |out, turn| out.byte(turn.code()));
    out.option(manoeuvre.exit, Writer::byte);
    out.number(manoeuvre.bearing_before);
    out.number(manoeuvre.bearing_after);
}

fn read_manoeuvre(r: &mut Reader<'_>) -> Result<Manoeuvre, BytesError> {
    Ok(Manoeuvre {
        kind: read_code(r, "manoeuvre", ManoeuvreKind::from_code)?,
        turn: r.option("turn", |r| read_code(r, "turn", Turn::from_code))?,
        exit: r.option("exit", Reader::byte)?,
        bearing_before: r.small("bearing")?,
        bearing_after: r.small("bearing")?,
    })
}

fn write_legs(out: &mut Writer, legs: &[u32]) {
    out.count(legs.len());
    let mut before = 0;
    for end in legs {
        out.number(end - before);
        before = *end;
    }
}

fn read_legs(r: &mut Reader<'_>, steps: usize) -> Result<Vec<u32>, BytesError> {
    const BAD: BytesError = BytesError::Value { field: "leg" };
    let mut end = 0u32;
    let legs = r.list(1, |r| {
        let length: u32 = r.small("leg")?;
        end = end.checked_add(length).filter(|_| length > 0).ok_or(BAD)?;
        Ok(end)
    })?;
    if legs.is_empty() || end as usize != steps {
        return Err(BAD);
    }
    Ok(legs)
}

fn write_waypoints(out: &mut Writer, waypoints: &[Waypoint]) {
    out.count(waypoints.len());
    let mut before = 0;
    for place in waypoints {
        out.flag(place.kind == WaypointKind::Break);
        out.signed(place.position.lat_e7() / 10);
        out.signed(place.position.lon_e7() / 10);
        out.number(place.point - before);
        out.option(place.lead, |out, lead| out.raw(lead.as_bytes()));
        out.number(place.service_s);
        before = place.point;
    }
}

fn read_waypoints(r: &mut Reader<'_>, points: usize) -> Result<Vec<Waypoint>, RouteError> {
    let count = r.count(6)?;
    let mut waypoints = Vec::new();
    let mut point = 0u32;
    for _ in 0..count {
        let kind = if r.flag("waypoint")? {
            WaypointKind::Break
        } else {
            WaypointKind::Via
        };
        let position = from_e6(r.signed()?, r.signed()?)?;
        point = point
            .checked_add(r.small("waypoint")?)
            .filter(|point| (*point as usize) < points)
            .ok_or(BytesError::Value { field: "waypoint" })?;
        waypoints.push(Waypoint {
            kind,
            position,
            point,
            lead: r.option("lead", |r| Ok(LeadId::from_bytes(r.array()?)))?,
            service_s: r.small("service")?,
        });
    }
    let ends = [waypoints.first(), waypoints.last()];
    let breaks = ends
        .iter()
        .flatten()
        .all(|place| place.kind == WaypointKind::Break);
    if waypoints.len() < 2 || !breaks {
        return Err(BytesError::Value { field: "waypoint" }.into());
    }
    Ok(waypoints)
}

fn write_spoken(out: &mut Writer, texts: &Texts<'_>, spoken: &[Spoken]) {
    out.count(spoken.len());
    let mut before = 0;
    for words in spoken {
        out.number(words.step - before);
        out.number(words.before_end_dm);
        texts.write(out, &words.text);
        texts.write(out, &words.ssml);
        before = words.step;
    }
}

/// Reads the step something belongs to, written as a difference.
fn read_step(r: &mut Reader<'_>, step: &mut u32, steps: usize) -> Result<u32, BytesError> {
    *step = step
        .checked_add(r.small("step")?)
        .filter(|step| (*step as usize) < steps)
        .ok_or(BytesError::Value { field: "step" })?;
    Ok(*step)
}

fn read_spoken(
    r: &mut Reader<'_>,
    texts: &SharedTexts,
    steps: usize,
) -> Result<Vec<Spoken>, BytesError> {
    let mut step = 0;
    r.list(4, |r| {
        Ok(Spoken {
            step: read_step(r, &mut step, steps)?,
            before_end_dm: r.small("distance")?,
            text: read_text(r, texts)?,
            ssml: read_text(r, texts)?,
        })
    })
}

fn write_banners(out: &mut Writer, texts: &Texts<'_>, banners: &[Banner]) {
    out.count(banners.len());
    let mut before = 0;
    for banner in banners {
        out.number(banner.step - before);
        out.number(banner.before_end_dm);
        write_line(out, texts, &banner.primary);
        out.option(banner.secondary.as_ref(), |out, line| {
            write_line(out, texts, line);
        });
        before = banner.step;
    }
}

fn read_banners(
    r: &mut Reader<'_>,
    texts: &SharedTexts,
    steps: usize,
) -> Result<Vec<Banner>, BytesError> {
    let mut step = 0;
    r.list(7, |r| {
        Ok(Banner {
            step: read_step(r, &mut step, steps)?,
            before_end_dm: r.small("distance")?,
            primary: read_line(r, texts)?,
            secondary: r.option("banner", |r| read_line(r, texts))?,
        })
    })
}

fn write_line(out: &mut Writer, texts: &Texts<'_>, line: &BannerLine) {
    texts.write(out, &line.text);
    out.option(line.kind, |out, kind| out.byte(kind.code()));
    out.option(line.turn, |out, turn| out.byte(turn.code()));
    out.option(line.roundabout_deg, Writer::number);
}

fn read_line(r: &mut Reader<'_>, texts: &SharedTexts) -> Result<BannerLine, BytesError> {
    Ok(BannerLine {
        text: read_text(r, texts)?,
        kind: r.option("manoeuvre", |r| {
            read_code(r, "manoeuvre", ManoeuvreKind::from_code)
        })?,
        turn: r.option("turn", |r| read_code(r, "turn", Turn::from_code))?,
        roundabout_deg: r.option("roundabout", |r| r.small("roundabout"))?,
    })
}

fn write_limits(out: &mut Writer, limits: &[LimitRun]) {
    out.count(limits.len());
    let mut before = 0;
    for run in limits {
        out.number(run.point - before);
        match run.limit {
            None => out.byte(0),
            Some(SpeedLimit::Unlimited) => out.byte(1),
            Some(SpeedLimit::Kmh(speed)) => {
                out.byte(2);
                out.number(speed);
            }
            Some(SpeedLimit::Mph(speed)) => {
                out.byte(3);
                out.number(speed);
            }
        }
        before = run.point;
    }
}

fn read_limits(r: &mut Reader<'_>, points: usize) -> Result<Vec<LimitRun>, BytesError> {
    const BAD: BytesError = BytesError::Value {
        field: "speed limit",
    };
    let mut point = 0u32;
    r.list(2, |r| {
        point = point
            .checked_add(r.small("speed limit")?)
            .filter(|point| (*point as usize) < points)
            .ok_or(BAD)?;
        let limit = match r.byte()? {
            0 => None,
            1 => Some(SpeedLimit::Unlimited),
            2 => Some(SpeedLimit::Kmh(r.small("speed limit")?)),
            3 => Some(SpeedLimit::Mph(r.small("speed limit")?)),
            _ => return Err(BAD),
        };
        Ok(LimitRun { point, limit })
    })
}
