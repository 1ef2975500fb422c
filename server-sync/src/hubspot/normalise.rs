//! HubSpot's properties and the cells of a lead.

use crate::hubspot::wire::Record;
use crate::hubspot::{HubspotOptions, ObjectType, places, status};
use fieldfare_model::schema::lead;
use fieldfare_model::{Columns, LeadStatus, Tag, TimestampMs, Value};

const MAX_NAME: usize = 200;
const MAX_TEXT: usize = 400;
const MAX_NOTES: usize = 10_000;

/// The ids of records that were merged into one, with semicolons between.
pub const MERGED_IDS: &str = "hs_merged_object_ids";

/// A record as cells. Only columns that the CRM has a say in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmLead {
    /// Id in HubSpot.
    pub object: String,
    /// Cells, null where the CRM holds nothing.
    pub cells: Vec<(Tag, Value)>,
    /// When the record last changed.
    pub updated_at: TimestampMs,
}

/// Why a record does not become a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The id is not a number.
    #[error("the record has no usable id")]
    Id,
    /// No moment of change.
    #[error("the record does not say when it last changed")]
    Updated,
}

/// The properties to ask for.
pub fn properties(kind: ObjectType, options: &HubspotOptions) -> Vec<String> {
    let common = [
        "phone",
        "address",
        "city",
        "state",
        "zip",
        "country",
        "website",
        "hubspot_owner_id",
        "lifecyclestage",
        "hs_lead_status",
        "hs_lastmodifieddate",
        MERGED_IDS,
        "lastmodifieddate",
    ];
    let own: &[&str] = match kind {
        ObjectType::Companies => &["name", "domain", "address2", "description"],
        ObjectType::Contacts => &["firstname", "lastname", "email", "mobilephone", "company"],
    };
    let extra = [
        &options.tier_property,
        &options.score_property,
        &options.marker_property,
    ];
    let extra = extra
        .into_iter()
        .map(String::as_str)
        .filter(|p| !p.is_empty());
    common
        .into_iter()
        .chain(own.iter().copied())
        .chain(extra)
        .map(str::to_owned)
        .collect()
}

/// Turns a record into cells. `stored_status` is what the lead holds now, if it is known.
///
/// # Errors
/// [`RecordError`].
pub fn normalise(
    kind: ObjectType,
    record: &Record,
    options: &HubspotOptions,
    source: &str,
    stored_status: Option<LeadStatus>,
) -> Result<CrmLead, RecordError> {
    let object: u64 = record.id.parse().map_err(|_| RecordError::Id)?;
    let object = object.to_string();
    let updated_at = updated_at(record)?;
    let p = Properties(record);
    let told = status::read(p.raw("lifecyclestage"), p.raw("hs_lead_status"));
    let mut cells = vec![
        (lead::NAME, p.name(kind, &object).into()),
        (lead::KIND, kind.kind().code().into()),
        (lead::CRM_SOURCE, source.into()),
        (lead::CRM_ID, kind.crm_id(&object).into()),
        (
            lead::PHONE,
            p.first(&["phone", "mobilephone"], MAX_TEXT).into(),
        ),
        (
            lead::WEBSITE,
            p.first(&["website", "domain"], MAX_TEXT).into(),
        ),
        (
            lead::STATUS,
            status::standing(stored_status, told).code().into(),
        ),
        (lead::TIER, p.tier(&options.tier_property).into()),
        (lead::OWNER, p.text("hubspot_owner_id", MAX_TEXT).into()),
        (lead::SOURCE_UPDATED_AT, updated_at.0.into()),
    ];
    cells.extend(p.address(kind, options));
    cells.extend(p.extras(kind, options));
    Ok(CrmLead {
        object,
        cells,
        updated_at,
    })
}

fn updated_at(record: &Record) -> Result<TimestampMs, RecordError> {
    let p = &record.properties;
    let told = [
        p.get("hs_lastmodifieddate"),
        p.get("lastmodifieddate"),
        record.updated_at.as_ref(),
    ];
    told.into_iter()
        .flatten()
        .find_map(|t| instant(t))
        .ok_or(RecordError::Updated)
}

fn instant(text: &str) -> Option<TimestampMs> {
    let ms = text.parse::<i64>().ok();
    ms.or_else(|| Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()))
        .map(TimestampMs)
}

struct Properties<'a>(&'a Record);

impl Properties<'_> {
    fn raw(&self, name: &str) -> &str {
        self.0.properties.get(name).map_or("", String::as_str)
    }

    /// Without control characters and blanks at the ends, cut to `max` characters.
    fn text(&self, name: &str, max: usize) -> Option<String> {
        let clean: String = self
            .raw(name)
            .chars()
            .filter(|c| !c.is_control())
            .take(max)
            .collect();
        Some(clean.trim().to_owned()).filter(|t| !t.is_empty())
    }

    fn first(&self, names: &[&str], max: usize) -> Option<String> {
        names.iter().find_map(|name| self.text(name, max))
    }

    fn name(&self, kind: ObjectType, object: &str) -> String {
        let known = match kind {
            ObjectType::Companies => self.first(&["name", "domain"], MAX_NAME),
            ObjectType::Contacts => self.person(),
        };
        known.unwrap_or_else(|| format!("{} {object}", kind.path()))
    }

    fn person(&self) -> Option<String> {
        let parts = [
            self.text("firstname", MAX_NAME),
            self.text("lastname", MAX_NAME),
        ];
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Some(name)
            .filter(|n| !n.is_empty())
            .or_else(|| self.first(&["company", "email"], MAX_NAME))
    }

    fn address(&self, kind: ObjectType, options: &HubspotOptions) -> Vec<(Tag, Value)> {
        let country = match self.text("country", MAX_TEXT) {
            Some(name) => places::country(&name),
            None => Some(options.default_country.clone()).filter(|c| !c.is_empty()),
        };
        let region = self.text("state", MAX_TEXT);
        let region = region.map(|r| places::region(&r, country.as_deref()).into_owned());
        let mut cells = vec![
            (lead::STREET, self.text("address", MAX_TEXT).into()),
            (lead::CITY, self.text("city", MAX_TEXT).into()),
            (lead::REGION, region.into()),
            (lead::POSTAL_CODE, self.text("zip", MAX_TEXT).into()),
            (lead::COUNTRY, country.into()),
        ];
        if kind == ObjectType::Companies {
            cells.push((lead::UNIT, self.text("address2", MAX_TEXT).into()));
        }
        cells
    }

    fn extras(&self, kind: ObjectType, options: &HubspotOptions) -> Vec<(Tag, Value)> {
        let mut cells = match kind {
            ObjectType::Companies => vec![(lead::NOTES, self.notes("description").into())],
            ObjectType::Contacts => vec![(lead::EMAIL, self.text("email", MAX_TEXT).into())],
        };
        if !options.score_property.is_empty() {
            cells.push((lead::SCORE, self.score(&options.score_property).into()));
        }
        cells
    }

    /// Line breaks stay.
    fn notes(&self, name: &str) -> Option<String> {
        let keep = |c: &char| !c.is_control() || *c == '\n';
        let text: String = self
            .raw(name)
            .chars()
            .filter(keep)
            .take(MAX_NOTES)
            .collect();
        Some(text.trim().to_owned()).filter(|t| !t.is_empty())
    }

    fn tier(&self, name: &str) -> Option<i64> {
        let text = self.raw(name).trim();
        let digits = text.strip_prefix("tier_").unwrap_or(text);
        digits.parse::<u8>().ok().filter(|t| *t > 0).map(i64::from)
    }

    fn score(&self, name: &str) -> Option<i64> {
        let score: f64 = self
            .raw(name)
            .trim()
            .parse()
            .ok()
            .filter(|s: &f64| s.is_finite())?;
        Some(score.clamp(0.0, 100.0).round() as i64)
    }
}

/// The properties that say a cell in HubSpot; none for cells HubSpot does not hold.
pub fn properties_of(
    kind: ObjectType,
    tag: Tag,
    columns: &Columns,
    options: &HubspotOptions,
) -> Vec<(String, String)> {
    let text = || columns.get(tag).as_text().unwrap_or_default().to_owned();
    let one = |name: &str, value: String| vec![(name.to_owned(), value)];
    match (tag, kind) {
        (lead::NAME, ObjectType::Companies) => one("name", text()),
        (lead::NAME, ObjectType::Contacts) => person_parts(&text()),
        (lead::STATUS, _) => status_of(columns),
        (lead::TIER, _) if !options.tier_property.is_empty() => {
            let tier = columns.get(tag).as_int().map(|t| format!("tier_{t}"));
            one(&options.tier_property, tier.unwrap_or_default())
        }
        _ => plain_property(kind, tag)
            .map(|name| one(name, text()))
            .unwrap_or_default(),
    }
}

const fn plain_property(kind: ObjectType, tag: Tag) -> Option<&'static str> {
    Some(match (tag, kind) {
        (lead::PHONE, _) => "phone",
        (lead::STREET, _) => "address",
        (lead::UNIT, ObjectType::Companies) => "address2",
        (lead::CITY, _) => "city",
        (lead::REGION, _) => "state",
        (lead::POSTAL_CODE, _) => "zip",
        (lead::COUNTRY, _) => "country",
        (lead::WEBSITE, _) => "website",
        (lead::OWNER, _) => "hubspot_owner_id",
        (lead::NOTES, ObjectType::Companies) => "description",
        (lead::EMAIL, ObjectType::Contacts) => "email",
        _ => return None,
    })
}

fn status_of(columns: &Columns) -> Vec<(String, String)> {
    let status = columns
        .get(lead::STATUS)
        .as_int()
        .and_then(LeadStatus::from_code);
    let pair = |s| {
        let (property, value) = status::write(s);
        (property.to_owned(), value.to_owned())
    };
    status.map(pair).into_iter().collect()
}

fn person_parts(name: &str) -> Vec<(String, String)> {
    let (first, last) = name.rsplit_once(' ').unwrap_or(("", name));
    [("firstname", first), ("lastname", last)]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fieldfare_model::{Lead, LeadId};

    fn record(pairs: &[(&str, &str)]) -> Record {
        Record {
            id: "501".into(),
            properties: pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            updated_at: Some("2026-11-20T10:00:00.250Z".into()),
            archived: false,
        }
    }

    fn lead_of(kind: ObjectType, pairs: &[(&str, &str)]) -> Lead {
        let crm = normalise(kind, &record(pairs), &HubspotOptions::default(), "hs", None).unwrap();
        Lead::from_columns(LeadId::from_bytes([1; 16]), &crm.cells.into()).unwrap()
    }

    #[test]
    fn a_company_becomes_a_lead() {
        let lead = lead_of(
            ObjectType::Companies,
            &[
                ("name", "  Brandt\u{0}Bakery "),
                ("address", "1 Main St"),
                ("address2", "Apt 4"),
                ("city", "Lynn"),
                ("state", "Massachusetts"),
                ("zip", "01901"),
                ("phone", "+1 555"),
                ("hs_ideal_customer_profile", "tier_2"),
                ("hubspot_owner_id", "77"),
                ("lifecyclestage", "opportunity"),
                ("description", "line\nline"),
            ],
        );
        assert_eq!(lead.name, "BrandtBakery");
        assert_eq!(lead.address.region.as_deref(), Some("MA"));
        assert_eq!(lead.address.country.as_deref(), Some("US"));
        assert_eq!((lead.tier, lead.owner.as_deref()), (Some(2), Some("77")));
        assert_eq!(lead.status, LeadStatus::Qualified);
        assert_eq!(lead.notes.as_deref(), Some("line\nline"));
        assert_eq!(lead.crm_id.as_deref(), Some("501"));
        assert_eq!(
            lead.source_updated_at,
            Some(TimestampMs(1_763_632_800_250 + 31_536_000_000))
        );
    }

    #[test]
    fn a_contact_becomes_a_lead() {
        let lead = lead_of(
            ObjectType::Contacts,
            &[
                ("firstname", "Ann"),
                ("lastname", "Lee"),
                ("email", "a@b.c"),
            ],
        );
        assert_eq!(
            (lead.name.as_str(), lead.email.as_deref()),
            ("Ann Lee", Some("a@b.c"))
        );
        assert_eq!(lead.crm_id.as_deref(), Some("contacts/501"));
    }

    #[test]
    fn a_record_without_an_id_or_a_date_is_refused() {
        let options = HubspotOptions::default();
        let no_id = Record {
            id: "x".into(),
            ..record(&[])
        };
        let no_date = Record {
            updated_at: None,
            ..record(&[])
        };
        let read = |r| normalise(ObjectType::Companies, &r, &options, "hs", None);
        assert_eq!(read(no_id), Err(RecordError::Id));
        assert_eq!(read(no_date), Err(RecordError::Updated));
    }

    #[test]
    fn what_is_written_back_reads_the_same() {
        let options = HubspotOptions::default();
        for kind in [ObjectType::Companies, ObjectType::Contacts] {
            let mut lead = lead_of(kind, &[("name", "A"), ("firstname", "A"), ("city", "Lynn")]);
            lead.name = "Mary Ann Lee".into();
            lead.phone = Some("555".into());
            lead.tier = Some(3);
            lead.status = LeadStatus::Contacted;
            lead.owner = Some("9".into());
            let columns = lead.to_columns();
            let pairs: Vec<(String, String)> = lead::COLUMNS
                .iter()
                .flat_map(|c| properties_of(kind, c.tag, &columns, &options))
                .collect();
            let pairs: Vec<(&str, &str)> = pairs
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str()))
                .collect();
            assert_eq!(lead_of(kind, &pairs).to_columns(), columns);
        }
    }
}
