//! Geocoding: cache, order of providers, what overwrites what, and what the embedded centres are
//! worth on real addresses.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod crm_support;

use async_trait::async_trait;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use crm_support::*;
use fieldfare_geo::distance_m;
use fieldfare_model::schema::lead;
use fieldfare_model::{Address, Entity, GeocodeStatus, LatLng, Lead, LeadId, Precision};
use fieldfare_server::geocode::{
    EmbeddedProvider, Found, GeocodeProvider, Geocoder, NominatimConfig, NominatimProvider,
    NormalAddress, ProviderError, Resolution, cache, place, tasks,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn address(street: &str, zip: &str) -> NormalAddress {
    let part = |t: &str| Some(t.to_owned());
    NormalAddress::of(&Address {
        street: part(street),
        unit: None,
        city: part("Boston"),
        region: part("MA"),
        postal_code: part(zip),
        country: part("US"),
    })
}

#[derive(Clone)]
enum Answer {
    At(f64, f64, Precision),
    Nothing,
    Down,
}

struct Fake {
    name: &'static str,
    answer: Mutex<Answer>,
    asked: AtomicUsize,
}

impl Fake {
    fn new(name: &'static str, answer: Answer) -> Arc<Self> {
        Arc::new(Self {
            name,
            answer: Mutex::new(answer),
            asked: AtomicUsize::new(0),
        })
    }
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl GeocodeProvider for Fake {
    fn name(&self) -> &str {
        self.name
    }
    async fn geocode(&self, _: &NormalAddress) -> Result<Option<Found>, ProviderError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(30)).await;
        match self.answer.lock().unwrap().clone() {
            Answer::At(lat, lon, precision) => Ok(Some(found(lat, lon, precision))),
            Answer::Nothing => Ok(None),
            Answer::Down => Err(ProviderError::Unavailable {
                provider: self.name.into(),
                what: "down".into(),
                retry_after: Some(Duration::ZERO),
            }),
        }
    }
}

fn found(lat: f64, lon: f64, precision: Precision) -> Found {
    Found {
        position: LatLng::new(lat, lon).unwrap(),
        precision,
        uncertainty_m: 50,
        confidence: 1000,
        licence: "test".into(),
    }
}

fn kind(resolution: &Resolution) -> Option<(&str, Precision)> {
    match resolution {
        Resolution::Found {
            found, provider, ..
        } => Some((provider, found.precision)),
        _ => None,
    }
}

const HOUSE: Answer = Answer::At(42.34, -71.07, Precision::Rooftop);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_asked_for_once_however_many_want_it() {
    let bench = Bench::start(portal_config(), "").await;
    let fake = Fake::new("fake", HOUSE);
    let geocoder = Arc::new(Geocoder::new(vec![fake.clone()]));
    let now = bench.now();
    let askers: Vec<_> = (0..20)
        .map(|n| {
            let (geocoder, store) = (geocoder.clone(), bench.store.clone());
            let unit = format!("12 Main St Apt {n}");
            tokio::spawn(async move {
                geocoder
                    .resolve(&store, &address(&unit, "02118"), now)
                    .await
            })
        })
        .collect();
    for asker in askers {
        assert_eq!(
            kind(&asker.await.unwrap().unwrap()),
            Some(("fake", Precision::Rooftop))
        );
    }
    assert_eq!(fake.asked(), 1);
    geocoder
        .resolve(&bench.store, &address("13 Main St", "02118"), now)
        .await
        .unwrap();
    assert_eq!(fake.asked(), 2, "another house is another address");
}

#[tokio::test]
async fn an_unknown_address_is_left_alone_longer_each_time() {
    let bench = Bench::start(portal_config(), "").await;
    let fake = Fake::new("fake", Answer::Nothing);
    let geocoder = Geocoder::new(vec![fake.clone()]);
    let (place, mut now) = (address("1 Nowhere", "02118"), bench.now());
    let mut waits = Vec::new();
    for _ in 0..8 {
        geocoder.resolve(&bench.store, &place, now).await.unwrap();
        let key = place.key();
        let cached = bench
            .store
            .read(|c| cache::get(c, key, now))
            .unwrap()
            .unwrap();
        let expires = cached.expires_at.unwrap();
        waits.push(expires.since(now) / 86_400_000);
        let asked = fake.asked();
        geocoder
            .resolve(&bench.store, &place, expires.plus(-1))
            .await
            .unwrap();
        assert_eq!(fake.asked(), asked, "not asked again too early");
        now = expires;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 32, 32]);
    *fake.answer.lock().unwrap() = HOUSE;
    let found = geocoder.resolve(&bench.store, &place, now).await.unwrap();
    assert!(kind(&found).is_some());
}

#[tokio::test]
async fn providers_are_asked_in_order_and_a_house_ends_the_search() {
    let bench = Bench::start(portal_config(), "").await;
    let town = Fake::new("town", Answer::At(42.36, -71.06, Precision::Locality));
    let house = Fake::new("house", HOUSE);
    let last = Fake::new("last", HOUSE);
    let all: Vec<Arc<dyn GeocodeProvider>> = vec![town.clone(), house.clone(), last.clone()];
    let geocoder = Geocoder::new(all);
    let got = geocoder
        .resolve(&bench.store, &address("12 Main St", "02118"), bench.now())
        .await;
    assert_eq!(kind(&got.unwrap()), Some(("house", Precision::Rooftop)));
    assert_eq!((town.asked(), house.asked(), last.asked()), (1, 1, 0));
}

#[tokio::test]
async fn a_house_far_from_its_zip_code_is_refused() {
    let bench = Bench::start(portal_config(), "").await;
    let far = Fake::new("far", Answer::At(43.34, -71.07, Precision::Rooftop));
    let geocoder = Geocoder::new(vec![far, Arc::new(EmbeddedProvider)]);
    let got = geocoder
        .resolve(&bench.store, &address("12 Main St", "02118"), bench.now())
        .await;
    assert_eq!(kind(&got.unwrap()), Some(("embedded", Precision::Postal)));
}

#[tokio::test]
async fn a_makeshift_is_replaced_when_the_better_provider_is_back_and_never_the_other_way() {
    let bench = Bench::start(portal_config(), "").await;
    let fake = Fake::new("fake", Answer::Down);
    let geocoder = Geocoder::new(vec![fake.clone(), Arc::new(EmbeddedProvider)]);
    let tenant = bench.state.crm.tenants().next().unwrap().clone();
    let mut shop = Lead::new(LeadId::from_bytes([4; 16]), "Shop");
    shop.address.street = Some("12 Main St".into());
    shop.address.region = Some("MA".into());
    shop.address.postal_code = Some("02118".into());
    shop.address.country = Some("US".into());
    let now = bench.now();
    bench
        .store
        .write(|tx| {
            let (stored, mut columns) = (fieldfare_model::Columns::new(), shop.to_columns());
            columns.set(lead::GEOCODE_STATUS, fieldfare_model::Value::Null);
            place::settle(tx, &tenant, &geocoder, shop.id, &stored, &mut columns, now)?;
            fieldfare_server::feed::put(tx, Entity::LEAD, shop.id.row(), columns, now)
        })
        .unwrap();
    assert_eq!(bench.leads()[0].geocode.status, GeocodeStatus::Pending);
    assert!(bench.leads()[0].territory.is_some(), "divided at once");
    let precision = || bench.leads()[0].geocode.precision;
    let run = async |now| {
        let due = bench.store.read(|c| tasks::due(c, now, 10)).unwrap();
        for lead in &due {
            tasks::run(&bench.store, &tenant, &geocoder, *lead, now)
                .await
                .unwrap();
        }
        due.len()
    };
    assert_eq!(run(now).await, 1);
    assert_eq!(precision(), Some(Precision::Postal));
    assert_eq!(run(now.plus(60_000)).await, 0);
    *fake.answer.lock().unwrap() = HOUSE;
    assert_eq!(run(now.plus(3_600_001)).await, 1);
    assert_eq!(precision(), Some(Precision::Rooftop));
    let worse = Resolution::Found {
        found: found(42.3, -71.0, Precision::Postal),
        provider: "fake".into(),
        again_at: None,
    };
    let mut columns = bench.leads()[0].to_columns();
    let before = columns.clone();
    bench
        .store
        .write(|tx| place::apply(tx, shop.id, &worse, &mut columns))
        .unwrap();
    assert_eq!(
        columns, before,
        "a postal position does not overwrite a house"
    );
}

#[tokio::test]
async fn a_new_address_loses_the_old_position_and_another_spelling_does_not() {
    let bench = Bench::start(portal_config(), "").await;
    let fake = Fake::new("fake", HOUSE);
    let geocoder = Geocoder::new(vec![fake]);
    let tenant = bench.state.crm.tenants().next().unwrap().clone();
    let mut shop = Lead::new(LeadId::from_bytes([4; 16]), "Shop");
    shop.address.street = Some("12 Main Street".into());
    shop.address.region = Some("MA".into());
    shop.geocode.status = GeocodeStatus::Success;
    shop.geocode.position = Some(LatLng::new(42.0, -71.0).unwrap());
    shop.geocode.precision = Some(Precision::Rooftop);
    let settle = |street: &str| {
        let mut changed = shop.clone();
        changed.address.street = Some(street.into());
        let mut columns = changed.to_columns();
        let (stored, now) = (shop.to_columns(), bench.now());
        let settle = |tx: &rusqlite::Transaction<'_>| {
            place::settle(tx, &tenant, &geocoder, shop.id, &stored, &mut columns, now)
        };
        bench.store.write(settle).unwrap();
        Lead::from_columns(shop.id, &columns).unwrap().geocode
    };
    assert_eq!(settle("12 MAIN ST., Apt 9").position, shop.geocode.position);
    let moved = settle("14 Main Street");
    assert_eq!(
        (moved.status, moved.position, moved.precision),
        (GeocodeStatus::Pending, None, None)
    );
}

#[derive(serde::Deserialize)]
struct Real {
    address1: String,
    city: Option<String>,
    state: String,
    postal_code: String,
    coordinates: Coordinates,
}

#[derive(serde::Deserialize)]
struct Coordinates {
    lat: f64,
    lng: f64,
}

#[test]
fn nine_of_ten_real_addresses_lie_within_the_published_uncertainty() {
    let (mut within, mut all, mut by_town) = ([0u32; 2], [0u32; 2], 0);
    for line in fieldfare_sandbox::ADDRESSES.lines() {
        let real: Real = serde_json::from_str(line).unwrap();
        let truth = LatLng::new(real.coordinates.lat, real.coordinates.lng).unwrap();
        for (n, zip) in [Some(real.postal_code.clone()), None]
            .into_iter()
            .enumerate()
        {
            let found = EmbeddedProvider::find(&NormalAddress::of(&Address {
                street: Some(real.address1.clone()),
                unit: None,
                city: real.city.clone(),
                region: Some(real.state.clone()),
                postal_code: zip,
                country: Some("US".into()),
            }));
            let Some(found) = found else {
                assert_eq!(n, 1, "every ZIP code is known");
                continue;
            };
            by_town += usize::from(found.precision == Precision::Locality);
            all[n] += 1;
            let error = distance_m(truth, found.position);
            within[n] += u32::from(error <= f64::from(found.uncertainty_m));
        }
    }
    assert_eq!(all[0], 3_850);
    assert!(by_town > 3_000);
    assert!(
        within[0] * 10 >= all[0] * 9,
        "ZIP codes: {within:?} of {all:?}"
    );
    assert!(within[1] * 10 >= all[1] * 9, "towns: {within:?} of {all:?}");
}

type Seen = Arc<Mutex<Vec<(String, String)>>>;

async fn search(State(seen): State<Seen>, RawQuery(q): RawQuery, headers: HeaderMap) -> Response {
    let q = q.unwrap_or_default();
    let agent = headers["user-agent"].to_str().unwrap().to_owned();
    seen.lock().unwrap().push((q.clone(), agent));
    if q.contains("99+Busy") {
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")]).into_response();
    }
    if q.contains("98+Away") {
        return (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response();
    }
    r#"[{"lat":"42.34","lon":"-71.07","place_rank":30,"category":"building","type":"yes",
        "addresstype":"building","boundingbox":["42.33","42.35","-71.08","-71.06"],"address":
        {"house_number":"12","road":"Main Street","city":"Boston","ISO3166-2-lvl4":"US-MA",
        "postcode":"02118","country_code":"us"}}]"#
        .into_response()
}

#[tokio::test]
async fn nominatim_is_asked_without_units_by_name_and_believed_by_agreement() {
    let seen: Seen = Arc::default();
    let app = axum::Router::new()
        .route("/search", get(search))
        .with_state(seen.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let text = format!("url = \"{url}\"\nuser_agent = \"test (a@b.example)\"\nper_second = 50");
    let config: NominatimConfig = toml::from_str(&text).unwrap();
    let provider = NominatimProvider::new(&config).unwrap();
    let found = provider
        .geocode(&address("12 Main St Apt 4B", "02118"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.precision, found.confidence),
        (Precision::Rooftop, 1000)
    );
    let (query, agent) = seen.lock().unwrap()[0].clone();
    assert!(
        !query.to_lowercase().contains("apt") && query.contains("postalcode=02118"),
        "{query}"
    );
    assert_eq!(agent, "test (a@b.example)");
    let busy = provider.geocode(&address("99 Busy St", "02118")).await;
    let Err(ProviderError::Unavailable { retry_after, .. }) = busy else {
        panic!("{busy:?}")
    };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
    let away = provider.geocode(&address("98 Away St", "02118")).await;
    assert!(
        matches!(away, Err(ProviderError::Unavailable { .. })),
        "redirects are not followed"
    );
    let nameless = NominatimConfig {
        user_agent: " ".into(),
        ..config
    };
    assert!(NominatimProvider::new(&nameless).is_err());
}
