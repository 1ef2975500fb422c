//! Fields of a lead as `name=value`.

use crate::args;
use crate::phone::PhoneError;
use fieldfare_engine::{LeadEdit, NewLead};
use fieldfare_model::{LeadKind, TimestampMs};

const NAMES: &str = "name, street, unit, city, region, postal_code, country, phone, email, website, \
                     status, tier, owner, notes, contact_hours, alert_radius_m, next_visit_due";

/// Reads one edit; an empty value clears the field.
///
/// # Errors
/// [`PhoneError::Usage`] for a field that does not exist or a value it cannot have.
pub fn edit(text: &str) -> Result<LeadEdit, PhoneError> {
    let (name, value) = split(text)?;
    let words = || Some(value.to_owned()).filter(|value| !value.is_empty());
    Ok(match name {
        "name" => LeadEdit::Name(value.to_owned()),
        "street" => LeadEdit::Street(words()),
        "unit" => LeadEdit::Unit(words()),
        "city" => LeadEdit::City(words()),
        "region" => LeadEdit::Region(words()),
        "postal_code" => LeadEdit::PostalCode(words()),
        "country" => LeadEdit::Country(words()),
        "phone" => LeadEdit::Phone(words()),
        "email" => LeadEdit::Email(words()),
        "website" => LeadEdit::Website(words()),
        "status" => LeadEdit::Status(args::status(value).map_err(PhoneError::Usage)?),
        "tier" => LeadEdit::Tier(number(name, value)?),
        "owner" => LeadEdit::Owner(words()),
        "notes" => LeadEdit::Notes(words()),
        "contact_hours" => LeadEdit::ContactHours(value.to_owned()),
        "alert_radius_m" => LeadEdit::AlertRadiusM(number(name, value)?),
        "next_visit_due" => LeadEdit::NextVisitDue(number(name, value)?.map(TimestampMs)),
        _ => return Err(unknown(name, NAMES)),
    })
}

/// Builds a new lead from a name and fields.
///
/// # Errors
/// As [`edit`].
pub fn new_lead(name: String, fields: &[String]) -> Result<NewLead, PhoneError> {
    let mut lead = NewLead {
        name,
        ..NewLead::default()
    };
    for field in fields {
        set(&mut lead, field)?;
    }
    Ok(lead)
}

fn set(lead: &mut NewLead, field: &str) -> Result<(), PhoneError> {
    let (name, value) = split(field)?;
    let text = Some(value.to_owned());
    match name {
        "street" => lead.address.street = text,
        "unit" => lead.address.unit = text,
        "city" => lead.address.city = text,
        "region" => lead.address.region = text,
        "postal_code" => lead.address.postal_code = text,
        "country" => lead.address.country = text,
        "phone" => lead.phone = text,
        "email" => lead.email = text,
        "website" => lead.website = text,
        "tier" => lead.tier = number(name, value)?,
        "notes" => lead.notes = text,
        "contact_hours" => lead.contact_hours = value.to_owned(),
        "kind" => lead.kind = Some(kind(value)?),
        _ => {
            let names = "kind, street, unit, city, region, postal_code, country, phone, email, \
                         website, tier, notes, contact_hours";
            return Err(unknown(name, names));
        }
    }
    Ok(())
}

fn split(text: &str) -> Result<(&str, &str), PhoneError> {
    text.split_once('=')
        .ok_or_else(|| PhoneError::usage("give fields as name=value"))
}

fn unknown(name: &str, names: &str) -> PhoneError {
    PhoneError::usage(format!("there is no field {name}; there are: {names}"))
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<Option<T>, PhoneError> {
    if value.is_empty() {
        return Ok(None);
    }
    let parsed = value.parse().map(Some);
    parsed.map_err(|_| PhoneError::usage(format!("{name} takes a whole number in its range")))
}

fn kind(value: &str) -> Result<LeadKind, PhoneError> {
    match value {
        "company" => Ok(LeadKind::Company),
        "contact" => Ok(LeadKind::Contact),
        "lead" => Ok(LeadKind::Lead),
        _ => Err(PhoneError::usage("kind is company, contact or lead")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fieldfare_model::LeadStatus;

    #[test]
    fn reads_edits() {
        let reads = |text: &str| edit(text).unwrap();
        assert_eq!(
            reads("city=New York"),
            LeadEdit::City(Some("New York".into()))
        );
        assert_eq!(reads("notes=a=b"), LeadEdit::Notes(Some("a=b".into())));
        assert_eq!(reads("phone="), LeadEdit::Phone(None));
        assert_eq!(
            reads("status=do-not-contact"),
            LeadEdit::Status(LeadStatus::DoNotContact)
        );
        assert_eq!(reads("tier=2"), LeadEdit::Tier(Some(2)));
        for wrong in [
            "city",
            "colour=red",
            "tier=many",
            "status=great",
            "tier=900",
        ] {
            assert!(matches!(edit(wrong), Err(PhoneError::Usage(_))), "{wrong}");
        }
    }
}
