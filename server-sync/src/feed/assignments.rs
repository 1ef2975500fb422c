//! Which rep serves which territory, and so which scopes a device holds.

use crate::store::StoreError;
use fieldfare_model::{RepId, TerritoryId};
use fieldfare_sync::{ScopeGrant, ScopeId};
use rusqlite::{Connection, Transaction, params};

/// The territories a rep serves, in order of id.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn territories_of(connection: &Connection, rep: RepId) -> Result<Vec<TerritoryId>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT territory FROM assignment WHERE rep = ?1 ORDER BY territory")?;
    let found =
        statement.query_map([rep.as_bytes()], |r| Ok(TerritoryId::from_bytes(r.get(0)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Gives a rep exactly these territories.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn set(
    tx: &Transaction<'_>,
    rep: RepId,
    territories: impl IntoIterator<Item = TerritoryId>,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM assignment WHERE rep = ?1", [rep.as_bytes()])?;
    for territory in territories {
        tx.execute(
            "INSERT OR IGNORE INTO assignment (rep, territory) VALUES (?1, ?2)",
            params![rep.as_bytes(), territory.as_bytes()],
        )?;
    }
    Ok(())
}

/// Takes every territory from every rep.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn clear(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM assignment", [])?;
    Ok(())
}

/// The scopes a rep's devices hold now: the rep's own, the reference, and each territory served.
///
/// # Errors
/// [`StoreError::Sql`].
pub fn grants_of(connection: &Connection, rep: RepId) -> Result<Vec<ScopeGrant>, StoreError> {
    let own = [ScopeId::rep(rep), ScopeId::reference()];
    let territories = territories_of(connection, rep)?
        .into_iter()
        .map(ScopeId::territory);
    let grant = |scope: ScopeId| ScopeGrant {
        priority: scope.priority(),
        scope,
    };
    Ok(own.into_iter().chain(territories).map(grant).collect())
}
