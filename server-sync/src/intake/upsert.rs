//! Taking a CRM record into the feed.

use crate::crm::{Connection, TenantCrm};
use crate::feed;
use crate::geocode::{Geocoder, place};
use crate::hubspot::ObjectType;
use crate::hubspot::normalise::{CrmLead, MERGED_IDS, normalise};
use crate::hubspot::wire::Record;
use crate::intake::dirty::sql_id;
use crate::intake::merge;
use crate::random;
use crate::store::StoreError;
use crate::writeback::jobs;
use fieldfare_model::schema::lead;
use fieldfare_model::{Columns, Entity, LeadId, LeadStatus, TimestampMs};
use fieldfare_sync::RowState;
use rusqlite::{Transaction, params};

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The lead holds what the record says.
    Put,
    /// The lead is newer than what was read.
    Older,
}

/// What taking in needs beside the record.
pub struct Intake<'a> {
    /// The tenant's part.
    pub tenant: &'a TenantCrm,
    /// The account.
    pub connection: &'a Connection,
    /// Finds positions.
    pub geocoder: &'a Geocoder,
    /// The moment.
    pub now: TimestampMs,
}

impl Intake<'_> {
    /// Puts a record into the feed: at most one change of the lead, territory and, where it is
    /// known at once, position included.
    ///
    /// A record that changed before what is stored changes no cell. Columns that wait to be
    /// written to the CRM keep the phone's value. Columns the CRM has no say in stay. Leads of
    /// records that went into this one are folded into its lead.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Caller`] if the record is not usable.
    pub fn put(
        &self,
        tx: &Transaction<'_>,
        kind: ObjectType,
        record: &Record,
    ) -> Result<Taken, StoreError> {
        let olds = self.olds(tx, kind, record)?;
        let (id, stored) = self.find(tx, kind, record, &olds)?;
        let taken = self.put_lead(tx, kind, record, id, &stored)?;
        self.fold_olds(tx, kind, &olds, id)?;
        jobs::wake(tx, id, self.now)?;
        Ok(taken)
    }

    fn put_lead(
        &self,
        tx: &Transaction<'_>,
        kind: ObjectType,
        record: &Record,
        id: LeadId,
        stored: &Columns,
    ) -> Result<Taken, StoreError> {
        let status = stored
            .get(lead::STATUS)
            .as_int()
            .and_then(LeadStatus::from_code);
        let c = self.connection;
        let crm = normalise(kind, record, &c.options, &c.name, status)
            .map_err(|e| StoreError::Caller(e.to_string()))?;
        if is_newer(stored, &crm) {
            return Ok(Taken::Older);
        }
        let mut columns = merged(stored, &crm, &jobs::waiting_columns(tx, id)?);
        place::settle(
            tx,
            self.tenant,
            self.geocoder,
            id,
            stored,
            &mut columns,
            self.now,
        )?;
        feed::put(tx, Entity::LEAD, id.row(), columns, self.now)?;
        Ok(Taken::Put)
    }

    /// The leads of records that went into the lead's record, live or deleted before the merge
    /// was known.
    fn fold_olds(
        &self,
        tx: &Transaction<'_>,
        kind: ObjectType,
        olds: &[i64],
        winner: LeadId,
    ) -> Result<(), StoreError> {
        for old in olds {
            if let Some((loser, _)) = self.by_crm_id(tx, kind, &old.to_string())? {
                merge::fold(tx, loser, winner, self.now)?;
            }
        }
        Ok(())
    }

    /// Deletes the lead of a record that the CRM no longer has. Its cells go with it; what a phone
    /// told of it is kept as dead letters.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove(
        &self,
        tx: &Transaction<'_>,
        kind: ObjectType,
        object: u64,
    ) -> Result<(), StoreError> {
        let crm_id = kind.crm_id(&object.to_string());
        if let Some((id, RowState::Live(_))) =
            feed::lead_by_crm(tx, &self.connection.name, &crm_id)?
        {
            feed::delete(tx, Entity::LEAD, id.row(), self.now)?;
            jobs::hold(tx, id, self.now)?;
        }
        Ok(())
    }

    /// The lead of a record: by its id in the CRM; else, of one made on a phone, by the mark we
    /// gave the record; else, of one that others were merged into, by theirs; else a new one.
    fn find(
        &self,
        tx: &Transaction<'_>,
        kind: ObjectType,
        record: &Record,
        olds: &[i64],
    ) -> Result<(LeadId, Columns), StoreError> {
        if let Some(found) = self.by_crm_id(tx, kind, &record.id)? {
            return Ok(found);
        }
        if let Some(found) = self.by_mark(tx, record)? {
            return Ok(found);
        }
        for old in olds {
            if let Some(found) = self.by_crm_id(tx, kind, &old.to_string())? {
                return Ok(found);
            }
        }
        let (ms, random) = random::id_parts()?;
        Ok((LeadId::v7(ms, random), Columns::new()))
    }

    fn by_crm_id(
        &self,
        tx: &Transaction<'_>,
        kind: ObjectType,
        object: &str,
    ) -> Result<Option<(LeadId, Columns)>, StoreError> {
        let found = feed::lead_by_crm(tx, &self.connection.name, &kind.crm_id(object))?;
        Ok(found.map(|(id, state)| (id, live_columns(state).unwrap_or_default())))
    }

    fn by_mark(
        &self,
        tx: &Transaction<'_>,
        record: &Record,
    ) -> Result<Option<(LeadId, Columns)>, StoreError> {
        let mark = record
            .properties
            .get(&self.connection.options.marker_property);
        let Some(id) = mark.and_then(|text| text.parse::<LeadId>().ok()) else {
            return Ok(None);
        };
        let columns = live_columns(feed::row(tx, Entity::LEAD, id.row())?);
        Ok(columns
            .filter(|c| c.get(lead::CRM_ID).is_null())
            .map(|c| (id, c)))
    }

    /// The records that became this one, the main one first: those the news of a merge named, and
    /// those the record itself lists, as that news may come later than the record.
    fn olds(
        &self,
        tx: &Transaction<'_>,
        kind: ObjectType,
        record: &Record,
    ) -> Result<Vec<i64>, StoreError> {
        let new = record.id.parse().map_or(0, sql_id);
        let mut statement = tx.prepare_cached(
            "SELECT old FROM crm_merge WHERE connection = ?1 AND kind = ?2 AND new = ?3
             ORDER BY main DESC, old",
        )?;
        let olds = statement.query_map(params![self.connection.name, kind.path(), new], |r| {
            r.get(0)
        })?;
        let mut olds = olds.collect::<Result<Vec<i64>, _>>()?;
        for listed in listed_as_merged(record) {
            if listed != new && !olds.contains(&listed) {
                olds.push(listed);
            }
        }
        Ok(olds)
    }
}

fn listed_as_merged(record: &Record) -> impl Iterator<Item = i64> {
    let listed = record.properties.get(MERGED_IDS);
    listed
        .into_iter()
        .flat_map(|ids| ids.split(';'))
        .filter_map(|id| id.trim().parse().ok())
}

fn live_columns(state: RowState) -> Option<Columns> {
    match state {
        RowState::Live(row) => Some(row.columns),
        RowState::Absent | RowState::Deleted => None,
    }
}

fn is_newer(stored: &Columns, crm: &CrmLead) -> bool {
    let stored = stored.get(lead::SOURCE_UPDATED_AT).as_int();
    stored.is_some_and(|at| at > crm.updated_at.0)
}

fn merged(stored: &Columns, crm: &CrmLead, waiting: &[fieldfare_model::Tag]) -> Columns {
    let mut columns = stored.clone();
    for (tag, value) in crm.cells.iter().filter(|(tag, _)| !waiting.contains(tag)) {
        columns.set(*tag, value.clone());
    }
    columns
}
