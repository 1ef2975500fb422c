//! Opening the data folder and putting the configuration into it.

use crate::config::{Config, ConfigError, TenantConfig, write_private};
use crate::feed::{self, assignments};
use crate::state::ServerError;
use crate::store::{MasterKey, Registry, StoreError, Tenant, Tenants};
use fieldfare_model::{Columns, Entity, Rep, RowId, Territory, TimestampMs};
use rusqlite::Transaction;
use std::collections::BTreeMap;
use std::path::Path;

const CHECK_FILE: &str = "key.check";

/// An opened data folder.
pub struct Opened {
    /// The key it was opened with.
    pub key: MasterKey,
    /// Its registry.
    pub registry: Registry,
    /// Its tenants, those of the configuration open.
    pub tenants: Tenants,
}

/// Opens the data folder, makes what is missing, runs migrations, and makes reps, territories and
/// assignments as the configuration says. Doing it again changes nothing.
///
/// # Errors
/// [`ServerError`].
pub fn open(config: &Config, now: TimestampMs) -> Result<Opened, ServerError> {
    let data_dir = &config.server.data_dir;
    make_private_folder(data_dir).map_err(StoreError::from)?;
    let key = config.master_key()?;
    check_key(data_dir, &key)?;
    let registry = Registry::open(data_dir, &key)?;
    let tenants = Tenants::new(data_dir, key.clone())?;
    for tenant in &config.tenants {
        put_tenant(&registry, &tenants, tenant, now)?;
    }
    Ok(Opened {
        key,
        registry,
        tenants,
    })
}

fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Tells a wrong key from a damaged file, before any database is touched.
fn check_key(data_dir: &Path, key: &MasterKey) -> Result<(), ServerError> {
    let path = data_dir.join(CHECK_FILE);
    let expected = hex::encode(key.check_value()?);
    if !path.exists() {
        write_private(&path, expected.as_bytes()).map_err(StoreError::from)?;
        return Ok(());
    }
    let known = std::fs::read_to_string(&path).map_err(|e| ConfigError::KeyFile(path, e))?;
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
