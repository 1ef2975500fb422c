//! What must hold after the day, each with the line it prints.

use std::fmt::Debug;

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What should hold.
    pub claim: String,
    /// Why it does not; none if it does.
    pub fault: Option<String>,
}

/// Everything that was checked, in order.
#[derive(Debug, Clone, Default)]
pub struct Checks(Vec<Check>);

impl Checks {
    /// Notes whether a claim holds.
    pub fn holds(&mut self, claim: impl Into<String>, holds: bool) {
        let fault = (!holds).then(|| "it does not".to_owned());
        self.0.push(Check {
            claim: claim.into(),
            fault,
        });
    }

    /// Notes whether two values are the same.
    pub fn same<T: PartialEq + Debug>(&mut self, claim: impl Into<String>, found: T, wanted: T) {
        let fault = (found != wanted).then(|| format!("found {found:?}, wanted {wanted:?}"));
        self.0.push(Check {
            claim: claim.into(),
            fault,
        });
    }

    /// The checks in order.
    pub fn all(&self) -> &[Check] {
        &self.0
    }

    /// Whether every claim holds.
    pub fn passed(&self) -> bool {
        self.0.iter().all(|check| check.fault.is_none())
    }
}
