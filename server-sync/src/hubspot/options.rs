use crate::hubspot::ObjectType;
use serde::{Deserialize, Serialize};

/// What a HubSpot connection may set beyond address and secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HubspotOptions {
    /// Which records become leads.
    pub objects: Vec<ObjectType>,
    /// Property with the tier, `tier_1` or `1`.
    pub tier_property: String,
    /// Property with the worth of a visit, 0 to 100; empty for none.
    pub score_property: String,
    /// Custom text property of companies, tasks and notes that carries our id of what we made, by
    /// which a record is found again after a lost answer. Made where it is missing; empty for none.
    pub marker_property: String,
    /// Country of records that name none, ISO 3166-1 alpha-2.
    pub default_country: String,
    /// Records asked for in one request, at most 100.
    pub batch: usize,
}

impl Default for HubspotOptions {
    fn default() -> Self {
        Self {
            objects: vec![ObjectType::Companies],
            tier_property: "hs_ideal_customer_profile".to_owned(),
            score_property: String::new(),
            marker_property: "fieldfare_id".to_owned(),
            default_country: "US".to_owned(),
            batch: 100,
        }
    }
}
