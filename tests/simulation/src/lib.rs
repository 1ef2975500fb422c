//! Days of one server and five phones, played in one thread from a seed, with everything going
//! wrong that can, and an oracle beside it that knows what must hold all the same.
//!
//! Both halves of the protocol are the real ones; the stores under them are models in memory, each a
//! few maps, so that hundreds of days can be played in seconds. (The real stores have oracles of
//! their own: `core/store/tests/oracle`, `server-sync/tests/feed.rs`.)
//! `cargo run -p fieldfare-simulation -- --seed 7` plays one seed and, if something is wrong, finds
//! the fewest actions that show it.
#![allow(
    clippy::indexing_slicing,
    reason = "the numbers of phones and leads are fixed; a wrong one must stop the simulation"
)]

mod action;
pub mod bugs;
mod disk;
mod model_phone;
mod model_server;
mod oracle;
mod phone;
mod random;
pub mod run;
mod server;
mod world;
