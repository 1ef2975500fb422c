//! Leads as they cross to Kotlin and Swift.

use crate::error::{FfiResult, FieldfareError};
use crate::values::{LatLng, checked_position, fit, fit_all, fit_option, small};
use fieldfare_engine as engine;
use fieldfare_model as model;
use fieldfare_model::{
    GeocodeStatus, LeadId, LeadKind, LeadStatus, Precision, Purpose, TerritoryId,
    TimestampMs as Timestamp,
};

/// A postal address as the CRM holds it, trimmed.
#[derive(Debug, Clone, PartialEq, Eq, Default, uniffi::Record)]
pub struct Address {
    /// House number and street.
    #[uniffi(default = None)]
    pub street: Option<String>,
    /// Apartment, suite, floor.
    #[uniffi(default = None)]
    pub unit: Option<String>,
    /// Town.
    #[uniffi(default = None)]
    pub city: Option<String>,
    /// State or region code.
    #[uniffi(default = None)]
    pub region: Option<String>,
    /// Postal code.
    #[uniffi(default = None)]
    pub postal_code: Option<String>,
    /// Country code, ISO 3166-1 alpha-2.
    #[uniffi(default = None)]
    pub country: Option<String>,
}

impl From<model::Address> for Address {
    fn from(address: model::Address) -> Self {
        Self {
            street: address.street,
            unit: address.unit,
            city: address.city,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country,
        }
    }
}

impl From<Address> for model::Address {
    fn from(address: Address) -> Self {
        Self {
            street: address.street,
            unit: address.unit,
            city: address.city,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country,
        }
    }
}

/// Coordinates with what is known of their worth.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Geocode {
    /// How far geocoding has come.
    pub status: GeocodeStatus,
    /// The position, where it is known.
    pub position: Option<LatLng>,
    /// What the position stands for.
    pub precision: Option<Precision>,
    /// Radius in metres within which nine of ten true positions lie.
    pub uncertainty_m: Option<i32>,
    /// Confidence from component agreement, 0 to 1000.
    pub confidence: Option<i32>,
    /// Who gave it.
    pub provider: Option<String>,
    /// Under which licence it may be kept.
    pub licence: Option<String>,
}

impl From<model::Geocode> for Geocode {
    fn from(geocode: model::Geocode) -> Self {
        Self {
            status: geocode.status,
            position: geocode.position.map(LatLng::from),
            precision: geocode.precision,
            uncertainty_m: geocode.uncertainty_m.map(small),
            confidence: geocode.confidence.map(i32::from),
            provider: geocode.provider,
            licence: geocode.licence,
        }
    }
}

/// A lead as the rep sees it: what the server said with this phone's changes on top.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Lead {
    /// The lead's id, never changed.
    pub id: LeadId,
    /// Display name.
    pub name: String,
    /// What the CRM record is.
    pub kind: LeadKind,
    /// Which CRM connection it came from; none for a lead made on a phone and not yet there.
    pub crm_source: Option<String>,
    /// Its id in that CRM.
    pub crm_id: Option<String>,
    /// Where it is.
    pub address: Address,
    /// Telephone number.
    pub phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Web site.
    pub website: Option<String>,
    /// Where it stands in the sales process.
    pub status: LeadStatus,
    /// Importance class, 1 is the highest.
    pub tier: Option<i32>,
    /// Worth of a visit, 0 to 100.
    pub score: Option<i32>,
    /// The CRM's id of the owner.
    pub owner: Option<String>,
    /// The territory it belongs to.
    pub territory: Option<TerritoryId>,
    /// Free text.
    pub notes: Option<String>,
    /// Coordinates and what they are worth.
    pub geocode: Geocode,
    /// When it may be contacted, for example `Mo-Fr 09:00-17:00`; empty for always.
    pub contact_hours: String,
    /// IANA time zone of the lead, for example `America/New_York`.
    pub time_zone: Option<String>,
    /// Distance in metres at which the rep is told, where it differs from the default.
    pub alert_radius_m: Option<i32>,
    /// When the next visit is due.
    pub next_visit_due: Option<Timestamp>,
    /// When it was last visited.
    pub last_visit_at: Option<Timestamp>,
    /// When the CRM says it last changed.
    pub source_updated_at: Option<Timestamp>,
    /// Whether changes made here are not yet part of what the server said.
    pub is_pending: bool,
}

impl From<engine::LeadRecord> for Lead {
    fn from(record: engine::LeadRecord) -> Self {
        let lead = record.lead;
        Self {
            id: lead.id,
            name: lead.name,
            kind: lead.kind,
            crm_source: lead.crm_source,
            crm_id: lead.crm_id,
            address: lead.address.into(),
            phone: lead.phone,
            email: lead.email,
            website: lead.website,
            status: lead.status,
            tier: lead.tier.map(i32::from),
            score: lead.score.map(i32::from),
            owner: lead.owner,
            territory: lead.territory,
            notes: lead.notes,
            geocode: lead.geocode.into(),
            contact_hours: lead.contact_hours.to_string(),
            time_zone: lead.time_zone,
            alert_radius_m: lead.alert_radius_m.map(small),
            next_visit_due: lead.next_visit_due,
            last_visit_at: lead.last_visit_at,
            source_updated_at: lead.source_updated_at,
            is_pending: record.is_pending,
        }
    }
}

pub(crate) fn leads_from(records: Vec<engine::LeadRecord>) -> Vec<Lead> {
    records.into_iter().map(Lead::from).collect()
}

/// Which leads to list. An empty filter takes all.
#[derive(Debug, Clone, PartialEq, Eq, Default, uniffi::Record)]
pub struct LeadFilter {
    /// Any of these, or any at all if empty.
    #[uniffi(default = [])]
    pub statuses: Vec<LeadStatus>,
    /// Any of these importance classes, or any at all if empty.
    #[uniffi(default = [])]
    pub tiers: Vec<i32>,
    /// Of this territory.
    #[uniffi(default = None)]
    pub territory: Option<TerritoryId>,
    /// Of this owner.
    #[uniffi(default = None)]
    pub owner: Option<String>,
    /// Of at least this score, 0 to 100; leads without a score are left out.
    #[uniffi(default = None)]
    pub min_score: Option<i32>,
    /// With these words in name, address or notes; the last one may be a beginning.
    #[uniffi(default = None)]
    pub text: Option<String>,
}

impl TryFrom<LeadFilter> for engine::LeadFilter {
    type Error = FieldfareError;

    fn try_from(filter: LeadFilter) -> FfiResult<Self> {
        Ok(Self {
            statuses: filter.statuses,
            tiers: fit_all("a tier", filter.tiers)?,
            territory: filter.territory,
            owner: filter.owner,
            min_score: fit_option("the score", filter.min_score)?,
            text: filter.text,
        })
    }
}

/// In which order to list leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum LeadOrder {
    /// By name, ASCII case ignored.
    Name,
    /// Last changed first; leads made here and not yet on the server before all.
    Changed,
}

impl From<LeadOrder> for engine::LeadOrder {
    fn from(order: LeadOrder) -> Self {
        match order {
            LeadOrder::Name => Self::Name,
            LeadOrder::Changed => Self::Changed,
        }
    }
}

/// Some leads of a list.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct LeadPage {
    /// The leads.
    pub leads: Vec<Lead>,
    /// Where to go on, for the same filter and order; none at the end of the list. It may quote
    /// a lead's name: keep it in memory only.
    pub next: Option<String>,
}

impl TryFrom<engine::LeadPage> for LeadPage {
    type Error = FieldfareError;

    fn try_from(page: engine::LeadPage) -> FfiResult<Self> {
        Ok(Self {
            leads: leads_from(page.leads),
            next: page.next.as_ref().map(page_token).transpose()?,
        })
    }
}

fn page_token(end: &engine::PageEnd) -> FfiResult<String> {
    serde_json::to_string(end).map_err(|_| FieldfareError::Internal)
}

pub(crate) fn page_end(token: Option<String>) -> FfiResult<Option<engine::PageEnd>> {
    let read = |token: String| serde_json::from_str(&token);
    let wrong = |_| FieldfareError::invalid("give the `next` of the page before");
    token.map(read).transpose().map_err(wrong)
}

/// A lead on a map.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct LeadPin {
    /// Which lead.
    pub id: LeadId,
    /// Where it is.
    pub position: LatLng,
    /// Where it stands in the sales process.
    pub status: LeadStatus,
    /// Importance class, 1 is the highest.
    pub tier: Option<i32>,
    /// Worth of a visit, 0 to 100.
    pub score: Option<i32>,
}

/// The leads in a part of the map.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Viewport {
    /// The leads of highest score, at most as many as asked for.
    pub pins: Vec<LeadPin>,
    /// How many there are in all.
    pub total: i32,
}

impl From<engine::Viewport> for Viewport {
    fn from(viewport: engine::Viewport) -> Self {
        let pin = |pin: engine::LeadPin| LeadPin {
            id: pin.id,
            position: pin.position.into(),
            status: pin.status,
            tier: pin.tier.map(i32::from),
            score: pin.score.map(i32::from),
        };
        Self {
            pins: viewport.pins.into_iter().map(pin).collect(),
            total: small(viewport.total),
        }
    }
}

/// Which leads near a place to give. Give a radius, a number, or both.
#[derive(Debug, Clone, PartialEq, Default, uniffi::Record)]
pub struct NearbyQuery {
    /// Only those within this many metres.
    #[uniffi(default = None)]
    pub radius_m: Option<f64>,
    /// Only this many, the nearest.
    #[uniffi(default = None)]
    pub limit: Option<i32>,
    /// Any of these, or any at all if empty.
    #[uniffi(default = [])]
    pub statuses: Vec<LeadStatus>,
    /// Any of these importance classes, or any at all if empty.
    #[uniffi(default = [])]
    pub tiers: Vec<i32>,
    /// Of at least this score, 0 to 100; leads without a score are left out.
    #[uniffi(default = None)]
    pub min_score: Option<i32>,
    /// What the position is used for; showing the rep what is near if not said, which needs no
    /// consent. Every other purpose must be granted.
    #[uniffi(default = None)]
    pub purpose: Option<Purpose>,
}

impl TryFrom<NearbyQuery> for engine::NearbyQuery {
    type Error = FieldfareError;

    fn try_from(query: NearbyQuery) -> FfiResult<Self> {
        Ok(Self {
            radius_m: query.radius_m,
            k: fit_option("the number of leads", query.limit)?,
            filter: engine::NearbyFilter {
                statuses: query.statuses,
                tiers: fit_all("a tier", query.tiers)?,
                min_score: fit_option("the score", query.min_score)?,
            },
            purpose: query.purpose.unwrap_or(Purpose::NearMe),
        })
    }
}

/// A lead and how far it is.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NearbyLead {
    /// The lead.
    pub lead: Lead,
    /// Great-circle metres from the place asked about.
    pub distance_m: f64,
}

impl From<engine::NearbyLead> for NearbyLead {
    fn from(near: engine::NearbyLead) -> Self {
        Self {
            lead: near.record.into(),
            distance_m: near.distance_m,
        }
    }
}

/// Leads near a place.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Nearby {
    /// The nearest first, equally near ones by id; at most 200.
    pub leads: Vec<NearbyLead>,
    /// How many there are in all.
    pub total: i32,
}

impl From<engine::Nearby> for Nearby {
    fn from(nearby: engine::Nearby) -> Self {
        Self {
            leads: nearby.leads.into_iter().map(NearbyLead::from).collect(),
            total: small(nearby.total),
        }
    }
}

/// A lead's id and how far it is.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NearbyId {
    /// Which lead.
    pub lead: LeadId,
    /// Great-circle metres from the place asked about.
    pub distance_m: f64,
}

/// The change of one field of a lead. None clears the field.
#[derive(Debug, Clone, PartialEq, uniffi::Enum)]
pub enum LeadEdit {
    /// Display name, 1 to 300 characters.
    Name {
        /// The new name.
        value: String,
    },
    /// House number and street.
    Street {
        /// The new text.
        value: Option<String>,
    },
    /// Apartment, suite, floor.
    Unit {
        /// The new text.
        value: Option<String>,
    },
    /// Town.
    City {
        /// The new text.
        value: Option<String>,
    },
    /// State or region code.
    Region {
        /// The new text.
        value: Option<String>,
    },
    /// Postal code.
    PostalCode {
        /// The new text.
        value: Option<String>,
    },
    /// Country code, ISO 3166-1 alpha-2.
    Country {
        /// The new text.
        value: Option<String>,
    },
    /// Telephone number.
    Phone {
        /// The new text.
        value: Option<String>,
    },
    /// E-mail address.
    Email {
        /// The new text.
        value: Option<String>,
    },
    /// Web site.
    Website {
        /// The new text.
        value: Option<String>,
    },
    /// Where it stands in the sales process; must be an allowed step.
    Status {
        /// The new status.
        value: LeadStatus,
    },
    /// Importance class, 1 is the highest.
    Tier {
        /// The new class.
        value: Option<i32>,
    },
    /// The CRM's id of the owner.
    Owner {
        /// The new owner.
        value: Option<String>,
    },
    /// Free text.
    Notes {
        /// The new text.
        value: Option<String>,
    },
    /// When it may be contacted.
    ContactHours {
        /// For example `Mo-Fr 09:00-17:00`; empty for always.
        value: String,
    },
    /// Distance in metres at which the rep is told.
    AlertRadius {
        /// The new distance in metres.
        value: Option<i32>,
    },
    /// When the next visit is due.
    NextVisitDue {
        /// The new moment.
        value: Option<Timestamp>,
    },
}

impl TryFrom<LeadEdit> for engine::LeadEdit {
    type Error = FieldfareError;

    fn try_from(edit: LeadEdit) -> FfiResult<Self> {
        Ok(match edit {
            LeadEdit::Name { value } => Self::Name(value),
            LeadEdit::Street { value } => Self::Street(value),
            LeadEdit::Unit { value } => Self::Unit(value),
            LeadEdit::City { value } => Self::City(value),
            LeadEdit::Region { value } => Self::Region(value),
            LeadEdit::PostalCode { value } => Self::PostalCode(value),
            LeadEdit::Country { value } => Self::Country(value),
            LeadEdit::Phone { value } => Self::Phone(value),
            LeadEdit::Email { value } => Self::Email(value),
            LeadEdit::Website { value } => Self::Website(value),
            LeadEdit::Status { value } => Self::Status(value),
            LeadEdit::Tier { value } => Self::Tier(fit_option("the tier", value)?),
            LeadEdit::Owner { value } => Self::Owner(value),
            LeadEdit::Notes { value } => Self::Notes(value),
            LeadEdit::ContactHours { value } => Self::ContactHours(value),
            LeadEdit::AlertRadius { value } => {
                Self::AlertRadiusM(fit_option("the alert radius", value)?)
            }
            LeadEdit::NextVisitDue { value } => Self::NextVisitDue(value),
        })
    }
}

/// A lead the rep found.
#[derive(Debug, Clone, PartialEq, Default, uniffi::Record)]
pub struct NewLead {
    /// Display name, 1 to 300 characters.
    pub name: String,
    /// What it is; a lead if not said.
    #[uniffi(default = None)]
    pub kind: Option<LeadKind>,
    /// Where it is. The server geocodes it.
    #[uniffi(default = None)]
    pub address: Option<Address>,
    /// A place on the map for it, shown on this phone until the server has geocoded the address.
    #[uniffi(default = None)]
    pub position: Option<LatLng>,
    /// Telephone number.
    #[uniffi(default = None)]
    pub phone: Option<String>,
    /// E-mail address.
    #[uniffi(default = None)]
    pub email: Option<String>,
    /// Web site.
    #[uniffi(default = None)]
    pub website: Option<String>,
    /// Importance class, 1 is the highest.
    #[uniffi(default = None)]
    pub tier: Option<i32>,
    /// Free text.
    #[uniffi(default = None)]
    pub notes: Option<String>,
    /// When it may be contacted; empty for always.
    #[uniffi(default = "")]
    pub contact_hours: String,
}

impl TryFrom<NewLead> for engine::NewLead {
    type Error = FieldfareError;

    fn try_from(new: NewLead) -> FfiResult<Self> {
        Ok(Self {
            name: new.name,
            kind: new.kind,
            address: new.address.unwrap_or_default().into(),
            position: checked_position(new.position)?,
            phone: new.phone,
            email: new.email,
            website: new.website,
            tier: fit_option("the tier", new.tier)?,
            notes: new.notes,
            contact_hours: new.contact_hours,
        })
    }
}

/// A set of leads served by a rep.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Territory {
    /// The territory's id.
    pub id: TerritoryId,
    /// Display name, for example "Boston North".
    pub name: String,
}

impl From<model::Territory> for Territory {
    fn from(territory: model::Territory) -> Self {
        Self {
            id: territory.id,
            name: territory.name,
        }
    }
}

/// How many leads one call may give, checked.
pub(crate) fn page_size(limit: i32) -> FfiResult<u32> {
    fit("the number of leads", limit)
}
