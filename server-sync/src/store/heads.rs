//! Where each scope of a tenant stands, read once after a write however many wait for it.

use crate::store::{StoreError, Tenant, TenantHead, blocking, from_sql};
use fieldfare_sync::{Epoch, ScopeId};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the scopes of a tenant stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads {
    /// Identity of the history.
    pub epoch: Epoch,
    /// The last sequence taken.
    pub head: u64,
    scopes: BTreeMap<String, u64>,
}

impl Heads {
    /// The last sequence at which something changed in the scope, 0 if nothing ever did.
    pub fn of(&self, scope: &ScopeId) -> u64 {
        self.scopes.get(scope.as_str()).copied().unwrap_or(0)
    }

    fn read(connection: &Connection) -> Result<Self, StoreError> {
        let tenant = TenantHead::read(connection)?;
        let mut statement = connection.prepare_cached(
            "SELECT s.name, (SELECT m.seq FROM member m WHERE m.scope = s.key
                             ORDER BY m.seq DESC LIMIT 1) FROM scope s",
        )?;
        let scopes = statement.query_map([], |r| {
            let last: Option<i64> = r.get(1)?;
            Ok((r.get(0)?, from_sql(last.unwrap_or(0))))
        })?;
        Ok(Self {
            epoch: tenant.epoch,
            head: tenant.head,
            scopes: scopes.collect::<Result<_, _>>()?,
        })
    }
}

/// What another process wrote, as a command does, is seen after this at the latest.
const FRESH: Duration = Duration::from_secs(5);

/// The heads as they were after some write.
#[derive(Default)]
pub(super) struct LatestHeads(tokio::sync::Mutex<Option<Latest>>);

struct Latest {
    commits: u64,
    read_at: Instant,
    heads: Arc<Heads>,
}

impl Tenant {
    /// Where every scope stands now.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub async fn heads(self: &Arc<Self>) -> Result<Arc<Heads>, StoreError> {
        let mut latest = self.latest_heads.0.lock().await;
        // Taken before reading: a write in between only makes the next one read again.
        let commits = *self.database().commits().borrow();
        let is_current =
            |latest: &&Latest| latest.commits == commits && latest.read_at.elapsed() < FRESH;
        if let Some(latest) = latest.as_ref().filter(is_current) {
            return Ok(latest.heads.clone());
        }
        let read_at = Instant::now();
        let tenant = self.clone();
        let heads = Arc::new(blocking(move || tenant.read(Heads::read)).await?);
        *latest = Some(Latest {
            commits,
            read_at,
            heads: heads.clone(),
        });
        Ok(heads)
    }
}
