//! A routing engine on loopback that answers as a test says, and a tenant's file.
#![allow(dead_code)]

use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use fieldfare_model::{LatLng, TenantId, TimestampMs};
use fieldfare_server::routing::{EngineConfig, EngineKind, Routing, RoutingConfig};
use fieldfare_server::store::{MasterKey, Tenant, Tenants};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub const NOW: TimestampMs = TimestampMs(1_790_000_000_000);

pub type Answer = dyn Fn(&str, &str) -> (u16, Vec<u8>) + Send + Sync;

/// A fake engine. The answer is made from path with query, and body.
pub struct Fake {
    pub url: String,
    pub asked: Arc<Mutex<Vec<String>>>,
    pub most_at_once: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Fake {
    pub async fn start(
        answer: impl Fn(&str, &str) -> (u16, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        Self::slow(Duration::ZERO, answer).await
    }

    pub async fn slow(
        pause: Duration,
        answer: impl Fn(&str, &str) -> (u16, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        let answer: Arc<Answer> = Arc::new(answer);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let most_at_once = Arc::new(AtomicUsize::new(0));
        let under_way = Arc::new(AtomicUsize::new(0));
        let (log, most) = (asked.clone(), most_at_once.clone());
        let app = axum::Router::new().fallback(move |uri: Uri, body: Bytes| {
            let (answer, log) = (answer.clone(), log.clone());
            let (most, under_way) = (most.clone(), under_way.clone());
            async move {
                let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                tokio::time::sleep(pause).await;
                let body = String::from_utf8_lossy(&body).into_owned();
                log.lock().unwrap().push(format!("{uri} {body}"));
                let (status, bytes) = answer(&uri.to_string(), &body);
                under_way.fetch_sub(1, Ordering::SeqCst);
                (StatusCode::from_u16(status).unwrap(), bytes)
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.unwrap();
        });
        Self {
            url,
            asked,
            most_at_once,
            task,
        }
    }

    pub fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub fn config(&self, kind: EngineKind) -> EngineConfig {
        EngineConfig::new(kind, &self.url)
    }

    pub fn routing(&self, kind: EngineKind) -> Routing {
        routing(vec![self.config(kind)])
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn routing(engines: Vec<EngineConfig>) -> Routing {
    Routing::new(&RoutingConfig {
        engines,
        ..RoutingConfig::default()
    })
    .unwrap()
}

pub fn at(lat: f64, lon: f64) -> LatLng {
    LatLng::new(lat, lon).unwrap()
}

/// Places on a grid, a thousandth of a degree apart.
pub fn grid(count: usize) -> Vec<LatLng> {
    let place = |n: usize| at(60.0 + (n / 20) as f64 / 1e3, 24.0 + (n % 20) as f64 / 1e3);
    (0..count).map(place).collect()
}

/// What the table engine below says, worked out from the coordinates: not the same there and back.
pub fn seconds_between(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (north, east) = ((to.0 - from.0) * 1e4, (to.1 - from.1) * 1e4);
    (if north > 0.0 { 2.0 * north } else { -north } + east.abs()).round()
}

/// Coordinates, sources and destinations of an OSRM table request.
pub fn read_table(uri: &str) -> (Vec<(f64, f64)>, Vec<usize>, Vec<usize>) {
    let (path, query) = uri.split_once('?').unwrap();
    let list = path.rsplit('/').next().unwrap();
    let place = |text: &str| {
        let (lon, lat) = text.split_once(',').unwrap();
        (lat.parse().unwrap(), lon.parse().unwrap())
    };
    let places: Vec<(f64, f64)> = list.split(';').map(place).collect();
    let side = |name: &str| {
        let given = query.split('&').find_map(|p| p.strip_prefix(name));
        match given {
            Some(list) => list.split(';').map(|n| n.parse().unwrap()).collect(),
            None => (0..places.len()).collect(),
        }
    };
    let (sources, targets) = (side("sources="), side("destinations="));
    (places, sources, targets)
}

/// An OSRM that computes [`seconds_between`] and ten metres a second.
pub fn table_answer(uri: &str) -> (u16, Vec<u8>) {
    let (places, sources, targets) = read_table(uri);
    let rows = |each: f64| -> Vec<Vec<f64>> {
        let row = |from: &usize| {
            let cell = |to: &usize| each * seconds_between(places[*from], places[*to]);
            targets.iter().map(cell).collect()
        };
        sources.iter().map(row).collect()
    };
    let body = serde_json::json!({"code": "Ok", "durations": rows(1.0), "distances": rows(10.0)});
    (200, body.to_string().into_bytes())
}

/// An OSRM route straight from place to place, ten metres a second.
pub fn route_answer(uri: &str) -> (u16, Vec<u8>) {
    let path = uri.split('?').next().unwrap();
    let place = |text: &str| -> (f64, f64) {
        let (lon, lat) = text.split_once(',').unwrap();
        (lon.parse().unwrap(), lat.parse().unwrap())
    };
    let places: Vec<(f64, f64)> = path
        .rsplit('/')
        .next()
        .unwrap()
        .split(';')
        .map(place)
        .collect();
    let step = |kind: &str, from: (f64, f64), to: (f64, f64)| {
        let metres = fieldfare_geo::distance_m(at(from.1, from.0), at(to.1, to.0));
        serde_json::json!({
            "distance": metres, "duration": metres / 10.0, "name": "Straight Street",
            "geometry": {"type": "LineString", "coordinates": [from, to]},
            "maneuver": {"type": kind, "location": from},
        })
    };
    let leg = |pair: &[(f64, f64)]| {
        let (from, to) = (pair[0], pair[1]);
        serde_json::json!({"steps": [step("depart", from, to), step("arrive", to, to)]})
    };
    let legs: Vec<_> = places.windows(2).map(leg).collect();
    let body = serde_json::json!({"code": "Ok", "routes": [{"legs": legs}]});
    (200, body.to_string().into_bytes())
}

/// Tables and routes.
pub fn osrm_answer(uri: &str) -> (u16, Vec<u8>) {
    if uri.starts_with("/table/") {
        table_answer(uri)
    } else {
        route_answer(uri)
    }
}

pub fn tenant(dir: &std::path::Path, n: u8) -> Arc<Tenant> {
    let key = MasterKey::new([0xab; 32]);
    Tenants::new(dir, key)
        .unwrap()
        .open(TenantId::from_bytes([n; 16]), NOW)
        .unwrap()
}
