//! What becomes of leads when the configuration divides them anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_model::schema::lead;
use fieldfare_model::{Columns, Entity, RowId, TerritoryId};
use fieldfare_server::config::Config;
use fieldfare_server::hooks::Hooks;
use fieldfare_server::store::TenantHead;
use fieldfare_server::{AppState, SharedState, feed, system_clock};
use std::collections::BTreeMap;

/// State, ZIP code and county of a few thousand made-up leads.
const PLACES: [(&str, &str, &str); 6] = [
    ("MA", "02118", "Suffolk"),
    ("MA", "02139", "Middlesex"),
    ("VT", "05401", "Chittenden"),
    ("VT", "05602", "Washington"),
    ("CA", "94110", "San Francisco"),
    ("NM", "87501", "Santa Fe"),
];
const LEADS: u16 = 1_300;

fn open(dir: &std::path::Path, territories: &str) -> SharedState {
    let text = format!(
        r#"
        [server]
        data_dir = {:?}
        [key]
        hex = "{}"
        [[tenants]]
        name = "Acme"
        reps = [{{ name = "Ada", email = "ada@acme.example" }}]
        territories = [{territories}]
        "#,
        dir.join("data"),
        "ab".repeat(32),
    );
    let config = Config::parse(&text, &|_| None).unwrap();
    AppState::open(config, Hooks::default(), system_clock()).unwrap()
}

fn id(n: u16) -> RowId {
    let mut bytes = [7; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    RowId::from_bytes(bytes)
}

fn place(n: u16) -> (&'static str, &'static str, &'static str) {
    PLACES[usize::from(n) % PLACES.len()]
}

fn fill(state: &SharedState, by_hand: Option<TerritoryId>) {
    let tenant = state.tenants.all().remove(0);
    tenant
        .write(|tx| {
            for n in 0..LEADS {
                let mut columns = Columns::new();
                let (region, zip, _) = place(n);
                columns.set(lead::NAME, format!("Lead {n}"));
                columns.set(lead::REGION, region);
                columns.set(lead::POSTAL_CODE, zip);
                columns.set(lead::COUNTRY, "US");
                columns.set(lead::TERRITORY, by_hand.map(|t| t.as_bytes().to_vec()));
                feed::put(tx, Entity::LEAD, id(n), columns, state.now())?;
            }
            Ok(())
        })
        .unwrap();
}

/// The name of each lead's territory; the id for one that is not there.
fn divided(state: &SharedState) -> BTreeMap<RowId, Option<String>> {
    let tenant = state.tenants.all().remove(0);
    let (leads, territories) = tenant
        .read(|c| {
            Ok((
                feed::rows_of(c, Entity::LEAD)?,
                feed::rows_of(c, Entity::TERRITORY)?,
            ))
        })
        .unwrap();
    let name = |id: &[u8]| {
        let found = territories.iter().find(|t| t.id.as_bytes() == id);
        let name = found.and_then(|t| {
            t.columns
                .get(fieldfare_model::schema::territory::NAME)
                .as_text()
        });
        name.map_or_else(|| format!("{id:?}"), str::to_owned)
    };
    leads
        .iter()
        .map(|row| {
            (
                row.id,
                row.columns.get(lead::TERRITORY).as_bytes().map(name),
            )
        })
        .collect()
}

fn wanted(of: impl Fn(&str, &str) -> Option<&'static str>) -> BTreeMap<RowId, Option<String>> {
    let territory = |n| {
        let (region, _, county) = place(n);
        of(region, county).map(str::to_owned)
    };
    (0..LEADS).map(|n| (id(n), territory(n))).collect()
}

#[test]
fn changed_rules_move_every_lead_when_the_server_starts() {
    let dir = tempfile::tempdir().unwrap();
    let first = r#"{ name = "East", precedence = 1, rule = { region = ["MA", "VT"] } },
        { name = "West", precedence = 2, rule = { region = ["CA"] } }"#;
    let state = open(dir.path(), first);
    fill(&state, None);
    drop(state);
    let is_east = |region: &str| region == "MA" || region == "VT";
    let state = open(dir.path(), first);
    let by_region = |region: &str, _: &str| match region {
        region if is_east(region) => Some("East"),
        "CA" => Some("West"),
        _ => None,
    };
    assert_eq!(divided(&state), wanted(by_region));
    let head = |state: &SharedState| state.tenants.all()[0].read(TenantHead::read).unwrap().head;
    let before = head(&state);
    drop(state);
    let state = open(dir.path(), first);
    assert_eq!(head(&state), before, "nothing to do");
    drop(state);

    let state = open(
        dir.path(),
        r#"{ name = "Boston", precedence = 1, rule = { county = { region = "MA", names = ["Suffolk County", "Essex"] } } },
           { name = "Inland", precedence = 2, rule = { any = [
                { county = { region = "VT", names = ["Washington"] } }, { postal_prefix = ["875"] }] } },
           { name = "Rest", precedence = 9, rule = { all = [] } }"#,
    );
    let by_county = |region: &str, county: &str| match (region, county) {
        ("MA", "Suffolk") => Some("Boston"),
        ("VT", "Washington") | ("NM", _) => Some("Inland"),
        _ => Some("Rest"),
    };
    assert_eq!(divided(&state), wanted(by_county));
}

#[test]
fn a_lead_put_by_hand_stays_while_its_territory_is_there_and_no_rule_wants_it() {
    let dir = tempfile::tempdir().unwrap();
    let by_hand = r#"{ name = "By hand" }"#;
    let state = open(dir.path(), by_hand);
    let config = &state.config.tenants[0];
    fill(&state, Some(config.territories[0].id(config.id())));
    drop(state);
    let with_rule = r#"{ name = "By hand" }, { name = "West", rule = { region = ["CA"] } }"#;
    let state = open(dir.path(), with_rule);
    let kept = |region: &str, _: &str| Some(if region == "CA" { "West" } else { "By hand" });
    assert_eq!(divided(&state), wanted(kept));
    drop(state);
    let state = open(
        dir.path(),
        r#"{ name = "West", rule = { region = ["CA"] } }"#,
    );
    let gone = |region: &str, _: &str| (region == "CA").then_some("West");
    assert_eq!(divided(&state), wanted(gone));
}
