//! Following a route, one call for each fix.

use crate::route::record::index;
use crate::route::update::{events, record};
use crate::route::{RouteAdvice, RouteEvent, RouteKind, RouteMap, RouteUpdate, TripRecord, guide};
use crate::{Engine, EngineError, EngineResult};
use fieldfare_model::{CalendarDate, Fix, LatLng, LeadId, Purpose, TimestampMs};
use fieldfare_navigator::{
    CourseFix, Entry, Event, FollowConfig, Itinerary, OsrmAdapter, Phase, QueryPlace, Recalc,
    RecalcAnswer, RecalcConfig, RecalcPolicy, Recording, Route, RouteAdapter, RouteQuery, Update,
    WaypointKind, rank_routes,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Routes kept to choose from without a connection.
const MOST_OTHERS: usize = 8;

/// Number of the request for a road route in place of straight lines.
const FOR_ROAD: u32 = 0;

/// Milliseconds between two such requests.
const FOR_ROAD_EVERY_MS: i64 = 60_000;

/// Follows the route of a day. Calls may come from any thread and take microseconds, and as long as
/// writing some hundred bytes where the session is saved.
///
/// Without consent for [`Purpose::Navigation`] all of it stays in memory and ends with the process.
/// With it the session is saved at every event and every ten seconds, encrypted, and
/// [`Engine::resume_following`] takes it up again.
pub struct RouteSession {
    engine: Arc<Engine>,
    following: Mutex<Following>,
}

/// A cached route and how well it would do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedAlternative {
    /// Which: 0 is the route under way, others are for [`RouteSession::use_alternative`].
    pub index: u32,
    /// Where it would be joined.
    pub join: LatLng,
    /// Metres to there as the crow flies.
    pub gap_m: f64,
    /// Stops still to visit that it does not serve from there on.
    pub missing_stops: u32,
    /// Milliseconds to its end.
    pub total_ms: i64,
}

/// What a session remembers.
pub(super) struct Following {
    pub session: fieldfare_navigator::RouteSession,
    pub date: CalendarDate,
    pub kind: RouteKind,
    pub version: u32,
    /// Leads that were reached; passing them again on another route is no miss.
    pub reached: BTreeSet<LeadId>,
    pub saved_at: Option<TimestampMs>,
    pub is_route_saved: bool,
    road_config: FollowConfig,
    others: Vec<Arc<Itinerary>>,
    policy: RecalcPolicy,
    is_connected: bool,
    asked_for_road_at: Option<TimestampMs>,
    last_fix: Option<CourseFix>,
    last: Option<RouteUpdate>,
    recording: Option<Recording>,
}

impl Following {
    pub fn new(
        session: fieldfare_navigator::RouteSession,
        date: CalendarDate,
        kind: RouteKind,
        road_config: FollowConfig,
    ) -> Self {
        Self {
            session,
            date,
            kind,
            version: 1,
            reached: BTreeSet::new(),
            saved_at: None,
            is_route_saved: false,
            road_config,
            others: Vec::new(),
            policy: RecalcPolicy::new(RecalcConfig::default()),
            is_connected: false,
            asked_for_road_at: None,
            last_fix: None,
            last: None,
            recording: None,
        }
    }

    pub fn route(&self) -> &Route {
        self.session.itinerary().route()
    }

    fn update(&mut self, fix: CourseFix) -> RouteUpdate {
        self.note(Entry::Fix(fix));
        let mut update = self.session.update(&fix);
        let reached = std::mem::take(&mut self.reached);
        let route = self.session.itinerary().route();
        let was_there = |stop: usize| {
            let lead = route.waypoints().get(stop).and_then(|place| place.lead);
            lead.is_some_and(|lead| reached.contains(&lead))
        };
        update.events.retain(|event| match event {
            Event::StopMissed { stop } => !was_there(*stop),
            _ => true,
        });
        self.reached = reached;
        let mut shown = record(&update, self.route(), self.version);
        let arrived = shown.events.iter().filter_map(|event| match event {
            RouteEvent::Arrived { lead, .. } => *lead,
            _ => None,
        });
        self.reached.extend(arrived);
        self.last_fix = Some(fix);
        shown.advice = self.react(&fix, &update, &mut shown.events);
        shown.route_version = self.version;
        self.last = Some(shown.clone());
        shown
    }

    /// Decides what is to be done about a deviation, and does it where no connection is needed.
    fn react(
        &mut self,
        fix: &CourseFix,
        update: &Update,
        events: &mut Vec<RouteEvent>,
    ) -> RouteAdvice {
        if self.kind == RouteKind::Crow {
            return self.ask_for_road(update, fix.fix.at);
        }
        match self.policy.decide(update, fix.fix.at, self.is_connected) {
            Recalc::Nothing => RouteAdvice::Nothing,
            Recalc::Ask { request } => RouteAdvice::AskForRoute { request },
            Recalc::UseCached => match self.best_other(fix) {
                Some(other) => {
                    events.push(self.follow_other(other));
                    RouteAdvice::Nothing
                }
                None => RouteAdvice::LeadBack,
            },
        }
    }

    /// A clock that was set back must not silence this.
    fn ask_for_road(&mut self, update: &Update, now: TimestampMs) -> RouteAdvice {
        let is_under_way = matches!(update.phase, Phase::Joining | Phase::Navigating);
        let waited = self.asked_for_road_at.map(|asked| now.since(asked));
        let is_due = waited.is_none_or(|waited| !(0..FOR_ROAD_EVERY_MS).contains(&waited));
        if !self.is_connected || !is_under_way || !is_due {
            return RouteAdvice::Nothing;
        }
        self.asked_for_road_at = Some(now);
        RouteAdvice::AskForRoute { request: FOR_ROAD }
    }

    /// The routes at hand, the one under way first.
    fn ranked(&self, fix: &CourseFix) -> Vec<fieldfare_navigator::RankedRoute> {
        let own = std::iter::once(self.session.itinerary());
        let all: Vec<&Itinerary> = own.chain(&self.others).map(AsRef::as_ref).collect();
        rank_routes(fix, &self.session.pending_stops(), &all)
    }

    fn best_other(&self, fix: &CourseFix) -> Option<usize> {
        self.ranked(fix).first()?.index.checked_sub(1)
    }

    /// Follows another of the routes at hand; the one under way takes its place among them.
    fn follow_other(&mut self, other: usize) -> RouteEvent {
        let chosen = self.others.remove(other);
        self.follow_route(chosen)
    }

    fn follow_route(&mut self, itinerary: Arc<Itinerary>) -> RouteEvent {
        let before = Arc::clone(self.session.itinerary());
        if self.kind == RouteKind::Road {
            self.add_other(before);
        }
        if self.kind == RouteKind::Crow {
            let road = fieldfare_navigator::RouteSession::new(
                Arc::clone(&itinerary),
                self.road_config.clone(),
            );
            if let Ok(mut road) = road {
                let summary = self.session.summary();
                if self.session.phase() != Phase::Idle {
                    road.start(summary.started_at);
                }
                if self.session.phase() == Phase::Paused {
                    road.pause();
                }
                self.session = road;
            }
        } else {
            self.session.replace_route(itinerary);
        }
        self.kind = RouteKind::Road;
        self.version = self.version.saturating_add(1);
        self.is_route_saved = false;
        self.recording = None;
        RouteEvent::RouteChanged {
            version: self.version,
        }
    }

    fn add_other(&mut self, itinerary: Arc<Itinerary>) -> bool {
        let digest = itinerary.digest();
        let is_known = |known: &Arc<Itinerary>| known.digest() == digest;
        if self.others.iter().any(is_known) {
            return false;
        }
        self.others.insert(0, itinerary);
        self.others.truncate(MOST_OTHERS);
        true
    }

    /// Where to, from the last fix: what a routing service is to be asked.
    fn query(&self) -> Option<RouteQuery> {
        let fix = self.last_fix?;
        let route = self.route();
        let next = self.session.next_stop()?;
        let pending = route.waypoints().get(next..)?.iter();
        let pending = pending.filter(|place| place.kind == WaypointKind::Break);
        let here = QueryPlace {
            position: fix.fix.position,
            kind: WaypointKind::Break,
            lead: None,
            service_s: 0,
        };
        let places = pending.map(|place| QueryPlace {
            position: place.position,
            kind: place.kind,
            lead: place.lead,
            service_s: place.service_s,
        });
        Some(RouteQuery {
            places: std::iter::once(here).chain(places).collect(),
            course_deg: fix.course_deg,
            alternatives: 2,
        })
    }

    fn note(&mut self, entry: Entry) {
        if let Some(recording) = &mut self.recording {
            recording.entries.push(entry);
        }
    }

    fn told(&self, happened: &[Event]) -> Vec<RouteEvent> {
        events(happened, self.route())
    }
}

impl RouteSession {
    pub(super) fn over(engine: Arc<Engine>, following: Following) -> Arc<Self> {
        Arc::new(Self {
            engine,
            following: Mutex::new(following),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Following> {
        self.following
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a fix in. `course_deg` is the direction of travel in degrees clockwise from north,
    /// where the platform gives it. Give the same fix to [`Engine::fix`], which alone alerts and
    /// stores pings.
    pub fn update(&self, fix: Fix, course_deg: Option<f64>) -> RouteUpdate {
        let mut following = self.lock();
        let shown = following.update(CourseFix { fix, course_deg });
        let has_news = !shown.events.is_empty();
        self.engine.save_following(&mut following, fix.at, has_news);
        shown
    }

    /// Whether requests to a routing service can succeed now; not, until it is said.
    pub fn set_connected(&self, is_connected: bool) {
        self.lock().is_connected = is_connected;
    }

    /// The route under way, for the map and the list of instructions.
    pub fn map(&self) -> RouteMap {
        let following = self.lock();
        let itinerary = following.session.itinerary();
        RouteMap::new(
            itinerary.route(),
            following.version,
            following.kind,
            itinerary.length_m(),
        )
    }

    /// The day that is followed.
    pub fn date(&self) -> CalendarDate {
        self.lock().date
    }

    /// Where the session stands.
    pub fn phase(&self) -> Phase {
        self.lock().session.phase()
    }

    /// The trip so far.
    pub fn trip(&self) -> TripRecord {
        self.lock().session.summary().into()
    }

    /// The last update, without its events: for a screen that is shown again.
    pub fn last_update(&self) -> Option<RouteUpdate> {
        let last = self.lock().last.clone();
        last.map(|last| RouteUpdate {
            events: Vec::new(),
            advice: RouteAdvice::Nothing,
            ..last
        })
    }

    /// Halts following: fixes are looked at, but nothing is said and nothing counts.
    pub fn pause(&self) {
        self.by_hand(Entry::Pause, |session| {
            session.pause();
            Vec::new()
        });
    }

    /// Goes on after a pause, from wherever the driver is.
    pub fn resume(&self) {
        self.by_hand(Entry::Resume, |session| {
            session.resume();
            Vec::new()
        });
    }

    /// Ends the current step by hand.
    pub fn advance(&self) -> Vec<RouteEvent> {
        self.by_hand(Entry::Advance, |session| session.advance())
    }

    /// Leaves the next stop out and goes on to the one after it.
    pub fn skip_stop(&self) -> Vec<RouteEvent> {
        self.by_hand(Entry::SkipStop, |session| session.skip_stop())
    }

    /// Ends the trip; what was saved of it is deleted.
    pub fn stop(&self) -> TripRecord {
        let now = self.engine.sources.now();
        self.by_hand(Entry::Stop(now), |session| {
            session.stop(now);
            Vec::new()
        });
        self.trip()
    }

    fn by_hand(
        &self,
        entry: Entry,
        what: impl FnOnce(&mut fieldfare_navigator::RouteSession) -> Vec<Event>,
    ) -> Vec<RouteEvent> {
        let mut following = self.lock();
        following.note(entry);
        let happened = what(&mut following.session);
        let told = following.told(&happened);
        let now = self.engine.sources.now();
        self.engine.save_following(&mut following, now, true);
        told
    }

    /// What to ask a routing service for: where the driver is and the stops still to reach, in
    /// order, with the direction of travel. None before the first fix and after the last stop.
    pub fn route_query(&self) -> Option<RouteQuery> {
        self.lock().query()
    }

    /// Takes the answer to [`RouteAdvice::AskForRoute`]: OSRM's or Valhalla's JSON for the places
    /// of [`RouteSession::route_query`]. The first route is followed, others are kept to choose
    /// from. Answers whether the route is followed: not if the driver is back on the old one, or
    /// the request is not the last.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for an answer that cannot be read; the request counts as failed.
    pub fn answer(&self, request: u32, answer: &[u8]) -> EngineResult<bool> {
        let mut following = self.lock();
        let query = following
            .query()
            .ok_or(EngineError::invalid("the trip is over"))?;
        let any = OsrmAdapter {
            profile: String::new(),
        };
        let routes = match any.parse(&query, answer) {
            Ok(routes) => routes,
            Err(error) => {
                following.policy.failed(request);
                return Err(error.into());
            }
        };
        Ok(self.take_routes(&mut following, request, routes))
    }

    /// Takes one route as the answer to a request.
    pub(super) fn take_route(&self, request: u32, route: Route) -> bool {
        self.take_routes(&mut self.lock(), request, vec![route])
    }

    fn take_routes(&self, following: &mut Following, request: u32, routes: Vec<Route>) -> bool {
        let is_wanted = match request {
            FOR_ROAD => following.kind == RouteKind::Crow,
            _ => following.policy.answered(request) == RecalcAnswer::Use,
        };
        let mut routes = routes
            .into_iter()
            .map(|route| Arc::new(Itinerary::new(route)));
        let Some(first) = routes.next().filter(|_| is_wanted) else {
            return false;
        };
        following.follow_route(first);
        routes.for_each(|other| {
            following.add_other(other);
        });
        let now = self.engine.sources.now();
        self.engine.save_following(following, now, true);
        true
    }

    /// The request failed; another is made later.
    pub fn answer_failed(&self, request: u32) {
        self.lock().policy.failed(request);
    }

    /// Adds routes to choose from without a connection: OSRM's or Valhalla's JSON, or the bytes of
    /// a route. Eight at most are kept, the newest. Answers how many were new.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for an answer that cannot be read.
    pub fn add_alternatives(&self, answer: &[u8]) -> EngineResult<u32> {
        let routes = match Route::from_bytes(answer) {
            Ok(route) => vec![route],
            Err(_) => fieldfare_navigator::parse_routes(answer)?,
        };
        let mut following = self.lock();
        let own = following.session.itinerary().digest();
        let mut added = 0;
        for route in routes {
            let itinerary = Arc::new(Itinerary::new(route));
            let is_new = itinerary.digest() != own && following.add_other(itinerary);
            added += u32::from(is_new);
        }
        Ok(added)
    }

    /// The routes at hand, the best for where the driver is now first. Empty before the first fix.
    pub fn alternatives(&self) -> Vec<RankedAlternative> {
        let following = self.lock();
        let Some(fix) = following.last_fix else {
            return Vec::new();
        };
        let ranked = following.ranked(&fix).into_iter();
        let ranked = ranked.map(|route| RankedAlternative {
            index: index(route.index),
            join: route.position,
            gap_m: route.gap_m,
            missing_stops: index(route.missing_stops),
            total_ms: route.total_ms,
        });
        ranked.collect()
    }

    /// Follows another of the routes at hand.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] if there is no such route; 0 is the one under way.
    pub fn use_alternative(&self, index: u32) -> EngineResult<()> {
        let mut following = self.lock();
        let other = (index as usize).checked_sub(1);
        let other = other.filter(|other| *other < following.others.len());
        let other = other.ok_or(EngineError::not_found("route"))?;
        following.follow_other(other);
        let now = self.engine.sources.now();
        self.engine.save_following(&mut following, now, true);
        Ok(())
    }

    /// Begins to keep every fix in memory, to replay the drive later; a route that is replaced ends
    /// the recording.
    ///
    /// # Errors
    /// [`EngineError::ConsentRequired`] without consent for navigation.
    pub fn record(&self) -> EngineResult<()> {
        self.engine.require_consent(Purpose::Navigation)?;
        let mut following = self.lock();
        let mut recording = Recording::of(&following.session);
        if following.session.phase() != Phase::Idle {
            let now = self.engine.sources.now();
            recording.entries.push(Entry::Start(now));
        }
        following.recording = Some(recording);
        Ok(())
    }

    /// Ends the recording and gives it, as the navigator's bytes; redacted it says no more where
    /// and when it was. None if nothing was recorded, or consent was withdrawn meanwhile.
    pub fn take_recording(&self, redacted: bool) -> Option<Vec<u8>> {
        let recording = self.lock().recording.take()?;
        self.engine.require_consent(Purpose::Navigation).ok()?;
        Some(match redacted {
            true => recording.redacted().to_bytes(),
            false => recording.to_bytes(),
        })
    }
}

impl std::fmt::Debug for RouteSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RouteSession")
    }
}

/// How a route of a kind is followed.
pub(super) fn config_for(kind: RouteKind, road: &FollowConfig) -> FollowConfig {
    match kind {
        RouteKind::Road => road.clone(),
        RouteKind::Crow => guide::crow_config(road),
    }
}
