//! Act one: the CRM tells the server about its companies.

use super::narrator::{Narrator, thousands};
use super::stage::{Stage, until};
use super::{DemoError, DemoResult};
use fieldfare_model::{GeocodeStatus, Lead, Precision};
use fieldfare_sandbox::{ADDRESSES, DeliveryStats, LoadOptions};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// What came in.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Companies in the CRM.
    pub companies: usize,
    /// Leads on the server.
    pub leads: usize,
    /// Different CRM records among them.
    pub records: usize,
    /// Leads in no territory.
    pub unassigned: usize,
    /// How the webhooks went.
    pub deliveries: DeliveryStats,
    /// Leads by what their position stands for.
    pub precision: BTreeMap<&'static str, usize>,
    /// Leads by territory.
    pub territories: BTreeMap<String, usize>,
    /// From the first webhook until every lead was in a territory with a position.
    pub took: Duration,
}

/// Loads the addresses into the CRM and waits for the server to have made leads of all.
///
/// # Errors
/// [`DemoError`].
pub async fn run(stage: &Stage, narrator: &mut Narrator) -> DemoResult<Imported> {
    let total = ADDRESSES
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count();
    let step = narrator.begin(
        "Import",
        "A company list goes into the CRM; the CRM tells the server by signed webhooks.",
        total,
    );
    step.says("leads on the server");
    let companies = stage
        .portal
        .load_addresses(ADDRESSES, &LoadOptions::default())?
        .len();
    until(
        "every company to become a lead with a position",
        PATIENCE,
        || {
            let leads = stage.leads()?;
            let ready = leads.iter().filter(|lead| is_ready(lead)).count();
            step.at(ready);
            Ok((ready < companies)
                .then(|| format!("{ready} of {companies}, {} leads", leads.len())))
        },
    )
    .await?;
    let took = step.elapsed();
    if !stage.portal.wait_idle(PATIENCE).await {
        return Err(DemoError::Story("a CRM that ends its deliveries"));
    }
    let imported = look(stage, companies, took)?;
    step.done(&format!(
        "{} companies are leads now, each with a position and a territory",
        thousands(imported.leads as u64)
    ));
    Ok(imported)
}

fn is_ready(lead: &Lead) -> bool {
    lead.geocode.status != GeocodeStatus::Pending && lead.territory.is_some()
}

fn look(stage: &Stage, companies: usize, took: Duration) -> DemoResult<Imported> {
    let leads = stage.leads()?;
    let records: BTreeSet<_> = leads
        .iter()
        .filter_map(|lead| lead.crm_id.as_deref())
        .collect();
    let mut precision = BTreeMap::new();
    for lead in &leads {
        *precision.entry(precision_name(lead)).or_default() += 1;
    }
    let mut territories = BTreeMap::new();
    for territory in stage.territories()? {
        let of_it = leads
            .iter()
            .filter(|lead| lead.territory == Some(territory.id));
        territories.insert(territory.name, of_it.count());
    }
    Ok(Imported {
        companies,
        leads: leads.len(),
        records: records.len(),
        unassigned: leads.iter().filter(|lead| lead.territory.is_none()).count(),
        deliveries: stage.portal.stats(),
        precision,
        territories,
        took,
    })
}

fn precision_name(lead: &Lead) -> &'static str {
    match (lead.geocode.position, lead.geocode.precision) {
        (None, _) => "not found",
        (_, Some(Precision::Postal)) => "postal code",
        (_, Some(Precision::Locality)) => "town",
        (_, Some(Precision::Region)) => "state",
        _ => "street or better",
    }
}
