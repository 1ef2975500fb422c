use crate::LeadFacts;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How deep `all` and `any` may be nested.
pub const MAX_RULE_DEPTH: usize = 16;

/// A condition on the facts of a lead.
///
/// In TOML a rule is a table with one key: `{ postal_prefix = ["021", "022"] }`, or
/// `{ all = [{ region = ["MA"] }, { tier = [1, 2] }] }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// Every one holds. Without any it always holds, which makes a catch-all.
    All(Vec<Rule>),
    /// At least one holds. Without any it never holds.
    Any(Vec<Rule>),
    /// The postal code, blanks and hyphens left out, begins with one of these.
    PostalPrefix(Vec<String>),
    /// The county is one of these.
    County(CountyRule),
    /// The state or region is one of these.
    Region(Vec<String>),
    /// The town is one of these.
    City(Vec<String>),
    /// The country is one of these.
    Country(Vec<String>),
    /// The tier is one of these.
    Tier(Vec<u8>),
    /// The owner in the CRM is one of these.
    Owner(Vec<String>),
}

/// Counties of one region: county names repeat from state to state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountyRule {
    /// State or region code.
    pub region: String,
    /// County names; a last word `County`, `Parish` or `Borough` may be left out.
    pub names: Vec<String>,
}

/// Why rules are not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A text to compare with is blank.
    #[error("territory {territory}: a rule compares with an empty text; remove that entry")]
    Blank {
        /// The territory's name.
        territory: String,
    },
    /// Rules are nested too deep.
    #[error("territory {territory}: rules are nested deeper than {MAX_RULE_DEPTH}; flatten them")]
    Depth {
        /// The territory's name.
        territory: String,
    },
    /// Two entries have the same territory id.
    #[error("territory {territory} is listed twice; join its rules with \"any\"")]
    Twice {
        /// The territory's name.
        territory: String,
    },
}

impl Rule {
    /// Whether the rule holds. O(number of texts in the rule).
    pub fn holds(&self, facts: &LeadFacts<'_>) -> bool {
        match self {
            Self::All(rules) => rules.iter().all(|r| r.holds(facts)),
            Self::Any(rules) => rules.iter().any(|r| r.holds(facts)),
            Self::PostalPrefix(prefixes) => postal_holds(prefixes, facts.postal_code),
            Self::County(rule) => rule.holds(facts),
            Self::Region(names) => one_of(names, facts.region),
            Self::City(names) => one_of(names, facts.city),
            Self::Country(names) => one_of(names, facts.country),
            Self::Tier(tiers) => facts.tier.is_some_and(|t| tiers.contains(&t)),
            Self::Owner(owners) => one_of(owners, facts.owner),
        }
    }

    /// The part that decides whether the rule holds: for a failing `all` its first failing part,
    /// for a holding `any` its first holding part, otherwise the rule itself.
    pub fn decisive(&self, facts: &LeadFacts<'_>) -> &Self {
        let part = match self {
            Self::All(rules) => rules.iter().find(|r| !r.holds(facts)),
            Self::Any(rules) => rules.iter().find(|r| r.holds(facts)),
            _ => None,
        };
        part.map_or(self, |rule| rule.decisive(facts))
    }

    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::All(rules) | Self::Any(rules) => {
                1 + rules.iter().map(Self::depth).max().unwrap_or(0)
            }
            _ => 1,
        }
    }

    pub(crate) fn has_blank(&self) -> bool {
        let blank = |names: &[String]| names.iter().any(|n| n.trim().is_empty());
        match self {
            Self::All(rules) | Self::Any(rules) => rules.iter().any(Self::has_blank),
            Self::PostalPrefix(prefixes) => prefixes.iter().any(|p| postal(p).next().is_none()),
            Self::County(rule) => rule.region.trim().is_empty() || blank(&rule.names),
            Self::Region(names) | Self::City(names) | Self::Country(names) | Self::Owner(names) => {
                blank(names)
            }
            Self::Tier(_) => false,
        }
    }
}

impl CountyRule {
    fn holds(&self, facts: &LeadFacts<'_>) -> bool {
        let in_region = facts.region.is_some_and(|r| same(r, &self.region));
        let named = |county| self.names.iter().any(|n| same(bare(n), bare(county)));
        in_region && facts.county.is_some_and(named)
    }
}

fn one_of(names: &[String], fact: Option<&str>) -> bool {
    fact.is_some_and(|fact| names.iter().any(|name| same(name, fact)))
}

fn same(a: &str, b: &str) -> bool {
    let lower = |t: &'_ str| {
        t.trim()
            .chars()
            .flat_map(char::to_lowercase)
            .collect::<Vec<_>>()
    };
    a.trim().eq_ignore_ascii_case(b.trim()) || lower(a) == lower(b)
}

/// The county's name without its kind.
fn bare(county: &str) -> &str {
    let county = county.trim();
    match county.rsplit_once(char::is_whitespace) {
        Some((name, kind))
            if ["county", "parish", "borough"]
                .iter()
                .any(|k| same(k, kind)) =>
        {
            name
        }
        _ => county,
    }
}

fn postal_holds(prefixes: &[String], code: Option<&str>) -> bool {
    let begins = |code: &str, prefix: &str| {
        let mut code = postal(code);
        postal(prefix).all(|c| code.next() == Some(c))
    };
    code.is_some_and(|code| prefixes.iter().any(|prefix| begins(code, prefix)))
}

fn postal(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_uppercase)
}

impl fmt::Display for Rule {
    /// The rule in words, for people; shows the rule's own texts and nothing of a lead.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(rules) => write!(f, "all of {} rules", rules.len()),
            Self::Any(rules) => write!(f, "any of {} rules", rules.len()),
            Self::PostalPrefix(p) => write!(f, "postal code begins with {}", p.join(" or ")),
            Self::County(c) => write!(f, "county in {} is {}", c.region, c.names.join(" or ")),
            Self::Region(names) => write!(f, "region is {}", names.join(" or ")),
            Self::City(names) => write!(f, "city is {}", names.join(" or ")),
            Self::Country(names) => write!(f, "country is {}", names.join(" or ")),
            Self::Tier(tiers) => write!(f, "tier is one of {tiers:?}"),
            Self::Owner(owners) => write!(f, "owner in the CRM is {}", owners.join(" or ")),
        }
    }
}
