//! Waiting for news: a request that is answered as soon as something changed for the device, so that
//! an app in the foreground need not ask again and again.

use crate::auth::Authorized;
use crate::config::LimitsConfig;
use crate::feed::assignments;
use crate::http::ApiError;
use crate::http::device::Device;
use crate::http::sync::{Body, Refused, answer};
use crate::state::SharedState;
use crate::store::{Heads, StoreError};
use axum::extract::State;
use axum::response::Response;
use fieldfare_sync::{HeadReply, HeadRequest, ScopeGrant};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

/// Writes that follow each other are told of at once.
const GATHERING: Duration = Duration::from_millis(100);

/// Who is sent away comes back after this many seconds.
const COME_AGAIN_S: u64 = 30;

/// How many may wait, and for how long.
pub struct Waiting {
    places: Arc<Semaphore>,
    longest: Duration,
}

impl Waiting {
    /// As configured; a wait ends before the request would be given up.
    pub fn new(limits: &LimitsConfig) -> Self {
        let before_given_up = Duration::from_secs(limits.request_seconds) * 4 / 5;
        Self {
            places: Arc::new(Semaphore::new(limits.news_waiting as usize)),
            longest: Duration::from_secs(limits.news_seconds).min(before_given_up),
        }
    }

    fn take(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let place = self.places.clone().try_acquire_owned();
        place.map_err(|_| ApiError::busy(COME_AGAIN_S))
    }
}

/// Answers as soon as one of the device's scopes changed, or when the wait is over.
#[utoipa::path(post, path = "/v1/head", tag = "sync", security(("device" = [])),
    request_body(content = Vec<u8>, content_type = "application/vnd.msgpack", description = "HeadRequest: docs/protocol.md, section News"),
    responses(
        (status = 200, description = "HeadReply: docs/protocol.md, section News", content_type = "application/vnd.msgpack", body = Vec<u8>),
        Refused,
    ))]
pub(super) async fn post(
    State(state): State<SharedState>,
    Device(device): Device,
    body: Body,
) -> Result<Response, ApiError> {
    let body = body.map_err(|_| ApiError::too_large())?;
    let request = match HeadRequest::read(&body) {
        Ok(request) => request,
        Err(refused) => return answer(refused),
    };
    let place = state.waiting.take()?;
    let reply = wait(&state, &device, &request).await?;
    drop(place);
    answer(reply.into_effect().map_err(StoreError::from)?)
}

async fn wait(
    state: &SharedState,
    device: &Authorized,
    request: &HeadRequest,
) -> Result<HeadReply, StoreError> {
    let tenant = &device.tenant;
    let rep = device.context.rep;
    let grants = tenant
        .read_async(move |db| assignments::grants_of(db, rep))
        .await?;
    let until = Instant::now() + state.waiting.longest;
    let mut commits = tenant.database().commits();
    let mut stopping = state.stopping.subscribe();
    loop {
        commits.borrow_and_update();
        let reply = reply_to(request, &grants, &*tenant.heads().await?);
        if reply.is_news {
            return Ok(reply);
        }
        tokio::select! {
            changed = commits.changed() => {
                if changed.is_err() {
                    return Ok(reply);
                }
                tokio::time::sleep(GATHERING).await;
            }
            () = tokio::time::sleep_until(until) => return Ok(reply),
            () = stop(&mut stopping) => return Ok(reply),
        }
    }
}

async fn stop(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

fn reply_to(request: &HeadRequest, grants: &[ScopeGrant], heads: &Heads) -> HeadReply {
    let of_scopes = grants.iter().map(|grant| heads.of(&grant.scope));
    request.answer(heads.epoch, heads.head, of_scopes)
}
