//! A portal in the hands of a test: a person at the CRM's screens, and the levers behind them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::author::Author;
use crate::config::{Owner, RateLimits, WebhookTarget};
use crate::error::SandboxError;
use crate::fixture::{self, LoadOptions};
use crate::object_type::ObjectType;
use crate::portal::{CallFault, Portal, Record, State};
use crate::schema::{CustomProperty, ValidationRule};
use crate::webhook::{DeliveryFaults, DeliveryStats, Subscription};

/// Controls one portal. Cheap to clone. Changes made here are those of a person and carry
/// `changeSource` `CRM_UI`.
#[derive(Clone)]
pub struct PortalHandle {
    portal: Arc<Portal>,
}

impl PortalHandle {
    pub(crate) fn new(portal: Arc<Portal>) -> Self {
        Self { portal }
    }

    /// The portal's number.
    pub fn portal_id(&self) -> u64 {
        self.portal.config.portal_id
    }

    /// The token of its app.
    pub fn access_token(&self) -> &str {
        &self.portal.config.access_token
    }

    /// A person makes a record.
    ///
    /// # Errors
    /// [`SandboxError::Refused`] if the CRM does not accept the values.
    pub fn create(
        &self,
        object: ObjectType,
        properties: &[(&str, &str)],
    ) -> Result<u64, SandboxError> {
        let given = to_map(properties);
        Ok(self
            .portal
            .write(|state| state.create(object, &given, self.portal.user()))?)
    }

    /// A person edits a record; empty values clear properties.
    ///
    /// # Errors
    /// [`SandboxError::NoSuchRecord`], or [`SandboxError::Refused`] for values the CRM does not
    /// accept.
    pub fn edit(
        &self,
        object: ObjectType,
        id: u64,
        properties: &[(&str, &str)],
    ) -> Result<(), SandboxError> {
        let given = to_map(properties);
        Ok(self
            .portal
            .write(|state| state.update(object, id, &given, self.portal.user()))?)
    }

    /// A person deletes a record: it moves to the archive.
    ///
    /// # Errors
    /// [`SandboxError::NoSuchRecord`]
    pub fn archive(&self, object: ObjectType, id: u64) -> Result<(), SandboxError> {
        self.change(|state, user| state.archive(object, id, user))
    }

    /// A person restores a record from the archive.
    ///
    /// # Errors
    /// [`SandboxError::NoSuchRecord`]
    pub fn restore(&self, object: ObjectType, id: u64) -> Result<(), SandboxError> {
        self.change(|state, user| state.restore(object, id, user))
    }

    /// A person erases a record for good.
    ///
    /// # Errors
    /// [`SandboxError::NoSuchRecord`]
    pub fn erase(&self, object: ObjectType, id: u64) -> Result<(), SandboxError> {
        self.change(|state, user| state.erase(object, id, user))
    }

    /// Removes a record without a trace and without an event, as support staff might.
    ///
    /// # Errors
    /// [`SandboxError::NoSuchRecord`]
    pub fn erase_silently(&self, object: ObjectType, id: u64) -> Result<(), SandboxError> {
        self.change(|state, user| {
            let erased = state.erase(object, id, user);
            state.take_changes();
            erased
        })
    }

    /// A person merges two records; returns the id of the result.
    ///
    /// # Errors
    /// [`SandboxError::NoSuchRecord`], or [`SandboxError::Refused`] for tasks and notes.
    pub fn merge(
        &self,
        object: ObjectType,
        primary: u64,
        merged: u64,
    ) -> Result<u64, SandboxError> {
        let user = self.portal.user();
        Ok(self
            .portal
            .write(|state| state.merge(object, primary, merged, user))?)
    }

    /// A person imports a file of addresses as companies, told with `changeSource` `IMPORT`.
    /// Returns the ids in the order of the lines.
    ///
    /// # Errors
    /// [`SandboxError::BadAddress`] for a line that is not an address; then nothing is loaded.
    pub fn load_addresses(
        &self,
        jsonl: &str,
        options: &LoadOptions,
    ) -> Result<Vec<u64>, SandboxError> {
        let owners: Vec<Owner> = self.owners().into_iter().filter(|o| !o.archived).collect();
        let companies = fixture::companies(jsonl, options, &owners)?;
        let author = Author::Import(self.portal.config.user_id);
        self.portal.write(|state| {
            let maps = companies.into_iter().map(|company| {
                company
                    .into_iter()
                    .map(|(name, value)| (name, Value::String(value)))
                    .collect()
            });
            maps.map(|map| Ok(state.create(ObjectType::Companies, &map, author)?))
                .collect()
        })
    }

    /// A record, archived or not.
    pub fn record(&self, object: ObjectType, id: u64) -> Option<Record> {
        self.portal
            .read(|state| state.all(object).find(|record| record.id == id).cloned())
    }

    /// All records of a kind, archived ones among them, by ascending id.
    pub fn records(&self, object: ObjectType) -> Vec<Record> {
        self.portal
            .read(|state| state.all(object).cloned().collect())
    }

    /// The live tasks of a company, by ascending id.
    pub fn tasks_of(&self, company: u64) -> Vec<Record> {
        self.linked_with(company, ObjectType::Tasks)
    }

    /// The live notes of a company, by ascending id.
    pub fn notes_of(&self, company: u64) -> Vec<Record> {
        self.linked_with(company, ObjectType::Notes)
    }

    fn linked_with(&self, company: u64, object: ObjectType) -> Vec<Record> {
        self.portal.read(|state| {
            let company = state
                .live(ObjectType::Companies, company)
                .map(|record| record.id);
            let from = (ObjectType::Companies, company.unwrap_or_default());
            let ids = state.associations.of(from, object).into_iter();
            ids.filter_map(|(id, _)| state.live(object, id).cloned())
                .collect()
        })
    }

    /// The people records can belong to.
    pub fn owners(&self) -> Vec<Owner> {
        self.portal
            .read(|state| state.owners.values().cloned().collect())
    }

    /// Adds a person, or replaces the one with the same id.
    pub fn set_owner(&self, owner: Owner) {
        self.portal
            .write(|state| state.owners.insert(owner.id, owner));
    }

    /// Adds a property, or replaces the one with the same name.
    pub fn define_property(&self, property: CustomProperty) {
        self.portal.write(|state| state.schema.define(property));
    }

    /// Takes a property of the portal's own away.
    pub fn remove_property(&self, object: ObjectType, name: &str) {
        self.portal.write(|state| state.schema.remove(object, name));
    }

    /// The validation rules the API is held to from now on; people are not.
    pub fn set_validation_rules(&self, rules: Vec<ValidationRule>) {
        self.portal.write(|state| state.schema.set_rules(rules));
    }

    /// Where webhooks go from now on.
    pub fn set_webhook(&self, target: Option<WebhookTarget>) {
        self.portal.delivery.set_target(target);
    }

    /// The secret webhooks are signed with from now on.
    pub fn set_client_secret(&self, secret: impl Into<String>) {
        self.portal.delivery.set_secret(secret.into());
    }

    /// Which changes are told from now on.
    pub fn set_subscriptions(&self, subscriptions: Vec<Subscription>) {
        self.portal.set_subscriptions(subscriptions);
    }

    /// What goes wrong with deliveries from now on.
    pub fn set_delivery_faults(&self, faults: DeliveryFaults) {
        self.portal.delivery.set_faults(faults);
    }

    /// Holds deliveries back; requests under way are finished.
    pub fn pause_deliveries(&self) {
        self.portal.delivery.set_paused(true);
    }

    /// Lets deliveries go on.
    pub fn resume_deliveries(&self) {
        self.portal.delivery.set_paused(false);
    }

    /// Lets calls of the API fail; faults add up, the oldest that fits comes first.
    pub fn fail_calls(&self, fault: CallFault) {
        self.portal.gate().add_fault(fault);
    }

    /// Forgets the faults of calls that have not come yet.
    pub fn clear_call_faults(&self) {
        self.portal.gate().clear_faults();
    }

    /// Holds each answer of the API back.
    pub fn set_call_latency(&self, latency: Duration) {
        self.portal.gate().set_latency(latency);
    }

    /// The request limits from now on.
    pub fn set_rate_limits(&self, limits: RateLimits) {
        self.portal.gate().set_limits(limits);
    }

    /// Calls of the API so far, refused ones among them, by method and path with ids written as
    /// `{id}`.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.portal.gate().seen()
    }

    /// What became of the deliveries so far.
    pub fn stats(&self) -> DeliveryStats {
        self.portal.delivery.stats()
    }

    /// Waits until each event has been acknowledged, given up or dropped; false after `limit`.
    /// While deliveries are paused, waiting events count.
    pub async fn wait_idle(&self, limit: Duration) -> bool {
        self.portal.delivery.wait_idle(limit).await
    }

    fn change(&self, change: impl FnOnce(&mut State, Author) -> bool) -> Result<(), SandboxError> {
        let user = self.portal.user();
        let changed = self.portal.write(|state| change(state, user));
        if changed {
            Ok(())
        } else {
            Err(SandboxError::NoSuchRecord)
        }
    }
}

fn to_map(properties: &[(&str, &str)]) -> Map<String, Value> {
    let values = properties.iter();
    values
        .map(|(name, value)| ((*name).to_owned(), Value::String((*value).to_owned())))
        .collect()
}
