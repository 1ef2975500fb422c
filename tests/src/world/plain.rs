//! Leads of a world: made of their number alone, and compared with the CRM's records word by word.

use fieldfare_model::{Lead, LeadId, TerritoryId};

/// Properties that CRM and lead hold word by word.
pub(super) const SHARED: [&str; 7] = [
    "name",
    "phone",
    "address",
    "city",
    "state",
    "zip",
    "hubspot_owner_id",
];

pub(super) fn shared_words(lead: Lead) -> (Option<String>, [Option<String>; 7]) {
    let Lead {
        name,
        phone,
        address,
        owner,
        crm_id,
        ..
    } = lead;
    let (city, region) = (address.city, address.region);
    (
        crm_id,
        [
            Some(name),
            phone,
            address.street,
            city,
            region,
            address.postal_code,
            owner,
        ],
    )
}

/// The id of the `n`th plain lead.
pub fn plain_id(n: u32) -> LeadId {
    let mut random = [0; 10];
    if let Some(tail) = random.last_chunk_mut() {
        *tail = n.to_be_bytes();
    }
    LeadId::v7(1_790_000_000_000, random)
}

/// A lead in Massachusetts made of its number alone.
pub fn plain_lead(n: u32, territory: TerritoryId) -> Lead {
    let at = fieldfare_model::LatLng::new(42.36 + f64::from(n) * 0.001, -71.06);
    let mut lead = Lead::new(plain_id(n), format!("Plain lead {n}"));
    lead.territory = Some(territory);
    lead.address.region = Some("MA".to_owned());
    lead.geocode.position = at.ok();
    lead.geocode.status = fieldfare_model::GeocodeStatus::Success;
    lead.notes = Some(format!("Ring twice at door {n}"));
    lead
}
