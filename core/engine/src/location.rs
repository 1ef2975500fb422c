//! What becomes of a fix: alerts, the next fix, regions to watch, and perhaps a ping.

use crate::map::Spot;
use crate::proximity::{
    LeadsNear, NearLead, Proximity, ProximityConfig, ProximityError, ProximityEvent, ProximityState,
};
use crate::sampler::{Allowed, NextFix, Reading, Sampler, Surroundings};
use crate::{Engine, EngineConfig, EngineError, EngineResult, NearbyLead, consent};
use fieldfare_geo::{Circle, FenceCandidate, FenceLimits, FencePlan, Hit, choose_fences};
use fieldfare_model::{
    Entity, Fix, LatLng, LeadId, LeadStatus, PingId, Purpose, TimestampMs, Visit,
};

const SETTING: &str = "proximity";

/// How many leads the sampler looks at.
const SAMPLED_LEADS: usize = 64;

/// How many leads around a place are weighed for a region.
const FENCE_CANDIDATES: usize = 1_000;

/// A region for the operating system to watch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FenceArea {
    /// Whose it is; none for the re-arm region.
    pub lead: Option<LeadId>,
    /// Its middle.
    pub center: LatLng,
    /// Its radius in metres.
    pub radius_m: f64,
}

/// The regions to watch now, in place of all before.
#[derive(Debug, Clone, PartialEq)]
pub struct Fences {
    /// Leads' circles, nearest edge first.
    pub areas: Vec<FenceArea>,
    /// The region around the place; when the phone leaves it, take a fix.
    pub rearm: FenceArea,
    /// Leads whose circles found no region though they can be reached before the next choice.
    pub exposed: Vec<LeadId>,
}

/// What a fix led to.
#[derive(Debug, Clone, PartialEq)]
pub struct FixOutcome {
    /// Leads the rep should be told of now, the most worthy first.
    pub alerts: Vec<NearbyLead>,
    /// Leads left and entered, and the alerts again, in order.
    pub events: Vec<ProximityEvent>,
    /// When to take the next fix.
    pub next: NextFix,
    /// The regions to watch, if they are others than before.
    pub fences: Option<Fences>,
    /// Whether the position was stored to be sent.
    pub is_ping_stored: bool,
}

/// What the platform says around a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FixContext {
    /// Whether the phone saves battery.
    pub battery_saver: bool,
    /// Whether the fix was taken because the platform noticed motion.
    pub woken_by_motion: bool,
}

/// What is remembered between fixes.
pub(crate) struct Location {
    proximity: Proximity,
    sampler: Sampler,
    watched: Option<Watched>,
}

/// The regions last given out, and of which map.
struct Watched {
    fences: Fences,
    map_version: u64,
}

impl Location {
    pub fn new(config: &EngineConfig) -> EngineResult<Self> {
        let wrong = |error: crate::proximity::ConfigError| EngineError::invalid(error.to_string());
        Ok(Self {
            proximity: Proximity::new(config.proximity.clone(), ProximityState::default())
                .map_err(wrong)?,
            sampler: Sampler::new(config.sampler.clone()).map_err(wrong)?,
            watched: None,
        })
    }
}

impl Engine {
    /// Takes a fix and does with it what is granted now, and nothing else.
    ///
    /// # Errors
    /// As storage has it.
    pub fn fix(&self, fix: Fix) -> EngineResult<FixOutcome> {
        self.fix_with(fix, FixContext::default())
    }

    /// Like [`Engine::fix`], with what the platform says around it.
    ///
    /// # Errors
    /// As storage has it.
    pub fn fix_with(&self, fix: Fix, context: FixContext) -> EngineResult<FixOutcome> {
        let mut location = self.lock_location();
        let is_ping_stored = self.keep_ping(&fix)?;
        let followed = self.follow_fix(&mut location, &fix)?;
        let is_followed = followed.is_some();
        let events = followed.unwrap_or_default();
        // What may be done with this fix is decided by its own time; whether others shall follow, by
        // the present: a fix the platform took before the grant must not end the sampling.
        let allowed = Allowed {
            alerts: self.is_granted(Purpose::ProximityAlerts),
            tracking: self.is_granted(Purpose::LiveTracking),
        };
        let around = self.surroundings(&location, fix.position);
        let next = location.sampler.next(&Reading {
            fix: &fix,
            around: &around,
            allowed,
            battery_saver: context.battery_saver,
            woken_by_motion: context.woken_by_motion,
        });
        let fences = if is_followed {
            self.renew_fences(&mut location, fix.position)?
        } else {
            None
        };
        drop(location);
        Ok(FixOutcome {
            alerts: self.load_alerts(&events)?,
            events,
            next,
            fences,
            is_ping_stored,
        })
    }

    /// Stores the fix to be sent, if live tracking is granted. The gate is held meanwhile, so a
    /// withdrawal comes before or after, not between. Answers whether it was stored.
    fn keep_ping(&self, fix: &Fix) -> EngineResult<bool> {
        let mut consents = self.lock_consents();
        let purpose = Purpose::LiveTracking;
        let Ok(grant) = consents.check(purpose, fix.at, self.sources.now()) else {
            return Ok(false);
        };
        let Ok(ping) = consent::Ping::new(&grant, self.sources.id(PingId::v7)?, *fix) else {
            return Ok(false);
        };
        let stored = self.store.add_ping(&fieldfare_store::Ping {
            id: ping.id(),
            purpose: ping.purpose(),
            consent: ping.consent(),
            fix: *ping.fix(),
        });
        match stored {
            Ok(()) => Ok(true),
            // Granted on another device of the rep only: not enough to send from this one.
            Err(fieldfare_store::StoreError::NoConsent) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Proximity's answer; none if alerts are not granted.
    fn follow_fix(
        &self,
        location: &mut Location,
        fix: &Fix,
    ) -> EngineResult<Option<Vec<ProximityEvent>>> {
        let now = self.sources.now();
        let purpose = Purpose::ProximityAlerts;
        let grant = self.lock_consents().check(purpose, fix.at, now);
        let Ok(grant) = grant else {
            self.forget_if_any(location)?;
            return Ok(None);
        };
        let around = Around {
            engine: self,
            config: location.proximity.config().clone(),
        };
        match location.proximity.on_fix(&grant, fix, &around) {
            Ok(events) => {
                if !events.is_empty() {
                    self.keep_proximity(location)?;
                }
                Ok(Some(events))
            }
            Err(ProximityError::Denied(_)) => Ok(None),
            Err(ProximityError::Leads(error)) => Err(error),
        }
    }

    fn keep_proximity(&self, location: &Location) -> EngineResult<()> {
        let json = serde_json::to_vec(location.proximity.state());
        let json = json.map_err(|_| EngineError::Storage {
            detail: "proximity cannot be written".to_owned(),
        })?;
        Ok(self.store.set_setting(SETTING, Some(&json))?)
    }

    fn forget_if_any(&self, location: &mut Location) -> EngineResult<()> {
        if location.proximity.state().is_empty() && location.watched.is_none() {
            return Ok(());
        }
        location.proximity.forget();
        location.watched = None;
        Ok(self.store.set_setting(SETTING, None)?)
    }

    /// Forgets where the rep was, as withdrawn consent demands.
    pub(crate) fn forget_proximity(&self) -> EngineResult<()> {
        self.forget_if_any(&mut self.lock_location())
    }

    /// Takes up what an earlier run remembered.
    pub(crate) fn load_proximity(&self) -> EngineResult<()> {
        let Some(json) = self.store.setting(SETTING)? else {
            return Ok(());
        };
        let state: ProximityState = serde_json::from_slice(&json).unwrap_or_default();
        let mut location = self.lock_location();
        let config = location.proximity.config().clone();
        location.proximity = Proximity::new(config, state)
            .map_err(|error| EngineError::invalid(error.to_string()))?;
        Ok(())
    }

    /// What is remembered of the rep's whereabouts, for the export.
    pub(crate) fn remembered_proximity(&self) -> ProximityState {
        self.lock_location().proximity.state().clone()
    }

    fn surroundings(&self, location: &Location, position: LatLng) -> Surroundings {
        let config = location.proximity.config();
        let state = location.proximity.state();
        let hits = self.map.nearest(position, SAMPLED_LEADS, |spot| {
            can_alert(config, spot) && !state.is_told(spot.id)
        });
        let is_all = hits.len() < SAMPLED_LEADS;
        let searched_m = match hits.last() {
            Some(last) if !is_all => last.distance_m,
            _ => f64::INFINITY,
        };
        let circles = hits
            .iter()
            .map(|hit| (hit.distance_m, self.radius_of(config, hit.key)));
        Surroundings::new(circles, searched_m, f64::from(config.max_radius_m))
    }

    fn radius_of(&self, config: &ProximityConfig, id: LeadId) -> f64 {
        config.radius_m(self.map.spot(id).and_then(|spot| spot.alert_radius_m))
    }

    /// The regions for the operating system to watch around a place, `k` at most, the re-arm
    /// region included; the platform's limit if not said.
    ///
    /// # Errors
    /// [`EngineError::ConsentRequired`] without consent for proximity alerts;
    /// [`EngineError::Invalid`] for `k` of 0.
    pub fn fences(&self, position: LatLng, k: Option<u32>) -> EngineResult<Fences> {
        self.require_consent(Purpose::ProximityAlerts)?;
        self.plan_fences(position, k.unwrap_or(self.config.fence_limit))
    }

    fn renew_fences(
        &self,
        location: &mut Location,
        position: LatLng,
    ) -> EngineResult<Option<Fences>> {
        let map_version = self.map.version();
        let holds = location.watched.as_ref().is_some_and(|watched| {
            let rearm = &watched.fences.rearm;
            let distance_m = fieldfare_geo::distance_m(rearm.center, position);
            watched.map_version == map_version && distance_m <= rearm.radius_m
        });
        if holds {
            return Ok(None);
        }
        let fences = self.plan_fences(position, self.config.fence_limit)?;
        let is_new = location.watched.as_ref().is_none_or(|w| w.fences != fences);
        location.watched = Some(Watched {
            fences: fences.clone(),
            map_version,
        });
        Ok(is_new.then_some(fences))
    }

    fn plan_fences(&self, position: LatLng, regions: u32) -> EngineResult<Fences> {
        let config = &self.config.proximity;
        let (hits, horizon_m) = self.fence_candidates(position);
        let candidates: Vec<FenceCandidate<LeadId>> = hits
            .iter()
            .filter_map(|hit| self.fence_candidate(config, hit))
            .collect();
        let limits = FenceLimits {
            regions: regions as usize,
            horizon_m,
            ..FenceLimits::ANDROID
        };
        let plan = choose_fences(position, &candidates, &limits)
            .map_err(|error| EngineError::invalid(error.to_string()))?;
        Ok(fences_of(plan))
    }

    /// The leads that may need a region, and how far around all circles are among them.
    fn fence_candidates(&self, position: LatLng) -> (Vec<Hit<LeadId>>, f64) {
        let config = &self.config.proximity;
        let accept = |spot: &Spot| can_alert(config, spot);
        let hits = self.map.nearest(position, FENCE_CANDIDATES, accept);
        if hits.len() < FENCE_CANDIDATES {
            return (hits, f64::INFINITY);
        }
        let max_radius_m = f64::from(config.max_radius_m);
        let least_m = FenceLimits::ANDROID.min_rearm_m + FenceLimits::ANDROID.margin_m;
        let horizon_m = hits.last().map_or(0.0, |hit| hit.distance_m) - max_radius_m;
        if horizon_m >= least_m {
            return (hits, horizon_m);
        }
        let all = self.map.within(position, least_m + max_radius_m, accept);
        (all, least_m)
    }

    fn fence_candidate(
        &self,
        config: &ProximityConfig,
        hit: &Hit<LeadId>,
    ) -> Option<FenceCandidate<LeadId>> {
        let spot = self.map.spot(hit.key)?;
        let radius_m = config.radius_m(spot.alert_radius_m);
        Some(FenceCandidate {
            key: hit.key,
            circle: Circle::new(spot.at, radius_m).ok()?,
            priority: f64::from(spot.score.unwrap_or(0)),
        })
    }

    fn load_alerts(&self, events: &[ProximityEvent]) -> EngineResult<Vec<NearbyLead>> {
        let hits: Vec<Hit<LeadId>> = events
            .iter()
            .filter_map(|event| match event {
                ProximityEvent::Alert { lead, distance_m } => Some(Hit {
                    key: *lead,
                    distance_m: *distance_m,
                }),
                _ => None,
            })
            .collect();
        self.load_hits(&hits)
    }

    /// When anybody visited a lead last, as far as this phone knows.
    fn last_visit_at(&self, lead: LeadId) -> EngineResult<Option<TimestampMs>> {
        let rows = self.store.records_of(Entity::VISIT, lead.row())?;
        let visits = rows
            .iter()
            .filter_map(|s| Visit::from_columns(s.row.id.into(), &s.row.columns).ok());
        Ok(visits.map(|visit| visit.started_at).max())
    }
}

fn can_alert(config: &ProximityConfig, spot: &Spot) -> bool {
    spot.status != LeadStatus::DoNotContact
        && spot.score.unwrap_or(0) >= config.min_score
        && config.knows_place(spot.uncertainty_m)
}

fn fences_of(plan: FencePlan<LeadId>) -> Fences {
    let area = |lead, circle: Circle| FenceArea {
        lead,
        center: circle.center(),
        radius_m: circle.radius_m(),
    };
    Fences {
        areas: plan
            .regions
            .iter()
            .map(|region| area(Some(region.key), region.circle))
            .collect(),
        rearm: area(None, plan.rearm),
        exposed: plan.exposed,
    }
}

/// The leads proximity looks at: only those whose circle the fix may be in, so that few are read.
struct Around<'a> {
    engine: &'a Engine,
    config: ProximityConfig,
}

impl Around<'_> {
    fn may_be_inside(&self, hit: &Hit<LeadId>) -> bool {
        let radius_m = self.engine.radius_of(&self.config, hit.key);
        hit.distance_m <= radius_m * self.config.exit_factor + self.config.max_accuracy_m
    }
}

impl LeadsNear for Around<'_> {
    type Error = EngineError;

    fn near(&self, center: LatLng, radius_m: f64) -> EngineResult<Vec<NearLead>> {
        let mut hits = self.engine.map.within(center, radius_m, |_| true);
        hits.retain(|hit| self.may_be_inside(hit));
        let near = self.engine.load_hits(&hits)?;
        near.iter()
            .map(|near| {
                let mut lead = NearLead::of(&near.record.lead, near.distance_m);
                let visited = self.engine.last_visit_at(near.record.lead.id)?;
                lead.last_visit_at = lead.last_visit_at.max(visited);
                Ok(lead)
            })
            .collect()
    }
}
