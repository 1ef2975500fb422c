use fieldfare_model::{ContactHours, LatLng, Lead, LeadId, LeadStatus, TimestampMs};

/// What an alert about a lead hangs on.
#[derive(Debug, Clone, PartialEq)]
pub struct NearLead {
    /// Which lead.
    pub id: LeadId,
    /// Great-circle distance from the fix, metres.
    pub distance_m: f64,
    /// The lead's own radius, where it has one.
    pub alert_radius_m: Option<u32>,
    /// How far in metres the lead may be from where it is taken to be, where that is known.
    pub uncertainty_m: Option<u32>,
    /// Worth of a visit, 0 to 100.
    pub score: Option<u8>,
    /// Where it stands in the sales process.
    pub status: LeadStatus,
    /// When it may be contacted.
    pub contact_hours: ContactHours,
    /// Its IANA time zone.
    pub time_zone: Option<String>,
    /// When it was last visited, by anybody.
    pub last_visit_at: Option<TimestampMs>,
}

impl NearLead {
    /// What matters of a lead at a distance from the fix.
    pub fn of(lead: &Lead, distance_m: f64) -> Self {
        Self {
            id: lead.id,
            distance_m,
            alert_radius_m: lead.alert_radius_m,
            uncertainty_m: lead.geocode.uncertainty_m,
            score: lead.score,
            status: lead.status,
            contact_hours: lead.contact_hours.clone(),
            time_zone: lead.time_zone.clone(),
            last_visit_at: lead.last_visit_at,
        }
    }
}

/// Supplies the leads around a place.
pub trait LeadsNear {
    /// Why leads could not be read.
    type Error;

    /// Every lead within `radius_m` metres of `center`, each once, in any order.
    ///
    /// # Errors
    /// Whatever keeps the leads from being read.
    fn near(&self, center: LatLng, radius_m: f64) -> Result<Vec<NearLead>, Self::Error>;
}
