//! Every decoder of bytes that come from outside, each behind a function that takes any bytes and
//! panics only if the decoder has a fault.
//!
//! `cargo test` replays the kept corpus through them; `make fuzz` looks for new inputs with
//! cargo-fuzz.
#![forbid(unsafe_code)]
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "a panic is how a target says that a decoder is at fault"
)]

mod messages;
mod planning;
mod routes;
mod sealed;
mod server;

pub use server::signed_token;

/// A decoder under test: its name, which is its corpus folder and its fuzz target, and how to
/// feed it.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("frame", messages::frame),
    ("frame_blocks", messages::frame_blocks),
    ("pull", messages::pull),
    ("head", messages::head),
    ("push", messages::push),
    ("packed", messages::packed),
    ("compare", messages::compare),
    ("repair", messages::repair),
    ("digests", messages::digests),
    ("error_body", messages::error_body),
    ("token", server::token),
    ("webhook", server::webhook),
    ("delivery", server::delivery),
    ("problem", planning::problem),
    ("vroom", planning::vroom),
    ("route_answer", routes::answer),
    ("route_bytes", routes::bytes),
    ("recording", routes::recording),
    ("gpx", routes::gpx),
    ("polyline", routes::polyline),
];

/// Feeds a target of [`TARGETS`].
///
/// # Panics
/// If the decoder has a fault, or there is no such target.
pub fn run(name: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = found.expect("a target of the list");
    target(bytes);
}
