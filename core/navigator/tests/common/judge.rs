//! Judges how a trip was followed, knowing what really happened.

use super::ruler::Ruler;
use super::trip::Trip;
use fieldfare_navigator::simulate::{RouteShape, SimulatedFix, Truth, drive};
use fieldfare_navigator::{
    DeviationKind, Event, FixQuality, FollowConfig, Phase, RouteSession, SkipReason, Update,
    UtteranceId,
};
use std::collections::{BTreeMap, BTreeSet};

/// What a trip showed.
#[derive(Debug, Default, Clone)]
pub struct Verdict {
    pub faults: Vec<String>,
    pub fixes: usize,
    pub off_runs: usize,
    pub worst_found_after: u32,
    pub off_alarms: usize,
    pub wrong_way_alarms: usize,
    pub texts_due: usize,
    pub spoken: usize,
    pub skipped: usize,
    pub again: usize,
    pub worst_along_m: f64,
}

struct Judge<'a> {
    trip: &'a Trip,
    ruler: Ruler,
    config: FollowConfig,
    verdict: Verdict,
    /// Consecutive fixes that were really on the route, in its direction.
    on_run: u32,
    /// Consecutive fixes seen beyond the threshold of every part of the route.
    off_run: u32,
    /// Fixes since the place was found or a deviation ended.
    settled: u32,
    at_stop: bool,
    joined: bool,
    joined_at: f64,
    accounted: BTreeSet<UtteranceId>,
    spoken: BTreeMap<u32, u32>,
    bypassed: BTreeSet<u32>,
    /// For each text, fixes at which it should be said.
    due_fixes: BTreeMap<u32, u32>,
    arrivals: BTreeMap<usize, (u32, u32, u32)>,
    texts: Vec<Due>,
    step: usize,
}

/// Where a text must be said.
struct Due {
    from: f64,
    /// Where the next text for the same manoeuvre is due, or the manoeuvre is.
    to: f64,
    /// Where the manoeuvre is.
    end: f64,
}

pub fn judge(trip: &Trip) -> Verdict {
    let config = FollowConfig::default();
    let mut session = RouteSession::new(trip.itinerary.clone(), config.clone()).unwrap();
    session.start(trip.script.start_at);
    let mut judge = Judge::new(trip, config);
    for seen in drive(&trip.itinerary, &trip.script) {
        let update = session.update(&seen.fix);
        judge.see(&seen, &update);
    }
    judge.close(&session)
}

impl<'a> Judge<'a> {
    fn new(trip: &'a Trip, config: FollowConfig) -> Self {
        let ruler = Ruler::new(trip.itinerary.route());
        let texts = dues(trip, &ruler);
        Self {
            trip,
            ruler,
            config,
            verdict: Verdict::default(),
            on_run: 0,
            off_run: 0,
            settled: 0,
            at_stop: false,
            joined: false,
            joined_at: 0.0,
            accounted: BTreeSet::new(),
            spoken: BTreeMap::new(),
            bypassed: BTreeSet::new(),
            due_fixes: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            texts,
            step: 0,
        }
    }

    fn fault(&mut self, text: String) {
        self.verdict.faults.push(text);
    }

    fn slack(&self) -> f64 {
        let seconds = self.trip.script.interval_ms as f64 / 1000.0;
        let receiver = self.trip.script.receiver;
        // Half of a roundabout may be within the error of a fix that tells no direction.
        let around = self.trip.shape == RouteShape::Roundabouts && !receiver.reports_motion;
        let extra = if around { 70.0 } else { 0.0 };
        3.0 * receiver.accuracy_m + 25.0 * seconds + 45.0 + extra
    }

    fn see(&mut self, seen: &SimulatedFix, update: &Update) {
        self.verdict.fixes += 1;
        let used = update.quality == FixQuality::Good;
        if !used && !update.events.is_empty() {
            self.fault(format!("events from an unused fix: {:?}", update.events));
        }
        if !seen.faulty {
            self.note_truth(seen);
        }
        for event in &update.events {
            self.see_event(seen, event);
        }
        if used && !seen.faulty {
            self.check_off_route(seen, update);
            self.check_place(seen, update);
            self.note_due(seen, update);
        }
        self.check_numbers(update);
    }

    fn note_truth(&mut self, seen: &SimulatedFix) {
        match seen.truth {
            Truth::On { .. } => self.on_run += 1,
            _ => self.on_run = 0,
        }
    }

    fn see_event(&mut self, seen: &SimulatedFix, event: &Event) {
        match event {
            Event::Joined { again, along_m } => {
                self.verdict.again += usize::from(*again);
                if !self.joined {
                    self.joined_at = *along_m;
                }
                self.joined = true;
                self.settled = 0;
                self.step = 0;
            }
            Event::StepEntered { step } => {
                if *step < self.step {
                    self.fault(format!("step {step} entered after {}", self.step));
                }
                self.step = *step;
            }
            Event::Speak { id } => self.see_speech(seen, *id),
            Event::Skipped { id, reason } => {
                self.verdict.skipped += 1;
                if *reason == SkipReason::Bypassed {
                    self.see_bypassed(seen, *id);
                }
                if !self.accounted.insert(*id) {
                    self.fault(format!("text {id} accounted for twice"));
                }
            }
            Event::Deviated { kind, offset_m } => self.see_alarm(seen, *kind, *offset_m),
            Event::Arrived { stop } => {
                self.at_stop = true;
                self.arrivals.entry(*stop).or_default().0 += 1;
            }
            Event::VisitProposed(stay) => self.arrivals.entry(stay.stop).or_default().1 += 1,
            Event::Departed(stay) => {
                self.at_stop = false;
                self.settled = 0;
                self.arrivals.entry(stay.stop).or_default().2 += 1;
            }
            Event::PassedBy { .. } => {
                self.at_stop = false;
                self.settled = 0;
                self.step = 0;
            }
            Event::StopMissed { stop } if self.trip.script.start_m == 0.0 => {
                self.fault(format!("stop {stop} said to be missed"));
            }
            _ => {}
        }
    }

    /// What was due before the route was joined need not be said.
    fn see_bypassed(&mut self, seen: &SimulatedFix, id: UtteranceId) {
        let slack = 2.0 * seen.fix.fix.accuracy_m;
        let due = self.texts[id.index as usize].from;
        match seen.truth {
            Truth::On { along_m } if along_m < due - slack => {
                self.fault(format!(
                    "text {id} of {due:.0} m left out at {along_m:.0} m"
                ));
            }
            _ => {
                self.bypassed.insert(id.index);
            }
        }
    }

    fn see_speech(&mut self, seen: &SimulatedFix, id: UtteranceId) {
        self.verdict.spoken += 1;
        if !self.accounted.insert(id) {
            self.fault(format!("text {id} said twice"));
        }
        *self.spoken.entry(id.index).or_default() += 1;
        if let Truth::On { along_m } = seen.truth {
            let due = &self.texts[id.index as usize];
            let slack = self.slack();
            if along_m < due.from - slack || along_m > due.end + slack {
                let (from, end) = (due.from, due.end);
                self.fault(format!(
                    "text {id} of {from:.0}..{end:.0} m said at {along_m:.0} m"
                ));
            }
        }
    }

    fn see_alarm(&mut self, seen: &SimulatedFix, kind: DeviationKind, offset: f64) {
        match kind {
            DeviationKind::OffRoute => self.verdict.off_alarms += 1,
            DeviationKind::WrongWay => self.verdict.wrong_way_alarms += 1,
        }
        // A deviation that has ended may be noticed by up to three fixes after its end.
        let late = if kind == DeviationKind::OffRoute {
            3
        } else {
            4
        };
        if self.on_run > late {
            self.fault(format!(
                "false {kind:?} ({offset:.0} m) at {:?}, {} fixes on the route",
                seen.truth, self.on_run
            ));
        }
    }

    /// Off the route must be found by the third fix that shows it.
    fn check_off_route(&mut self, seen: &SimulatedFix, update: &Update) {
        let accuracy = seen.fix.fix.accuracy_m.max(3.0);
        let threshold = self.config.threshold_m(accuracy);
        let beyond = seen.truth == Truth::Beside
            && self.joined
            && !self.at_stop
            && update.phase == Phase::Navigating
            && self.ruler.nearest(seen.fix.fix.position).0 > threshold + 0.5;
        if !beyond {
            self.off_run = 0;
            return;
        }
        self.off_run += 1;
        if self.off_run == 1 {
            self.verdict.off_runs += 1;
        }
        let found = update
            .deviation
            .is_some_and(|d| d.kind == DeviationKind::OffRoute);
        if !found {
            self.verdict.worst_found_after = self.verdict.worst_found_after.max(self.off_run + 1);
            if self.off_run >= 3 {
                self.fault(format!(
                    "off the route for {} fixes, not found",
                    self.off_run
                ));
            }
        }
    }

    fn check_place(&mut self, seen: &SimulatedFix, update: &Update) {
        let (Some(snapped), Truth::On { along_m }) = (update.snapped, seen.truth) else {
            return;
        };
        if update.deviation.is_some() || self.on_run < 6 {
            return;
        }
        self.settled += 1;
        if self.settled < 3 {
            return;
        }
        let off = (snapped.along_m - along_m).abs();
        self.verdict.worst_along_m = self.verdict.worst_along_m.max(off);
        // At a stop the place is held there until the driver has surely left.
        let held = if self.at_stop {
            2.0 * self.config.stay_radius_m
        } else {
            0.0
        };
        if off > self.slack() + held {
            self.fault(format!(
                "at {along_m:.0} m, taken to be at {:.0} m",
                snapped.along_m
            ));
        }
    }

    /// A fix that is surely within the stretch where a text must be said.
    fn note_due(&mut self, seen: &SimulatedFix, update: &Update) {
        let Truth::On { along_m } = seen.truth else {
            return;
        };
        if !self.joined || update.deviation.is_some() || self.on_run < 8 || self.at_stop {
            return;
        }
        let margin = 2.0 * seen.fix.fix.accuracy_m + 12.0;
        let joined_at = self.joined_at;
        let texts = self.texts.iter().enumerate();
        let due: Vec<u32> = texts
            .filter(|(_, due)| due.from > joined_at + 60.0)
            .filter(|(_, due)| along_m > due.from + margin && along_m < due.to - margin)
            .map(|(i, _)| i as u32)
            .collect();
        for index in due {
            *self.due_fixes.entry(index).or_default() += 1;
        }
    }

    fn check_numbers(&mut self, update: &Update) {
        if let Some(p) = update.progress {
            let numbers = [p.to_manoeuvre_m, p.remaining_m, p.to_stop_m];
            let sound = numbers.iter().all(|n| (0.0..1e7).contains(n)) && p.remaining_ms >= 0;
            if !sound || p.to_stop_m > p.remaining_m + 1e-6 {
                self.fault(format!("progress {p:?}"));
            }
        }
        if let Some(s) = update.snapped {
            let near = self.ruler.nearest(s.position).0;
            if near > 0.1 || !(0.0..=1.0).contains(&s.confidence) {
                self.fault(format!("snapped {near} m beside the route, {s:?}"));
            }
        }
    }

    fn close(mut self, session: &RouteSession) -> Verdict {
        let due: Vec<(u32, u32)> = self.due_fixes.iter().map(|(i, n)| (*i, *n)).collect();
        self.verdict.texts_due = due.len();
        for (index, fixes) in due {
            let said = self.spoken.get(&index).copied().unwrap_or(0);
            if said == 0 && !self.bypassed.contains(&index) {
                self.fault(format!("text {index} never said in {fixes} fixes"));
            }
        }
        if session.phase() != Phase::Complete {
            self.fault(format!("ended {:?}", session.phase()));
        }
        let last = self.trip.itinerary.route().waypoints().len() - 1;
        for (stop, (arrived, proposed, left)) in self.arrivals.clone() {
            let leaves = u32::from(stop != last);
            let seen = u32::from(!self.hidden(stop));
            if arrived == 0 || proposed < seen || proposed > 1 || left != leaves {
                self.fault(format!(
                    "stop {stop}: {arrived} arrivals, {proposed} visits, {left} departures"
                ));
            }
        }
        let reached = self.arrivals.len();
        if self.trip.script.start_m == 0.0 && reached != last {
            self.fault(format!("{reached} of {last} stops reached"));
        }
        self.verdict
    }
}

impl Judge<'_> {
    /// Whether nothing is received at a stop.
    fn hidden(&self, stop: usize) -> bool {
        let place = &self.trip.itinerary.route().waypoints()[stop];
        let at = self.ruler.at_point(place.point);
        let outages = &self.trip.script.outages;
        outages
            .iter()
            .any(|o| at > o.from_m - 60.0 && at < o.to_m + 60.0)
    }
}

fn dues(trip: &Trip, ruler: &Ruler) -> Vec<Due> {
    let route = trip.itinerary.route();
    let place = |index: usize| {
        let text = &route.spoken()[index];
        let step = &route.steps()[text.step as usize];
        let end = ruler.at_point(step.last);
        let from = end - f64::from(text.before_end_dm) / 10.0;
        (text.step, from.max(ruler.at_point(step.first)), end)
    };
    let count = route.spoken().len();
    (0..count)
        .map(|i| {
            let (step, from, end) = place(i);
            let next = (i + 1 < count).then(|| place(i + 1));
            let to = next.filter(|n| n.0 == step).map_or(end, |n| n.1);
            Due { from, to, end }
        })
        .collect()
}
