//! Companies made of real addresses and made-up names.

use serde::{Deserialize, Serialize};

use crate::config::Owner;
use crate::error::SandboxError;
use crate::rng::SplitMix;
use crate::schema::Properties;

/// 3,850 real US addresses, one JSON object a line; see `data/ORIGIN.md`.
pub const ADDRESSES: &str = include_str!("../data/random_address_us.jsonl");

/// Which lines of an address file become companies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoadOptions {
    /// Seed of names, phones, owners and tiers. A line gives the same company whatever is loaded
    /// beside it.
    pub seed: u64,
    /// Only addresses in these states, by postal code such as `CA`; empty: all.
    pub states: Vec<String>,
    /// At most this many companies.
    pub limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct Address {
    address1: String,
    address2: String,
    #[serde(default)]
    city: String,
    state: String,
    postal_code: String,
}

/// The properties of a company for each chosen line.
pub(crate) fn companies(
    jsonl: &str,
    options: &LoadOptions,
    owners: &[Owner],
) -> Result<Vec<Properties>, SandboxError> {
    let mut made = Vec::new();
    let lines = jsonl
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    for (index, line) in lines {
        if options.limit.is_some_and(|limit| made.len() >= limit) {
            break;
        }
        let address: Address =
            serde_json::from_str(line).map_err(|source| SandboxError::BadAddress {
                line: index + 1,
                source,
            })?;
        if options.states.is_empty() || options.states.contains(&address.state) {
            made.push(company(address, options.seed, index as u64, owners));
        }
    }
    Ok(made)
}

fn company(address: Address, seed: u64, line: u64, owners: &[Owner]) -> Properties {
    let mut rng = SplitMix::new(seed ^ (line + 1).wrapping_mul(0xD134_2543_DE82_EF95));
    let name = name(&mut rng);
    let domain = format!("{}-{line}.example", slug(&name));
    let owner = owner_for(&address.state, owners).map(|owner| owner.id.to_string());
    let fields = [
        ("phone", phone(&address.state, &mut rng)),
        ("website", format!("https://{domain}")),
        ("domain", domain),
        ("name", name),
        ("address", address.address1),
        ("address2", address.address2),
        ("city", address.city),
        ("state", address.state),
        ("zip", address.postal_code),
        ("country", "United States".to_owned()),
        ("lifecyclestage", one_of(&STAGES, &mut rng)),
        ("hs_lead_status", one_of(&STATUSES, &mut rng)),
        ("hs_ideal_customer_profile", one_of(&TIERS, &mut rng)),
        ("hubspot_owner_id", owner.unwrap_or_default()),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// `Harlow & Finch Roofing`
fn name(rng: &mut SplitMix) -> String {
    let first = one_of(&FAMILIES, rng);
    let trade = one_of(&TRADES, rng);
    match rng.below(4) {
        0 => format!("{first} & {} {trade}", one_of(&FAMILIES, rng)),
        1 => format!("{first} {trade} {}", one_of(&FORMS, rng)),
        2 => format!("{} {trade}", one_of(&PLACES, rng)),
        _ => format!("{first} {trade}"),
    }
}

/// A number kept free for fiction: 555-0100 to 555-0199 in the state's first area code.
fn phone(state: &str, rng: &mut SplitMix) -> String {
    let area = AREA_CODES
        .iter()
        .find(|(code, _)| *code == state)
        .map_or(800, |(_, area)| *area);
    format!("+1 {area} 555 01{:02}", rng.below(100))
}

/// All companies of a state belong to one person.
fn owner_for<'a>(state: &str, owners: &'a [Owner]) -> Option<&'a Owner> {
    let sum: usize = state.bytes().map(usize::from).sum();
    owners.get(sum.checked_rem(owners.len())?)
}

fn one_of(words: &[&str], rng: &mut SplitMix) -> String {
    rng.pick(words)
        .map(|word| (*word).to_owned())
        .unwrap_or_default()
}

fn slug(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

const FAMILIES: [&str; 40] = [
    "Abbott",
    "Barlow",
    "Calloway",
    "Delgado",
    "Ellery",
    "Finch",
    "Garrity",
    "Harlow",
    "Ibarra",
    "Jessup",
    "Kessler",
    "Lindgren",
    "Marlowe",
    "Nakamura",
    "Osborne",
    "Pruitt",
    "Quintero",
    "Radcliffe",
    "Sandoval",
    "Thackeray",
    "Underhill",
    "Vasquez",
    "Whitlock",
    "Yarrow",
    "Zielinski",
    "Ames",
    "Bianchi",
    "Chowdhury",
    "Dufresne",
    "Eastman",
    "Fonseca",
    "Granger",
    "Holloway",
    "Ingram",
    "Kowalski",
    "Lachance",
    "Mendes",
    "Norwood",
    "Pereira",
    "Rosenthal",
];
const PLACES: [&str; 16] = [
    "Riverside",
    "Summit",
    "Lakeview",
    "Cedar Hill",
    "Old Mill",
    "Northgate",
    "Prairie",
    "Blue Ridge",
    "Harbor",
    "Stonebridge",
    "Meadow",
    "Ironwood",
    "Fairview",
    "Canyon",
    "Maple Street",
    "Union Square",
];
const TRADES: [&str; 26] = [
    "Roofing",
    "Dental",
    "Hardware",
    "Bakery",
    "Veterinary Clinic",
    "Auto Repair",
    "Plumbing",
    "Landscaping",
    "Pharmacy",
    "Catering",
    "Electric",
    "Printing",
    "Fitness",
    "Optical",
    "Florists",
    "Heating & Air",
    "Machine Works",
    "Brewing",
    "Physiotherapy",
    "Interiors",
    "Insurance",
    "Accounting",
    "Logistics",
    "Coffee Roasters",
    "Cycles",
    "Garden Supply",
];
const FORMS: [&str; 6] = ["Co.", "LLC", "Inc.", "Group", "Partners", "& Sons"];
const STAGES: [&str; 6] = [
    "lead",
    "lead",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
];
const STATUSES: [&str; 6] = [
    "NEW",
    "NEW",
    "OPEN",
    "IN_PROGRESS",
    "ATTEMPTED_TO_CONTACT",
    "CONNECTED",
];
const TIERS: [&str; 6] = ["tier_1", "tier_2", "tier_2", "tier_3", "tier_3", "tier_3"];
const AREA_CODES: [(&str, u16); 51] = [
    ("AL", 205),
    ("AK", 907),
    ("AZ", 602),
    ("AR", 501),
    ("CA", 415),
    ("CO", 303),
    ("CT", 203),
    ("DC", 202),
    ("DE", 302),
    ("FL", 305),
    ("GA", 404),
    ("HI", 808),
    ("IA", 515),
    ("ID", 208),
    ("IL", 312),
    ("IN", 317),
    ("KS", 316),
    ("KY", 502),
    ("LA", 504),
    ("MA", 617),
    ("MD", 410),
    ("ME", 207),
    ("MI", 313),
    ("MN", 612),
    ("MO", 314),
    ("MS", 601),
    ("MT", 406),
    ("NC", 704),
    ("ND", 701),
    ("NE", 402),
    ("NH", 603),
    ("NJ", 201),
    ("NM", 505),
    ("NV", 702),
    ("NY", 212),
    ("OH", 216),
    ("OK", 405),
    ("OR", 503),
    ("PA", 215),
    ("RI", 401),
    ("SC", 803),
    ("SD", 605),
    ("TN", 615),
    ("TX", 512),
    ("UT", 801),
    ("VA", 703),
    ("VT", 802),
    ("WA", 206),
    ("WI", 414),
    ("WV", 304),
    ("WY", 307),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn load(options: &LoadOptions) -> Vec<Properties> {
        companies(ADDRESSES, options, &Owner::samples()).unwrap()
    }

    #[test]
    fn every_address_becomes_a_whole_company() {
        let made = load(&LoadOptions::default());
        assert_eq!(made.len(), 3_850);
        for company in &made {
            for field in [
                "name",
                "phone",
                "address",
                "state",
                "zip",
                "hubspot_owner_id",
                "hs_ideal_customer_profile",
            ] {
                assert!(!company[field].is_empty(), "{field} of {company:?}");
            }
            assert!(!company["phone"].starts_with("+1 800"), "{company:?}");
        }
        let mut domains: Vec<_> = made.iter().map(|company| &company["domain"]).collect();
        domains.sort();
        domains.dedup();
        assert_eq!(domains.len(), 3_850);
    }

    #[test]
    fn a_line_gives_the_same_company_whatever_is_loaded_beside_it() {
        let all = load(&LoadOptions::default());
        let vermont = load(&LoadOptions {
            states: vec!["VT".into()],
            ..LoadOptions::default()
        });
        assert_eq!(vermont.len(), 158);
        let picked: Vec<_> = all
            .iter()
            .filter(|company| company["state"] == "VT")
            .collect();
        assert_eq!(picked, vermont.iter().collect::<Vec<_>>());
        assert_ne!(
            load(&LoadOptions {
                seed: 1,
                ..LoadOptions::default()
            })[0],
            all[0]
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        let text = format!("{}\nnonsense", ADDRESSES.lines().next().unwrap());
        let error = companies(&text, &LoadOptions::default(), &[]).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
