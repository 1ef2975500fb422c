use crate::{Engine, EngineError, EngineResult};
use fieldfare_geo::BoundingBox;
use fieldfare_model::{Entity, LatLng, Lead, LeadId, LeadStatus, Rep, Territory};
use fieldfare_store::{LeadFilter, LeadOrder, PageEnd, StoredRow};

/// The most leads one call gives.
pub const MAX_PAGE: u32 = 200;

/// A lead as the rep sees it: what the server said with this phone's changes on top.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadRecord {
    /// The lead.
    pub lead: Lead,
    /// The version of the server's row under it, 0 for a lead that only exists on this phone.
    pub version: u64,
    /// Whether changes made here are not yet part of what the server said.
    pub is_pending: bool,
}

/// Some leads of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadPage {
    /// The leads.
    pub leads: Vec<LeadRecord>,
    /// Where to go on; none at the end of the list.
    pub next: Option<PageEnd>,
}

/// A lead on a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeadPin {
    /// Which lead.
    pub id: LeadId,
    /// Where it is.
    pub position: LatLng,
    /// Where it stands in the sales process.
    pub status: LeadStatus,
    /// Importance class, 1 is the highest.
    pub tier: Option<u8>,
    /// Worth of a visit, 0 to 100.
    pub score: Option<u8>,
}

/// The leads in a part of the map.
#[derive(Debug, Clone, PartialEq)]
pub struct Viewport {
    /// The leads of highest score, at most as many as asked for.
    pub pins: Vec<LeadPin>,
    /// How many there are in all.
    pub total: u32,
}

impl Engine {
    /// A lead.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], or as storage has it.
    pub fn lead(&self, id: LeadId) -> EngineResult<LeadRecord> {
        let stored = self.store.lead(id)?;
        read(stored.ok_or(EngineError::not_found("lead"))?)
    }

    /// Leads in the order asked; those that are not there are left out.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for more than [`MAX_PAGE`] ids, or as storage has it.
    pub fn leads(&self, ids: &[LeadId]) -> EngineResult<Vec<LeadRecord>> {
        if ids.len() > MAX_PAGE as usize {
            return Err(EngineError::invalid("ask for at most 200 leads at once"));
        }
        Ok(read_all(self.store.leads(ids)?))
    }

    /// A page of leads, after the end of the page before. `limit` is 1 to [`MAX_PAGE`].
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a limit out of range or text without full text, or as storage
    /// has it.
    pub fn leads_page(
        &self,
        filter: &LeadFilter,
        order: LeadOrder,
        after: Option<&PageEnd>,
        limit: u32,
    ) -> EngineResult<LeadPage> {
        let limit = check_limit(limit)?;
        let page = self.store.page_leads(filter, order, after, limit)?;
        Ok(LeadPage {
            leads: read_all(page.rows),
            next: page.next,
        })
    }

    /// Leads whose name, address or notes have the words typed, best first. The last word may be a
    /// beginning; accents and case do not count. `limit` is 1 to [`MAX_PAGE`].
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a limit out of range or an engine without full text, or as
    /// storage has it.
    pub fn search(&self, text: &str, limit: u32) -> EngineResult<Vec<LeadRecord>> {
        let limit = check_limit(limit)?;
        Ok(read_all(self.store.search_leads(text, limit)?))
    }

    /// The leads in a part of the map, from memory. West may be larger than east: then the part
    /// crosses the antimeridian.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if south lies north of north.
    pub fn viewport(
        &self,
        south_west: LatLng,
        north_east: LatLng,
        limit: u32,
    ) -> EngineResult<Viewport> {
        let area = BoundingBox::new(south_west, north_east)
            .map_err(|error| EngineError::invalid(error.to_string()))?;
        let mut pins: Vec<LeadPin> = self
            .map
            .in_box(area)
            .into_iter()
            .filter_map(|id| self.pin(id))
            .collect();
        let total = u32::try_from(pins.len()).unwrap_or(u32::MAX);
        pins.sort_by_key(|pin| (std::cmp::Reverse(pin.score), pin.id));
        pins.truncate(limit as usize);
        Ok(Viewport { pins, total })
    }

    fn pin(&self, id: LeadId) -> Option<LeadPin> {
        let spot = self.map.spot(id)?;
        Some(LeadPin {
            id,
            position: spot.at,
            status: spot.status,
            tier: spot.tier,
            score: spot.score,
        })
    }

    /// The territories this device holds, by name.
    ///
    /// # Errors
    /// As storage has it.
    pub fn territories(&self) -> EngineResult<Vec<Territory>> {
        let rows = self.store.records(Entity::TERRITORY)?;
        let mut found: Vec<Territory> = rows
            .iter()
            .filter_map(|r| Territory::from_columns(r.row.id.into(), &r.row.columns).ok())
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
        Ok(found)
    }

    /// The rep this device belongs to.
    ///
    /// # Errors
    /// [`EngineError::NotEnrolled`], or as storage has it.
    pub fn rep(&self) -> EngineResult<Rep> {
        let enrolment = self.session.enrolment()?;
        let stored = self.store.row(Entity::REP, enrolment.rep.row())?;
        let known = stored.and_then(|r| Rep::from_columns(enrolment.rep, &r.row.columns).ok());
        Ok(known.unwrap_or(Rep {
            id: enrolment.rep,
            name: enrolment.rep_name.unwrap_or_default(),
            crm_owner: None,
        }))
    }
}

fn check_limit(limit: u32) -> EngineResult<usize> {
    if (1..=MAX_PAGE).contains(&limit) {
        Ok(limit as usize)
    } else {
        Err(EngineError::invalid("ask for 1 to 200 leads at once"))
    }
}

pub(crate) fn read(stored: StoredRow) -> EngineResult<LeadRecord> {
    Ok(LeadRecord {
        lead: Lead::from_columns(stored.row.id.into(), &stored.row.columns)?,
        version: stored.row.version,
        is_pending: stored.is_pending,
    })
}

/// A lead this build cannot read (a newer server's) is left out and reported, so that it does not
/// hide the others.
pub(crate) fn read_all(stored: Vec<StoredRow>) -> Vec<LeadRecord> {
    let readable = |row| match read(row) {
        Ok(record) => Some(record),
        Err(error) => {
            tracing::warn!(%error, "a lead could not be read");
            None
        }
    };
    stored.into_iter().filter_map(readable).collect()
}
