//! Making one record of two.

use std::sync::Arc;

use super::record::Record;
use super::state::State;
use crate::author::Author;
use crate::clock;
use crate::config::MergeMode;
use crate::error::ApiError;
use crate::object_type::ObjectType;
use crate::schema::Properties;
use crate::webhook::ChangeKind;

impl State {
    /// Merges `merged` into `primary` and returns the id of the result. The primary record's
    /// values win; its empty ones are filled from the other.
    pub(crate) fn merge(
        &mut self,
        object: ObjectType,
        primary: u64,
        merged: u64,
        author: Author,
    ) -> Result<u64, ApiError> {
        let (primary, merged) = self.need_pair(object, primary, merged)?;
        let moved = moved_properties(&primary, &merged);
        let result = self.surviving_record(&primary, &merged, &moved);
        let id = result.id;
        for old in [primary.id, merged.id].into_iter().filter(|old| *old != id) {
            self.records.remove(&(object, old));
            self.merged_into.insert((object, old), id);
            self.associations.move_all((object, old), (object, id));
        }
        let at = result.updated_ms;
        self.records.insert((object, id), Arc::new(result));
        let kind = ChangeKind::Merged {
            primary: primary.id,
            merged: merged.id,
            moved: moved.len(),
        };
        self.note(object, id, at, author, kind);
        for (name, value) in moved {
            let kind = ChangeKind::PropertyChanged { name, value };
            self.note(object, id, at, author, kind);
        }
        Ok(id)
    }

    fn need_pair(
        &self,
        object: ObjectType,
        primary: u64,
        merged: u64,
    ) -> Result<(Record, Record), ApiError> {
        if !object.can_merge() {
            return Err(ApiError::validation(format!(
                "Merging is not supported for {}",
                object.plural()
            )));
        }
        let pair = self
            .live(object, primary)
            .cloned()
            .zip(self.live(object, merged).cloned());
        let (primary, merged) = pair.ok_or_else(ApiError::not_found)?;
        if primary.id == merged.id {
            return Err(ApiError::validation("Cannot merge an object with itself"));
        }
        Ok((primary, merged))
    }

    fn surviving_record(
        &mut self,
        primary: &Record,
        merged: &Record,
        moved: &Properties,
    ) -> Record {
        let mut properties = primary.properties.clone();
        properties.extend(moved.clone());
        properties.insert(
            "hs_merged_object_ids".to_owned(),
            ids_within(primary, merged),
        );
        let id = match self.merge_mode {
            MergeMode::NewRecord => self.take_id(),
            MergeMode::KeepPrimary => primary.id,
        };
        Record {
            object: primary.object,
            id,
            properties,
            created_ms: primary.created_ms.min(merged.created_ms),
            updated_ms: clock::now_ms(),
            archived_ms: None,
        }
    }
}

fn moved_properties(primary: &Record, merged: &Record) -> Properties {
    let missing = merged.properties.iter().filter(|(name, _)| {
        name.as_str() != "hs_merged_object_ids" && !primary.properties.contains_key(*name)
    });
    missing
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn ids_within(primary: &Record, merged: &Record) -> String {
    let mut ids: Vec<String> = [primary, merged]
        .iter()
        .filter_map(|record| record.properties.get("hs_merged_object_ids").cloned())
        .collect();
    ids.extend([primary.id.to_string(), merged.id.to_string()]);
    ids.join(";")
}
