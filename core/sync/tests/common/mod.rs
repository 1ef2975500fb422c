//! The plainest stores that keep the promises of the two traits, for tests.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod phone;
pub mod server;

use fieldfare_model::{
    ClientId, DeviceId, LeadId, OperationId, RepId, RowId, TerritoryId, TimestampMs,
};
use fieldfare_sync::*;
use phone::MemoryPhone;
use server::MemoryServer;

pub fn zstd(raw: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(raw, 3).unwrap()
}

pub fn lead(n: u8) -> RowId {
    LeadId::from_bytes([n; 16]).row()
}

pub fn operation_id(n: u64) -> OperationId {
    OperationId::v7(n, [7; 10])
}

pub fn client(n: u8) -> ClientId {
    ClientId::from_bytes([n; 16])
}

pub fn territory(n: u8) -> TerritoryId {
    TerritoryId::from_bytes([n; 16])
}

pub fn device() -> DeviceContext {
    DeviceContext {
        device: DeviceId::from_bytes([1; 16]),
        rep: RepId::from_bytes([2; 16]),
    }
}

/// What happens to the replies on their way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wire {
    Good,
    LosesReply,
    LosesRequest,
}

/// Runs one sync to its end. `wire` decides for each request.
pub fn sync(
    phone: &mut MemoryPhone,
    server: &mut MemoryServer,
    budget: u32,
    fresh: ClientId,
    mut wire: impl FnMut(&mut MemoryServer) -> Wire,
) -> Result<SyncSummary, Failure> {
    let mut sync = SyncClient::default();
    let limits = SyncLimits::default();
    let mut event = Event::Start {
        fresh,
        budget,
        limits,
    };
    for _ in 0..10_000 {
        let effects = sync.step(phone, event).unwrap();
        let mut next = None;
        for effect in effects {
            match effect {
                Effect::Send(request) => {
                    let fate = wire(server);
                    next = Some(carry(server, &request, fate));
                }
                Effect::Done(summary) | Effect::Paused(summary) => return Ok(summary),
                Effect::Failed(failure) => return Err(failure),
                Effect::Proceed => next = Some(Event::Proceed),
                Effect::RefreshToken => next = Some(Event::TokenRefreshed),
                Effect::Changed(_) | Effect::Progress(_) => {}
            }
        }
        event = next.expect("a step sends, ends or fails");
    }
    panic!("the conversation does not end");
}

pub fn carry(server: &mut MemoryServer, request: &Request, fate: Wire) -> Event {
    if fate == Wire::LosesRequest {
        return Event::Offline;
    }
    let event = match request.path {
        "/v1/pull" => ServerEvent::Pull(&request.body),
        "/v1/compare" => ServerEvent::Compare(&request.body),
        "/v1/repair" => ServerEvent::Repair(&request.body),
        _ => ServerEvent::Push(&request.body),
    };
    let effect = SyncServer
        .step(server, &device(), TimestampMs(77), event, &zstd)
        .unwrap();
    server.keep(effect.to_keep);
    if request.path == "/v1/pull" && effect.status == 200 {
        assert_all_held(server, &effect.body);
    }
    if fate == Wire::LosesReply {
        return Event::Offline;
    }
    Event::Reply {
        status: effect.status,
        body: effect.body,
        retry_after_ms: None,
        now: TimestampMs(78),
    }
}

/// Whatever is sent of a scope is in it at that moment, in whichever version.
fn assert_all_held(server: &MemoryServer, body: &[u8]) {
    let reply: PullReply = decode_message(body).unwrap();
    for frame in reply
        .frames
        .iter()
        .map(|bytes| Frame::decode(bytes).unwrap())
    {
        let held = server.held(&frame.scope);
        for change in frame.changes {
            let is_held = held
                .iter()
                .any(|(entity, row)| (*entity, row.id) == change.key());
            let is_put = matches!(change, FeedChange::Put { .. });
            assert!(
                !is_put || is_held,
                "{:?} is not in {}",
                change.key(),
                frame.scope
            );
        }
    }
}
