//! Which territory a lead belongs to.
//!
//! A [`RuleSet`] holds territories in order of precedence, each with a [`Rule`] over the facts of
//! a lead (postal code, county, region, city, country, tier, owner in the CRM). The first
//! territory whose rule holds gets the lead, so the same rules and facts always give the same
//! answer, on phone and server.
#![forbid(unsafe_code)]

mod facts;
mod rule;
mod set;

pub use facts::LeadFacts;
pub use rule::{CountyRule, MAX_RULE_DEPTH, Rule, RuleError};
pub use set::{Explanation, RuleSet, TerritoryRule, Verdict};
