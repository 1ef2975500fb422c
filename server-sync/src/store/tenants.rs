use super::heads::LatestHeads;
use crate::random;
use crate::store::{Database, MasterKey, StoreError, TENANT_MIGRATIONS, from_sql};
use fieldfare_model::{TenantId, TimestampMs};
use fieldfare_sync::Epoch;
use rusqlite::{Connection, Transaction, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Every tenant's file, opened when first asked for.
pub struct Tenants {
    folder: PathBuf,
    key: MasterKey,
    open: RwLock<BTreeMap<TenantId, Arc<Tenant>>>,
}

impl Tenants {
    /// Tenants below `data_dir/tenants`, which is made if absent.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder cannot be made.
    pub fn new(data_dir: &Path, key: MasterKey) -> Result<Self, StoreError> {
        let folder = data_dir.join("tenants");
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            key,
            open: RwLock::default(),
        })
    }

    /// Opens a tenant's file, and makes it with a new epoch if it is absent.
    ///
    /// # Errors
    /// What [`Database::open`] says.
    pub fn open(&self, id: TenantId, now: TimestampMs) -> Result<Arc<Tenant>, StoreError> {
        if let Ok(tenant) = self.get(id) {
            return Ok(tenant);
        }
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = open.get(&id) {
            return Ok(tenant.clone());
        }
        let path = self.folder.join(format!("{id}.db"));
        let database = Database::open(&path, self.key.tenant(id)?, TENANT_MIGRATIONS)?;
        create_head(&database, id, now)?;
        database.write(crate::feed::digests::ensure)?;
        let tenant = Arc::new(Tenant {
            id,
            database,
            latest_heads: LatestHeads::default(),
        });
        open.insert(id, tenant.clone());
        Ok(tenant)
    }

    /// A tenant that was opened before.
    ///
    /// # Errors
    /// [`StoreError::NoTenant`].
    pub fn get(&self, id: TenantId) -> Result<Arc<Tenant>, StoreError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&id).cloned().ok_or(StoreError::NoTenant)
    }

    /// Every open tenant, in order of id.
    pub fn all(&self) -> Vec<Arc<Tenant>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.values().cloned().collect()
    }
}

fn create_head(database: &Database, id: TenantId, now: TimestampMs) -> Result<(), StoreError> {
    let epoch = i64::from_be_bytes(random::bytes()?);
    database.write(|tx| {
        tx.execute(
            "INSERT OR IGNORE INTO tenant (one, id, epoch, seq, floor, created_at)
             VALUES (1, ?1, ?2, 0, 0, ?3)",
            params![id.as_bytes(), epoch, now.0],
        )?;
        Ok(())
    })
}

/// Where a tenant's history stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantHead {
    /// Identity of the history.
    pub epoch: Epoch,
    /// The last sequence taken.
    pub head: u64,
    /// Cursors below it (other than 0) cannot be served.
    pub floor: u64,
}

impl TenantHead {
    /// Reads it from a tenant's file.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn read(connection: &Connection) -> Result<Self, StoreError> {
        let mut statement = connection.prepare_cached("SELECT epoch, seq, floor FROM tenant")?;
        Ok(statement.query_row([], |r| {
            Ok(Self {
                epoch: Epoch(u64::from_be_bytes(r.get::<_, i64>(0)?.to_be_bytes())),
                head: from_sql(r.get(1)?),
                floor: from_sql(r.get(2)?),
            })
        })?)
    }
}

/// One company's data: one encrypted file.
pub struct Tenant {
    id: TenantId,
    database: Database,
    pub(super) latest_heads: LatestHeads,
}

impl Tenant {
    /// Which tenant.
    pub const fn id(&self) -> TenantId {
        self.id
    }

    /// The file below.
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Reads in one snapshot. Blocks.
    ///
    /// # Errors
    /// What `work` says, or [`StoreError::Sql`].
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.database.read(|tx| work(tx))
    }

    /// Writes in one transaction, undone if `work` fails. Blocks while another writer has it.
    ///
    /// # Errors
    /// What `work` says, or [`StoreError::Sql`].
    pub fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.database.write(work)
    }

    /// [`Self::read`] off the async threads.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_async<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let tenant = self.clone();
        blocking(move || tenant.read(work)).await
    }

    /// [`Self::write`] off the async threads. Once begun it ends, even if the caller goes away.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_async<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let tenant = self.clone();
        blocking(move || tenant.write(work)).await
    }
}

/// Runs blocking work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StoreError::Cancelled)?
}
