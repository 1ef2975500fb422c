//! Which records belong together.

use std::collections::BTreeMap;

use super::state::Key;
use crate::object_type::{ObjectType, default_association};

/// Links between records, kept in both directions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Associations {
    links: BTreeMap<Key, BTreeMap<Key, u32>>,
}

impl Associations {
    /// Links two records; the way back gets the default type of its direction.
    pub(crate) fn link(&mut self, from: Key, to: Key, type_id: u32) {
        self.links.entry(from).or_default().insert(to, type_id);
        if let Some(back) = default_association(to.0, from.0) {
            self.links
                .entry(to)
                .or_default()
                .entry(from)
                .or_insert(back);
        }
    }

    pub(crate) fn unlink(&mut self, from: Key, to: Key) {
        for (one, other) in [(from, to), (to, from)] {
            if let Some(links) = self.links.get_mut(&one) {
                links.remove(&other);
            }
        }
    }

    /// The records of a kind linked with this one, with the type of the link, by ascending id.
    pub(crate) fn of(&self, from: Key, to: ObjectType) -> Vec<(u64, u32)> {
        let links = self.links.get(&from).into_iter().flatten();
        links
            .filter(|((kind, _), _)| *kind == to)
            .map(|((_, id), link)| (*id, *link))
            .collect()
    }

    pub(crate) fn forget(&mut self, record: Key) {
        for other in self.links.remove(&record).unwrap_or_default().into_keys() {
            if let Some(links) = self.links.get_mut(&other) {
                links.remove(&record);
            }
        }
    }

    /// Gives the links of one record to another, as a merge does.
    pub(crate) fn move_all(&mut self, old: Key, new: Key) {
        let links = self.links.remove(&old).unwrap_or_default();
        for (other, type_id) in links {
            if let Some(back) = self.links.get_mut(&other) {
                back.remove(&old);
            }
            if other != new {
                self.link(new, other, type_id);
            }
        }
    }
}
