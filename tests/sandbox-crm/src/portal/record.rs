//! One record, and how the API shows it.

use serde_json::{Map, Value, json};

use crate::clock;
use crate::object_type::ObjectType;
use crate::schema::{Properties, Schema};

/// A record of the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its kind.
    pub object: ObjectType,
    /// `hs_object_id`.
    pub id: u64,
    /// The values that were written; empty ones are not kept.
    pub properties: Properties,
    /// Epoch milliseconds.
    pub created_ms: i64,
    /// Epoch milliseconds of the last change.
    pub updated_ms: i64,
    /// Epoch milliseconds of archiving, if it is archived.
    pub archived_ms: Option<i64>,
}

/// Which properties an answer shows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shown<'a> {
    /// Those asked for; none: the default ones of the kind.
    Asked(&'a [String]),
    /// All that have a value, as answers to writes do.
    Written,
}

impl Record {
    /// A property's value, `hs_object_id` and the times among them.
    pub fn value(&self, property: &str) -> Option<String> {
        if property == "hs_object_id" {
            Some(self.id.to_string())
        } else if property == self.object.created_property() {
            Some(clock::iso(self.created_ms))
        } else if property == self.object.modified_property() {
            Some(clock::iso(self.updated_ms))
        } else {
            self.properties.get(property).cloned()
        }
    }

    /// The record as the API answers it.
    pub(crate) fn to_json(&self, schema: &Schema, shown: Shown<'_>) -> Map<String, Value> {
        let mut properties = Map::new();
        let always = [
            "hs_object_id",
            self.object.created_property(),
            self.object.modified_property(),
        ];
        for name in always {
            properties.insert(name.to_owned(), json!(self.value(name)));
        }
        for name in self.names_to_show(schema, shown) {
            let value = json!(self.value(&name));
            properties.insert(name, value);
        }
        let mut record = Map::new();
        let mut put = |name: &str, value: Value| drop(record.insert(name.to_owned(), value));
        put("id", json!(self.id.to_string()));
        put("properties", Value::Object(properties));
        put("createdAt", json!(clock::iso(self.created_ms)));
        put("updatedAt", json!(clock::iso(self.updated_ms)));
        put("archived", json!(self.archived_ms.is_some()));
        if let Some(at) = self.archived_ms {
            put("archivedAt", json!(clock::iso(at)));
        }
        record
    }

    /// Unknown names that were asked for are left out; known ones without a value show as null.
    fn names_to_show(&self, schema: &Schema, shown: Shown<'_>) -> Vec<String> {
        match shown {
            Shown::Written => self.properties.keys().cloned().collect(),
            Shown::Asked([]) => self
                .object
                .default_properties()
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            Shown::Asked(names) => names
                .iter()
                .filter(|name| schema.knows(self.object, name))
                .cloned()
                .collect(),
        }
    }
}
