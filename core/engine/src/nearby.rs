use crate::leads::read_all;
use crate::map::Spot;
use crate::{Engine, EngineError, EngineResult, LeadRecord, MAX_PAGE};
use fieldfare_geo::Hit;
use fieldfare_model::{LatLng, LeadId, LeadStatus, Purpose};
use std::collections::HashMap;

/// Which leads near a place to give.
#[derive(Debug, Clone, PartialEq)]
pub struct NearbyQuery {
    /// Only those within this many metres.
    pub radius_m: Option<f64>,
    /// Only this many, the nearest.
    pub k: Option<u32>,
    /// Only those that pass.
    pub filter: NearbyFilter,
    /// What the position is used for. [`Purpose::NearMe`] needs no consent; every other purpose
    /// must be granted now.
    pub purpose: Purpose,
}

impl NearbyQuery {
    /// Everything within a radius, for the rep's own eyes.
    pub fn within(radius_m: f64) -> Self {
        Self {
            radius_m: Some(radius_m),
            k: None,
            filter: NearbyFilter::default(),
            purpose: Purpose::NearMe,
        }
    }

    /// The `k` nearest, for the rep's own eyes.
    pub fn nearest(k: u32) -> Self {
        Self {
            radius_m: None,
            k: Some(k),
            filter: NearbyFilter::default(),
            purpose: Purpose::NearMe,
        }
    }

    fn check(&self) -> EngineResult<()> {
        match (self.radius_m, self.k) {
            (None, None) => Err(EngineError::invalid("give a radius or a number of leads")),
            (Some(radius), _) if radius.is_nan() || radius < 0.0 => {
                Err(EngineError::invalid("the radius must be 0 metres or more"))
            }
            _ => Ok(()),
        }
    }
}

/// Which leads count. An empty filter takes all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NearbyFilter {
    /// Any of these, or any at all if empty.
    pub statuses: Vec<LeadStatus>,
    /// Any of these importance classes, or any at all if empty.
    pub tiers: Vec<u8>,
    /// Of at least this score; leads without a score are left out.
    pub min_score: Option<u8>,
}

impl NearbyFilter {
    pub(crate) fn accepts(&self, spot: &Spot) -> bool {
        let has_status = self.statuses.is_empty() || self.statuses.contains(&spot.status);
        let has_tier = self.tiers.is_empty() || spot.tier.is_some_and(|t| self.tiers.contains(&t));
        let has_score = self
            .min_score
            .is_none_or(|least| spot.score.is_some_and(|score| score >= least));
        has_status && has_tier && has_score
    }
}

/// A lead and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct NearbyLead {
    /// The lead.
    pub record: LeadRecord,
    /// Great-circle metres from the place asked about.
    pub distance_m: f64,
}

/// Leads near a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearby {
    /// The nearest first, equally near ones by id; at most [`MAX_PAGE`].
    pub leads: Vec<NearbyLead>,
    /// How many there are in all.
    pub total: u32,
}

impl Engine {
    /// Leads near a place: exactly those brute force over all leads would give. With a radius and
    /// a number, both bound the answer.
    ///
    /// # Errors
    /// [`EngineError::ConsentRequired`] if the purpose needs consent and has none now;
    /// [`EngineError::Invalid`] without radius and number; or as storage has it.
    pub fn nearby(&self, position: LatLng, query: &NearbyQuery) -> EngineResult<Nearby> {
        let hits = self.nearby_hits(position, query)?;
        let total = u32::try_from(hits.len()).unwrap_or(u32::MAX);
        let shown = hits.get(..MAX_PAGE as usize).unwrap_or(&hits);
        Ok(Nearby {
            leads: self.load_hits(shown)?,
            total,
        })
    }

    /// Like [`Engine::nearby`], without reading the leads: ids and distances of all of them.
    ///
    /// # Errors
    /// As [`Engine::nearby`].
    pub fn nearby_ids(
        &self,
        position: LatLng,
        query: &NearbyQuery,
    ) -> EngineResult<Vec<Hit<LeadId>>> {
        self.nearby_hits(position, query)
    }

    fn nearby_hits(&self, position: LatLng, query: &NearbyQuery) -> EngineResult<Vec<Hit<LeadId>>> {
        query.check()?;
        self.require_consent(query.purpose)?;
        let accepts = |spot: &Spot| query.filter.accepts(spot);
        let k = query.k.map_or(usize::MAX, |k| k as usize);
        Ok(match query.radius_m {
            Some(radius_m) => {
                let mut hits = self.map.within(position, radius_m, accepts);
                hits.truncate(k);
                hits
            }
            None => self.map.nearest(position, k, accepts),
        })
    }

    pub(crate) fn load_hits(&self, hits: &[Hit<LeadId>]) -> EngineResult<Vec<NearbyLead>> {
        let ids: Vec<LeadId> = hits.iter().map(|hit| hit.key).collect();
        let distances: HashMap<LeadId, f64> =
            hits.iter().map(|hit| (hit.key, hit.distance_m)).collect();
        let records = read_all(self.store.leads(&ids)?);
        let with_distance = |record: LeadRecord| {
            let distance_m = *distances.get(&record.lead.id)?;
            Some(NearbyLead { record, distance_m })
        };
        Ok(records.into_iter().filter_map(with_distance).collect())
    }
}
