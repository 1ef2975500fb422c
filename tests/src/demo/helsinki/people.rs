//! The rep in Helsinki and her leads. They do not come from the CRM: the embedded geocoder knows the
//! United States only.

use super::Today;
use crate::demo::DemoResult;
use crate::demo::stage::{HELSINKI, Stage};
use fieldfare_model::{
    Address, Geocode, GeocodeStatus, LatLng, Lead, LeadId, LeadStatus, Precision, TerritoryId,
    TimestampMs,
};

const DAY_MS: i64 = 24 * 3_600_000;

/// Who wants to be met at one time only.
pub const APPOINTMENT: &str = "Design Workshop";
/// Who wants to be met at the same time and counts for less.
const SAME_HOURS: &str = "Töölönlahti Kiosk";
/// When: visits take forty minutes, so they begin at eleven.
const APPOINTMENT_HOURS: &str = "Mo-Su 11:00-11:40";
/// Whose visit is not due, though on the way; it matters more than the other such lead.
pub const ON_THE_WAY: &str = "Aleksanterinkatu Watches";

/// Name, latitude, longitude, tier, score, days until the next visit is due.
const LEADS: [(&str, f64, f64, u8, u8, i64); 11] = [
    ("Kruununhaka Books", 60.1727, 24.9560, 2, 60, -3),
    ("Senate Square Café", 60.1702, 24.9520, 3, 40, -1),
    ("Market Hall Fish", 60.1674, 24.9525, 2, 55, -2),
    ("Esplanadi Optics", 60.1677, 24.9451, 1, 80, -9),
    ("Kamppi Bakery", 60.1672, 24.9385, 3, 35, -4),
    (APPOINTMENT, 60.1655, 24.9424, 1, 90, -1),
    ("Station Florist", 60.1715, 24.9415, 2, 50, -6),
    (SAME_HOURS, 60.1765, 24.9451, 4, 20, -1),
    ("Hakaniemi Tea", 60.1780, 24.9500, 3, 30, -2),
    (ON_THE_WAY, 60.1688, 24.9478, 1, 70, 12),
    ("Liisankatu Prints", 60.1745, 24.9540, 4, 5, 20),
];

/// Puts the leads on the server, as a CRM with positions would.
///
/// # Errors
/// [`crate::demo::DemoError`].
pub fn move_in(stage: &Stage, today: Today) -> DemoResult<()> {
    let territory = stage.territory(HELSINKI)?;
    for (lead, number) in LEADS.iter().zip(1u8..) {
        let (name, lat, lon, tier, score, due) = *lead;
        let at = LatLng::new(lat, lon).map_err(|_| super::story("places on Earth"))?;
        let mut lead = lead_at(number, name, at, territory);
        (lead.tier, lead.score) = (Some(tier), Some(score));
        lead.next_visit_due = Some(today.zero_at.plus(due * DAY_MS));
        lead.last_visit_at = Some(TimestampMs(0));
        if [APPOINTMENT, SAME_HOURS].contains(&name) {
            lead.contact_hours = APPOINTMENT_HOURS.parse().unwrap_or_default();
        }
        stage.put_lead(&lead)?;
    }
    Ok(())
}

fn lead_at(number: u8, name: &str, at: LatLng, territory: TerritoryId) -> Lead {
    let mut id = [0x48; 16];
    id[15] = number;
    let mut lead = Lead::new(LeadId::from_bytes(id), name);
    lead.status = LeadStatus::Open;
    lead.territory = Some(territory);
    lead.address = Address {
        city: Some("Helsinki".to_owned()),
        country: Some("FI".to_owned()),
        ..Address::default()
    };
    lead.geocode = Geocode {
        status: GeocodeStatus::Success,
        position: Some(at),
        precision: Some(Precision::Rooftop),
        ..Geocode::default()
    };
    lead
}
