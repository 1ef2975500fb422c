//! Opening the data folder and putting the configuration into it.

use crate::backup::{FolderLock, refuse_half_restored};
use crate::config::{Config, ConfigError, TenantConfig, write_private};
use crate::division::Division;
use crate::feed::{self, assignments};
use crate::state::ServerError;
use crate::store::{DeviceRecord, MasterKey, Registry, StoreError, Tenant, Tenants};
use fieldfare_model::{Columns, DeviceId, Entity, Rep, RowId, Territory, TimestampMs};
use fieldfare_territory::RuleError;
use rusqlite::Transaction;
use std::collections::BTreeMap;
use std::path::Path;

/// Tells whether a key is the one a data folder was made with.
pub(crate) const CHECK_FILE: &str = "key.check";

/// An opened data folder.
pub struct Opened {
    /// The key it was opened with.
    pub key: MasterKey,
    /// Its registry.
    pub registry: Registry,
    /// Its tenants, those of the configuration open if they exist.
    pub tenants: Tenants,
    /// Says that it is in use.
    pub lock: FolderLock,
}

/// Opens the data folder, makes it if it is missing, and runs migrations. Of the configured tenants those
/// are opened that [`apply`] has made before; what they hold is not touched.
///
/// # Errors
/// [`ServerError`].
pub fn open(config: &Config, now: TimestampMs) -> Result<Opened, ServerError> {
    let data_dir = &config.server.data_dir;
    make_private_folder(data_dir).map_err(StoreError::from)?;
    let lock = FolderLock::shared(data_dir)?;
    refuse_half_restored(data_dir)?;
    let key = config.master_key()?;
    check_key(data_dir, &key)?;
    let registry = Registry::open(data_dir, &key)?;
    let tenants = Tenants::new(data_dir, key.clone())?;
    let known = registry.tenants()?;
    for tenant in &config.tenants {
        if known.iter().any(|(id, _)| *id == tenant.id()) {
            tenants.open(tenant.id(), now)?;
        }
    }
    Ok(Opened {
        key,
        registry,
        tenants,
        lock,
    })
}

/// Makes tenants, reps, territories and assignments as the configuration says, and divides the leads
/// anew where the rules have changed. Doing it again changes nothing.
///
/// # Errors
/// [`ServerError::Removes`] if a company or rep with enrolled devices would go: nothing was changed then.
pub fn apply(opened: &Opened, config: &Config, now: TimestampMs) -> Result<(), ServerError> {
    refuse_removals(opened, config)?;
    for tenant in &config.tenants {
        put_tenant(&opened.registry, &opened.tenants, tenant, now)?;
        let wrong = |e: RuleError| ServerError::Internal(format!("tenant {}: {e}", tenant.name));
        let division = Division::of(tenant).map_err(wrong)?;
        let moved = division.reassign_all(&*opened.tenants.get(tenant.id())?, now)?;
        if moved > 0 {
            tracing::info!(tenant = %tenant.id(), moved, "leads moved to other territories");
        }
    }
    Ok(())
}

/// A name or an address that was changed by mistake would be another company or rep, and the phones of
/// the old one would be cut off.
///
/// # Errors
/// [`ServerError::Removes`] naming the devices; [`ServerError::Store`].
pub fn refuse_removals(opened: &Opened, config: &Config) -> Result<(), ServerError> {
    let devices = opened.registry.devices(None)?;
    let is_configured = |device: &DeviceRecord| {
        let tenant = config.tenants.iter().find(|t| t.id() == device.tenant);
        tenant.is_some_and(|t| t.reps.iter().any(|rep| rep.id(t.id()) == device.rep))
    };
    let cut_off: Vec<DeviceId> = devices
        .iter()
        .filter(|device| device.revoked_at.is_none() && !is_configured(device))
        .map(|device| device.id)
        .collect();
    if cut_off.is_empty() {
        Ok(())
    } else {
        Err(ServerError::Removes(cut_off))
    }
}

pub(crate) fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Tells a wrong key from a damaged file, before any database is touched.
fn check_key(data_dir: &Path, key: &MasterKey) -> Result<(), ServerError> {
    let path = data_dir.join(CHECK_FILE);
    if !path.exists() {
        let value = hex::encode(key.check_value()?);
        write_private(&path, value.as_bytes()).map_err(StoreError::from)?;
        return Ok(());
    }
    check_key_against(&path, key)
}

/// Refuses a key that is not the one the file tells of.
pub(crate) fn check_key_against(path: &Path, key: &MasterKey) -> Result<(), ServerError> {
    let expected = hex::encode(key.check_value()?);
    let known =
        std::fs::read_to_string(path).map_err(|e| ConfigError::KeyFile(path.to_owned(), e))?;
    if known.trim() == expected {
        Ok(())
    } else {
        Err(StoreError::WrongKey {
            file: "the data folder".to_owned(),
        }
        .into())
    }
}

fn put_tenant(
    registry: &Registry,
    tenants: &Tenants,
    config: &TenantConfig,
    now: TimestampMs,
) -> Result<(), StoreError> {
    let id = config.id();
    registry.put_tenant(id, &config.name, now)?;
    let connections = config
        .connections
        .iter()
        .map(|c| (c.name.as_str(), c.kind.as_str()));
    registry.put_connections(id, connections, now)?;
    put_people(&*tenants.open(id, now)?, config, now)
}

fn put_people(tenant: &Tenant, config: &TenantConfig, now: TimestampMs) -> Result<(), StoreError> {
    let id = tenant.id();
    let reps = config.reps.iter().map(|rep| {
        let row = Rep {
            id: rep.id(id),
            name: rep.name.clone(),
            crm_owner: rep.crm_owner.clone(),
        };
        (row.id.row(), row.to_columns())
    });
    let territories = config.territories.iter().map(|territory| {
        let row = Territory {
            id: territory.id(id),
            name: territory.name.clone(),
        };
        (row.id.row(), row.to_columns())
    });
    tenant.write(|tx| {
        put_exactly(tx, Entity::REP, reps.collect(), now)?;
        put_exactly(tx, Entity::TERRITORY, territories.collect(), now)?;
        put_assignments(tx, tenant, config)
    })
}

/// Makes the entity's live rows be exactly these.
fn put_exactly(
    tx: &Transaction<'_>,
    entity: Entity,
    wanted: BTreeMap<RowId, Columns>,
    now: TimestampMs,
) -> Result<(), StoreError> {
    for row in feed::rows_of(tx, entity)? {
        if !wanted.contains_key(&row.id) {
            feed::delete(tx, entity, row.id, now)?;
        }
    }
    for (id, columns) in wanted {
        feed::put(tx, entity, id, columns, now)?;
    }
    Ok(())
}

fn put_assignments(
    tx: &Transaction<'_>,
    tenant: &Tenant,
    config: &TenantConfig,
) -> Result<(), StoreError> {
    let id = tenant.id();
    assignments::clear(tx)?;
    for rep in &config.reps {
        let served = config
            .territories
            .iter()
            .filter(|t| t.reps.contains(&rep.email));
        assignments::set(tx, rep.id(id), served.map(|t| t.id(id)))?;
    }
    Ok(())
}
