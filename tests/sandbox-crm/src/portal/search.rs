//! The search: its limits, its operators and its order.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::{Value, json};

use super::record::Record;
use super::state::State;
use crate::clock;
use crate::error::ApiError;
use crate::object_type::ObjectType;

const MOST_GROUPS: usize = 5;
const MOST_FILTERS_IN_A_GROUP: usize = 6;
const MOST_FILTERS: usize = 18;
const MOST_SORTS: usize = 1;
const LARGEST_PAGE: usize = 200;
const DEFAULT_PAGE: usize = 10;
/// Characters of a request's body.
pub(crate) const LONGEST_BODY: usize = 3_000;

/// The body of a search.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SearchRequest {
    filter_groups: Vec<FilterGroup>,
    sorts: Vec<Sort>,
    query: Option<String>,
    pub(crate) properties: Vec<String>,
    limit: Option<i64>,
    after: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct FilterGroup {
    filters: Vec<Filter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    property_name: String,
    operator: Operator,
    value: Option<Value>,
    high_value: Option<Value>,
    values: Option<Vec<Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    HasProperty,
    NotHasProperty,
    ContainsToken,
    NotContainsToken,
}

/// A sort as a name, or as a name with a direction.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Sort {
    Name(String),
    #[serde(rename_all = "camelCase")]
    Directed {
        property_name: String,
        direction: Option<String>,
    },
}

impl Sort {
    /// The property, and whether it falls. A leading minus falls too.
    fn order(&self) -> (&str, bool) {
        match self {
            Self::Name(name) => (
                name.strip_prefix('-').unwrap_or(name),
                name.starts_with('-'),
            ),
            Self::Directed {
                property_name,
                direction,
            } => (property_name, direction.as_deref() == Some("DESCENDING")),
        }
    }
}

/// One page of results.
pub(crate) struct Found<'a> {
    pub(crate) total: usize,
    pub(crate) page: Vec<&'a Record>,
    pub(crate) next: Option<usize>,
}

impl SearchRequest {
    /// Where the page starts and how long it is.
    fn window(&self, cap: usize) -> Result<(usize, usize), ApiError> {
        let limit = match self.limit {
            None => DEFAULT_PAGE,
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|n| (1..=LARGEST_PAGE).contains(n))
                .ok_or_else(|| {
                    ApiError::validation(format!("limit must be between 1 and {LARGEST_PAGE}"))
                })?,
        };
        let after = match &self.after {
            None | Some(Value::Null) => 0,
            Some(value) => {
                integer(value).ok_or_else(|| ApiError::validation("after must be an integer"))?
            }
        };
        if after + limit > cap {
            return Err(ApiError::validation(format!(
                "Paging past {cap} results is not allowed: narrow the search"
            )));
        }
        Ok((after, limit))
    }

    fn check_counts(&self) -> Result<(), ApiError> {
        let per_group = self.filter_groups.iter().map(|group| group.filters.len());
        let limits = [
            ("filterGroups", self.filter_groups.len(), MOST_GROUPS),
            (
                "filters in a group",
                per_group.clone().max().unwrap_or(0),
                MOST_FILTERS_IN_A_GROUP,
            ),
            ("filters", per_group.sum(), MOST_FILTERS),
            ("sorts", self.sorts.len(), MOST_SORTS),
        ];
        match limits.into_iter().find(|(_, given, most)| given > most) {
            None => Ok(()),
            Some((what, given, most)) => Err(ApiError::validation(format!(
                "Too many {what}: {given} given, {most} allowed"
            ))),
        }
    }

    fn check_filters(&self, state: &State, object: ObjectType) -> Result<(), ApiError> {
        for filter in self.filter_groups.iter().flat_map(|group| &group.filters) {
            if !state.schema.knows(object, &filter.property_name) {
                let errors = json!([{
                    "message": "filter names an unknown property",
                    "code": "INVALID_PROPERTY",
                    "context": { "propertyName": [filter.property_name] },
                }]);
                let message = "There was a problem with the request.";
                return Err(ApiError::validation(message).with_errors(errors));
            }
            filter.check_operands()?;
        }
        Ok(())
    }
}

impl Filter {
    fn check_operands(&self) -> Result<(), ApiError> {
        let complete = match self.operator {
            Operator::In | Operator::NotIn => self.values.as_ref().is_some_and(|v| !v.is_empty()),
            Operator::Between => self.value.is_some() && self.high_value.is_some(),
            Operator::HasProperty | Operator::NotHasProperty => true,
            _ => self.value.is_some(),
        };
        if complete {
            return Ok(());
        }
        Err(ApiError::validation(format!(
            "operator {:?} lacks its operands for property {}",
            self.operator, self.property_name
        )))
    }

    fn matches(&self, record: &Record) -> bool {
        let held = record.value(&self.property_name);
        let Some(held) = held else {
            return self.operator == Operator::NotHasProperty;
        };
        let against = |operand: &Option<Value>| compare(&held, &text(operand.as_ref()));
        let among = || {
            let values = self.values.iter().flatten();
            values
                .map(|value| text(Some(value)))
                .any(|value| compare(&held, &value).is_eq())
        };
        match self.operator {
            Operator::Eq => against(&self.value).is_eq(),
            Operator::Neq => against(&self.value).is_ne(),
            Operator::Lt => against(&self.value).is_lt(),
            Operator::Lte => against(&self.value).is_le(),
            Operator::Gt => against(&self.value).is_gt(),
            Operator::Gte => against(&self.value).is_ge(),
            Operator::Between => against(&self.value).is_ge() && against(&self.high_value).is_le(),
            Operator::In => among(),
            Operator::NotIn => !among(),
            Operator::HasProperty => true,
            Operator::NotHasProperty => false,
            Operator::ContainsToken => contains_token(&held, &text(self.value.as_ref())),
            Operator::NotContainsToken => !contains_token(&held, &text(self.value.as_ref())),
        }
    }
}

impl State {
    /// Archived records are never found.
    pub(crate) fn search(
        &self,
        object: ObjectType,
        request: &SearchRequest,
        cap: usize,
    ) -> Result<Found<'_>, ApiError> {
        request.check_counts()?;
        request.check_filters(self, object)?;
        let (after, limit) = request.window(cap)?;
        let mut found: Vec<&Record> = self
            .page(object, 0, false)
            .filter(|record| is_found(record, request))
            .collect();
        if let Some(sort) = request.sorts.first() {
            let (property, falling) = sort.order();
            found.sort_by(|a, b| in_order(a, b, property, falling));
        }
        let total = found.len();
        let next = (after + limit < total).then_some(after + limit);
        Ok(Found {
            total,
            page: found.into_iter().skip(after).take(limit).collect(),
            next,
        })
    }
}

fn is_found(record: &Record, request: &SearchRequest) -> bool {
    let groups = &request.filter_groups;
    let by_filter = groups.is_empty()
        || groups
            .iter()
            .any(|group| group.filters.iter().all(|filter| filter.matches(record)));
    let by_query = request.query.as_deref().is_none_or(|query| {
        let names = record.object.searched_properties().iter();
        names
            .filter_map(|name| record.value(name))
            .any(|value| contains_token(&value, query))
    });
    by_filter && by_query
}

/// Records without the property come last in both directions.
fn in_order(a: &Record, b: &Record, property: &str, falling: bool) -> Ordering {
    match (a.value(property), b.value(property)) {
        (Some(a), Some(b)) if falling => compare(&b, &a),
        (Some(a), Some(b)) => compare(&a, &b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// As numbers if both are, else as instants if the held value is one, else as text without case.
fn compare(held: &str, operand: &str) -> Ordering {
    if let (Ok(held), Ok(operand)) = (held.parse::<u64>(), operand.parse::<u64>()) {
        return held.cmp(&operand);
    }
    if let (Ok(held), Ok(operand)) = (held.parse::<f64>(), operand.parse::<f64>()) {
        return held.total_cmp(&operand);
    }
    let instants = clock::parse_instant(held).zip(clock::parse_instant(operand));
    match instants {
        Some((held, operand)) => held.cmp(&operand),
        None => held.to_lowercase().cmp(&operand.to_lowercase()),
    }
}

/// Whether each word of `wanted` is a word of `held`; `*` stands for the rest of a word on either
/// side.
fn contains_token(held: &str, wanted: &str) -> bool {
    let held = held.to_lowercase();
    let words: Vec<&str> = held.split(|c: char| !c.is_alphanumeric()).collect();
    wanted.to_lowercase().split_whitespace().all(|pattern| {
        let core = pattern.trim_matches('*');
        let (open_start, open_end) = (pattern.starts_with('*'), pattern.ends_with('*'));
        words.iter().any(|word| match (open_start, open_end) {
            (true, true) => word.contains(core),
            (true, false) => word.ends_with(core),
            (false, true) => word.starts_with(core),
            (false, false) => *word == core,
        }) || (!open_start && !open_end && held == pattern)
    })
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn integer(value: &Value) -> Option<usize> {
    text(Some(value)).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_beyond_the_precision_of_floats_are_told_apart() {
        assert_eq!(
            compare("9007199254740993", "9007199254740992"),
            Ordering::Greater
        );
        assert_eq!(compare("9", "10"), Ordering::Less);
        assert_eq!(compare("9.5", "10"), Ordering::Less);
    }

    #[test]
    fn instants_compare_with_epoch_milliseconds() {
        assert_eq!(
            compare("2023-11-14T22:18:20.000Z", "1700000300000"),
            Ordering::Equal
        );
        assert_eq!(
            compare("2023-11-14T22:18:20.001Z", "1700000300000"),
            Ordering::Greater
        );
    }

    #[test]
    fn tokens_are_whole_words_unless_starred() {
        assert!(contains_token("Harlow Roofing Co", "roofing"));
        assert!(!contains_token("Harlow Roofing Co", "roof"));
        assert!(contains_token("Harlow Roofing Co", "roof*"));
        assert!(contains_token("harlow.example", "harlow.example"));
        assert!(contains_token("Harlow Roofing Co", "harlow co"));
    }
}
