use crate::{LeadFacts, MAX_RULE_DEPTH, Rule, RuleError};
use fieldfare_model::TerritoryId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A territory and the rule that fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerritoryRule {
    /// The territory's id.
    pub id: TerritoryId,
    /// Display name.
    pub name: String,
    /// Smaller goes first; equal ones go in order of id.
    #[serde(default)]
    pub precedence: i32,
    /// What a lead must be to belong to it.
    pub rule: Rule,
}

/// Territories in order of precedence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "RawRuleSet", into = "RawRuleSet")]
pub struct RuleSet {
    territories: Vec<TerritoryRule>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRuleSet {
    #[serde(default)]
    territories: Vec<TerritoryRule>,
}

/// Which territory gets a lead, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The territory, none when no rule holds.
    pub territory: Option<TerritoryId>,
    /// Every territory that was looked at, in order; the last one matched if `territory` is set.
    pub trail: Vec<Verdict>,
}

/// What was found about one territory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The territory's id.
    pub id: TerritoryId,
    /// Its name.
    pub name: String,
    /// Whether its rule holds.
    pub holds: bool,
    /// The clause that decided, in words.
    pub because: String,
}

impl RuleSet {
    /// Checks the rules and puts them in order.
    ///
    /// # Errors
    /// [`RuleError`] for an empty text, rules nested too deep, or a territory listed twice.
    pub fn new(mut territories: Vec<TerritoryRule>) -> Result<Self, RuleError> {
        let mut seen = BTreeSet::new();
        for t in &territories {
            check(t, seen.insert(t.id))?;
        }
        territories.sort_by_key(|t| (t.precedence, t.id));
        Ok(Self { territories })
    }

    /// The territories, first match first.
    pub fn territories(&self) -> &[TerritoryRule] {
        &self.territories
    }

    /// The first territory, by precedence and then id, whose rule holds. O(texts in all rules).
    pub fn assign(&self, facts: &LeadFacts<'_>) -> Option<TerritoryId> {
        self.territories
            .iter()
            .find(|t| t.rule.holds(facts))
            .map(|t| t.id)
    }

    /// Like [`RuleSet::assign`], with the reasons.
    pub fn explain(&self, facts: &LeadFacts<'_>) -> Explanation {
        let mut trail = Vec::new();
        for t in &self.territories {
            let holds = t.rule.holds(facts);
            trail.push(verdict(t, holds, facts));
            if holds {
                return Explanation {
                    territory: Some(t.id),
                    trail,
                };
            }
        }
        Explanation {
            territory: None,
            trail,
        }
    }
}

fn verdict(t: &TerritoryRule, holds: bool, facts: &LeadFacts<'_>) -> Verdict {
    let clause = t.rule.decisive(facts);
    let because = if holds {
        clause.to_string()
    } else {
        format!("not: {clause}")
    };
    Verdict {
        id: t.id,
        name: t.name.clone(),
        holds,
        because,
    }
}

fn check(t: &TerritoryRule, first: bool) -> Result<(), RuleError> {
    let territory = t.name.clone();
    if !first {
        return Err(RuleError::Twice { territory });
    }
    if t.rule.depth() > MAX_RULE_DEPTH {
        return Err(RuleError::Depth { territory });
    }
    if t.rule.has_blank() {
        return Err(RuleError::Blank { territory });
    }
    Ok(())
}

impl TryFrom<RawRuleSet> for RuleSet {
    type Error = RuleError;
    fn try_from(raw: RawRuleSet) -> Result<Self, RuleError> {
        Self::new(raw.territories)
    }
}

impl From<RuleSet> for RawRuleSet {
    fn from(set: RuleSet) -> Self {
        Self {
            territories: set.territories,
        }
    }
}
