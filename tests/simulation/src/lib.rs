//! Days of one server and five phones, played in one thread from a seed, with everything going
//! wrong that can, and an oracle beside it that knows what must hold all the same.
//!
//! The stores are models in memory for most seeds, and the phone's real encrypted files and the
//! server's real database for some. `cargo run -p fieldfare-simulation -- --seed 7` plays one seed
//! and, if something is wrong, finds the fewest actions that show it.
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
