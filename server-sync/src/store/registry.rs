use crate::store::{Database, MasterKey, REGISTRY_MIGRATIONS, StoreError, TokenHash};
use fieldfare_model::{DeviceId, RepId, TenantId, TimestampMs};
use rusqlite::{OptionalExtension, Row, params};
use std::path::Path;

const DEVICE_COLUMNS: &str = "id, tenant, rep, name, enrolled_at, locked_at, revoked_at";

/// A device as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// The device.
    pub id: DeviceId,
    /// Its company.
    pub tenant: TenantId,
    /// Its rep.
    pub rep: RepId,
    /// The name it gave itself when it enrolled.
    pub name: String,
    /// When it enrolled.
    pub enrolled_at: TimestampMs,
    /// Set when a refresh token was used twice: the device must enrol again.
    pub locked_at: Option<TimestampMs>,
    /// Set when it was revoked: the device must wipe.
    pub revoked_at: Option<TimestampMs>,
}

/// A device about to enrol.
#[derive(Debug, Clone, Copy)]
pub struct NewDevice<'a> {
    /// Its id.
    pub id: DeviceId,
    /// Hash of the code it presented.
    pub code: &'a TokenHash,
    /// The name it gives itself.
    pub name: &'a str,
    /// Hash of the refresh token it will get.
    pub refresh: &'a TokenHash,
    /// When that token ends.
    pub refresh_until: TimestampMs,
}

/// `registry.db`: tenants, devices, codes and tokens. Calls block.
pub struct Registry {
    database: Database,
}

impl Registry {
    /// Opens `data_dir/registry.db`, and makes it if absent.
    ///
    /// # Errors
    /// What [`Database::open`] says.
    pub fn open(data_dir: &Path, key: &MasterKey) -> Result<Self, StoreError> {
        let path = data_dir.join("registry.db");
        let database = Database::open(&path, key.registry()?, REGISTRY_MIGRATIONS)?;
        Ok(Self { database })
    }

    /// The file below.
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Enters a tenant, or renames it.
    ///
    /// # Errors
    /// [`StoreError::Sql`], also if another tenant has the name.
    pub fn put_tenant(&self, id: TenantId, name: &str, now: TimestampMs) -> Result<(), StoreError> {
        self.database.write(|tx| {
            tx.execute(
                "INSERT INTO tenant (id, name, created_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name",
                params![id.as_bytes(), name, now.0],
            )?;
            Ok(())
        })
    }

    /// Every tenant with its name, in order of name.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn tenants(&self) -> Result<Vec<(TenantId, String)>, StoreError> {
        self.database.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT id, name FROM tenant ORDER BY name")?;
            let rows = statement
                .query_map([], |r| Ok((TenantId::from_bytes(r.get(0)?), r.get(1)?)))?
                .collect::<Result<_, _>>()?;
            Ok(rows)
        })
    }

    /// Notes which CRM connections a tenant has, in place of those noted before.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn put_connections<'a>(
        &self,
        tenant: TenantId,
        connections: impl IntoIterator<Item = (&'a str, &'a str)>,
        now: TimestampMs,
    ) -> Result<(), StoreError> {
        self.database.write(|tx| {
            tx.execute("DELETE FROM connection WHERE tenant = ?1", [tenant.as_bytes()])?;
            for (name, kind) in connections {
                tx.execute(
                    "INSERT INTO connection (tenant, name, kind, created_at) VALUES (?1, ?2, ?3, ?4)",
                    params![tenant.as_bytes(), name, kind, now.0],
                )?;
            }
            Ok(())
        })
    }

    /// Keeps the hash of a one-time code for a rep.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn put_code(
        &self,
        code: &TokenHash,
        tenant: TenantId,
        rep: RepId,
        until: TimestampMs,
    ) -> Result<(), StoreError> {
        self.database.write(|tx| {
            tx.execute(
                "INSERT INTO enrolment_code (hash, tenant, rep, expires_at) VALUES (?1, ?2, ?3, ?4)",
                params![code.0, tenant.as_bytes(), rep.as_bytes(), until.0],
            )?;
            Ok(())
        })
    }

    /// Uses up a code and enters the device it was for. None if the code is unknown, used or too
    /// old.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn enrol(
        &self,
        new: &NewDevice<'_>,
        now: TimestampMs,
    ) -> Result<Option<DeviceRecord>, StoreError> {
        let id = new.id;
        self.database.write(|tx| {
            let used = tx
                .query_row(
                    "UPDATE enrolment_code SET used_at = ?2
                     WHERE hash = ?1 AND used_at IS NULL AND expires_at > ?2
                     RETURNING tenant, rep",
                    params![new.code.0, now.0],
                    |r| Ok((r.get::<_, [u8; 16]>(0)?, r.get::<_, [u8; 16]>(1)?)),
                )
                .optional()?;
            let Some((tenant, rep)) = used else {
                return Ok(None);
            };
            tx.execute(
                "INSERT INTO device (id, tenant, rep, name, enrolled_at, token_n)
                 VALUES (?1, ?2, ?3, ?4, ?5, 1)",
                params![id.as_bytes(), tenant, rep, new.name, now.0],
            )?;
            tx.execute(
                "INSERT INTO refresh_token (hash, device, expires_at) VALUES (?1, ?2, ?3)",
                params![new.refresh.0, id.as_bytes(), new.refresh_until.0],
            )?;
            Ok(Some(DeviceRecord {
                id,
                tenant: TenantId::from_bytes(tenant),
                rep: RepId::from_bytes(rep),
                name: new.name.to_owned(),
                enrolled_at: now,
                locked_at: None,
                revoked_at: None,
            }))
        })
    }

    /// A device, if it is known.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn device(&self, id: DeviceId) -> Result<Option<DeviceRecord>, StoreError> {
        self.database.read(|tx| {
            let sql = format!("SELECT {DEVICE_COLUMNS} FROM device WHERE id = ?1");
            let mut statement = tx.prepare_cached(&sql)?;
            Ok(statement
                .query_row([id.as_bytes()], read_device)
                .optional()?)
        })
    }

    /// Every device, of one tenant or of all, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn devices(&self, tenant: Option<TenantId>) -> Result<Vec<DeviceRecord>, StoreError> {
        self.database.read(|tx| {
            let sql = format!(
                "SELECT {DEVICE_COLUMNS} FROM device WHERE ?1 IS NULL OR tenant = ?1 ORDER BY id"
            );
            let mut statement = tx.prepare_cached(&sql)?;
            let devices = statement
                .query_map([tenant.map(|t| *t.as_bytes())], read_device)?
                .collect::<Result<_, _>>()?;
            Ok(devices)
        })
    }

    /// Revokes a device for good. False if it is not known.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn revoke(&self, id: DeviceId, now: TimestampMs) -> Result<bool, StoreError> {
        self.database.write(|tx| {
            let changed = tx.execute(
                "UPDATE device SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1",
                params![id.as_bytes(), now.0],
            )?;
            Ok(changed > 0)
        })
    }

    /// For a registry that comes back from a backup: what was given out since is not known. Codes
    /// are void, and each device may once use a token that is newer than those known.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn begin_history(&self) -> Result<(), StoreError> {
        self.database.write(|tx| {
            tx.execute("DELETE FROM enrolment_code", [])?;
            tx.execute("UPDATE device SET may_take_back = 1", [])?;
            Ok(())
        })
    }

    /// Drops codes and tokens that ended before `now`. Returns how many.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn purge_expired(&self, now: TimestampMs) -> Result<usize, StoreError> {
        self.database.write(|tx| {
            let codes = tx.execute("DELETE FROM enrolment_code WHERE expires_at <= ?1", [now.0])?;
            let tokens = tx.execute("DELETE FROM refresh_token WHERE expires_at <= ?1", [now.0])?;
            Ok(codes + tokens)
        })
    }
}

fn read_device(r: &Row<'_>) -> rusqlite::Result<DeviceRecord> {
    Ok(DeviceRecord {
        id: DeviceId::from_bytes(r.get(0)?),
        tenant: TenantId::from_bytes(r.get(1)?),
        rep: RepId::from_bytes(r.get(2)?),
        name: r.get(3)?,
        enrolled_at: TimestampMs(r.get(4)?),
        locked_at: r.get::<_, Option<i64>>(5)?.map(TimestampMs),
        revoked_at: r.get::<_, Option<i64>>(6)?.map(TimestampMs),
    })
}
