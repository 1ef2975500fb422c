//! Waiting for news.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use fieldfare_engine::*;
use std::sync::Arc;
use std::time::Duration;
use support::*;

async fn wait(world: &World) -> EngineResult<bool> {
    wait_with(world, NewsOptions::default()).await
}

async fn wait_with(world: &World, options: NewsOptions) -> EngineResult<bool> {
    Arc::clone(&world.engine).wait_for_news(options).await
}

/// Does something once the phone has asked so often.
async fn once_asked(world: &World, times: usize, act: impl FnOnce()) {
    while world.server.asked("/v1/head") < times {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    act();
}

fn lead(n: u32) -> fieldfare_model::Lead {
    new_lead(n, "New", near_boston(0.0, 0.0))
}

#[tokio::test]
async fn news_end_the_wait_and_a_sync_brings_them() {
    let world = World::new();
    world.enrol().await;
    assert_eq!(wait(&world).await, Ok(true), "everything is new");
    assert_eq!(world.server.asked("/v1/head"), 0);
    world.sync().await.unwrap();
    let put = once_asked(&world, 1, || world.server.put_lead(&lead(1)));
    let (news, ()) = tokio::join!(wait(&world), put);
    assert_eq!(news, Ok(true));
    assert_eq!(world.sync().await.unwrap().rows, 1);
}

#[tokio::test]
async fn the_time_may_end_it() {
    let world = World::enrolled().await;
    let options = NewsOptions {
        max_seconds: Some(1),
        handle: None,
    };
    assert_eq!(wait_with(&world, options).await, Ok(false));
}

#[tokio::test]
async fn it_tries_again_after_trouble_with_another_token_if_need_be() {
    let world = World::enrolled().await;
    world
        .server
        .trouble(&[Trouble::TokenRefused, Trouble::Offline]);
    let put = once_asked(&world, 1, || world.server.put_lead(&lead(1)));
    let (news, ()) = tokio::join!(wait(&world), put);
    assert_eq!(news, Ok(true));
    // The token that was refused, no answer to the request for another, and the first once more.
    assert_eq!(world.server.asked("/v1/token"), 1);
    assert_eq!(world.server.asked("/v1/head"), 2);
}

#[tokio::test]
async fn it_ends_when_told_so_when_closed_and_one_waits_at_a_time() {
    let world = World::enrolled().await;
    let handle = SyncHandle::new();
    let options = NewsOptions {
        max_seconds: None,
        handle: Some(Arc::clone(&handle)),
    };
    let second = async {
        once_asked(&world, 1, || {}).await;
        let second = wait(&world).await;
        handle.cancel();
        second
    };
    let (first, second) = tokio::join!(wait_with(&world, options), second);
    assert_eq!(first, Err(EngineError::Cancelled));
    assert_eq!(second, Err(EngineError::Busy));

    let close = once_asked(&world, 2, || world.engine.close().unwrap());
    let (closed, ()) = tokio::join!(wait(&world), close);
    assert_eq!(closed, Err(EngineError::Cancelled));
}

#[tokio::test]
async fn a_sync_goes_on_beside_it() {
    let world = World::enrolled().await;
    let act = async {
        once_asked(&world, 1, || {}).await;
        world.sync().await.unwrap();
        world.server.put_lead(&lead(1));
    };
    let (news, ()) = tokio::join!(wait(&world), act);
    assert_eq!(news, Ok(true));
}

#[tokio::test]
async fn a_revoked_device_is_wiped() {
    let world = World::enrolled().await;
    world.server.trouble(&[Trouble::Revoked]);
    assert_eq!(wait(&world).await, Err(EngineError::Revoked));
    assert_eq!(world.engine.enrolment(), None);
}
