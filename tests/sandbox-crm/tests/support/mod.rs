//! A sandbox with a receiver of webhooks that answers as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use fieldfare_sandbox::{
    DeliveryConfig, PortalConfig, PortalHandle, RateLimits, RunningSandbox, SandboxConfig,
    SandboxCrm, WebhookTarget,
};
use serde_json::Value;

/// Long enough for any machine; a test that reaches it has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const PUBLIC_URL: &str = "https://hooks.customer.example/hubspot";

/// One webhook request.
#[derive(Clone)]
pub struct Delivered {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Delivered {
    pub fn events(&self) -> Vec<Value> {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// Receives webhooks; `answer` decides by the number of the request, from 0.
pub struct Receiver {
    pub url: String,
    pub delivered: Arc<Mutex<Vec<Delivered>>>,
    pub most_at_once: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Behaviour {
    answer: fn(usize) -> u16,
    hold: Duration,
    delivered: Arc<Mutex<Vec<Delivered>>>,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Receiver {
    pub async fn start(answer: fn(usize) -> u16, hold: Duration) -> Self {
        let behaviour = Behaviour {
            answer,
            hold,
            delivered: Arc::default(),
            now: Arc::default(),
            most: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hubspot", listener.local_addr().unwrap());
        let (delivered, most_at_once) = (behaviour.delivered.clone(), behaviour.most.clone());
        let router = Router::new()
            .route("/hubspot", post(receive))
            .with_state(behaviour);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            delivered,
            most_at_once,
        }
    }

    pub async fn content() -> Self {
        Self::start(|_| 200, Duration::ZERO).await
    }

    pub fn batches(&self) -> Vec<Delivered> {
        self.delivered.lock().unwrap().clone()
    }

    pub fn events(&self) -> Vec<Value> {
        self.batches().iter().flat_map(Delivered::events).collect()
    }
}

async fn receive(State(it): State<Behaviour>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let at_once = it.now.fetch_add(1, Ordering::SeqCst) + 1;
    it.most.fetch_max(at_once, Ordering::SeqCst);
    let number = {
        let mut delivered = it.delivered.lock().unwrap();
        delivered.push(Delivered { headers, body });
        delivered.len() - 1
    };
    tokio::time::sleep(it.hold).await;
    it.now.fetch_sub(1, Ordering::SeqCst);
    StatusCode::from_u16((it.answer)(number)).unwrap()
}

/// A portal without request limits that tells the receiver, with quick retries.
pub fn portal_config(receiver: &Receiver) -> PortalConfig {
    PortalConfig {
        limits: RateLimits::off(),
        webhook: Some(WebhookTarget {
            url: receiver.url.clone(),
            public_url: PUBLIC_URL.to_owned(),
        }),
        delivery: DeliveryConfig {
            batch_window_ms: 5,
            backoff_ms: 1,
            max_backoff_ms: 5,
            ..DeliveryConfig::default()
        },
        ..PortalConfig::new(7, "pat-seven")
    }
}

pub async fn start(config: PortalConfig) -> (RunningSandbox, PortalHandle) {
    let id = config.portal_id;
    let sandbox = SandboxCrm::start(SandboxConfig::with_portals([config]))
        .await
        .unwrap();
    let portal = sandbox.portal(id).unwrap();
    (sandbox, portal)
}
