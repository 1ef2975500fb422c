//! What a portal's own properties are, beyond their name, and their groups.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{CustomProperty, Schema, own_properties};
use crate::error::ApiError;
use crate::object_type::ObjectType;

const TYPES: &[&str] = &[
    "bool",
    "date",
    "datetime",
    "enumeration",
    "number",
    "phone_number",
    "string",
];
const FIELD_TYPES: &[&str] = &[
    "booleancheckbox",
    "calculation_equation",
    "checkbox",
    "date",
    "file",
    "html",
    "number",
    "phonenumber",
    "radio",
    "select",
    "text",
    "textarea",
];

/// A property as its maker describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewProperty {
    name: String,
    label: String,
    group_name: String,
    #[serde(rename = "type")]
    kind: String,
    field_type: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    has_unique_value: bool,
}

/// A group as its maker describes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct NewGroup {
    name: String,
    label: String,
}

/// A property that was made through the API.
#[derive(Debug)]
pub(super) struct Definition {
    object: ObjectType,
    made: NewProperty,
}

/// A group that was made through the API.
#[derive(Debug)]
pub(super) struct Group {
    object: ObjectType,
    made: NewGroup,
}

/// The group HubSpot's own properties are in. Tasks and notes show none to their users; here they
/// have none to put properties into.
fn own_group(object: ObjectType) -> Option<&'static str> {
    match object {
        ObjectType::Companies => Some("companyinformation"),
        ObjectType::Contacts => Some("contactinformation"),
        ObjectType::Deals => Some("dealinformation"),
        ObjectType::Tasks | ObjectType::Notes => None,
    }
}

impl Schema {
    /// Makes a property; its group must be there, and its name be free.
    pub(crate) fn create(
        &mut self,
        object: ObjectType,
        new: NewProperty,
    ) -> Result<Value, ApiError> {
        check_name(&new.name)?;
        if self.knows(object, &new.name) {
            return Err(taken("property", &new.name));
        }
        if !TYPES.contains(&new.kind.as_str()) || !FIELD_TYPES.contains(&new.field_type.as_str()) {
            let message = format!(
                "{} with {} is no kind of property",
                new.kind, new.field_type
            );
            return Err(ApiError::validation(message));
        }
        if !self.has_group(object, &new.group_name) {
            let message = format!("Property group {} does not exist", new.group_name);
            return Err(ApiError::validation(message));
        }
        self.define(CustomProperty {
            object,
            name: new.name.clone(),
            unique: new.has_unique_value,
        });
        let name = new.name.clone();
        self.definitions.push(Definition { object, made: new });
        self.shown(object, &name).ok_or_else(ApiError::not_found)
    }

    /// Makes a group; its name must be free.
    pub(crate) fn create_group(
        &mut self,
        object: ObjectType,
        new: NewGroup,
    ) -> Result<Value, ApiError> {
        check_name(&new.name)?;
        if self.has_group(object, &new.name) {
            return Err(taken("property group", &new.name));
        }
        let shown = shown_group(&new.name, &new.label);
        self.groups.push(Group { object, made: new });
        Ok(shown)
    }

    fn has_group(&self, object: ObjectType, name: &str) -> bool {
        own_group(object) == Some(name)
            || self
                .groups
                .iter()
                .any(|group| group.object == object && group.made.name == name)
    }

    /// The groups of a kind of record.
    pub(crate) fn groups(&self, object: ObjectType) -> Vec<Value> {
        let own = own_group(object).map(|name| shown_group(name, name));
        let made = self.groups.iter().filter(|group| group.object == object);
        own.into_iter()
            .chain(made.map(|group| shown_group(&group.made.name, &group.made.label)))
            .collect()
    }

    /// The properties of a kind of record, HubSpot's own first.
    pub(crate) fn shown_all(&self, object: ObjectType) -> Vec<Value> {
        let custom = self.custom.iter().filter(|c| c.object == object);
        let names = own_properties(object).iter().copied();
        names
            .chain(custom.map(|c| c.name.as_str()))
            .filter_map(|name| self.shown(object, name))
            .collect()
    }

    /// A property as the API shows it; none if there is no such.
    pub(crate) fn shown(&self, object: ObjectType, name: &str) -> Option<Value> {
        if !self.knows(object, name) {
            return None;
        }
        let made = self
            .definitions
            .iter()
            .find(|d| d.object == object && d.made.name == name)
            .map(|d| &d.made);
        let custom = self.custom(object, name);
        Some(json!({
            "name": name,
            "label": made.map_or(name, |m| m.label.as_str()),
            "description": made.map_or("", |m| m.description.as_str()),
            "groupName": made.map_or(own_group(object), |m| Some(m.group_name.as_str())),
            "type": made.map_or("string", |m| m.kind.as_str()),
            "fieldType": made.map_or("text", |m| m.field_type.as_str()),
            "options": [],
            "hasUniqueValue": custom.is_some_and(|c| c.unique),
            "hubspotDefined": custom.is_none(),
            "archived": false,
        }))
    }
}

fn shown_group(name: &str, label: &str) -> Value {
    json!({ "name": name, "label": label, "displayOrder": -1, "archived": false })
}

/// Lower-case letters, digits and underscores, a letter first.
fn check_name(name: &str) -> Result<(), ApiError> {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if begins && name.len() <= 100 && name.bytes().all(is_plain) {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "\"{name}\" is not a valid name"
    )))
}

fn taken(what: &str, name: &str) -> ApiError {
    ApiError::conflict(format!("A {what} named '{name}' already exists."))
}
