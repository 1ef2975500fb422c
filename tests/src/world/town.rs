//! A town full of leads, for the demos: made-up shops at real street corners of Burlington, Vermont.

use super::plain::plain_id;
use crate::leads::Random;
use fieldfare_model::{
    GeocodeStatus, LatLng, Lead, LeadId, LeadKind, LeadStatus, Precision, TerritoryId, TimestampMs,
};

/// Where the numbers of a town's leads begin.
const FIRST: u32 = 1_000_000;

/// Streets from west to east: name, latitude, and from which longitude to which.
const ACROSS: [(&str, f64, f64, f64); 9] = [
    ("Pearl Street", 44.4806, -73.2190, -73.2040),
    ("Cherry Street", 44.4791, -73.2190, -73.2110),
    ("Bank Street", 44.4779, -73.2185, -73.2105),
    ("College Street", 44.4767, -73.2190, -73.2030),
    ("Main Street", 44.4755, -73.2190, -73.2020),
    ("King Street", 44.4737, -73.2190, -73.2110),
    ("Maple Street", 44.4720, -73.2185, -73.2030),
    ("North Street", 44.4853, -73.2190, -73.2050),
    ("Flynn Avenue", 44.4560, -73.2180, -73.2120),
];

/// Streets from south to north: name, longitude, and from which latitude to which.
const ALONG: [(&str, f64, f64, f64); 7] = [
    ("Battery Street", -73.2193, 44.4725, 44.4830),
    ("Pine Street", -73.2150, 44.4560, 44.4790),
    ("St. Paul Street", -73.2138, 44.4680, 44.4790),
    ("Church Street", -73.2126, 44.4720, 44.4806),
    ("South Winooski Avenue", -73.2107, 44.4700, 44.4806),
    ("South Union Street", -73.2085, 44.4690, 44.4800),
    ("North Winooski Avenue", -73.2113, 44.4810, 44.4880),
];

const OWNERS: [&str; 20] = [
    "Aldrich",
    "Bergeron",
    "Chase",
    "Dubois",
    "Ellsworth",
    "Fitch",
    "Gagnon",
    "Hollis",
    "Ives",
    "Jarvis",
    "Kimball",
    "Lavoie",
    "Merrill",
    "Nye",
    "Ouellette",
    "Pratt",
    "Quimby",
    "Rowell",
    "Sykes",
    "Tuttle",
];

const TRADES: [&str; 16] = [
    "Bakery",
    "Books",
    "Bicycles",
    "Hardware",
    "Florist",
    "Pharmacy",
    "Coffee",
    "Optics",
    "Outfitters",
    "Records",
    "Pottery",
    "Cheese",
    "Framing",
    "Shoes",
    "Garden Supply",
    "Printing",
];

/// Whether a lead is one of a town, which no CRM knows.
pub fn is_of_town(id: LeadId) -> bool {
    (plain_id(FIRST)..plain_id(2 * FIRST)).contains(&id)
}

/// This many leads of a town, the same for the same `now`: some visited, some due, some never seen.
pub fn town_leads(count: u32, territory: TerritoryId, now: TimestampMs) -> Vec<Lead> {
    let mut random = Random::new(44_476);
    (0..count)
        .map(|n| town_lead(n, territory, now, &mut random))
        .collect()
}

fn town_lead(n: u32, territory: TerritoryId, now: TimestampMs, random: &mut Random) -> Lead {
    let owner = pick(&OWNERS, u64::from(n) * 7);
    let trade = pick(&TRADES, u64::from(n) * 5 + u64::from(n) / 16);
    let mut lead = Lead::new(plain_id(FIRST + n), format!("{owner} {trade}"));
    let (street, position) = corner(random);
    lead.kind = LeadKind::Company;
    lead.territory = Some(territory);
    lead.address.street = Some(street);
    lead.address.city = Some("Burlington".to_owned());
    lead.address.region = Some("VT".to_owned());
    lead.address.postal_code = Some("05401".to_owned());
    lead.phone = Some(format!("+1 802 555 {:04}", 100 + n));
    lead.email = Some(format!("hello@{}.example", owner.to_lowercase()));
    lead.status = status(random);
    lead.tier = u8::try_from(1 + random.below(3)).ok();
    lead.score = u8::try_from(20 + random.below(80)).ok();
    lead.geocode.position = LatLng::new(position.0, position.1).ok();
    lead.geocode.status = GeocodeStatus::Success;
    lead.geocode.precision = Some(Precision::Rooftop);
    lead.geocode.uncertainty_m = Some(15);
    lead.time_zone = Some("America/New_York".to_owned());
    visits(&mut lead, now, random);
    lead
}

fn corner(random: &mut Random) -> (String, (f64, f64)) {
    let house = 10 + random.below(280);
    let far = random.unit();
    let streets = (ACROSS.len() + ALONG.len()) as u64;
    let street = random.below(streets) as usize;
    let (name, at) = match ACROSS.get(street) {
        Some((name, lat, west, east)) => (*name, (*lat, west + (east - west) * far)),
        None => {
            let (name, lon, south, north) = pick(&ALONG, (street - ACROSS.len()) as u64);
            (name, (south + (north - south) * far, lon))
        }
    };
    // A house stands some metres off the middle of its street.
    let off = 0.000_12 * (2.0 * random.unit() - 1.0);
    (format!("{house} {name}"), (at.0 + off, at.1 + off))
}

fn status(random: &mut Random) -> LeadStatus {
    match random.below(10) {
        0..3 => LeadStatus::New,
        3..5 => LeadStatus::Open,
        5..7 => LeadStatus::Contacted,
        7 => LeadStatus::Qualified,
        _ => LeadStatus::Customer,
    }
}

fn visits(lead: &mut Lead, now: TimestampMs, random: &mut Random) {
    const DAY_MS: i64 = 86_400_000;
    let days = i64::try_from(random.below(60)).unwrap_or_default();
    if lead.status != LeadStatus::New {
        lead.last_visit_at = Some(now.plus(-(days + 5) * DAY_MS));
        lead.next_visit_due = Some(now.plus((30 - days) * DAY_MS));
    }
}

fn pick<T: Copy + Default>(words: &[T], at: u64) -> T {
    let at = (at % words.len() as u64) as usize;
    words.get(at).copied().unwrap_or_default()
}
