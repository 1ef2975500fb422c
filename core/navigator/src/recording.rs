//! Recordings of drives, to be replayed. Nothing records by itself: who wants one, keeps a
//! [`Recording`] and notes what it feeds to the session.

use crate::codec::{Reader, Writer};
use crate::config_bytes::{read_config, write_config};
use crate::session_bytes::read_place;
use crate::vector::{Frame, Vector};
use crate::{
    BytesError, ConfigError, CourseFix, Event, FollowConfig, Itinerary, Route, RouteError,
    RouteSession, Update,
};
use fieldfare_model::{Fix, LatLng, TimestampMs};
use std::sync::Arc;

const MARK: [u8; 4] = *b"FFRR";
const VERSION: u8 = 1;

/// What was done to a session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Entry {
    /// [`RouteSession::start`].
    Start(TimestampMs),
    /// [`RouteSession::update`].
    Fix(CourseFix),
    /// [`RouteSession::pause`].
    Pause,
    /// [`RouteSession::resume`].
    Resume,
    /// [`RouteSession::stop`].
    Stop(TimestampMs),
    /// [`RouteSession::advance`].
    Advance,
    /// [`RouteSession::skip_stop`].
    SkipStop,
}

/// A drive: the route, how it was followed, and everything done to the session, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The route.
    pub route: Route,
    /// How it was followed.
    pub config: FollowConfig,
    /// What was done.
    pub entries: Vec<Entry>,
}

/// What an entry gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The answer to a fix.
    pub update: Option<Update>,
    /// What happened by hand.
    pub by_hand: Vec<Event>,
}

impl Recording {
    /// A recording of a session that has not started.
    pub fn of(session: &RouteSession) -> Self {
        Self {
            route: session.itinerary().route().clone(),
            config: session.config().clone(),
            entries: Vec::new(),
        }
    }

    /// Does it all again, and gives what came of each entry.
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration makes no sense.
    pub fn replay(&self) -> Result<Vec<Replayed>, ConfigError> {
        let itinerary = Arc::new(Itinerary::new(self.route.clone()));
        let mut session = RouteSession::new(itinerary, self.config.clone())?;
        Ok(self
            .entries
            .iter()
            .map(|e| apply(&mut session, e))
            .collect())
    }

    /// The recording as bytes; the same recording gives the same bytes everywhere.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new(MARK, VERSION);
        out.blob(&self.route.to_bytes());
        write_config(&mut out, &self.config);
        out.count(self.entries.len());
        for entry in &self.entries {
            write_entry(&mut out, entry);
        }
        out.finish()
    }

    /// Reads a recording. Survives any bytes.
    ///
    /// # Errors
    /// [`RouteError::Bytes`] if they are not a whole recording, or of a newer version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RouteError> {
        let mut r = Reader::open(bytes, MARK, VERSION)?;
        let route = Route::from_bytes(r.blob()?)?;
        let config = read_config(&mut r)?;
        let entries = r.list(1, read_entry)?;
        r.close()?;
        Ok(Self {
            route,
            config,
            entries,
        })
    }

    /// The recording without what says where and when it was: moved to where the equator meets the
    /// prime meridian, begun in 1970, without texts, names and leads. It replays the same but for
    /// roundings of some centimetres. The shape of the roads stays, and who has a map and much
    /// patience may still recognise it: ask before it leaves the phone.
    pub fn redacted(&self) -> Self {
        let origin = self.route.path.first().copied();
        let frame = origin.map(Frame::at);
        let first = self.entries.iter().find_map(time_of);
        let start = first.unwrap_or_default();
        Self {
            route: redacted_route(&self.route, frame.as_ref()),
            config: self.config.clone(),
            entries: self
                .entries
                .iter()
                .map(|entry| redacted_entry(entry, frame.as_ref(), start))
                .collect(),
        }
    }
}

fn apply(session: &mut RouteSession, entry: &Entry) -> Replayed {
    let mut given = Replayed {
        update: None,
        by_hand: Vec::new(),
    };
    match entry {
        Entry::Fix(fix) => given.update = Some(session.update(fix)),
        Entry::Advance => given.by_hand = session.advance(),
        Entry::SkipStop => given.by_hand = session.skip_stop(),
        Entry::Start(at) => session.start(*at),
        Entry::Pause => session.pause(),
        Entry::Resume => session.resume(),
        Entry::Stop(at) => session.stop(*at),
    }
    given
}

fn write_entry(out: &mut Writer, entry: &Entry) {
    match entry {
        Entry::Start(at) => {
            out.byte(0);
            out.signed(at.0);
        }
        Entry::Fix(fix) => {
            out.byte(1);
            write_fix(out, fix);
        }
        Entry::Pause => out.byte(2),
        Entry::Resume => out.byte(3),
        Entry::Stop(at) => {
            out.byte(4);
            out.signed(at.0);
        }
        Entry::Advance => out.byte(5),
        Entry::SkipStop => out.byte(6),
    }
}

fn read_entry(r: &mut Reader<'_>) -> Result<Entry, BytesError> {
    Ok(match r.byte()? {
        0 => Entry::Start(TimestampMs(r.signed()?)),
        1 => Entry::Fix(read_fix(r)?),
        2 => Entry::Pause,
        3 => Entry::Resume,
        4 => Entry::Stop(TimestampMs(r.signed()?)),
        5 => Entry::Advance,
        6 => Entry::SkipStop,
        _ => return Err(BytesError::Value { field: "entry" }),
    })
}

/// Whatever came from the platform comes back, NaN and infinities too.
fn write_fix(out: &mut Writer, fix: &CourseFix) {
    out.float(fix.fix.position.lat());
    out.float(fix.fix.position.lon());
    out.signed(fix.fix.at.0);
    out.float(fix.fix.accuracy_m);
    out.option(fix.fix.speed_mps, Writer::float);
    out.option(fix.course_deg, Writer::float);
}

fn read_fix(r: &mut Reader<'_>) -> Result<CourseFix, BytesError> {
    Ok(CourseFix {
        fix: Fix {
            position: read_place(r)?,
            at: TimestampMs(r.signed()?),
            accuracy_m: r.any_float()?,
            speed_mps: r.option("speed", Reader::any_float)?,
        },
        course_deg: r.option("course", Reader::any_float)?,
    })
}

fn time_of(entry: &Entry) -> Option<TimestampMs> {
    match entry {
        Entry::Start(at) | Entry::Stop(at) => Some(*at),
        Entry::Fix(fix) => Some(fix.fix.at),
        _ => None,
    }
}

/// Turns the Earth so that the origin of a frame comes to lie at 0, 0, north staying north.
fn moved(at: LatLng, frame: Option<&Frame>) -> LatLng {
    let turned = frame.and_then(|frame| frame.turned(Vector::from(at)).position());
    turned.unwrap_or(at)
}

fn redacted_entry(entry: &Entry, frame: Option<&Frame>, start: TimestampMs) -> Entry {
    let later = |at: TimestampMs| TimestampMs(at.since(start));
    match entry {
        Entry::Start(at) => Entry::Start(later(*at)),
        Entry::Stop(at) => Entry::Stop(later(*at)),
        Entry::Fix(fix) => Entry::Fix(CourseFix {
            fix: Fix {
                position: moved(fix.fix.position, frame),
                at: later(fix.fix.at),
                ..fix.fix
            },
            course_deg: fix.course_deg,
        }),
        other => *other,
    }
}

fn redacted_route(route: &Route, frame: Option<&Frame>) -> Route {
    let mut bare = route.clone();
    let nothing: Arc<str> = "".into();
    for at in &mut bare.path {
        *at = moved(*at, frame);
    }
    for step in &mut bare.steps {
        step.text = nothing.clone();
        step.road = nothing.clone();
        step.reference = nothing.clone();
        step.destinations = nothing.clone();
    }
    for place in &mut bare.waypoints {
        place.position = moved(place.position, frame);
        place.lead = None;
    }
    for spoken in &mut bare.spoken {
        spoken.text = nothing.clone();
        spoken.ssml = nothing.clone();
    }
    for banner in &mut bare.banners {
        banner.primary.text = nothing.clone();
        if let Some(line) = &mut banner.secondary {
            line.text = nothing.clone();
        }
    }
    bare.language = nothing;
    bare.rounded()
}
