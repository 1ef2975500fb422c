use crate::auth::{Authorized, authorize};
use crate::http::ApiError;
use crate::state::SharedState;
use crate::store::StoreError;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The device that speaks, as its token and, on every request anew, the databases say.
pub(super) struct Device(pub(super) Authorized);

impl FromRequestParts<SharedState> for Device {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &SharedState) -> Result<Self, ApiError> {
        let text = bearer(&parts.headers).ok_or_else(ApiError::unauthorized)?;
        let token = state
            .tokens
            .verify(text, state.now())
            .ok_or_else(ApiError::unauthorized)?;
        state.limits.take_device(token.device)?;
        let shared = state.clone();
        let authorized = tokio::task::spawn_blocking(move || {
            authorize(&shared.registry, &shared.tenants, &token)
        });
        Ok(Self(authorized.await.map_err(|_| StoreError::Cancelled)??))
    }
}

/// The token of an `Authorization: Bearer` header.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// The address a request came from.
pub(super) struct ClientAddress(pub(super) IpAddr);

impl FromRequestParts<SharedState> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &SharedState,
    ) -> Result<Self, Self::Rejection> {
        let forwarded = state
            .config
            .server
            .trust_forwarded_for
            .then(|| forwarded(&parts.headers));
        let peer = || {
            parts
                .extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map(|peer| peer.0.ip())
        };
        let address = forwarded.flatten().or_else(peer);
        Ok(Self(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
    }
}

/// The entry the nearest proxy added.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let all = headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()?
        .to_str()
        .ok()?;
    all.rsplit(',').next()?.trim().parse().ok()
}
