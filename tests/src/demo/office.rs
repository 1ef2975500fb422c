//! What people do in the CRM meanwhile.

use super::stage::{Stage, until};
use super::{DemoError, DemoResult};
use fieldfare_model::{Lead, LeadId};
use fieldfare_sandbox::{ObjectType, Record};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// The telephone number the office enters.
pub const OFFICE_PHONE: &str = "+1 617 555 0177";
/// The name the office enters.
pub const OFFICE_NAME: &str = "Beacon & Daughters Supply";

/// The CRM's number of a lead.
///
/// # Errors
/// [`DemoError::Story`] if it did not come from the CRM.
pub fn record_id(lead: &Lead) -> DemoResult<u64> {
    let id = lead.crm_id.as_deref().and_then(|id| id.parse().ok());
    id.ok_or(DemoError::Story("a lead that the CRM knows"))
}

/// The lead as the CRM holds it.
///
/// # Errors
/// [`DemoError::Story`] if the CRM does not hold it.
pub fn company(stage: &Stage, lead: &Lead) -> DemoResult<Record> {
    let record = stage.portal.record(ObjectType::Companies, record_id(lead)?);
    record.ok_or(DemoError::Story("a company in the CRM"))
}

/// The office changes two leads, and the server hears of it.
///
/// # Errors
/// [`DemoError`].
pub async fn edit(stage: &Stage, contested: LeadId, shared: LeadId) -> DemoResult<()> {
    let edits = [
        (contested, "phone", OFFICE_PHONE),
        (shared, "name", OFFICE_NAME),
    ];
    for (lead, property, value) in edits {
        let id = record_id(&stage.lead(lead)?)?;
        stage
            .portal
            .edit(ObjectType::Companies, id, &[(property, value)])?;
    }
    until("the office's changes to reach the server", PATIENCE, || {
        let phone_came = stage.lead(contested)?.phone.as_deref() == Some(OFFICE_PHONE);
        let name_came = stage.lead(shared)?.name == OFFICE_NAME;
        Ok((!phone_came || !name_came).then(|| format!("phone {phone_came}, name {name_came}")))
    })
    .await
}
