use crate::{ChangeNotice, Engine, EngineError, EngineResult, LeadRecord, leads};
use fieldfare_model::schema::lead;
use fieldfare_model::{
    Address, ContactHours, Entity, Geocode, GeocodeStatus, LatLng, Lead, LeadId, LeadKind,
    LeadStatus, OperationId, RowId, Tag, TimestampMs, Value,
};
use fieldfare_store::{NewOperation, StoredRow};
use fieldfare_sync::{Change, FieldEdit};

const MAX_NAME_CHARS: usize = 300;

/// The change of one field of a lead. `None` clears the field.
#[derive(Debug, Clone, PartialEq)]
pub enum LeadEdit {
    /// Display name, not empty.
    Name(String),
    /// House number and street.
    Street(Option<String>),
    /// Apartment, suite, floor.
    Unit(Option<String>),
    /// Town.
    City(Option<String>),
    /// State or region code.
    Region(Option<String>),
    /// Postal code.
    PostalCode(Option<String>),
    /// Country code, ISO 3166-1 alpha-2.
    Country(Option<String>),
    /// Telephone number.
    Phone(Option<String>),
    /// E-mail address.
    Email(Option<String>),
    /// Web site.
    Website(Option<String>),
    /// Where it stands in the sales process; must be an allowed step.
    Status(LeadStatus),
    /// Importance class, 1 is the highest.
    Tier(Option<u8>),
    /// The CRM's id of the owner.
    Owner(Option<String>),
    /// Free text.
    Notes(Option<String>),
    /// When it may be contacted, for example `Mo-Fr 09:00-17:00`; empty for always.
    ContactHours(String),
    /// Distance in metres at which the rep is told.
    AlertRadiusM(Option<u32>),
    /// When the next visit is due.
    NextVisitDue(Option<TimestampMs>),
}

/// A lead the rep found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewLead {
    /// Display name, not empty.
    pub name: String,
    /// What it is; a lead if not said.
    pub kind: Option<LeadKind>,
    /// Where it is. The server geocodes it.
    pub address: Address,
    /// A place on the map for it, shown on this phone until the server has geocoded the address.
    pub position: Option<LatLng>,
    /// Telephone number.
    pub phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Web site.
    pub website: Option<String>,
    /// Importance class, 1 is the highest.
    pub tier: Option<u8>,
    /// Free text.
    pub notes: Option<String>,
    /// When it may be contacted; empty for always.
    pub contact_hours: String,
}

impl Engine {
    /// Changes fields of a lead, all or none. Durable and visible when it returns.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] for no edits, a field named twice or a
    /// value that cannot be; [`EngineError::NotEnrolled`]; or as storage has it.
    pub fn edit_lead(&self, id: LeadId, edits: Vec<LeadEdit>) -> EngineResult<LeadRecord> {
        self.session.enrolment()?;
        let operation = self.edit_operation(id, edits)?;
        self.save(&[operation])?;
        self.lead(id)
    }

    /// Adds a lead. Durable and visible when it returns, also without a connection.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a value that cannot be, [`EngineError::NotEnrolled`], or as
    /// storage has it.
    pub fn add_lead(&self, new: NewLead) -> EngineResult<LeadRecord> {
        self.session.enrolment()?;
        let lead = build_lead(self.sources.id(LeadId::v7)?, new)?;
        let operation = NewOperation {
            id: self.sources.id(OperationId::v7)?,
            entity: Entity::LEAD,
            row: lead.id.row(),
            base_version: 0,
            depends_on: None,
            at: self.sources.now(),
            change: Change::Create(lead.to_columns()),
        };
        self.save(&[operation])?;
        self.lead(lead.id)
    }

    /// The operation that edits a lead.
    pub(crate) fn edit_operation(
        &self,
        id: LeadId,
        edits: Vec<LeadEdit>,
    ) -> EngineResult<NewOperation> {
        let stored = self.store.lead(id)?.ok_or(EngineError::not_found("lead"))?;
        Ok(NewOperation {
            id: self.sources.id(OperationId::v7)?,
            entity: Entity::LEAD,
            row: id.row(),
            base_version: stored.row.version,
            depends_on: self.creation_of(&stored)?,
            at: self.sources.now(),
            change: Change::Edit(field_edits(&stored, edits)?),
        })
    }

    /// The operation that makes a row the server does not have yet.
    pub(crate) fn creation_of(&self, stored: &StoredRow) -> EngineResult<Option<OperationId>> {
        if stored.row.version > 0 {
            return Ok(None);
        }
        let makes = |row: RowId, change: &Change| {
            row == stored.row.id && matches!(change, Change::Create(_))
        };
        let waiting = self.store.waiting_operations()?;
        let creation = waiting
            .iter()
            .map(|waiting| &waiting.operation)
            .find(|operation| makes(operation.row, &operation.change));
        Ok(creation.map(|operation| operation.id))
    }

    /// Stores operations as one group, and tells everybody.
    pub(crate) fn save(&self, operations: &[NewOperation]) -> EngineResult<()> {
        let changes = self.store.record(operations)?;
        let more = ChangeNotice {
            operations: true,
            ..ChangeNotice::default()
        };
        self.changed_with(&changes, more)
    }
}

fn field_edits(stored: &StoredRow, edits: Vec<LeadEdit>) -> EngineResult<Vec<FieldEdit>> {
    if edits.is_empty() {
        return Err(EngineError::invalid("name at least one field to change"));
    }
    let before = leads::read(stored.clone())?.lead;
    let mut fields: Vec<FieldEdit> = Vec::with_capacity(edits.len());
    for edit in edits {
        check(&before, &edit)?;
        let (tag, new) = cell(edit)?;
        if fields.iter().any(|field| field.tag == tag) {
            return Err(EngineError::invalid("name each field once"));
        }
        fields.push(FieldEdit {
            tag,
            base: stored.row.columns.get(tag).clone(),
            new,
        });
    }
    Ok(fields)
}

fn check(before: &Lead, edit: &LeadEdit) -> EngineResult<()> {
    match edit {
        LeadEdit::Name(name) => check_name(name),
        LeadEdit::Status(to) if !before.status.may_become(*to) => Err(EngineError::invalid(
            "the status may not change that way; \"do not contact\" is left only in the CRM",
        )),
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> EngineResult<()> {
    let chars = name.trim().chars().count();
    if (1..=MAX_NAME_CHARS).contains(&chars) {
        Ok(())
    } else {
        Err(EngineError::invalid("a name has 1 to 300 characters"))
    }
}

fn cell(edit: LeadEdit) -> EngineResult<(Tag, Value)> {
    Ok(match edit {
        LeadEdit::Name(name) => (lead::NAME, Value::from(name.trim())),
        LeadEdit::Street(text) => (lead::STREET, tidy(text)),
        LeadEdit::Unit(text) => (lead::UNIT, tidy(text)),
        LeadEdit::City(text) => (lead::CITY, tidy(text)),
        LeadEdit::Region(text) => (lead::REGION, tidy(text)),
        LeadEdit::PostalCode(text) => (lead::POSTAL_CODE, tidy(text)),
        LeadEdit::Country(text) => (lead::COUNTRY, tidy(text)),
        LeadEdit::Phone(text) => (lead::PHONE, tidy(text)),
        LeadEdit::Email(text) => (lead::EMAIL, tidy(text)),
        LeadEdit::Website(text) => (lead::WEBSITE, tidy(text)),
        LeadEdit::Status(status) => (lead::STATUS, Value::Int(status.code())),
        LeadEdit::Tier(tier) => (lead::TIER, tier.map(i64::from).into()),
        LeadEdit::Owner(text) => (lead::OWNER, tidy(text)),
        LeadEdit::Notes(text) => (lead::NOTES, tidy(text)),
        LeadEdit::ContactHours(text) => {
            let hours: ContactHours = text.parse()?;
            (lead::CONTACT_HOURS, tidy(Some(hours.to_string())))
        }
        LeadEdit::AlertRadiusM(metres) => (lead::ALERT_RADIUS_M, metres.map(i64::from).into()),
        LeadEdit::NextVisitDue(at) => (lead::NEXT_VISIT_DUE, at.map(|t| t.0).into()),
    })
}

/// Trimmed; nothing if nothing is left.
fn tidy(text: Option<String>) -> Value {
    trimmed(text).into()
}

fn trimmed(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn build_lead(id: LeadId, new: NewLead) -> EngineResult<Lead> {
    check_name(&new.name)?;
    let address = Address {
        street: trimmed(new.address.street),
        unit: trimmed(new.address.unit),
        city: trimmed(new.address.city),
        region: trimmed(new.address.region),
        postal_code: trimmed(new.address.postal_code),
        country: trimmed(new.address.country),
    };
    Ok(Lead {
        kind: new.kind.unwrap_or(LeadKind::Lead),
        address,
        geocode: Geocode {
            status: GeocodeStatus::Pending,
            position: new.position,
            ..Geocode::default()
        },
        phone: trimmed(new.phone),
        email: trimmed(new.email),
        website: trimmed(new.website),
        tier: new.tier,
        notes: trimmed(new.notes),
        contact_hours: new.contact_hours.parse()?,
        ..Lead::new(id, new.name.trim())
    })
}
