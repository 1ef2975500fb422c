use crate::schema::{self, lead};
use crate::{
    Columns, ContactHours, Geocode, LatLng, LeadId, ModelError, TerritoryId, TimestampMs, Value,
};
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant = $code),* }

        impl $name {
            /// Every value, in order of code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number stored and sent.
            pub const fn code(self) -> i64 { self as i64 }

            /// Reads the stored number.
            pub const fn from_code(code: i64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use codes;

codes! {
    /// What the CRM record is.
    LeadKind {
        /// An organisation.
        Company = 0,
        /// A person.
        Contact = 1,
        /// Not yet either.
        Lead = 2,
    }
}

codes! {
    /// Where a lead stands in the sales process.
    LeadStatus {
        /// Nobody has spoken to them.
        New = 0,
        /// Being worked on.
        Open = 1,
        /// Somebody spoke to them.
        Contacted = 2,
        /// Worth an offer.
        Qualified = 3,
        /// Bought.
        Customer = 4,
        /// Not interested.
        Lost = 5,
        /// Asked not to be contacted.
        DoNotContact = 6,
    }
}

impl LeadStatus {
    /// Whether a phone may move a lead from `self` to `to`.
    ///
    /// "Do not contact" is left only in the CRM; a customer is not made new again.
    pub const fn may_become(self, to: Self) -> bool {
        match (self, to) {
            (Self::DoNotContact, Self::DoNotContact) => true,
            (Self::DoNotContact, _) => false,
            (Self::New, _) => true,
            (_, Self::New) => false,
            (Self::Customer, Self::Open | Self::Contacted | Self::Qualified) => false,
            _ => true,
        }
    }
}

/// A postal address as the CRM holds it, trimmed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Address {
    /// House number and street.
    pub street: Option<String>,
    /// Apartment, suite, floor.
    pub unit: Option<String>,
    /// Town.
    pub city: Option<String>,
    /// State or region code.
    pub region: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Country code, ISO 3166-1 alpha-2.
    pub country: Option<String>,
}

/// A normalised CRM record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    pub tier: Option<u8>,
    /// Worth of a visit, 0 to 100.
    pub score: Option<u8>,
    /// The CRM's id of the owner.
    pub owner: Option<String>,
    /// The territory it belongs to.
    pub territory: Option<TerritoryId>,
    /// Free text.
    pub notes: Option<String>,
    /// Coordinates and what they are worth.
    pub geocode: Geocode,
    /// When it may be contacted.
    pub contact_hours: ContactHours,
    /// IANA time zone of the lead, for example `America/New_York`.
    pub time_zone: Option<String>,
    /// Distance in metres at which the rep is told, where it differs from the default.
    pub alert_radius_m: Option<u32>,
    /// When the next visit is due.
    pub next_visit_due: Option<TimestampMs>,
    /// When it was last visited.
    pub last_visit_at: Option<TimestampMs>,
    /// When the CRM says it last changed.
    pub source_updated_at: Option<TimestampMs>,
    /// Cells of columns this build does not know.
    pub extra: Columns,
}

impl Lead {
    /// A lead with nothing but a name.
    pub fn new(id: LeadId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            kind: LeadKind::Lead,
            crm_source: None,
            crm_id: None,
            address: Address::default(),
            phone: None,
            email: None,
            website: None,
            status: LeadStatus::New,
            tier: None,
            score: None,
            owner: None,
            territory: None,
            notes: None,
            geocode: Geocode::default(),
            contact_hours: ContactHours::default(),
            time_zone: None,
            alert_radius_m: None,
            next_visit_due: None,
            last_visit_at: None,
            source_updated_at: None,
            extra: Columns::new(),
        }
    }

    /// The cells to store and send.
    pub fn to_columns(&self) -> Columns {
        let mut c = self.extra.clone();
        self.write_identity(&mut c);
        self.write_address(&mut c);
        self.write_sales(&mut c);
        self.write_geocode(&mut c);
        c
    }

    fn write_identity(&self, c: &mut Columns) {
        c.set(lead::NAME, self.name.as_str());
        c.set(lead::KIND, self.kind.code());
        c.set(lead::CRM_SOURCE, self.crm_source.clone());
        c.set(lead::CRM_ID, self.crm_id.clone());
        c.set(lead::PHONE, self.phone.clone());
        c.set(lead::EMAIL, self.email.clone());
        c.set(lead::WEBSITE, self.website.clone());
        c.set(lead::SOURCE_UPDATED_AT, self.source_updated_at.map(|t| t.0));
    }

    fn write_address(&self, c: &mut Columns) {
        c.set(lead::STREET, self.address.street.clone());
        c.set(lead::UNIT, self.address.unit.clone());
        c.set(lead::CITY, self.address.city.clone());
        c.set(lead::REGION, self.address.region.clone());
        c.set(lead::POSTAL_CODE, self.address.postal_code.clone());
        c.set(lead::COUNTRY, self.address.country.clone());
        c.set(lead::TIME_ZONE, self.time_zone.clone());
    }

    fn write_sales(&self, c: &mut Columns) {
        c.set(lead::STATUS, self.status.code());
        c.set(lead::TIER, self.tier.map(i64::from));
        c.set(lead::SCORE, self.score.map(i64::from));
        c.set(lead::OWNER, self.owner.clone());
        c.set(
            lead::TERRITORY,
            self.territory.map(|t| t.as_bytes().to_vec()),
        );
        c.set(lead::NOTES, self.notes.clone());
        let hours = Some(self.contact_hours.to_string()).filter(|h| !h.is_empty());
        c.set(lead::CONTACT_HOURS, hours);
        c.set(lead::ALERT_RADIUS_M, self.alert_radius_m.map(i64::from));
        c.set(lead::NEXT_VISIT_DUE, self.next_visit_due.map(|t| t.0));
        c.set(lead::LAST_VISIT_AT, self.last_visit_at.map(|t| t.0));
    }

    fn write_geocode(&self, c: &mut Columns) {
        let g = &self.geocode;
        c.set(lead::GEOCODE_STATUS, g.status.code());
        c.set(lead::LAT_E7, g.position.map(LatLng::lat_e7));
        c.set(lead::LON_E7, g.position.map(LatLng::lon_e7));
        c.set(lead::PRECISION, g.precision.map(crate::Precision::code));
        c.set(lead::UNCERTAINTY_M, g.uncertainty_m.map(i64::from));
        c.set(lead::CONFIDENCE, g.confidence.map(i64::from));
        c.set(lead::PROVIDER, g.provider.clone());
        c.set(lead::LICENCE, g.licence.clone());
    }

    /// Reads a lead from its cells; unknown columns go to [`Lead::extra`].
    ///
    /// # Errors
    /// [`ModelError`] naming the missing or wrong column.
    pub fn from_columns(id: LeadId, columns: &Columns) -> Result<Self, ModelError> {
        let r = schema::Reader::new("lead", columns);
        Ok(Self {
            id,
            name: r.text(lead::NAME, "name")?,
            kind: r
                .optional_code(lead::KIND, "kind", LeadKind::from_code)?
                .unwrap_or(LeadKind::Lead),
            crm_source: r.optional_text(lead::CRM_SOURCE, "crm_source")?,
            crm_id: r.optional_text(lead::CRM_ID, "crm_id")?,
            address: read_address(&r)?,
            phone: r.optional_text(lead::PHONE, "phone")?,
            email: r.optional_text(lead::EMAIL, "email")?,
            website: r.optional_text(lead::WEBSITE, "website")?,
            status: r
                .optional_code(lead::STATUS, "status", LeadStatus::from_code)?
                .unwrap_or(LeadStatus::New),
            tier: r.optional_int(lead::TIER, "tier")?,
            score: r.optional_int(lead::SCORE, "score")?,
            owner: r.optional_text(lead::OWNER, "owner")?,
            territory: r
                .optional_bytes(lead::TERRITORY, "territory")?
                .map(TerritoryId::from_slice)
                .transpose()?,
            notes: r.optional_text(lead::NOTES, "notes")?,
            geocode: read_geocode(&r)?,
            contact_hours: r
                .optional_text(lead::CONTACT_HOURS, "contact_hours")?
                .map_or(Ok(ContactHours::default()), |t| t.parse())?,
            time_zone: r.optional_text(lead::TIME_ZONE, "time_zone")?,
            alert_radius_m: r.optional_int(lead::ALERT_RADIUS_M, "alert_radius_m")?,
            next_visit_due: r
                .optional_int(lead::NEXT_VISIT_DUE, "next_visit_due")?
                .map(TimestampMs),
            last_visit_at: r
                .optional_int(lead::LAST_VISIT_AT, "last_visit_at")?
                .map(TimestampMs),
            source_updated_at: r
                .optional_int(lead::SOURCE_UPDATED_AT, "source_updated_at")?
                .map(TimestampMs),
            extra: unknown_cells(columns),
        })
    }
}

fn read_address(r: &schema::Reader<'_>) -> Result<Address, ModelError> {
    Ok(Address {
        street: r.optional_text(lead::STREET, "street")?,
        unit: r.optional_text(lead::UNIT, "unit")?,
        city: r.optional_text(lead::CITY, "city")?,
        region: r.optional_text(lead::REGION, "region")?,
        postal_code: r.optional_text(lead::POSTAL_CODE, "postal_code")?,
        country: r.optional_text(lead::COUNTRY, "country")?,
    })
}

fn read_geocode(r: &schema::Reader<'_>) -> Result<Geocode, ModelError> {
    let lat = r.optional_int::<i64>(lead::LAT_E7, "lat_e7")?;
    let lon = r.optional_int::<i64>(lead::LON_E7, "lon_e7")?;
    Ok(Geocode {
        status: r
            .optional_code(
                lead::GEOCODE_STATUS,
                "geocode_status",
                crate::GeocodeStatus::from_code,
            )?
            .unwrap_or_default(),
        position: lat
            .zip(lon)
            .map(|(lat, lon)| LatLng::from_e7(lat, lon))
            .transpose()?,
        precision: r.optional_code(lead::PRECISION, "precision", crate::Precision::from_code)?,
        uncertainty_m: r.optional_int(lead::UNCERTAINTY_M, "uncertainty_m")?,
        confidence: r.optional_int(lead::CONFIDENCE, "confidence")?,
        provider: r.optional_text(lead::PROVIDER, "provider")?,
        licence: r.optional_text(lead::LICENCE, "licence")?,
    })
}

fn unknown_cells(columns: &Columns) -> Columns {
    let known = |tag| lead::COLUMNS.binary_search_by_key(&tag, |c| c.tag).is_ok();
    columns
        .iter()
        .filter(|(tag, _)| !known(*tag))
        .map(|(tag, value)| (tag, Value::clone(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Lead {
        let mut l = Lead::new(LeadId::from_bytes([9; 16]), "Brandt Bakery");
        l.address.street = Some("1 Main Street".into());
        l.geocode.position = Some(LatLng::new(42.0, -71.0).unwrap());
        l.geocode.status = crate::GeocodeStatus::Success;
        l.geocode.precision = Some(crate::Precision::Postal);
        l.contact_hours = "Mo-Fr 09:00-17:00".parse().unwrap();
        l.tier = Some(2);
        l.territory = Some(TerritoryId::from_bytes([3; 16]));
        l.extra.set(900, "from the future");
        l
    }

    #[test]
    fn cells_and_lead_say_the_same() {
        let lead = full();
        assert_eq!(Lead::from_columns(lead.id, &lead.to_columns()), Ok(lead));
    }

    #[test]
    fn columns_of_the_future_survive() {
        let lead = full();
        let back = Lead::from_columns(lead.id, &lead.to_columns()).unwrap();
        assert_eq!(
            back.to_columns().get(900).as_text(),
            Some("from the future")
        );
    }

    #[test]
    fn names_the_wrong_column() {
        let mut c = full().to_columns();
        c.set(lead::TIER, 4000);
        let wrong = ModelError::Column {
            entity: "lead",
            column: "tier",
        };
        assert_eq!(
            Lead::from_columns(LeadId::from_bytes([9; 16]), &c),
            Err(wrong)
        );
    }

    #[test]
    fn do_not_contact_is_left_only_in_the_crm() {
        for to in LeadStatus::ALL {
            let stays = *to == LeadStatus::DoNotContact;
            assert_eq!(LeadStatus::DoNotContact.may_become(*to), stays);
            assert!(LeadStatus::New.may_become(*to));
        }
    }
}
