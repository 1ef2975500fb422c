//! How a tenant's leads are divided into territories.

use crate::config::TenantConfig;
use crate::feed::{self, LeadFilter};
use crate::geocode::county_of;
use crate::store::{StoreError, Tenant};
use fieldfare_model::schema::lead;
use fieldfare_model::{Columns, Entity, LeadId, TerritoryId, TimestampMs};
use fieldfare_territory::{LeadFacts, RuleError, RuleSet};
use rusqlite::Transaction;
use std::collections::BTreeSet;

/// Leads looked at in one transaction.
const PAGE: usize = 500;

/// The territories of a tenant: those with a rule, and those that only the CRM or an operator fills.
pub struct Division {
    rules: RuleSet,
    without_rule: BTreeSet<TerritoryId>,
}

impl Division {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`RuleError`] naming the rule that is not usable.
    pub fn of(config: &TenantConfig) -> Result<Self, RuleError> {
        let without_rule = config.territories.iter().filter(|t| t.rule.is_none());
        Ok(Self {
            rules: config.rules()?,
            without_rule: without_rule.map(|t| t.id(config.id())).collect(),
        })
    }

    /// Sets the territory of a lead by rule. A lead that no rule wants keeps a territory without a rule,
    /// and leaves every other.
    pub fn assign(&self, columns: &mut Columns) {
        let text = |tag| columns.get(tag).as_text();
        let (region, postal_code) = (text(lead::REGION), text(lead::POSTAL_CODE));
        let facts = LeadFacts {
            postal_code,
            region,
            county: county_of(text(lead::COUNTRY), region, postal_code),
            city: text(lead::CITY),
            country: text(lead::COUNTRY),
            tier: columns
                .get(lead::TIER)
                .as_int()
                .and_then(|t| u8::try_from(t).ok()),
            owner: text(lead::OWNER),
        };
        let by_rule = self.rules.assign(&facts);
        let territory = by_rule.or_else(|| self.kept(columns));
        columns.set(lead::TERRITORY, territory.map(|t| t.as_bytes().to_vec()));
    }

    fn kept(&self, columns: &Columns) -> Option<TerritoryId> {
        let present = columns.get(lead::TERRITORY).as_bytes()?;
        let present = TerritoryId::from_slice(present).ok()?;
        self.without_rule.contains(&present).then_some(present)
    }

    /// Puts every lead of the tenant where this division wants it, page by page, so that other writers get
    /// their turn. Answers how many moved. O(leads).
    ///
    /// # Errors
    /// [`StoreError`]; pages done stay done.
    pub fn reassign_all(&self, tenant: &Tenant, now: TimestampMs) -> Result<u64, StoreError> {
        let (mut after, mut moved) = (None, 0);
        loop {
            let (last, of_page) = tenant.write(|tx| self.reassign_page(tx, after, now))?;
            moved += of_page;
            match last {
                None => return Ok(moved),
                last => after = last,
            }
        }
    }

    fn reassign_page(
        &self,
        tx: &Transaction<'_>,
        after: Option<LeadId>,
        now: TimestampMs,
    ) -> Result<(Option<LeadId>, u64), StoreError> {
        let page = feed::leads(tx, LeadFilter::All, after, PAGE)?;
        let last = page.last().map(|row| row.id.into());
        let mut moved = 0;
        for row in page {
            let mut columns = row.columns.clone();
            self.assign(&mut columns);
            if columns != row.columns {
                feed::put(tx, Entity::LEAD, row.id, columns, now)?;
                moved += 1;
            }
        }
        Ok((last, moved))
    }
}
