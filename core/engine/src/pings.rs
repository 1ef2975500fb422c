//! Sending positions that were allowed to leave the phone.

use crate::session::AccessToken;
use crate::syncing::{Run, check};
use crate::{Engine, EngineError, EngineResult};
use fieldfare_model::{PingId, Purpose, SCHEMA, TimestampMs};
use fieldfare_store::Ping;
use fieldfare_sync::{PROTOCOL, decode_message, encode_message};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const MAX_PINGS: usize = 500;

#[derive(Serialize)]
struct PingBatch {
    #[serde(rename = "p")]
    protocol: u16,
    #[serde(rename = "s")]
    schema: u16,
    #[serde(rename = "g")]
    pings: Vec<WirePing>,
}

#[derive(Serialize)]
struct WirePing {
    #[serde(rename = "i")]
    id: PingId,
    #[serde(rename = "t")]
    at: TimestampMs,
    #[serde(rename = "y")]
    lat_e7: i64,
    #[serde(rename = "x")]
    lon_e7: i64,
    #[serde(rename = "a")]
    accuracy_m: Option<u32>,
}

#[derive(Deserialize)]
struct PingReply {
    #[serde(rename = "r")]
    results: Vec<PingResult>,
}

#[derive(Deserialize)]
struct PingResult {
    #[serde(rename = "i")]
    id: PingId,
}

impl Run {
    /// Sends every ping that may be sent. Answers how many the server took note of.
    pub(crate) async fn send_pings(&self) -> EngineResult<u64> {
        let mut sent = 0;
        let mut token = None;
        loop {
            let engine = Arc::clone(&self.engine);
            let batch = self.blocking(move || engine.next_pings()).await?;
            if batch.is_empty() {
                return Ok(sent);
            }
            let answered = self.send_batch(&batch, &mut token).await?;
            sent += answered.len() as u64;
            let engine = Arc::clone(&self.engine);
            self.blocking(move || Ok(engine.store.drop_pings(&answered)?))
                .await?;
        }
    }

    async fn send_batch(
        &self,
        batch: &[Ping],
        token: &mut Option<AccessToken>,
    ) -> EngineResult<Vec<PingId>> {
        let body = encode_message(&PingBatch {
            protocol: PROTOCOL,
            schema: SCHEMA,
            pings: batch.iter().map(wire).collect(),
        })
        .map_err(|error| EngineError::server(error.to_string()))?;
        let mut bearer = match token.take() {
            Some(bearer) => bearer,
            None => self.token(None).await?,
        };
        let mut response = self.post("/v1/pings", body.clone(), &bearer).await?;
        if response.status == 401 {
            bearer = self.token(Some(&bearer)).await?;
            response = self.post("/v1/pings", body, &bearer).await?;
        }
        *token = Some(bearer);
        check(&response)?;
        answered(batch, &response.body)
    }
}

/// Every ping must be answered: what is not would be sent again for ever.
fn answered(batch: &[Ping], body: &[u8]) -> EngineResult<Vec<PingId>> {
    let reply: PingReply = decode_message(body)
        .map_err(|_| EngineError::server("its reply about positions has another form"))?;
    let ids: Vec<PingId> = reply.results.into_iter().map(|result| result.id).collect();
    if batch.iter().all(|ping| ids.contains(&ping.id)) {
        Ok(batch.iter().map(|ping| ping.id).collect())
    } else {
        Err(EngineError::server("it did not answer every position"))
    }
}

fn wire(ping: &Ping) -> WirePing {
    let accuracy_m = ping.fix.accuracy_m;
    WirePing {
        id: ping.id,
        at: ping.fix.at,
        lat_e7: ping.fix.position.lat_e7(),
        lon_e7: ping.fix.position.lon_e7(),
        accuracy_m: (accuracy_m.is_finite() && accuracy_m >= 0.0)
            .then(|| accuracy_m.ceil().min(f64::from(u32::MAX)) as u32),
    }
}

impl Engine {
    /// The next pings the gate lets go now. Those it does not are forgotten.
    fn next_pings(&self) -> EngineResult<Vec<Ping>> {
        loop {
            let mut consents = self.lock_consents();
            let unsent = self.store.unsent_pings(MAX_PINGS)?;
            let now = self.sources.now();
            let mut may_go = |ping: &Ping| {
                let is_tracking = ping.purpose == Purpose::LiveTracking;
                is_tracking && consents.check(ping.purpose, ping.fix.at, now).is_ok()
            };
            let (allowed, denied): (Vec<Ping>, Vec<Ping>) =
                unsent.into_iter().partition(|ping| may_go(ping));
            if !denied.is_empty() {
                let ids: Vec<PingId> = denied.iter().map(|ping| ping.id).collect();
                self.store.drop_pings(&ids)?;
            }
            if !allowed.is_empty() || denied.is_empty() {
                return Ok(allowed);
            }
        }
    }
}
