//! Digests carried on from one count of all rows to the next, so that a small change to many rows does
//! not cost reading all of them.

use super::publish;
use super::scopes;
use super::tables::Tables;
use super::{digests, members};
use crate::StoreError;
use crate::sql::Key;
use fieldfare_sync::{Digest, DigestKey, Frame, RowHash, ScopeGrant, ScopeId, ScopeSums};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long rows go uncounted. A file that was opened anew is counted at the first sync: only a page
/// that is put back while it is open, and not read for a while, is found that late.
const UNCOUNTED_FOR: Duration = Duration::from_secs(60 * 60);

/// Beyond so many rows, and this share of all, counting all is cheaper than reading what changes
/// twice.
const MANY: u64 = 1_000;
const MANY_OF: u64 = 8;

/// The digest of every shown scope as of the last count, and what was shown since.
pub(crate) struct Carried {
    key: DigestKey,
    digests: BTreeMap<String, Digest>,
    counted: Instant,
}

impl Carried {
    pub(crate) fn counted(key: &DigestKey, sums: &[(ScopeId, ScopeSums)]) -> Self {
        let digest =
            |(scope, sums): &(ScopeId, ScopeSums)| (scope.as_str().to_owned(), sums.total());
        Self {
            key: key.clone(),
            digests: sums.iter().map(digest).collect(),
            counted: Instant::now(),
        }
    }

    /// Rows counted, those in several scopes for each.
    pub(crate) fn rows(&self) -> u64 {
        let rows = self.digests.values().map(|digest| digest.rows);
        rows.fold(0, u64::saturating_add)
    }

    /// The digests under this key, unless the last count is too long ago.
    pub(crate) fn digests(
        &self,
        key: &DigestKey,
    ) -> Result<Option<Vec<(ScopeId, Digest)>>, StoreError> {
        if self.key != *key || self.counted.elapsed() > UNCOUNTED_FOR {
            return Ok(None);
        }
        let digests = self.digests.iter().map(|(scope, digest)| {
            Ok::<_, StoreError>((ScopeId::try_from(scope.clone())?, *digest))
        });
        digests.collect::<Result<_, _>>().map(Some)
    }

    /// The rows that a publish will touch, if it does nothing but apply changes to scopes that are
    /// shown, and not to very many rows.
    pub(crate) fn touched(
        &self,
        tables: Tables<'_>,
        grants: &[ScopeGrant],
    ) -> Result<Option<BTreeSet<Key>>, StoreError> {
        let scopes = scopes::all(tables.db)?;
        let is_granted = |name: &str| grants.iter().any(|grant| grant.scope.as_str() == name);
        let are_all_shown = scopes.len() == grants.len()
            && scopes.iter().all(|s| s.is_shown && is_granted(&s.name));
        if !are_all_shown || digests::has_repairs(tables.db)? {
            return Ok(None);
        }
        let most = MANY.max(self.rows() / MANY_OF);
        let mut rows = BTreeSet::new();
        for scope in scopes {
            for no in publish::staged_numbers(tables, scope.no)? {
                let frame = Frame::decode(&publish::staged_bytes(tables, no)?)?;
                rows.extend(frame.changes.iter().map(fieldfare_sync::FeedChange::key));
                if rows.len() as u64 > most {
                    return Ok(None);
                }
            }
        }
        Ok(Some(rows))
    }

    /// What these rows count for now.
    pub(crate) fn share(
        &self,
        tables: Tables<'_>,
        rows: &BTreeSet<Key>,
    ) -> Result<Share, StoreError> {
        let scopes = scopes::all(tables.db)?;
        let mut share = Share::default();
        for row in rows {
            let holders = members::holders(tables.db, *row)?;
            if holders.is_empty() {
                continue;
            }
            let Some(hash) = digests::stored_hash(tables, *row, &self.key)? else {
                continue;
            };
            for scope in scopes.iter().filter(|scope| holders.contains(&scope.no)) {
                share.entry(scope.name.clone()).or_default().push(hash);
            }
        }
        Ok(share)
    }

    /// Goes on with what some rows count for after a change, and no longer with what they did before.
    pub(crate) fn carry(&mut self, before: &Share, after: &Share) {
        for (scope, hashes) in before {
            let digest = self.digests.entry(scope.clone()).or_default();
            hashes.iter().for_each(|hash| digest.remove(*hash));
        }
        for (scope, hashes) in after {
            let digest = self.digests.entry(scope.clone()).or_default();
            hashes.iter().for_each(|hash| digest.add(*hash));
        }
    }
}

/// What some rows count for in the digest of each scope.
pub(crate) type Share = BTreeMap<String, Vec<RowHash>>;
