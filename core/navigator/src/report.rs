//! The answer to a fix.

use crate::vector::{Course, Frame, Vector};
use crate::{
    CourseFix, Deviation, DeviationKind, Event, FixQuality, Phase, Progress, RejoinHint,
    RouteSession, Snapped, Update,
};
use fieldfare_model::TimestampMs;

impl RouteSession {
    pub(crate) fn report(
        &self,
        fix: &CourseFix,
        quality: FixQuality,
        events: Vec<Event>,
    ) -> Update {
        let state = &self.state;
        let following = state.phase == Phase::Navigating && state.located;
        let off = state.watch.kind == Some(DeviationKind::OffRoute);
        let lost = off || state.phase == Phase::Joining;
        Update {
            phase: state.phase,
            quality,
            position: fix.fix.position,
            snapped: if following && !off {
                self.snapped()
            } else {
                None
            },
            progress: following.then(|| self.progress(fix.fix.at)),
            deviation: state
                .watch
                .kind
                .filter(|_| following)
                .map(|kind| Deviation {
                    kind,
                    offset_m: state.watch.offset,
                    for_ms: state.watch.lasting_ms(),
                }),
            rejoin: if lost { self.rejoin_hint(fix) } else { None },
            events,
        }
    }

    fn snapped(&self) -> Option<Snapped> {
        let track = &self.itinerary.track;
        Some(Snapped {
            position: track.place(self.state.along)?,
            course_deg: track.course_at(self.state.along).map(Course::degrees),
            offset_m: self.state.offset,
            along_m: self.state.along,
            confidence: self.state.confidence,
        })
    }

    fn progress(&self, now: TimestampMs) -> Progress {
        let state = &self.state;
        let itinerary = &self.itinerary;
        let step = state.step;
        let here = itinerary.time_at(state.along, step);
        let last_stop = itinerary.route().waypoints().len() - 1;
        let next_stop = state.next_stop(itinerary).unwrap_or(last_stop);
        let gate = itinerary.waypoint_at(next_stop);
        let left = |to: f64| {
            let planned = itinerary.time_at_any(to) - here;
            state.pace.remaining_ms(planned.max(0.0))
        };
        let remaining = left(itinerary.length_m());
        let stays = itinerary.stays_between(next_stop, last_stop);
        Progress {
            step,
            leg: state.leg,
            to_manoeuvre_m: (itinerary.step_end(step) - state.along).max(0.0),
            remaining_m: itinerary.length_m() - state.along,
            remaining_ms: remaining as i64,
            eta: now.plus((remaining + stays) as i64),
            next_stop,
            to_stop_m: (gate - state.along).max(0.0),
            stop_eta: now.plus(left(gate) as i64),
            banner: state.banner,
            speed_limit: itinerary.limit_at(itinerary.track.segment_at(state.along)),
        }
    }

    /// The nearest place of the route, but none that has been passed if one ahead is not much
    /// farther.
    fn rejoin_hint(&self, fix: &CourseFix) -> Option<RejoinHint> {
        let frame = Frame::at(fix.fix.position);
        let itinerary = &self.itinerary;
        let nearest = itinerary.track.nearest(&frame)?;
        let behind = nearest.along < self.state.along;
        let along = if behind {
            self.state.along
        } else {
            nearest.along
        };
        let place = itinerary.track.vector_at(along)?;
        let flat = frame.flat(place);
        Some(RejoinHint {
            position: place.position()?,
            distance_m: Vector::metres_to(frame.up, unit(place)),
            bearing_deg: Course::of(flat.east, flat.north).map_or(0.0, Course::degrees),
            remaining_m: itinerary.length_m() - along,
        })
    }
}

/// A place between two points of the route lies a little below the ground.
fn unit(place: Vector) -> Vector {
    place.times(1.0 / place.length().max(f64::MIN_POSITIVE))
}
