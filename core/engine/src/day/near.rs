//! Leads near the rest of the day's route.

use crate::day::matrix::with_guest_places;
use crate::day::own::DayData;
use crate::day::replan::{State, whole_shift};
use crate::day::{DayUpdate, TravelNote};
use crate::leads::read_all;
use crate::{Engine, EngineError, EngineResult, LeadRecord, NearbyFilter};
use fieldfare_model::{CalendarDate, LatLng, LeadId};
use fieldfare_planner::workday::guest;
use fieldfare_planner::{Activity, Detour, NearRule, Options, Plan, Problem, Stop, near_route};
use std::collections::{BTreeMap, BTreeSet};

/// The most leads looked at in one call.
const MOST_CANDIDATES: u32 = 500;

/// Which leads near the day's route to give.
#[derive(Debug, Clone, PartialEq)]
pub struct NearDayQuery {
    /// Where the rep is; used and not kept.
    pub position: Option<LatLng>,
    /// Longest detour in minutes of driving.
    pub within_minutes: u32,
    /// Least priority: 10 for any lead, more by tier, score and days overdue.
    pub least_priority: u32,
    /// Only leads that pass.
    pub filter: NearbyFilter,
    /// How many leads are looked at, those nearest to the day's stops; at most 500.
    pub candidates: u32,
    /// How many are given, at most 200.
    pub limit: u32,
}

impl Default for NearDayQuery {
    /// Within 30 minutes, whatever the priority.
    fn default() -> Self {
        Self {
            position: None,
            within_minutes: 30,
            least_priority: 0,
            filter: NearbyFilter::default(),
            candidates: 200,
            limit: 50,
        }
    }
}

/// A lead and what a visit to it costs today.
#[derive(Debug, Clone, PartialEq)]
pub struct NearLead {
    /// The lead.
    pub record: LeadRecord,
    /// How much a visit matters.
    pub priority: u32,
    /// More driving, seconds: exact by the day's travel times.
    pub detour_s: i64,
    /// More driving, metres.
    pub detour_m: i64,
    /// How many seconds later the day is over.
    pub later_s: i64,
    /// After which lead it would be visited; none for first.
    pub after: Option<LeadId>,
}

/// Leads near the day's route.
#[derive(Debug, Clone, PartialEq)]
pub struct NearDay {
    /// The most important first, then the shortest detour.
    pub leads: Vec<NearLead>,
    /// How many there are in all among the candidates.
    pub total: u32,
    /// Whether every lead that passes the filter was looked at.
    pub is_complete: bool,
    /// Where the travel times come from.
    pub travel: TravelNote,
}

impl Engine {
    /// Leads that can be visited beside what is still planned today, with everything planned still
    /// on time and in its order, and the exact minutes that takes.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] if that day is not planned; [`EngineError::Invalid`] for numbers
    /// out of range; or as storage has it.
    pub fn leads_near_day(
        &self,
        date: CalendarDate,
        query: &NearDayQuery,
    ) -> EngineResult<NearDay> {
        query.check()?;
        let data = self.day_data(date)?;
        let (problem, plan) = self.as_it_stands(&data, query.position)?;
        let (records, is_complete) = self.candidates(&data, &problem, query)?;
        let (problem, guests) = self.with_guests(&data, problem, &records)?;
        let rule = NearRule {
            most_detour_s: i64::from(query.within_minutes) * 60,
            least_priority: query.least_priority,
        };
        let stops: Vec<Stop> = guests.iter().map(|guest| guest.stop.clone()).collect();
        let found = near_route(&problem, &plan, &stops, &rule)?;
        let total = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let shown = found.iter().take(query.limit as usize);
        Ok(NearDay {
            leads: shown
                .filter_map(|detour| near_lead(detour, &guests, &plan))
                .collect(),
            total,
            is_complete,
            travel: TravelNote::new(problem.travel.provenance(), data.computed_at),
        })
    }

    /// What is left of the day in the order planned, from where the rep is now. What does not fit
    /// any more is left out of it.
    fn as_it_stands(
        &self,
        data: &DayData,
        position: Option<LatLng>,
    ) -> EngineResult<(Problem, Plan)> {
        let now = self.sources.now();
        let shift = whole_shift(data);
        let is_untouched = !data.is_rest
            && position.is_none()
            && data.second(now) <= shift.from
            && data.progress == Default::default();
        if is_untouched {
            return Ok((data.problem.clone(), data.plan.clone()));
        }
        let planned: BTreeSet<String> = data.order().iter().map(LeadId::to_string).collect();
        let held = data.progress.visited.iter().chain(&data.progress.committed);
        let held: BTreeSet<String> = held.map(LeadId::to_string).collect();
        let mut problem = data.problem.clone();
        problem
            .stops
            .retain(|stop| planned.contains(&stop.id) || held.contains(&stop.id));
        let update = DayUpdate {
            position,
            ..DayUpdate::default()
        };
        let options = Options {
            iterations: Some(0),
            ..Options::default()
        };
        let state = State::new(data, &update, now).keeping_order();
        let rest = state.replan(problem, &data.plan, &options)?;
        Ok((rest.problem, rest.plan))
    }

    /// The leads nearest to a place of the day, and whether those are all.
    fn candidates(
        &self,
        data: &DayData,
        problem: &Problem,
        query: &NearDayQuery,
    ) -> EngineResult<(Vec<LeadRecord>, bool)> {
        let most = query.candidates as usize;
        let busy: BTreeSet<LeadId> = data
            .order()
            .into_iter()
            .chain(data.progress.visited.iter().copied())
            .chain(data.progress.cancelled.iter().copied())
            .collect();
        let mut nearest: BTreeMap<LeadId, f64> = BTreeMap::new();
        let mut is_complete = true;
        for place in places_of(problem, data) {
            let accepts =
                |spot: &crate::map::Spot| !busy.contains(&spot.id) && query.filter.accepts(spot);
            let hits = self.map.nearest(place, most + 1, accepts);
            is_complete &= hits.len() <= most;
            for hit in hits {
                let known = nearest.entry(hit.key).or_insert(hit.distance_m);
                *known = known.min(hit.distance_m);
            }
        }
        let mut ranked: Vec<(LeadId, f64)> = nearest.into_iter().collect();
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        ranked.truncate(most);
        let ids: Vec<LeadId> = ranked.into_iter().map(|(id, _)| id).collect();
        Ok((read_all(self.store.leads(&ids)?), is_complete))
    }

    /// The problem with the candidates' places, and the candidates as stops.
    fn with_guests(
        &self,
        data: &DayData,
        problem: Problem,
        records: &[LeadRecord],
    ) -> EngineResult<(Problem, Vec<Guest>)> {
        let (work, day, shift) = (self.work_of(data)?, data.day()?, whole_shift(data));
        let first = problem.positions.len();
        let (mut guests, mut places) = (Vec::new(), Vec::new());
        for record in records {
            let Some((stop, position)) = guest(&record.lead, &work, &day, shift) else {
                continue;
            };
            let place = first + places.len();
            places.push(position);
            guests.push(Guest {
                stop: Stop { place, ..stop },
                record: record.clone(),
            });
        }
        Ok((with_guest_places(problem, &places)?, guests))
    }
}

struct Guest {
    stop: Stop,
    record: LeadRecord,
}

impl NearDayQuery {
    fn check(&self) -> EngineResult<()> {
        let fits = (1..=MOST_CANDIDATES).contains(&self.candidates)
            && (1..=crate::MAX_PAGE).contains(&self.limit)
            && self.within_minutes <= 24 * 60;
        fits.then_some(()).ok_or(EngineError::invalid(
            "look at 1 to 500 leads, give 1 to 200, within at most a day of driving",
        ))
    }
}

/// Where the rest of the day begins, ends and stops.
fn places_of(problem: &Problem, data: &DayData) -> Vec<LatLng> {
    let planned = data.order();
    let stops = problem.stops.iter().filter(|stop| {
        let lead = stop.id.parse::<LeadId>();
        lead.is_ok_and(|lead| planned.contains(&lead))
    });
    let rep = problem.reps.first();
    let ends = rep.and_then(|rep| rep.start).into_iter();
    let ends = ends.chain(rep.and_then(|rep| rep.end));
    let places: BTreeSet<usize> = ends.chain(stops.map(|stop| stop.place)).collect();
    let at = |place: usize| problem.positions.get(place).copied();
    places.into_iter().filter_map(at).collect()
}

fn near_lead(detour: &Detour, guests: &[Guest], plan: &Plan) -> Option<NearLead> {
    let guest = guests.get(detour.candidate)?;
    let visits = plan
        .days
        .first()?
        .steps
        .iter()
        .filter_map(|step| match &step.what {
            Activity::Visit { stop } => Some(stop),
            Activity::Break { .. } => None,
        });
    let before = detour.position.checked_sub(1);
    let after = before.and_then(|index| visits.clone().nth(index));
    Some(NearLead {
        record: guest.record.clone(),
        priority: guest.stop.priority,
        detour_s: detour.detour_s,
        detour_m: detour.metres,
        later_s: detour.later_s,
        after: after.and_then(|stop| stop.parse().ok()),
    })
}
