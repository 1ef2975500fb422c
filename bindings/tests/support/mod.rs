//! What an app would bring, in Rust.
#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part")]

use fieldfare::{
    CallbackError, EngineConfig, FieldfareEngine, HttpExchange, HttpRequest, HttpResponse,
    HttpTransport, KeyVault, LatLng, NewLead, TransportError, VaultError, WallClock,
};
use fieldfare_engine::{DataKey, KeyVault as EngineVault, MemoryKeyVault};
use fieldfare_model::TimestampMs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A vault in memory, through the types of the bindings.
#[derive(Default)]
pub struct Vault(pub MemoryKeyVault);

fn failed(_: fieldfare_engine::VaultError) -> VaultError {
    VaultError::Failed { platform_code: 7 }
}

impl KeyVault for Vault {
    fn generation(&self) -> Result<i32, VaultError> {
        Ok(self.0.generation().map_err(failed)? as i32)
    }

    fn wrap(&self, key: Vec<u8>) -> Result<Vec<u8>, VaultError> {
        let key = DataKey::from_slice(&key).ok_or(VaultError::Rejected)?;
        self.0.wrap(&key).map_err(failed)
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, VaultError> {
        Ok(self.0.unwrap(&wrapped).map_err(failed)?.as_bytes().to_vec())
    }

    fn destroy_key(&self) -> Result<(), VaultError> {
        self.0.destroy().map_err(failed)
    }
}

/// Enrols every device and is offline for everything else.
#[derive(Default)]
pub struct EnrolsOnly {
    pub is_silent: AtomicBool,
}

pub const ENROLLED: &str = r#"{
    "tenant": "0190a000-0000-7000-8000-000000000001",
    "device": "0190a000-0000-7000-8000-000000000002",
    "rep": {"id": "0190a000-0000-7000-8000-000000000003", "name": "Robin"},
    "refresh_token": "r", "access_token": "a", "expires_in": 900
}"#;

impl HttpTransport for EnrolsOnly {
    fn start(
        &self,
        request: HttpRequest,
        exchange: Arc<HttpExchange>,
    ) -> Result<(), TransportError> {
        if self.is_silent.load(Ordering::SeqCst) {
            std::mem::forget(exchange);
            return Ok(());
        }
        if request.url.ends_with("/v1/enrol") {
            exchange.respond(HttpResponse {
                status: 200,
                headers: Vec::new(),
                body: ENROLLED.as_bytes().to_vec(),
            });
        } else {
            exchange.fail(TransportError::Offline);
        }
        Ok(())
    }
}

/// Stands still.
pub struct StoppedClock(pub i64);

impl WallClock for StoppedClock {
    fn now(&self) -> Result<TimestampMs, CallbackError> {
        Ok(TimestampMs(self.0))
    }
}

pub fn config(dir: &TempDir) -> EngineConfig {
    EngineConfig {
        dir: dir.path().join("phone").to_string_lossy().into_owned(),
        server_url: "https://sync.example".to_owned(),
        allow_insecure_loopback: false,
        full_text: true,
        fence_limit: 100,
        proximity: None,
        motion_wake: None,
    }
}

pub fn open_with(dir: &TempDir, transport: Arc<dyn HttpTransport>) -> Arc<FieldfareEngine> {
    let vault = Arc::new(Vault::default());
    FieldfareEngine::open(config(dir), vault, Some(transport), None).unwrap()
}

pub async fn enrolled(dir: &TempDir) -> Arc<FieldfareEngine> {
    let engine = open_with(dir, Arc::new(EnrolsOnly::default()));
    engine.enrol("CODE".into(), "Phone".into()).await.unwrap();
    engine
}

pub fn lead_at(name: &str, lat: f64, lon: f64) -> NewLead {
    NewLead {
        name: name.to_owned(),
        position: Some(LatLng { lat, lon }),
        ..NewLead::default()
    }
}
