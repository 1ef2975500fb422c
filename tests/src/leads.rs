//! Made-up leads, the same for the same seed.

use fieldfare_model::{
    Address, Geocode, GeocodeStatus, LatLng, Lead, LeadId, LeadKind, LeadStatus, Precision,
    TerritoryId, TimestampMs,
};

/// SplitMix64 (Steele, Lea, Flood 2014): small, seedable, good enough for test data.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts a sequence.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is at least 1.
    pub const fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A number from 0 up to 1.
    pub const fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let at = self.below(words.len() as u64) as usize;
        words.get(at).copied().unwrap_or_default()
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }
}

const FIRST: [&str; 16] = [
    "Brandt", "Harbour", "Northern", "Oakley", "Summit", "Prairie", "Stone", "Willow", "Union",
    "Crescent", "Liberty", "Maple", "Granite", "Delta", "Pioneer", "Cedar",
];
const SECOND: [&str; 16] = [
    "Bakery",
    "Dental",
    "Hardware",
    "Foods",
    "Motors",
    "Pharmacy",
    "Roofing",
    "Supplies",
    "Clinic",
    "Electric",
    "Textiles",
    "Printing",
    "Logistics",
    "Farms",
    "Glass",
    "Fitness",
];
const STREETS: [&str; 12] = [
    "Main Street",
    "Oak Avenue",
    "Elm Street",
    "Park Road",
    "Washington Avenue",
    "Lake Drive",
    "Hill Street",
    "Church Street",
    "Mill Lane",
    "River Road",
    "Second Street",
    "Union Square",
];
const CITIES: [&str; 10] = [
    "Springfield",
    "Franklin",
    "Clinton",
    "Greenville",
    "Bristol",
    "Fairview",
    "Salem",
    "Madison",
    "Georgetown",
    "Arlington",
];

/// How many leads a server takes in from a CRM in a millisecond, each getting its id then.
const IMPORTED_PER_MS: u64 = 4;

/// The `n`th lead, spread over about 300 by 300 kilometres around `centre`.
fn lead(random: &mut Random, n: u64, centre: LatLng, territory: TerritoryId) -> Lead {
    let made_ms = 1_790_000_000_000 + n / IMPORTED_PER_MS;
    let id = LeadId::v7(made_ms, random.bytes());
    let name = format!(
        "{} {} {}",
        random.pick(&FIRST),
        random.pick(&SECOND),
        random.below(10_000)
    );
    let mut lead = Lead::new(id, name);
    lead.kind = LeadKind::Company;
    lead.crm_source = Some("hubspot".to_owned());
    lead.crm_id = Some(crm_id(n));
    lead.address = address(random);
    lead.phone = Some(format!("+1{}", 2_000_000_000 + random.below(7_999_999_999)));
    let codes = LeadStatus::ALL.len() as u64 - 1;
    lead.status = LeadStatus::from_code(random.below(codes) as i64).unwrap_or(LeadStatus::New);
    lead.tier = Some(1 + random.below(3) as u8);
    lead.score = Some(random.below(101) as u8);
    lead.owner = Some((70_000_000 + random.below(40)).to_string());
    lead.territory = Some(territory);
    lead.time_zone = Some("America/New_York".to_owned());
    lead.source_updated_at = Some(TimestampMs(
        1_789_000_000_000 + random.below(1 << 30) as i64,
    ));
    lead.geocode = geocode(random, centre);
    lead
}

/// Eleven digits that look random and never repeat: the multiplier has no factor in common with ten.
fn crm_id(n: u64) -> String {
    const MANY: u64 = 10_000_000_000;
    (MANY + n.wrapping_mul(6_180_339_887) % MANY).to_string()
}

fn address(random: &mut Random) -> Address {
    Address {
        street: Some(format!(
            "{} {}",
            1 + random.below(4_000),
            random.pick(&STREETS)
        )),
        unit: None,
        city: Some(random.pick(&CITIES).to_owned()),
        region: Some("MA".to_owned()),
        postal_code: Some(format!("0{}", 1_000 + random.below(1_800))),
        country: Some("US".to_owned()),
    }
}

fn geocode(random: &mut Random, centre: LatLng) -> Geocode {
    let lat = centre.lat() + (random.unit() - 0.5) * 2.7;
    let lon = centre.lon() + (random.unit() - 0.5) * 3.6;
    // Six decimals, as providers give them.
    let e6 = |degrees: f64| (degrees * 1e6).round() as i64 * 10;
    Geocode {
        status: GeocodeStatus::Success,
        position: LatLng::from_e7(e6(lat), e6(lon)).ok(),
        precision: Some(Precision::Rooftop),
        uncertainty_m: Some(20),
        confidence: Some(900 + random.below(100) as u16),
        provider: Some("nominatim".to_owned()),
        licence: Some("ODbL-1.0".to_owned()),
    }
}

/// The lead with the cells alone that the peers' benches have: id, name, street, postal code, city, position,
/// phone, status, territory, owner, score and time of change. About 300 bytes as JSON.
pub fn lean(full: &Lead) -> Lead {
    let mut lead = Lead::new(full.id, full.name.clone());
    lead.address = Address {
        unit: None,
        region: None,
        country: None,
        ..full.address.clone()
    };
    lead.phone = full.phone.clone();
    lead.status = full.status;
    lead.score = full.score;
    lead.owner = full.owner.clone();
    lead.territory = full.territory;
    lead.source_updated_at = full.source_updated_at;
    lead.geocode.position = full.geocode.position;
    lead
}

/// `n` leads of one territory around Boston, as they come out of intake and geocoding: about 570 bytes as JSON.
pub fn leads(seed: u64, n: usize, territory: TerritoryId) -> Vec<Lead> {
    let mut random = Random::new(seed);
    let Ok(centre) = LatLng::new(42.36, -71.06) else {
        return Vec::new();
    };
    (0..n as u64)
        .map(|n| lead(&mut random, n, centre, territory))
        .collect()
}
