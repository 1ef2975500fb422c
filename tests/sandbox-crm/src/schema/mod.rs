//! Which properties records have, and which values the CRM accepts for them.

mod definition;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock;
use crate::error::ApiError;
use crate::object_type::ObjectType;
use definition::{Definition, Group};
pub(crate) use definition::{NewGroup, NewProperty};

/// Property names with their values.
pub type Properties = BTreeMap<String, String>;

/// A property a portal has beyond HubSpot's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomProperty {
    /// The kind of record that has it.
    pub object: ObjectType,
    /// Internal name.
    pub name: String,
    /// Whether no two records may share a value, so that it can serve as `idProperty`.
    #[serde(default)]
    pub unique: bool,
}

/// A validation rule an administrator made: writes by the API to this property are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidationRule {
    /// The kind of record it guards.
    pub object: ObjectType,
    /// The property it guards.
    pub property: String,
    /// What the answer says.
    pub message: String,
}

const COMPANY: &[&str] = &[
    "name",
    "domain",
    "website",
    "phone",
    "address",
    "address2",
    "city",
    "state",
    "zip",
    "country",
    "industry",
    "type",
    "description",
    "numberofemployees",
    "annualrevenue",
    "timezone",
    "hubspot_owner_id",
    "lifecyclestage",
    "hs_lead_status",
    "hs_ideal_customer_profile",
    "hs_merged_object_ids",
];
const CONTACT: &[&str] = &[
    "firstname",
    "lastname",
    "email",
    "phone",
    "mobilephone",
    "company",
    "jobtitle",
    "address",
    "city",
    "state",
    "zip",
    "country",
    "website",
    "hubspot_owner_id",
    "lifecyclestage",
    "hs_lead_status",
    "hs_merged_object_ids",
];
const DEAL: &[&str] = &[
    "dealname",
    "amount",
    "closedate",
    "pipeline",
    "dealstage",
    "dealtype",
    "description",
    "hubspot_owner_id",
    "hs_merged_object_ids",
];
const TASK: &[&str] = &[
    "hs_timestamp",
    "hs_task_subject",
    "hs_task_body",
    "hs_task_status",
    "hs_task_priority",
    "hs_task_type",
    "hs_task_reminders",
    "hubspot_owner_id",
];
const NOTE: &[&str] = &[
    "hs_timestamp",
    "hs_note_body",
    "hs_attachment_ids",
    "hubspot_owner_id",
];
const KEPT_BY_THE_CRM: &[&str] = &[
    "hs_object_id",
    "createdate",
    "hs_createdate",
    "lastmodifieddate",
    "hs_lastmodifieddate",
    "hs_merged_object_ids",
];

const LIFECYCLE_STAGES: &[&str] = &[
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];
const LEAD_STATUSES: &[&str] = &[
    "NEW",
    "OPEN",
    "IN_PROGRESS",
    "OPEN_DEAL",
    "UNQUALIFIED",
    "ATTEMPTED_TO_CONTACT",
    "CONNECTED",
    "BAD_TIMING",
];
const CUSTOMER_TIERS: &[&str] = &["tier_1", "tier_2", "tier_3"];
const TASK_STATUSES: &[&str] = &[
    "NOT_STARTED",
    "IN_PROGRESS",
    "WAITING",
    "COMPLETED",
    "DEFERRED",
];
const TASK_PRIORITIES: &[&str] = &["NONE", "LOW", "MEDIUM", "HIGH"];
const TASK_TYPES: &[&str] = &["TODO", "CALL", "EMAIL"];

fn options(property: &str) -> Option<&'static [&'static str]> {
    match property {
        "lifecyclestage" => Some(LIFECYCLE_STAGES),
        "hs_lead_status" => Some(LEAD_STATUSES),
        "hs_ideal_customer_profile" => Some(CUSTOMER_TIERS),
        "hs_task_status" => Some(TASK_STATUSES),
        "hs_task_priority" => Some(TASK_PRIORITIES),
        "hs_task_type" => Some(TASK_TYPES),
        _ => None,
    }
}

fn is_instant(property: &str) -> bool {
    matches!(property, "hs_timestamp" | "closedate")
}

fn is_number(property: &str) -> bool {
    matches!(property, "amount" | "annualrevenue" | "numberofemployees")
}

/// The properties of a portal.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    custom: Vec<CustomProperty>,
    rules: Vec<ValidationRule>,
    definitions: Vec<Definition>,
    groups: Vec<Group>,
}

fn own_properties(object: ObjectType) -> &'static [&'static str] {
    match object {
        ObjectType::Companies => COMPANY,
        ObjectType::Contacts => CONTACT,
        ObjectType::Deals => DEAL,
        ObjectType::Tasks => TASK,
        ObjectType::Notes => NOTE,
    }
}

impl Schema {
    pub(crate) fn new(custom: Vec<CustomProperty>) -> Self {
        Self {
            custom,
            ..Self::default()
        }
    }

    pub(crate) fn define(&mut self, property: CustomProperty) {
        self.custom
            .retain(|known| (known.object, &known.name) != (property.object, &property.name));
        self.custom.push(property);
    }

    pub(crate) fn remove(&mut self, object: ObjectType, name: &str) {
        self.custom
            .retain(|known| (known.object, known.name.as_str()) != (object, name));
    }

    pub(crate) fn set_rules(&mut self, rules: Vec<ValidationRule>) {
        self.rules = rules;
    }

    pub(crate) fn knows(&self, object: ObjectType, property: &str) -> bool {
        own_properties(object).contains(&property)
            || [
                "hs_object_id",
                object.created_property(),
                object.modified_property(),
            ]
            .contains(&property)
            || self.custom(object, property).is_some()
    }

    pub(crate) fn is_unique(&self, object: ObjectType, property: &str) -> bool {
        (object == ObjectType::Contacts && property == "email")
            || self
                .custom(object, property)
                .is_some_and(|custom| custom.unique)
    }

    /// The properties of which no two records may share a value.
    pub(crate) fn unique_properties(&self, object: ObjectType) -> Vec<&str> {
        let email = (object == ObjectType::Contacts).then_some("email");
        let custom = self
            .custom
            .iter()
            .filter(|c| c.object == object && c.unique);
        email
            .into_iter()
            .chain(custom.map(|c| c.name.as_str()))
            .collect()
    }

    fn custom(&self, object: ObjectType, property: &str) -> Option<&CustomProperty> {
        self.custom
            .iter()
            .find(|custom| custom.object == object && custom.name == property)
    }

    /// Checks values given by a writer and returns them as they will be kept: strings, instants in
    /// ISO 8601, the empty string for "no value".
    pub(crate) fn accept(
        &self,
        object: ObjectType,
        given: &serde_json::Map<String, Value>,
        owners: &BTreeSet<u64>,
        obey_rules: bool,
    ) -> Result<Properties, ApiError> {
        let mut accepted = Properties::new();
        let mut faults = Vec::new();
        for (name, value) in given {
            match self.accept_one(object, name, value, owners, obey_rules) {
                Ok(value) => drop(accepted.insert(name.clone(), value)),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            Ok(accepted)
        } else {
            Err(invalid_values(&faults))
        }
    }

    fn accept_one(
        &self,
        object: ObjectType,
        name: &str,
        value: &Value,
        owners: &BTreeSet<u64>,
        obey_rules: bool,
    ) -> Result<String, Fault> {
        let fault = |code, message: String| Fault {
            property: name.to_owned(),
            code,
            message,
        };
        if KEPT_BY_THE_CRM.contains(&name) {
            return Err(fault(
                "READ_ONLY_VALUE",
                format!("\"{name}\" is a read only property"),
            ));
        }
        if !self.knows(object, name) {
            let message = format!("Property \"{name}\" does not exist");
            return Err(fault("PROPERTY_DOESNT_EXIST", message));
        }
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.object == object && rule.property == name);
        if let Some(rule) = rule.filter(|_| obey_rules) {
            return Err(fault("FAILED_VALIDATION_RULE", rule.message.clone()));
        }
        let text = text_of(value)
            .ok_or_else(|| fault("INVALID_VALUE", "a value must be a string".to_owned()))?;
        accept_value(name, text, owners).map_err(|(code, message)| fault(code, message))
    }
}

/// What is wrong with one property of a write.
struct Fault {
    property: String,
    code: &'static str,
    message: String,
}

fn invalid_values(faults: &[Fault]) -> ApiError {
    let summary: Vec<Value> = faults
        .iter()
        .map(|fault| {
            json!({
                "isValid": false,
                "message": fault.message,
                "error": fault.code,
                "name": fault.property,
            })
        })
        .collect();
    let errors: Vec<Value> = faults
        .iter()
        .map(|fault| {
            json!({
                "message": fault.message,
                "code": fault.code,
                "context": { "propertyName": [fault.property] },
            })
        })
        .collect();
    ApiError::validation(format!(
        "Property values were not valid: {}",
        Value::Array(summary)
    ))
    .with_errors(Value::Array(errors))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn accept_value(
    name: &str,
    text: String,
    owners: &BTreeSet<u64>,
) -> Result<String, (&'static str, String)> {
    if text.is_empty() {
        return Ok(text);
    }
    if name == "hubspot_owner_id" {
        let known = text.parse().is_ok_and(|id: u64| owners.contains(&id));
        let message = format!("Owner {text} does not exist");
        return if known {
            Ok(text)
        } else {
            Err(("INVALID_OWNER_ID", message))
        };
    }
    if is_instant(name) {
        let message = format!("{text} was not a valid long or ISO 8601 date");
        let at = clock::parse_instant(&text).ok_or(("INVALID_LONG", message))?;
        return Ok(clock::iso(at));
    }
    if is_number(name) && text.parse::<f64>().is_err() {
        return Err(("INVALID_NUMBER", format!("{text} was not a valid number")));
    }
    match options(name) {
        Some(allowed) if !allowed.contains(&text.as_str()) => {
            let message = format!("{text} was not one of the allowed options: {allowed:?}");
            Err(("INVALID_OPTION", message))
        }
        _ => Ok(text),
    }
}
