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

    /// Adds others behind these.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_claim_that_does_not_hold_fails_them_all_and_says_why() {
        let mut checks = Checks::default();
        checks.same("two is two", 2, 2);
        checks.holds("so it is", true);
        assert!(checks.passed());
        checks.same("two is three", 2, 3);
        checks.holds("so it is not", false);
        assert!(!checks.passed());
        let faults: Vec<_> = checks.all().iter().map(|c| c.fault.as_deref()).collect();
        assert_eq!(
            faults,
            [None, None, Some("found 2, wanted 3"), Some("it does not")]
        );
    }
}
