//! The records of one portal and what can be done to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::associations::Associations;
use super::record::Record;
use crate::author::Author;
use crate::clock;
use crate::config::{MergeMode, Owner, PortalConfig};
use crate::error::ApiError;
use crate::object_type::ObjectType;
use crate::schema::{Properties, Schema};
use crate::webhook::{Change, ChangeKind};

/// A record's kind and id.
pub(crate) type Key = (ObjectType, u64);

/// The state of a portal. Each change is noted in `changes`, from where the portal takes it.
pub(crate) struct State {
    pub(crate) schema: Schema,
    pub(crate) owners: BTreeMap<u64, Owner>,
    pub(crate) associations: Associations,
    pub(super) records: BTreeMap<Key, Arc<Record>>,
    pub(super) merged_into: BTreeMap<Key, u64>,
    pub(super) merge_mode: MergeMode,
    pub(super) changes: Vec<Change>,
    merged_ids_redirect: bool,
    next_id: u64,
}

/// What [`State::roll_back`] returns to.
pub(crate) struct Saved {
    records: BTreeMap<Key, Arc<Record>>,
    associations: Associations,
    changes: usize,
    next_id: u64,
}

impl State {
    pub(crate) fn new(config: &PortalConfig) -> Self {
        Self {
            schema: Schema::new(config.custom_properties.clone()),
            owners: config
                .owners
                .iter()
                .map(|owner| (owner.id, owner.clone()))
                .collect(),
            associations: Associations::default(),
            records: BTreeMap::new(),
            merged_into: BTreeMap::new(),
            merge_mode: config.merge,
            changes: Vec::new(),
            merged_ids_redirect: config.merged_ids_redirect,
            next_id: config.first_record_id,
        }
    }

    /// Remembers records and associations; records are shared until they change.
    pub(crate) fn save(&self) -> Saved {
        Saved {
            records: self.records.clone(),
            associations: self.associations.clone(),
            changes: self.changes.len(),
            next_id: self.next_id,
        }
    }

    pub(crate) fn roll_back(&mut self, saved: Saved) {
        self.records = saved.records;
        self.associations = saved.associations;
        self.changes.truncate(saved.changes);
        self.next_id = saved.next_id;
    }

    /// All records of a kind, by ascending id.
    pub(crate) fn all(&self, object: ObjectType) -> impl Iterator<Item = &Record> {
        self.records
            .range((object, 0)..=(object, u64::MAX))
            .map(|(_, record)| record.as_ref())
    }

    /// The live records of a kind with an id of at least `from`, or the archived ones.
    pub(crate) fn page(
        &self,
        object: ObjectType,
        from: u64,
        archived: bool,
    ) -> impl Iterator<Item = &Record> {
        self.records
            .range((object, from)..=(object, u64::MAX))
            .map(|(_, record)| record.as_ref())
            .filter(move |record| record.archived_ms.is_some() == archived)
    }

    /// The record a reader means: by id, or by the value of a unique property.
    pub(crate) fn find(
        &self,
        object: ObjectType,
        id: &str,
        id_property: Option<&str>,
        archived: bool,
    ) -> Result<Option<&Record>, ApiError> {
        let found = match id_property {
            Some(property) if property != "hs_object_id" => {
                self.need_unique(object, property)?;
                self.holder(object, property, id)
            }
            _ => self.by_id(object, id),
        };
        Ok(found.filter(|record| record.archived_ms.is_some() == archived))
    }

    /// A live record by id, where one merged away stands for the surviving one.
    pub(crate) fn live(&self, object: ObjectType, id: u64) -> Option<&Record> {
        let id = self.surviving(object, id);
        self.records
            .get(&(object, id))
            .map(Arc::as_ref)
            .filter(|r| r.archived_ms.is_none())
    }

    fn by_id(&self, object: ObjectType, id: &str) -> Option<&Record> {
        let id = self.surviving(object, id.parse().ok()?);
        self.records.get(&(object, id)).map(Arc::as_ref)
    }

    fn surviving(&self, object: ObjectType, mut id: u64) -> u64 {
        if self.merged_ids_redirect {
            while let Some(next) = self.merged_into.get(&(object, id)) {
                id = *next;
            }
        }
        id
    }

    /// The record holding a value of a unique property.
    pub(crate) fn holder(
        &self,
        object: ObjectType,
        property: &str,
        value: &str,
    ) -> Option<&Record> {
        self.page(object, 0, false).find(|record| {
            record
                .properties
                .get(property)
                .is_some_and(|held| held.eq_ignore_ascii_case(value))
        })
    }

    pub(crate) fn need_unique(&self, object: ObjectType, property: &str) -> Result<(), ApiError> {
        if self.schema.is_unique(object, property) {
            return Ok(());
        }
        Err(ApiError::validation(format!(
            "Unable to perform update/upsert by non-unique {} property {property}",
            object.type_id()
        )))
    }

    /// Makes a record and returns its id.
    pub(crate) fn create(
        &mut self,
        object: ObjectType,
        given: &Map<String, Value>,
        author: Author,
    ) -> Result<u64, ApiError> {
        let mut properties = self.accept(object, given, author)?;
        properties.retain(|_, value| !value.is_empty());
        need_timestamp(object, &properties)?;
        self.refuse_taken(object, None, &properties)?;
        let id = self.take_id();
        let at = clock::now_ms();
        self.note(object, id, at, author, ChangeKind::Created);
        for (name, value) in &properties {
            self.note_property(object, id, at, author, name, value);
        }
        let record = Record {
            object,
            id,
            properties,
            created_ms: at,
            updated_ms: at,
            archived_ms: None,
        };
        self.records.insert((object, id), Arc::new(record));
        Ok(id)
    }

    /// Writes properties of a live record. Values that do not differ change nothing.
    pub(crate) fn update(
        &mut self,
        object: ObjectType,
        id: u64,
        given: &Map<String, Value>,
        author: Author,
    ) -> Result<(), ApiError> {
        let id = self.live(object, id).ok_or_else(ApiError::not_found)?.id;
        let properties = self.accept(object, given, author)?;
        self.refuse_taken(object, Some(id), &properties)?;
        let at = clock::now_ms();
        for (name, value) in properties {
            self.write(object, id, at, author, name, value);
        }
        Ok(())
    }

    /// Moves a live record to the archive; false if there is none.
    pub(crate) fn archive(&mut self, object: ObjectType, id: u64, author: Author) -> bool {
        let at = clock::now_ms();
        let record = self.records.get_mut(&(object, id)).map(Arc::make_mut);
        let Some(record) = record.filter(|record| record.archived_ms.is_none()) else {
            return false;
        };
        record.archived_ms = Some(at);
        self.note(object, id, at, author, ChangeKind::Deleted);
        true
    }

    /// Brings an archived record back; false if there is none.
    pub(crate) fn restore(&mut self, object: ObjectType, id: u64, author: Author) -> bool {
        let at = clock::now_ms();
        let record = self.records.get_mut(&(object, id)).map(Arc::make_mut);
        let Some(record) = record.filter(|record| record.archived_ms.is_some()) else {
            return false;
        };
        record.archived_ms = None;
        record.updated_ms = at;
        self.note(object, id, at, author, ChangeKind::Restored);
        true
    }

    /// Erases a record for good. A contact's erasure is told as such and as a deletion.
    pub(crate) fn erase(&mut self, object: ObjectType, id: u64, author: Author) -> bool {
        if self.records.remove(&(object, id)).is_none() {
            return false;
        }
        self.associations.forget((object, id));
        let at = clock::now_ms();
        self.note(object, id, at, author, ChangeKind::PrivacyDeleted);
        self.note(object, id, at, author, ChangeKind::Deleted);
        true
    }

    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn accept(
        &self,
        object: ObjectType,
        given: &Map<String, Value>,
        author: Author,
    ) -> Result<Properties, ApiError> {
        let owners: BTreeSet<u64> = self.owners.keys().copied().collect();
        self.schema.accept(object, given, &owners, author.is_app())
    }

    /// No two records may hold the same value of a unique property.
    fn refuse_taken(
        &self,
        object: ObjectType,
        own_id: Option<u64>,
        properties: &Properties,
    ) -> Result<(), ApiError> {
        for unique in self.schema.unique_properties(object) {
            let Some(value) = properties.get(unique).filter(|value| !value.is_empty()) else {
                continue;
            };
            let other = self
                .holder(object, unique, value)
                .filter(|r| Some(r.id) != own_id);
            if let Some(other) = other {
                let kind = capitalised(object.singular());
                let message = format!("{kind} already exists. Existing ID: {}", other.id);
                return Err(ApiError::conflict(message));
            }
        }
        Ok(())
    }

    pub(super) fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    pub(super) fn write(
        &mut self,
        object: ObjectType,
        id: u64,
        at: i64,
        author: Author,
        name: String,
        value: String,
    ) {
        let record = self.records.get_mut(&(object, id)).map(Arc::make_mut);
        let Some(record) = record else { return };
        let held = record.properties.get(&name).map_or("", String::as_str);
        if held == value {
            return;
        }
        record.updated_ms = at;
        if value.is_empty() {
            record.properties.remove(&name);
        } else {
            record.properties.insert(name.clone(), value.clone());
        }
        self.note_property(object, id, at, author, &name, &value);
    }

    fn note_property(
        &mut self,
        object: ObjectType,
        id: u64,
        at: i64,
        author: Author,
        name: &str,
        value: &str,
    ) {
        let kind = ChangeKind::PropertyChanged {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        self.note(object, id, at, author, kind);
    }

    pub(super) fn note(
        &mut self,
        object: ObjectType,
        id: u64,
        at_ms: i64,
        author: Author,
        kind: ChangeKind,
    ) {
        self.changes.push(Change {
            object,
            id,
            at_ms,
            author,
            kind,
        });
    }
}

/// Tasks and notes cannot be made without a time.
fn need_timestamp(object: ObjectType, properties: &Properties) -> Result<(), ApiError> {
    let needs = matches!(object, ObjectType::Tasks | ObjectType::Notes);
    if !needs || properties.contains_key("hs_timestamp") {
        return Ok(());
    }
    let kind = object.singular().to_uppercase();
    let message = format!("Error creating {kind}. Some required properties were not set.");
    let errors = serde_json::json!([{
        "message": message,
        "code": "REQUIRED_FIELD",
        "context": { "properties": ["hs_timestamp"] },
    }]);
    Err(ApiError::validation(message).with_errors(errors))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
