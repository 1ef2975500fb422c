//! Change notices: batches of ids, handed out with no lock held.

use fieldfare_model::{Entity, LeadId, RowId};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The most ids in one notice; beyond it the notice says "everything may have changed".
const MAX_IDS: usize = 1_000;

/// What looks different now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeNotice {
    /// Leads that changed, came or went, in order of id.
    pub leads: Vec<LeadId>,
    /// Whether so many leads changed that they are not listed.
    pub all_leads: bool,
    /// Whether visits changed.
    pub visits: bool,
    /// Whether territories or the rep changed.
    pub reference: bool,
    /// Whether the consent ledger changed.
    pub consents: bool,
    /// Whether conflicts, pending or refused operations changed.
    pub operations: bool,
    /// Whether planned days or routes changed.
    pub days: bool,
}

impl ChangeNotice {
    pub(crate) fn of(changed: &[(Entity, RowId)]) -> Self {
        let has = |entity| changed.iter().any(|(e, _)| *e == entity);
        let leads: BTreeSet<LeadId> = changed
            .iter()
            .filter(|(entity, _)| *entity == Entity::LEAD)
            .map(|(_, id)| LeadId::from(*id))
            .collect();
        let all_leads = leads.len() > MAX_IDS;
        Self {
            leads: if all_leads {
                Vec::new()
            } else {
                leads.into_iter().collect()
            },
            all_leads,
            visits: has(Entity::VISIT),
            reference: has(Entity::TERRITORY) || has(Entity::REP),
            consents: has(Entity::CONSENT),
            operations: has(Entity::CONFLICT),
            days: has(Entity::DAY_PLAN) || has(Entity::ROUTE),
        }
    }

    pub(crate) fn everything() -> Self {
        Self {
            leads: Vec::new(),
            all_leads: true,
            visits: true,
            reference: true,
            consents: true,
            operations: true,
            days: true,
        }
    }

    /// A notice that says what both say. Leads are listed by the first.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            all_leads: self.all_leads || other.all_leads,
            visits: self.visits || other.visits,
            reference: self.reference || other.reference,
            consents: self.consents || other.consents,
            operations: self.operations || other.operations,
            days: self.days || other.days,
            ..self
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Is told what changed. Called on the thread that made the change, with no lock held, so it may
/// call the engine; it should only note the notice and return.
pub trait ChangeObserver: Send + Sync {
    /// These rows look different now.
    fn changed(&self, notice: ChangeNotice);
}

/// Stands for one observer; gives it back to [`crate::Engine::remove_observer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObserverToken(u64);

#[derive(Default)]
struct Listed {
    next: u64,
    observers: Vec<(u64, Arc<dyn ChangeObserver>)>,
}

/// Everybody who wants to be told.
#[derive(Default)]
pub(crate) struct Observers(Mutex<Listed>);

impl Observers {
    pub fn add(&self, observer: Arc<dyn ChangeObserver>) -> ObserverToken {
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed.next += 1;
        let token = listed.next;
        listed.observers.push((token, observer));
        ObserverToken(token)
    }

    pub fn remove(&self, token: ObserverToken) {
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed.observers.retain(|(known, _)| *known != token.0);
    }

    pub fn clear(&self) {
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed.observers.clear();
    }

    pub fn tell(&self, notice: &ChangeNotice) {
        if notice.is_empty() {
            return;
        }
        for observer in self.current() {
            observer.changed(notice.clone());
        }
    }

    fn current(&self) -> Vec<Arc<dyn ChangeObserver>> {
        let listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed
            .observers
            .iter()
            .map(|(_, o)| Arc::clone(o))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(n: u16) -> (Entity, RowId) {
        let mut id = [0u8; 16];
        id[..2].copy_from_slice(&n.to_be_bytes());
        (Entity::LEAD, RowId::from_bytes(id))
    }

    #[test]
    fn a_row_that_changed_twice_is_listed_once() {
        let notice = ChangeNotice::of(&[lead(1), lead(0), lead(1)]);
        assert_eq!(
            notice.leads,
            [LeadId::from(lead(0).1), LeadId::from(lead(1).1)]
        );
        assert!(!notice.visits && !notice.all_leads);
    }

    #[test]
    fn very_many_leads_are_not_listed() {
        let changed: Vec<_> = (0..2_000).map(lead).collect();
        let notice = ChangeNotice::of(&changed);
        assert!(notice.all_leads && notice.leads.is_empty());
    }

    #[test]
    fn an_observer_may_add_and_remove_observers() {
        struct Reentrant(Arc<Observers>);
        impl ChangeObserver for Reentrant {
            fn changed(&self, _: ChangeNotice) {
                let token = self.0.add(Arc::new(Reentrant(Arc::clone(&self.0))));
                self.0.remove(token);
            }
        }
        let observers = Arc::new(Observers::default());
        observers.add(Arc::new(Reentrant(Arc::clone(&observers))));
        observers.tell(&ChangeNotice::of(&[lead(1)]));
        assert_eq!(observers.current().len(), 1);
    }
}
