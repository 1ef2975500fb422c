//! The rules against an oracle that knows nothing of them: it lists every text a clause accepts
//! as a set and asks whether the fact is in it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use fieldfare_model::TerritoryId;
use fieldfare_territory::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Debug, Clone)]
struct Facts {
    postal: Option<String>,
    region: Option<String>,
    county: Option<String>,
    city: Option<String>,
    tier: Option<u8>,
    owner: Option<String>,
}

impl Facts {
    fn view(&self) -> LeadFacts<'_> {
        LeadFacts {
            postal_code: self.postal.as_deref(),
            region: self.region.as_deref(),
            county: self.county.as_deref(),
            city: self.city.as_deref(),
            country: None,
            tier: self.tier,
            owner: self.owner.as_deref(),
        }
    }
}

fn pick(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(from).prop_map(str::to_owned)
}

const POSTAL: &[&str] = &[
    "02118",
    "02118-3520",
    "0211",
    "94105",
    "9410",
    "K1A 0B6",
    "",
];
const REGIONS: &[&str] = &["MA", "ma", " Ma ", "CA", "NY"];
const COUNTIES: &[&str] = &[
    "Suffolk",
    "suffolk county",
    "Orleans Parish",
    "ORLEANS",
    "County",
];
const CITIES: &[&str] = &["Boston", "BOSTON", "Ålesund", "ÅLESUND", "Lynn"];
const OWNERS: &[&str] = &["17", "18"];

fn any_facts() -> impl Strategy<Value = Facts> {
    (
        proptest::option::of(pick(POSTAL)),
        proptest::option::of(pick(REGIONS)),
        proptest::option::of(pick(COUNTIES)),
        proptest::option::of(pick(CITIES)),
        proptest::option::of(1u8..4),
        proptest::option::of(pick(OWNERS)),
    )
        .prop_map(|(postal, region, county, city, tier, owner)| Facts {
            postal,
            region,
            county,
            city,
            tier,
            owner,
        })
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let names = |from| proptest::collection::vec(pick(from), 0..3);
    let leaf = prop_oneof![
        names(&["02", "021 18", "9410", "k1a"]).prop_map(Rule::PostalPrefix),
        (pick(REGIONS), names(COUNTIES))
            .prop_map(|(region, names)| Rule::County(CountyRule { region, names })),
        names(REGIONS).prop_map(Rule::Region),
        names(CITIES).prop_map(Rule::City),
        proptest::collection::vec(1u8..4, 0..3).prop_map(Rule::Tier),
        names(OWNERS).prop_map(Rule::Owner),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Rule::All),
            proptest::collection::vec(inner, 0..3).prop_map(Rule::Any),
        ]
    })
}

fn any_set() -> impl Strategy<Value = Vec<TerritoryRule>> {
    proptest::collection::vec((any_rule(), -2i32..3), 0..6).prop_map(|rules| {
        let entry = |(n, (rule, precedence)): (usize, (Rule, i32))| TerritoryRule {
            id: TerritoryId::from_bytes([n as u8 * 37 % 11; 16]),
            name: format!("T{n}"),
            precedence,
            rule,
        };
        rules.into_iter().enumerate().map(entry).collect()
    })
}

fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

fn county(text: &str) -> String {
    let folded = fold(text);
    let words: Vec<&str> = folded.split_whitespace().collect();
    match words.as_slice() {
        [rest @ .., "county" | "parish" | "borough"] if !rest.is_empty() => rest.join(" "),
        all => all.join(" "),
    }
}

fn digits(text: &str) -> String {
    text.to_uppercase().replace([' ', '-'], "")
}

fn set_of(names: &[String], form: fn(&str) -> String) -> BTreeSet<String> {
    names.iter().map(|n| form(n)).collect()
}

fn has(set: &BTreeSet<String>, fact: &Option<String>, form: fn(&str) -> String) -> bool {
    match fact {
        Some(fact) => set.contains(&form(fact)),
        None => false,
    }
}

fn oracle(rule: &Rule, f: &Facts) -> bool {
    match rule {
        Rule::All(parts) => parts.iter().filter(|p| !oracle(p, f)).count() == 0,
        Rule::Any(parts) => parts.iter().filter(|p| oracle(p, f)).count() > 0,
        Rule::PostalPrefix(list) => match &f.postal {
            Some(code) => {
                (0..=digits(code).len()).any(|n| set_of(list, digits).contains(&digits(code)[..n]))
            }
            None => false,
        },
        Rule::County(c) => {
            has(
                &set_of(std::slice::from_ref(&c.region), fold),
                &f.region,
                fold,
            ) && has(&set_of(&c.names, county), &f.county, county)
        }
        Rule::Region(names) => has(&set_of(names, fold), &f.region, fold),
        Rule::City(names) => has(&set_of(names, fold), &f.city, fold),
        Rule::Country(_) => false,
        Rule::Tier(tiers) => f.tier.map(|t| tiers.contains(&t)).unwrap_or(false),
        Rule::Owner(owners) => has(&set_of(owners, fold), &f.owner, fold),
    }
}

proptest! {
    #[test]
    fn first_match_by_precedence_then_id(list in any_set(), f in any_facts()) {
        let Ok(set) = RuleSet::new(list.clone()) else { return Ok(()) };
        let mut holding: Vec<_> = list.iter().filter(|t| oracle(&t.rule, &f)).collect();
        holding.sort_by_key(|t| (t.precedence, t.id));
        prop_assert_eq!(set.assign(&f.view()), holding.first().map(|t| t.id));
    }

    #[test]
    fn order_of_listing_does_not_matter(list in any_set(), f in any_facts()) {
        let mut turned = list.clone();
        turned.reverse();
        let (a, b) = (RuleSet::new(list), RuleSet::new(turned));
        prop_assert_eq!(a.is_ok(), b.is_ok());
        if let (Ok(a), Ok(b)) = (a, b) {
            prop_assert_eq!(a.assign(&f.view()), b.assign(&f.view()));
        }
    }

    #[test]
    fn the_explanation_says_what_assign_does(list in any_set(), f in any_facts()) {
        let Ok(set) = RuleSet::new(list) else { return Ok(()) };
        let told = set.explain(&f.view());
        prop_assert_eq!(told.territory, set.assign(&f.view()));
        let winner = told.trail.iter().find(|v| v.holds).map(|v| v.id);
        prop_assert_eq!(winner, told.territory);
    }

    #[test]
    fn rules_survive_json(list in any_set()) {
        let Ok(set) = RuleSet::new(list) else { return Ok(()) };
        let json = serde_json::to_string(&set).unwrap();
        prop_assert_eq!(serde_json::from_str::<RuleSet>(&json).unwrap(), set);
    }
}

const TOML: &str = r#"
[[territories]]
id = "01900000-0000-7000-8000-000000000001"
name = "Boston, key accounts"
precedence = 1
rule = { all = [{ postal_prefix = ["021", "022"] }, { tier = [1] }] }

[[territories]]
id = "01900000-0000-7000-8000-000000000002"
name = "New England"
precedence = 2
[territories.rule]
any = [
  { region = ["MA", "NH", "VT"] },
  { county = { region = "NY", names = ["Albany"] } },
]
"#;

#[test]
fn toml_reads_and_explains() {
    let set: RuleSet = toml::from_str(TOML).unwrap();
    let facts = LeadFacts {
        postal_code: Some("02118"),
        tier: Some(2),
        ..Default::default()
    };
    let told = set.explain(&LeadFacts {
        region: Some("ma"),
        ..facts
    });
    assert_eq!(told.trail[0].because, "not: tier is one of [1]");
    assert_eq!(told.trail[1].because, "region is MA or NH or VT");
    assert_eq!(set.assign(&facts), None);
    let albany = LeadFacts {
        region: Some("NY"),
        county: Some("Albany County"),
        ..facts
    };
    assert_eq!(set.assign(&albany), Some(set.territories()[1].id));
}

#[test]
fn refuses_rules_that_cannot_be_meant() {
    let entry = |rule| TerritoryRule {
        id: TerritoryId::from_bytes([1; 16]),
        name: "T".into(),
        precedence: 0,
        rule,
    };
    let blank = entry(Rule::PostalPrefix(vec!["-".into()]));
    assert!(matches!(
        RuleSet::new(vec![blank]),
        Err(RuleError::Blank { .. })
    ));
    let fine = entry(Rule::Tier(vec![1]));
    assert!(matches!(
        RuleSet::new(vec![fine.clone(), fine]),
        Err(RuleError::Twice { .. })
    ));
    let deep = (0..MAX_RULE_DEPTH).fold(Rule::Tier(vec![]), |r, _| Rule::Any(vec![r]));
    assert!(matches!(
        RuleSet::new(vec![entry(deep)]),
        Err(RuleError::Depth { .. })
    ));
    assert!(toml::from_str::<RuleSet>("[[territories]]\nnmae = \"typo\"").is_err());
}
