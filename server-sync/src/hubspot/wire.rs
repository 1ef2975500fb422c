//! HubSpot's answers, read as hostile input: unknown fields are left out, sizes are bounded by the
//! body limit, every text is optional.

use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// What is set of the properties asked for.
    #[serde(deserialize_with = "texts")]
    pub properties: BTreeMap<String, String>,
    /// When it last changed, ISO 8601.
    pub updated_at: Option<String>,
    /// Whether it is deleted.
    pub archived: bool,
}

/// Values may be null, and some accounts answer numbers.
fn texts<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, String>, D::Error> {
    let raw = BTreeMap::<String, serde_json::Value>::deserialize(d)?;
    let text = |value| match value {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(n) => Some(n.to_string()),
        serde_json::Value::Bool(b) => Some(b.to_string()),
        _ => None,
    };
    Ok(raw
        .into_iter()
        .filter_map(|(k, v)| Some((k, text(v)?)))
        .collect())
}

/// Answer of a batch request; `207` carries errors beside results. An answer without results is
/// none: it would look as if every record were gone.
#[derive(Debug, Deserialize)]
pub(crate) struct Batch {
    pub(crate) results: Vec<Record>,
    #[serde(default)]
    pub(crate) errors: Vec<ErrorBody>,
}

/// A page of a list or of search results.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Page {
    pub(crate) results: Vec<Record>,
    pub(crate) paging: Option<Paging>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Paging {
    pub(crate) next: Option<Next>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Next {
    pub(crate) after: String,
}

/// Why a request or one record of it was refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ErrorBody {
    pub(crate) category: String,
    pub(crate) error_type: String,
    pub(crate) policy_name: String,
    pub(crate) errors: Vec<ErrorDetail>,
    pub(crate) context: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorDetail {
    pub(crate) code: Option<String>,
    pub(crate) context: BTreeMap<String, serde_json::Value>,
}

impl ErrorBody {
    /// Category and codes, cut to what is safe to log: HubSpot's messages repeat the values given.
    pub(crate) fn reason(&self) -> String {
        let mut words = vec![self.category.as_str(), &self.error_type, &self.policy_name];
        words.extend(self.errors.iter().filter_map(|e| e.code.as_deref()));
        let properties: Vec<&str> = self
            .errors
            .iter()
            .flat_map(|e| strings(e.context.get("propertyName")))
            .collect();
        words.extend(properties);
        let word = |w: &&str| {
            !w.is_empty()
                && w.len() <= 64
                && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        let words: Vec<&str> = words.into_iter().filter(word).take(12).collect();
        if words.is_empty() {
            "no reason given".to_owned()
        } else {
            words.join(" ")
        }
    }

    /// The scopes of which one is missing.
    pub(crate) fn scopes(&self) -> String {
        let named = ["requiredGranularScopes", "requiredScopes"];
        let contexts = self.errors.iter().map(|e| &e.context);
        let scopes: Vec<&str> = contexts
            .flat_map(|context| named.iter().flat_map(|key| strings(context.get(*key))))
            .filter(|s| s.len() <= 64 && s.bytes().all(|b| b.is_ascii_graphic()))
            .take(6)
            .collect();
        if scopes.is_empty() {
            "one it does not name".to_owned()
        } else {
            scopes.join(" or ")
        }
    }

    /// The records an error of a batch is about.
    pub(crate) fn ids(&self) -> Vec<&str> {
        ["ids", "id", "objectIds"]
            .iter()
            .flat_map(|k| strings(self.context.get(*k)))
            .collect()
    }
}

fn strings(value: Option<&serde_json::Value>) -> Vec<&str> {
    match value {
        Some(serde_json::Value::Array(list)) => list.iter().filter_map(|v| v.as_str()).collect(),
        Some(serde_json::Value::String(text)) => vec![text],
        _ => Vec::new(),
    }
}

/// Somebody records can belong to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Owner {
    /// The id records carry.
    pub id: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Whether they left.
    pub archived: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OwnerPage {
    pub(crate) results: Vec<Owner>,
    pub(crate) paging: Option<Paging>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_carry_codes_and_no_values() {
        let body: ErrorBody = serde_json::from_str(
            r#"{"message":"jane@example.com is bad","category":"VALIDATION_ERROR","errors":[
            {"message":"secret","code":"INVALID_OPTION","context":{"propertyName":["phone"],"v":["x@y"]}}]}"#,
        )
        .unwrap();
        assert_eq!(body.reason(), "VALIDATION_ERROR INVALID_OPTION phone");
    }

    #[test]
    fn records_with_odd_values_are_read() {
        let record: Record = serde_json::from_str(
            r#"{"id":"5","properties":{"a":null,"b":3,"c":"x","d":[1]},"surprise":{}}"#,
        )
        .unwrap();
        assert_eq!(record.properties.len(), 2);
    }
}
