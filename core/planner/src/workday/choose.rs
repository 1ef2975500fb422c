//! What there is to plan on a rep's day.

use crate::workday::{Day, WorkDay};
use crate::{Break, Objective, Problem, Profile, RepDay, Stop, Travel, Window};
use fieldfare_geo::distance_m;
use fieldfare_model::{LatLng, Lead, LeadId, LeadStatus, RepId, TimestampMs};
use std::cmp::Reverse;

const DAY_MS: i64 = 24 * 3_600_000;

/// A rep's day with everything but the travel times.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketch {
    rep: RepDay,
    stops: Vec<Stop>,
    places: Vec<LatLng>,
    traffic: Option<Profile>,
}

impl Sketch {
    /// The places of the day: where it begins, where it ends, each lead.
    pub fn places(&self) -> &[LatLng] {
        &self.places
    }

    /// The problem with its travel times, and the working day's traffic on them.
    pub fn problem(self, travel: Travel) -> Problem {
        let travel = match self.traffic {
            Some(traffic) => travel.with_profile(Some(traffic)),
            None => travel,
        };
        Problem {
            objective: Objective::MostPriority,
            reps: vec![self.rep],
            stops: self.stops,
            travel,
            positions: self.places,
        }
    }
}

/// A lead somebody wants in the day, whether or not a visit is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The lead.
    pub lead: LeadId,
    /// Seconds of the visit; the working day's if not said.
    pub service_s: Option<u32>,
    /// When the visit may begin, seconds from the day's zero; the lead's own hours if empty.
    pub windows: Vec<Window>,
    /// Whether it must take place.
    pub mandatory: bool,
    /// How much it matters; [`priority`] if not said.
    pub priority: Option<u32>,
}

/// The day of a rep, chosen from these leads; none if the rep does not work that day.
///
/// Leads whose next visit is due by the end of the day come first, then those that were never
/// visited; of each those with the highest [`priority`], then the nearest to the start. Leads
/// without a position, that are lost or do not want to be contacted, or that cannot be met in
/// their hours are left out.
pub fn sketch(rep: RepId, work: &WorkDay, day: &Day, leads: &[Lead]) -> Option<Sketch> {
    sketch_with(rep, work, day, leads, &[])
}

/// As [`sketch`], with the leads somebody wants before all others. Wishes for a lead that is not
/// among `leads` or has no position are passed over.
pub fn sketch_with(
    rep: RepId,
    work: &WorkDay,
    day: &Day,
    leads: &[Lead],
    wishes: &[Wish],
) -> Option<Sketch> {
    let spans = day.spans(&work.hours, None);
    let shift = shift(&spans)?;
    let wished = |lead: &Lead| wishes.iter().any(|wish| wish.lead == lead.id);
    let mut candidates: Vec<Candidate<'_>> = leads
        .iter()
        .filter(|lead| !wished(lead))
        .filter_map(|lead| Candidate::due(lead, work, day, shift))
        .collect();
    candidates.sort_by_cached_key(|candidate| candidate.rank(work.start));
    candidates.truncate(work.candidates.saturating_sub(wishes.len()));
    let mut places = vec![work.start];
    places.extend(work.end);
    let end = places.len() - 1;
    let granted = wishes.iter().filter_map(|wish| {
        let lead = leads.iter().find(|lead| lead.id == wish.lead)?;
        Some((
            wish_stop(wish, lead, work, day, shift),
            lead.geocode.position?,
        ))
    });
    let chosen = candidates.into_iter().map(|candidate| candidate.stop(work));
    let stops = granted.chain(chosen).map(|(stop, position)| {
        places.push(position);
        let place = places.len() - 1;
        Stop { place, ..stop }
    });
    Some(Sketch {
        stops: stops.collect(),
        rep: RepDay {
            end: Some(end),
            breaks: breaks(work, day, &spans),
            ..RepDay::round_trip(rep.to_string(), 0, shift)
        },
        places,
        traffic: work.profile(),
    })
}

fn shift(spans: &[Window]) -> Option<Window> {
    Some(Window::new(spans.first()?.from, spans.last()?.to))
}

/// A lead as a stop that might be added to a day whose shift is known, at place 0, with its
/// position. None if it has no position, is not to be visited, or cannot be met in its hours.
pub fn guest(lead: &Lead, work: &WorkDay, day: &Day, shift: Window) -> Option<(Stop, LatLng)> {
    Some(Candidate::new(lead, work, day, shift)?.stop(work))
}

fn wish_stop(wish: &Wish, lead: &Lead, work: &WorkDay, day: &Day, shift: Window) -> Stop {
    let own = || windows(lead, work, day, shift).unwrap_or_default();
    let service_s = wish.service_s.unwrap_or(work.visit_minutes * 60);
    let priority = wish
        .priority
        .unwrap_or_else(|| priority(lead, day.end_at()));
    Stop {
        windows: match wish.windows.is_empty() {
            true => own(),
            false => wish.windows.clone(),
        },
        mandatory: wish.mandatory,
        ..Stop::optional(lead.id.to_string(), 0, service_s, priority)
    }
}

/// How much a visit matters: 10 for a lead, 20, 30 and 50 for tiers 3, 2 and 1, up to 20 for its
/// score, and a point for each day a visit is overdue, up to 30.
pub fn priority(lead: &Lead, day_end: TimestampMs) -> u32 {
    let tier = match lead.tier {
        Some(1) => 50,
        Some(2) => 30,
        Some(3) => 20,
        _ => 10,
    };
    let score = u32::from(lead.score.unwrap_or(0).min(100)) / 5;
    let overdue = lead
        .next_visit_due
        .map_or(0, |due| day_end.since(due) / DAY_MS);
    tier + score + overdue.clamp(0, 30) as u32
}

struct Candidate<'a> {
    lead: &'a Lead,
    position: LatLng,
    is_due: bool,
    priority: u32,
    windows: Vec<Window>,
}

impl<'a> Candidate<'a> {
    /// A lead whose visit is due, or that was never visited.
    fn due(lead: &'a Lead, work: &WorkDay, day: &Day, shift: Window) -> Option<Self> {
        let is_new = lead.next_visit_due.is_none() && lead.last_visit_at.is_none();
        if !is_new && !is_due(lead, day) {
            return None;
        }
        Self::new(lead, work, day, shift)
    }

    fn new(lead: &'a Lead, work: &WorkDay, day: &Day, shift: Window) -> Option<Self> {
        if matches!(lead.status, LeadStatus::Lost | LeadStatus::DoNotContact) {
            return None;
        }
        Some(Self {
            position: lead.geocode.position?,
            windows: windows(lead, work, day, shift)?,
            priority: priority(lead, day.end_at()),
            lead,
            is_due: is_due(lead, day),
        })
    }

    fn rank(&self, start: LatLng) -> impl Ord + use<> {
        let metres = distance_m(start, self.position).round() as u64;
        (
            Reverse(self.is_due),
            Reverse(self.priority),
            metres,
            self.lead.id,
        )
    }

    /// The stop, its place still to be given, and where it is.
    fn stop(self, work: &WorkDay) -> (Stop, LatLng) {
        let service_s = work.visit_minutes * 60;
        let stop = Stop {
            windows: self.windows,
            ..Stop::optional(self.lead.id.to_string(), 0, service_s, self.priority)
        };
        (stop, self.position)
    }
}

fn is_due(lead: &Lead, day: &Day) -> bool {
    lead.next_visit_due.is_some_and(|due| due < day.end_at())
}

/// When a visit may begin so that it is over within the lead's hours; empty means at any time,
/// none that there is no such time within the shift.
fn windows(lead: &Lead, work: &WorkDay, day: &Day, shift: Window) -> Option<Vec<Window>> {
    if lead.contact_hours.windows().is_empty() {
        return Some(Vec::new());
    }
    let visit = i64::from(work.visit_minutes) * 60;
    let spans = day.spans(&lead.contact_hours, lead.time_zone.as_deref());
    let starts = spans
        .into_iter()
        .map(|span| Window::new(span.from.max(shift.from), span.to.min(shift.to) - visit));
    let starts: Vec<Window> = starts.filter(|span| span.from <= span.to).collect();
    (!starts.is_empty()).then_some(starts)
}

/// The configured breaks of that day, and the pauses between spans of work.
fn breaks(work: &WorkDay, day: &Day, spans: &[Window]) -> Vec<Break> {
    let configured = work.breaks.iter().map(|pause| Break {
        windows: day.spans(&pause.begins, None),
        duration_s: pause.minutes * 60,
    });
    let pauses = spans.windows(2).filter_map(|pair| {
        let (before, after) = (pair.first()?, pair.last()?);
        Some(Break {
            windows: vec![Window::new(before.to, before.to)],
            duration_s: u32::try_from(after.from - before.to).ok()?,
        })
    });
    let all = configured.chain(pauses);
    all.filter(|pause| !pause.windows.is_empty())
        .take(Problem::MAX_BREAKS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fieldfare_model::{Geocode, GeocodeStatus};

    fn work() -> WorkDay {
        serde_json::from_value(serde_json::json!({
            "hours": "Mo-Fr 08:00-12:00; Mo-Fr 13:00-17:00",
            "time_zone": "Europe/Helsinki",
            "start": {"lat": 60.17, "lon": 24.94},
            "candidates": 3,
            "breaks": [{"begins": "Mo-Fr 10:00-10:30", "minutes": 15}],
        }))
        .unwrap()
    }

    fn day(date: &str) -> Day {
        Day::new(date.parse().unwrap(), &work().time_zone).unwrap()
    }

    const WEDNESDAY: &str = "2026-11-25";
    const REP: RepId = RepId::from_bytes([7; 16]);

    /// A lead some kilometres north, due some days before the Wednesday's end.
    fn lead(n: u8, km: f64, due_days: Option<i64>) -> Lead {
        let mut lead = Lead::new(LeadId::from_bytes([n; 16]), format!("lead {n}"));
        lead.geocode = Geocode {
            status: GeocodeStatus::Success,
            position: Some(LatLng::new(60.17 + km / 111.2, 24.94).unwrap()),
            ..Geocode::default()
        };
        let end = day(WEDNESDAY).end_at();
        lead.next_visit_due = due_days.map(|days| end.plus(-days * DAY_MS - 1));
        lead
    }

    fn chosen(leads: &[Lead]) -> Vec<u8> {
        let sketch = sketch(REP, &work(), &day(WEDNESDAY), leads).unwrap();
        let ids = sketch.stops.iter();
        ids.map(|stop| stop.id.parse::<LeadId>().unwrap().as_bytes()[0])
            .collect()
    }

    #[test]
    fn due_leads_come_first_then_new_ones_by_priority_and_nearness() {
        let mut important = lead(4, 30.0, Some(0));
        important.tier = Some(1);
        let leads = [
            lead(1, 9.0, None),
            lead(2, 5.0, Some(0)),
            lead(3, 1.0, Some(0)),
            important,
            lead(5, 1.0, Some(-3)),
        ];
        assert_eq!(chosen(&leads), [4, 3, 2]);
        assert_eq!(chosen(&leads[..2]), [2, 1]);
    }

    #[test]
    fn who_is_not_to_be_visited_is_left_out() {
        let with = |change: &dyn Fn(&mut Lead)| {
            let mut lead = lead(1, 1.0, Some(0));
            change(&mut lead);
            chosen(&[lead]).len()
        };
        assert_eq!(with(&|_| {}), 1);
        assert_eq!(with(&|l| l.status = LeadStatus::DoNotContact), 0);
        assert_eq!(with(&|l| l.status = LeadStatus::Lost), 0);
        assert_eq!(with(&|l| l.geocode.position = None), 0);
        assert_eq!(
            with(&|l| l.contact_hours = "Th 09:00-12:00".parse().unwrap()),
            0
        );
        assert_eq!(
            with(&|l| l.contact_hours = "We 17:00-19:00".parse().unwrap()),
            0
        );
        assert_eq!(
            with(&|l| (l.next_visit_due, l.last_visit_at) = (None, Some(TimestampMs(1)))),
            0
        );
    }

    #[test]
    fn a_visit_is_over_within_the_leads_hours() {
        let mut open = lead(1, 1.0, Some(0));
        open.contact_hours = "We 09:00-10:00; We 06:00-08:45".parse().unwrap();
        let sketch = sketch(REP, &work(), &day(WEDNESDAY), &[open]).unwrap();
        let hour = |h: f64| (h * 3_600.0) as i64;
        let expected = [
            Window::new(hour(8.0), hour(8.25)),
            Window::new(hour(9.0), hour(9.5)),
        ];
        assert_eq!(sketch.stops[0].windows, expected);
    }

    #[test]
    fn the_pause_between_two_spans_of_work_is_a_break() {
        let sketch = sketch(REP, &work(), &day(WEDNESDAY), &[]).unwrap();
        assert_eq!(sketch.rep.shift, Window::new(8 * 3_600, 17 * 3_600));
        assert_eq!(sketch.rep.breaks[0].duration_s, 900);
        let noon = Window::new(12 * 3_600, 12 * 3_600);
        assert_eq!(
            (
                &sketch.rep.breaks[1].windows,
                sketch.rep.breaks[1].duration_s
            ),
            (&vec![noon], 3_600)
        );
        assert!(
            super::sketch(REP, &work(), &day("2026-11-28"), &[]).is_none(),
            "a Saturday"
        );
    }

    #[test]
    fn priority_grows_with_tier_score_and_days_overdue() {
        let end = day(WEDNESDAY).end_at();
        let mut lead = lead(1, 1.0, Some(4));
        assert_eq!(priority(&lead, end), 10 + 4);
        (lead.tier, lead.score) = (Some(1), Some(90));
        assert_eq!(priority(&lead, end), 50 + 18 + 4);
        lead.next_visit_due = Some(TimestampMs(0));
        assert_eq!(priority(&lead, end), 50 + 18 + 30);
    }

    #[test]
    fn wishes_come_first_whether_or_not_a_visit_is_due() {
        let mut far_off = lead(2, 40.0, Some(-30));
        far_off.contact_hours = "We 09:00-10:00".parse().unwrap();
        let leads = [
            lead(1, 1.0, Some(0)),
            far_off,
            lead(3, 2.0, Some(0)),
            lead(4, 3.0, Some(0)),
        ];
        let at_ten = Window::new(36_000, 36_000);
        let wish = |n: u8| Wish {
            lead: leads[n as usize].id,
            service_s: None,
            windows: Vec::new(),
            mandatory: false,
            priority: None,
        };
        let wishes = [
            wish(1),
            Wish {
                windows: vec![at_ten],
                mandatory: true,
                service_s: Some(60),
                priority: Some(7),
                ..wish(2)
            },
        ];
        let sketch = sketch_with(REP, &work(), &day(WEDNESDAY), &leads, &wishes).unwrap();
        let ids: Vec<LeadId> = sketch.stops.iter().map(|s| s.id.parse().unwrap()).collect();
        assert_eq!(
            ids,
            [leads[1].id, leads[2].id, leads[0].id],
            "three candidates in all"
        );
        let [own, asked, _] = sketch.stops.as_slice() else {
            panic!()
        };
        assert_eq!(own.windows, [Window::new(9 * 3_600, 9 * 3_600 + 1_800)]);
        assert_eq!(
            (own.mandatory, own.service_s, own.priority),
            (false, 1_800, 10)
        );
        assert_eq!(asked.windows, [at_ten]);
        assert_eq!(
            (asked.mandatory, asked.service_s, asked.priority),
            (true, 60, 7)
        );
        let at = |stop: &Stop| sketch.places[stop.place];
        assert_eq!(at(own), leads[1].geocode.position.unwrap());
        assert_eq!(at(asked), leads[2].geocode.position.unwrap());
    }

    #[test]
    fn a_guest_need_not_be_due_but_must_be_possible() {
        let shift = Window::new(8 * 3_600, 17 * 3_600);
        let seen = |lead: &Lead| guest(lead, &work(), &day(WEDNESDAY), shift);
        let (stop, at) = seen(&lead(1, 5.0, Some(-30))).unwrap();
        assert_eq!(
            (stop.priority, stop.service_s, stop.mandatory),
            (10, 1_800, false)
        );
        assert_eq!(at, lead(1, 5.0, None).geocode.position.unwrap());
        let mut lost = lead(1, 5.0, None);
        lost.status = LeadStatus::Lost;
        let mut elsewhere = lead(1, 5.0, None);
        elsewhere.geocode.position = None;
        assert!(seen(&lost).is_none() && seen(&elsewhere).is_none());
    }

    #[test]
    fn traffic_of_the_working_day_lies_on_the_travel_times() {
        let mut slow = work();
        slow.traffic = vec![500; 24];
        assert_eq!(slow.check(), Ok(()));
        let travel = || Travel::from_fn(2, |_, _| Some((600, 6_000))).unwrap();
        let planned = |work: &WorkDay| {
            let sketch = sketch(REP, work, &day(WEDNESDAY), &[lead(1, 9.0, None)]).unwrap();
            let problem = sketch.problem(travel());
            crate::solve(&problem, &crate::Options::default())
                .unwrap()
                .totals
                .driving_s
        };
        assert_eq!((planned(&work()), planned(&slow)), (1_200, 2_400));
        for wrong in [vec![500; 23], vec![99; 24], vec![3_001; 24]] {
            slow.traffic = wrong;
            assert_eq!(slow.check().unwrap_err().field, "traffic");
        }
    }
}
