//! The drive: along the road route, off it for a while, and on by another plan.

use super::morning::{Planned, line};
use super::people::ON_THE_WAY;
use super::{minutes, story};
use crate::demo::narrator::{Narrator, Step};
use crate::demo::phone::Phone;
use crate::demo::{DemoResult, tour};
use fieldfare_engine::{
    Clock, DayEvent, DayUpdate, FollowDay, NearDayQuery, NearLead, NewVisit, Phase, ReplannedDay,
    RouteAdvice, RouteEvent, RouteKind, RouteSession, RouteUpdate, StopWish, TripRecord,
};
use fieldfare_geo::distance_m;
use fieldfare_model::{Fix, LatLng, LeadId, TimestampMs, VisitOutcome};
use fieldfare_navigator::simulate::{Detour, DriveScript, Receiver, drive};
use fieldfare_navigator::{CourseFix, Itinerary, WaypointKind};
use std::collections::BTreeMap;

/// Visits along the road route; then the plan changes.
pub const BEFORE_REPLAN: usize = 4;
/// Playbook: leads within so many minutes of the route, and from this priority on.
pub const NEAR_MINUTES: u32 = 30;
/// See [`NEAR_MINUTES`].
pub const NEAR_PRIORITY: u32 = 40;
/// Instructions printed; all of them are checked.
const PRINTED: usize = 4;
const NOISE_M: f64 = 6.0;
const SPEED_MPS: f64 = 8.0;
const DETOUR_AWAY_M: f64 = 130.0;
const STAY_MS: i64 = 75_000;

/// What the drive brought.
pub struct Driven {
    /// Where the rep went.
    pub path: Vec<LatLng>,
    /// How often each instruction was said.
    pub spoken: BTreeMap<String, u32>,
    /// Instructions said or told to be left out, of the stretch that was driven.
    pub unsaid: usize,
    /// Times the driver was said to be off the route.
    pub deviations: usize,
    /// Times the way back was shown.
    pub led_back: usize,
    /// Times the route was joined again.
    pub rejoined: usize,
    /// Leads the phone proposed a visit to, in order, with the arrival.
    pub visits: Vec<(LeadId, TimestampMs)>,
    /// Leads found near the route.
    pub near: Vec<NearLead>,
    /// Who was not there.
    pub cancelled: LeadId,
    /// Who was fitted in.
    pub added: LeadId,
    /// The change of plan.
    pub replanned: ReplannedDay,
    /// What the rest was followed by.
    pub rest_kind: RouteKind,
    /// The trip along the road route and the rest.
    pub trip: TripRecord,
    /// Whether something of the drive was kept though nobody consented.
    pub kept: bool,
}

/// Plays the drive.
///
/// # Errors
/// [`crate::demo::DemoError`].
pub fn run(phone: &Phone, planned: &Planned, narrator: &mut Narrator) -> DemoResult<Driven> {
    let step = narrator.begin(
        "The drive",
        "No connection: the phone leads along the road route, and proposes each visit on arrival.",
        planned.day.steps.len(),
    );
    phone.radio.switch(false);
    let mut driver = Driver::new(phone, planned, &step)?;
    driver.by_road()?;
    let cancelled = driver.cancel()?;
    let (near, added) = driver.look_around()?;
    let replanned = driver.take_in(added)?;
    let rest_kind = driver.by_crow()?;
    let trip = driver.trip.ok_or(story("a trip"))?;
    let driven = Driven {
        path: driver.path,
        spoken: driver.spoken,
        unsaid: driver.unsaid,
        deviations: driver.deviations,
        led_back: driver.led_back,
        rejoined: driver.rejoined,
        visits: driver.visits,
        near,
        cancelled,
        added,
        replanned,
        rest_kind,
        trip,
        kept: driver.kept,
    };
    step.done(&format!(
        "{:.1} km, {} instructions, {} deviation, {} visits",
        driven.trip.driven_m / 1_000.0,
        driven.spoken.len(),
        driven.deviations,
        driven.visits.len()
    ));
    Ok(driven)
}

struct Driver<'a> {
    phone: &'a Phone,
    planned: &'a Planned,
    step: &'a Step,
    at: LatLng,
    path: Vec<LatLng>,
    spoken: BTreeMap<String, u32>,
    unsaid: usize,
    deviations: usize,
    led_back: usize,
    rejoined: usize,
    visits: Vec<(LeadId, TimestampMs)>,
    trip: Option<TripRecord>,
    kept: bool,
}

impl<'a> Driver<'a> {
    fn new(phone: &'a Phone, planned: &'a Planned, step: &'a Step) -> DemoResult<Self> {
        let start = planned.route.path().first().copied();
        Ok(Self {
            phone,
            planned,
            step,
            at: start.ok_or(story("a road"))?,
            path: Vec::new(),
            spoken: BTreeMap::new(),
            unsaid: 0,
            deviations: 0,
            led_back: 0,
            rejoined: 0,
            visits: Vec::new(),
            trip: None,
            kept: false,
        })
    }

    /// Drives the road route until the plan changes.
    fn by_road(&mut self) -> DemoResult<()> {
        let session = self
            .phone
            .engine
            .follow_day(&FollowDay::new(self.planned.today.date))?;
        let fixes = self.simulated()?;
        let mut late_ms = 0;
        for fix in fixes {
            let fix = later(fix, late_ms);
            self.phone.clock.set(fix.fix.at);
            let update = session.update(fix.fix, fix.course_deg);
            late_ms += self.take(&fix.fix, &update)?;
            if self.visits.len() == BEFORE_REPLAN {
                break;
            }
        }
        let held = self.phone.engine.export_my_data()?;
        self.kept = !held.contains("\"followed_route\": null");
        self.trip = Some(session.stop());
        Ok(())
    }

    /// The fixes of a drive that leaves the route for a while on its second leg.
    fn simulated(&self) -> DemoResult<Vec<CourseFix>> {
        let itinerary = Itinerary::new(self.planned.route.clone());
        let stops = along_stops(&self.planned.route);
        let (from, to) = longest_leg(&stops, BEFORE_REPLAN).ok_or(story("legs to drive"))?;
        let mut script = DriveScript::plain(2026);
        script.start_at = self.planned.day.departure;
        script.stay_ms = STAY_MS;
        script.receiver = Receiver::of(NOISE_M);
        script.detours.push(Detour {
            at_m: from + 0.35 * (to - from),
            away_m: DETOUR_AWAY_M,
            skip_m: 0.15 * (to - from),
        });
        let fixes = drive(&itinerary, &script).into_iter();
        Ok(fixes.map(|simulated| simulated.fix).collect())
    }

    /// Notes what an update says; answers by how much later the rep goes on than the simulation.
    fn take(&mut self, fix: &Fix, update: &RouteUpdate) -> DemoResult<i64> {
        self.at = fix.position;
        self.path.push(fix.position);
        self.led_back += usize::from(update.advice == RouteAdvice::LeadBack);
        let mut late_ms = 0;
        for event in &update.events {
            late_ms += self.hear(fix, event)?;
        }
        Ok(late_ms)
    }

    fn hear(&mut self, fix: &Fix, event: &RouteEvent) -> DemoResult<i64> {
        let wall = self.planned.wall(fix.at);
        match event {
            RouteEvent::Speak { id, text, .. } => {
                *self.spoken.entry(id.clone()).or_default() += 1;
                if self.spoken.len() <= PRINTED {
                    self.step.tell(&format!("{wall}  \u{201c}{text}\u{201d}"));
                }
            }
            RouteEvent::NotSaid { .. } => self.unsaid += 1,
            RouteEvent::Deviated { offset_m, .. } => {
                self.deviations += 1;
                self.step.tell(&format!(
                    "{wall}  off the route by {offset_m:.0} m, no connection: the phone shows the way back"
                ));
            }
            RouteEvent::Joined { again: true, .. } => {
                self.rejoined += 1;
                self.step.tell(&format!("{wall}  on the route again"));
            }
            RouteEvent::VisitProposed { stay } => {
                if let Some(lead) = stay.lead {
                    return self.visit(lead, stay.arrived_at);
                }
            }
            _ => {}
        }
        Ok(0)
    }

    /// Records the visit the phone proposed; the rep goes on when it is planned, or when the visit
    /// is over if that is later.
    fn visit(&mut self, lead: LeadId, arrived_at: TimestampMs) -> DemoResult<i64> {
        let day = self.phone.engine.day(self.planned.today.date)?;
        let step = day.steps.iter().find(|step| step.lead == Some(lead));
        let step = step.ok_or(story("a visit that is planned"))?.clone();
        let began = arrived_at.max(step.start);
        let leaves = began
            .plus(step.departure.since(step.start))
            .max(step.departure);
        let now = self.phone.clock.now();
        self.phone.clock.set(leaves);
        self.phone.engine.record_visit(NewVisit {
            started_at: Some(began),
            ended_at: Some(leaves),
            ..NewVisit::new(lead, VisitOutcome::Met)
        })?;
        self.visits.push((lead, began));
        self.step.at(self.visits.len());
        self.step.tell(&format!(
            "{}  at {}: the phone proposes the visit, the rep confirms it",
            self.planned.wall(arrived_at),
            self.planned.name(lead)
        ));
        Ok(leaves.since(now))
    }

    /// The next visit that is not an appointment falls through: its lead is closed.
    fn cancel(&self) -> DemoResult<LeadId> {
        let day = self.phone.engine.day(self.planned.today.date)?;
        let is_appointment = |lead: &LeadId| self.planned.name(*lead) == super::people::APPOINTMENT;
        let mut leads = day.steps.iter().filter_map(|step| step.lead);
        let cancelled = leads.find(|lead| !is_appointment(lead));
        let cancelled = cancelled.ok_or(story("a visit to come"))?;
        self.tell_now(&format!(
            "{} is closed today: what is near the route?",
            self.planned.name(cancelled)
        ));
        self.replan(DayEvent::Cancelled { lead: cancelled })?;
        Ok(cancelled)
    }

    /// Who is near the rest of the route, and who of them is taken in.
    fn look_around(&self) -> DemoResult<(Vec<NearLead>, LeadId)> {
        let query = NearDayQuery {
            position: Some(self.at),
            within_minutes: NEAR_MINUTES,
            least_priority: NEAR_PRIORITY,
            ..NearDayQuery::default()
        };
        let date = self.planned.today.date;
        let near = self.phone.engine.leads_near_day(date, &query)?.leads;
        for lead in &near {
            self.step.tell(&format!(
                "       {}, {} more driving, priority {}",
                lead.record.lead.name,
                minutes(lead.detour_s),
                lead.priority
            ));
        }
        let found = near.iter().find(|near| near.record.lead.name == ON_THE_WAY);
        let added = found.map(|near| near.record.lead.id);
        Ok((near, added.ok_or(story("a lead near the route"))?))
    }

    fn take_in(&self, added: LeadId) -> DemoResult<ReplannedDay> {
        self.tell_now(&format!(
            "{} is taken in, and the day planned anew on the phone:",
            self.planned.name(added)
        ));
        let wish = StopWish::new(added);
        let replanned = self.replan(DayEvent::Added { wish })?;
        for stop in &replanned.day.steps {
            self.step
                .tell(&format!("       {}", line(self.planned, stop)));
        }
        Ok(replanned)
    }

    fn replan(&self, event: DayEvent) -> DemoResult<ReplannedDay> {
        let update = DayUpdate {
            position: Some(self.at),
            events: vec![event],
            ..DayUpdate::default()
        };
        let date = self.planned.today.date;
        Ok(self.phone.engine.replan_day(date, &update)?)
    }

    fn tell_now(&self, text: &str) {
        let now = self.planned.wall(self.phone.clock.now());
        self.step.tell(&format!("{now}  {text}"));
    }

    /// Drives the rest, for whose order there is no road route on the phone.
    fn by_crow(&mut self) -> DemoResult<RouteKind> {
        let session = self.phone.engine.follow_day(&FollowDay {
            position: Some(self.at),
            ..FollowDay::new(self.planned.today.date)
        })?;
        let map = session.map();
        let stops = map.stops.iter().skip(1);
        let places: Vec<LatLng> = stops
            .filter(|stop| stop.kind == WaypointKind::Break)
            .map(|stop| stop.position)
            .collect();
        for place in places {
            self.drive_to(&session, place)?;
        }
        let before = self.trip.ok_or(story("a trip"))?;
        let rest = session.stop();
        self.trip = Some(TripRecord {
            driven_m: before.driven_m + rest.driven_m,
            deviations: before.deviations + rest.deviations,
            ..rest
        });
        Ok(map.kind)
    }

    /// Drives to a place and stays there until a visit is proposed, or for the same time.
    fn drive_to(&mut self, session: &RouteSession, place: LatLng) -> DemoResult<()> {
        for point in tour::way(self.at, place, 0.05, SPEED_MPS) {
            self.give(session, point, SPEED_MPS)?;
        }
        let visits = self.visits.len();
        for _ in 0..STAY_MS / 1_000 {
            if self.visits.len() > visits || session.phase() == Phase::Complete {
                break;
            }
            self.give(session, place, 0.0)?;
        }
        Ok(())
    }

    fn give(&mut self, session: &RouteSession, position: LatLng, speed: f64) -> DemoResult<()> {
        let at = self.phone.clock.advance(1_000);
        let fix = Fix {
            position,
            at,
            accuracy_m: NOISE_M,
            speed_mps: Some(speed),
        };
        let update = session.update(fix, None);
        self.take(&fix, &update)?;
        Ok(())
    }
}

fn later(fix: CourseFix, ms: i64) -> CourseFix {
    CourseFix {
        fix: Fix {
            at: fix.fix.at.plus(ms),
            ..fix.fix
        },
        ..fix
    }
}

/// Metres from the start at which the route stops.
fn along_stops(route: &fieldfare_navigator::Route) -> Vec<f64> {
    let mut along = vec![0.0];
    for pair in route.path().windows(2) {
        if let [a, b] = pair {
            along.push(along.last().unwrap_or(&0.0) + distance_m(*a, *b));
        }
    }
    let stops = route.waypoints().iter();
    stops
        .filter(|stop| stop.kind == WaypointKind::Break)
        .filter_map(|stop| along.get(stop.point as usize).copied())
        .collect()
}

/// The longest of the first legs, but the very first.
fn longest_leg(stops: &[f64], legs: usize) -> Option<(f64, f64)> {
    let legs = stops
        .windows(2)
        .take(legs)
        .skip(1)
        .filter_map(|pair| match pair {
            [from, to] => Some((*from, *to)),
            _ => None,
        });
    legs.max_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)))
}
