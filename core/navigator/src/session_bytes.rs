//! A session as bytes, so that following goes on after the process was killed.

use crate::codec::{Reader, Writer};
use crate::config_bytes::{read_config, write_config};
use crate::deviation::Watch;
use crate::eta::Pace;
use crate::state::{LastFix, Motion, State, StayState};
use crate::{BytesError, DeviationKind, Itinerary, Phase, RouteSession, TripSummary};
use fieldfare_model::{LatLng, TimestampMs};
use std::sync::Arc;

const MARK: [u8; 4] = *b"FFRS";
const VERSION: u8 = 1;

/// After a longer silence the place on the route is looked for anew, milliseconds.
const FRESH_MS: i64 = 30_000;

/// Why a session could not be taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The bytes are not a session.
    #[error("saved session: {0}")]
    Bytes(#[from] BytesError),
    /// It belongs to another route.
    #[error("the saved session follows another route: start a new one")]
    OtherRoute,
    /// Its last fix is older than allowed.
    #[error("the saved session is older than allowed: start a new one")]
    TooOld,
}

impl RouteSession {
    /// The session as some hundred bytes, without the route. Save it every few seconds and at each
    /// event; writing is cheap.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new(MARK, VERSION);
        out.raw(&self.itinerary.digest());
        write_config(&mut out, &self.config);
        write_state(&mut out, &self.state);
        out.finish()
    }

    /// Takes up a session again. If its last fix is not fresh, the place on the route is looked
    /// for anew, near the last one first; what has been said is not said again.
    ///
    /// # Errors
    /// [`RestoreError`] if the bytes are damaged or of a newer version, belong to another route, or
    /// the last fix is more than `max_age_ms` before `now`.
    pub fn from_bytes(
        itinerary: Arc<Itinerary>,
        bytes: &[u8],
        now: TimestampMs,
        max_age_ms: i64,
    ) -> Result<Self, RestoreError> {
        let mut r = Reader::open(bytes, MARK, VERSION)?;
        if r.array::<16>()? != itinerary.digest() {
            return Err(RestoreError::OtherRoute);
        }
        let config = read_config(&mut r)?;
        let state = read_state(&mut r, &itinerary)?;
        r.close()?;
        let last = state.motion.last.map(|last| last.at);
        let age = now.since(last.unwrap_or(state.summary.started_at));
        if state.phase != Phase::Idle && age > max_age_ms {
            return Err(RestoreError::TooOld);
        }
        let mut session = Self {
            itinerary,
            config,
            state,
        };
        if session.state.phase == Phase::Navigating && age > FRESH_MS {
            session.search_again();
        }
        Ok(session)
    }
}

fn write_state(out: &mut Writer, s: &State) {
    out.byte(phase_code(s.phase));
    out.flag(s.located);
    out.float(s.along);
    out.float(s.peak);
    out.count(s.step);
    out.count(s.leg);
    out.count(s.waypoint);
    out.number(s.entered);
    out.count(s.next_spoken);
    out.option(s.banner, Writer::count);
    out.number(s.pass);
    out.float(s.confidence);
    out.float(s.offset);
    write_watch(out, &s.watch);
    write_motion(out, &s.motion);
    out.float(s.pace.driven_ms);
    out.float(s.pace.planned_ms);
    out.option(s.stay, |out, stay| write_stay(out, &stay));
    out.signed(s.near_stop_ms);
    write_summary(out, &s.summary);
}

fn read_state(r: &mut Reader<'_>, itinerary: &Itinerary) -> Result<State, BytesError> {
    let route = itinerary.route();
    let state = State {
        phase: phase_of(r.byte()?)?,
        located: r.flag("located")?,
        along: r.float("place")?,
        peak: r.float("place")?,
        step: below(r, route.steps().len(), "step")?,
        leg: below(r, route.leg_count(), "leg")?,
        waypoint: below(r, route.waypoints().len() + 1, "waypoint")?,
        entered: r.small("step")?,
        next_spoken: below(r, route.spoken().len() + 1, "text")?,
        banner: r.option("banner", |r| below(r, route.banners().len(), "banner"))?,
        pass: r.small("pass")?,
        confidence: r.float("confidence")?,
        offset: r.float("offset")?,
        watch: read_watch(r)?,
        motion: read_motion(r)?,
        pace: Pace {
            driven_ms: r.float("pace")?,
            planned_ms: r.float("pace")?,
        },
        stay: r.option("stay", |r| read_stay(r, route.waypoints().len()))?,
        near_stop_ms: r.signed()?,
        beam: crate::joining::Beam::default(),
        summary: read_summary(r)?,
    };
    let on_route = 0.0..=itinerary.length_m();
    let in_leg = route.leg_steps(state.leg).contains(&state.step);
    let sound = on_route.contains(&state.along)
        && on_route.contains(&state.peak)
        && in_leg
        && state.waypoint >= 1
        && state.pace.driven_ms >= 0.0
        && state.pace.planned_ms >= 0.0;
    sound
        .then_some(state)
        .ok_or(BytesError::Value { field: "place" })
}

fn below(r: &mut Reader<'_>, bound: usize, field: &'static str) -> Result<usize, BytesError> {
    let value: usize = r.small(field)?;
    (value < bound)
        .then_some(value)
        .ok_or(BytesError::Value { field })
}

fn phase_code(phase: Phase) -> u8 {
    match phase {
        Phase::Idle => 0,
        Phase::Joining => 1,
        Phase::Navigating => 2,
        Phase::Paused => 3,
        Phase::Complete => 4,
    }
}

fn phase_of(code: u8) -> Result<Phase, BytesError> {
    Ok(match code {
        0 => Phase::Idle,
        1 => Phase::Joining,
        2 => Phase::Navigating,
        3 => Phase::Paused,
        4 => Phase::Complete,
        _ => return Err(BytesError::Value { field: "phase" }),
    })
}

fn write_watch(out: &mut Writer, w: &Watch) {
    out.byte(match w.kind {
        None => 0,
        Some(DeviationKind::OffRoute) => 1,
        Some(DeviationKind::WrongWay) => 2,
    });
    out.float(w.offset);
    out.number(w.off_fixes);
    out.signed(w.off_ms);
    out.float(w.off_threshold);
    out.number(w.vague_fixes);
    out.number(w.back_fixes);
    out.signed(w.back_ms);
    out.float(w.return_from);
    out.float(w.return_along);
    out.number(w.return_fixes);
}

fn read_watch(r: &mut Reader<'_>) -> Result<Watch, BytesError> {
    Ok(Watch {
        kind: match r.byte()? {
            0 => None,
            1 => Some(DeviationKind::OffRoute),
            2 => Some(DeviationKind::WrongWay),
            _ => return Err(BytesError::Value { field: "deviation" }),
        },
        offset: r.float("deviation")?,
        off_fixes: r.small("deviation")?,
        off_ms: r.signed()?,
        off_threshold: r.float("deviation")?,
        vague_fixes: r.small("deviation")?,
        back_fixes: r.small("deviation")?,
        back_ms: r.signed()?,
        return_from: r.float("deviation")?,
        return_along: r.float("deviation")?,
        return_fixes: r.small("deviation")?,
    })
}

fn write_place(out: &mut Writer, at: LatLng) {
    out.float(at.lat());
    out.float(at.lon());
}

pub(crate) fn read_place(r: &mut Reader<'_>) -> Result<LatLng, BytesError> {
    let (lat, lon) = (r.float("position")?, r.float("position")?);
    LatLng::new(lat, lon).map_err(|_| BytesError::Value { field: "position" })
}

fn write_last(out: &mut Writer, last: LastFix) {
    write_place(out, last.position);
    out.signed(last.at.0);
    out.float(last.accuracy);
    out.float(last.speed);
}

fn read_last(r: &mut Reader<'_>) -> Result<LastFix, BytesError> {
    Ok(LastFix {
        position: read_place(r)?,
        at: TimestampMs(r.signed()?),
        accuracy: r.float("accuracy")?,
        speed: r.float("speed")?,
    })
}

fn write_motion(out: &mut Writer, m: &Motion) {
    out.option(m.last, write_last);
    out.option(m.jump, write_last);
    out.option(m.anchor, write_place);
    out.signed(m.anchored_ms);
    out.option(m.course_deg, Writer::float);
    out.float(m.anchor_speed);
    out.signed(m.unmatched_ms);
    out.float(m.unmatched_m);
}

fn read_motion(r: &mut Reader<'_>) -> Result<Motion, BytesError> {
    Ok(Motion {
        last: r.option("fix", read_last)?,
        jump: r.option("fix", read_last)?,
        anchor: r.option("fix", read_place)?,
        anchored_ms: r.signed()?,
        course_deg: r.option("course", |r| r.float("course"))?,
        anchor_speed: r.float("speed")?,
        unmatched_ms: r.signed()?,
        unmatched_m: r.float("way")?,
    })
}

fn write_stay(out: &mut Writer, s: &StayState) {
    out.count(s.stop);
    out.signed(s.arrived_at.0);
    out.signed(s.seen_at.0);
    out.signed(s.dwell_ms);
    out.flag(s.proposed);
    out.number(s.away);
    out.number(s.leaving);
}

fn read_stay(r: &mut Reader<'_>, waypoints: usize) -> Result<StayState, BytesError> {
    Ok(StayState {
        stop: below(r, waypoints, "stop")?,
        arrived_at: TimestampMs(r.signed()?),
        seen_at: TimestampMs(r.signed()?),
        dwell_ms: r.signed()?,
        proposed: r.flag("stay")?,
        away: r.small("stay")?,
        leaving: r.small("stay")?,
    })
}

fn write_summary(out: &mut Writer, s: &TripSummary) {
    out.signed(s.started_at.0);
    out.option(s.ended_at, |out, at| out.signed(at.0));
    out.float(s.raw_m);
    out.float(s.on_route_m);
    out.signed(s.moving_ms);
    out.signed(s.paused_ms);
    out.number(s.deviations);
}

fn read_summary(r: &mut Reader<'_>) -> Result<TripSummary, BytesError> {
    Ok(TripSummary {
        started_at: TimestampMs(r.signed()?),
        ended_at: r.option("end", |r| r.signed().map(TimestampMs))?,
        raw_m: r.float("summary")?,
        on_route_m: r.float("summary")?,
        moving_ms: r.signed()?,
        paused_ms: r.signed()?,
        deviations: r.small("summary")?,
    })
}
