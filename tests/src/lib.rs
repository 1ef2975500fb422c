//! What the whole-system tests, the benches and the demo share.
#![forbid(unsafe_code)]

pub mod demo;
pub mod figures;
pub mod leads;
pub mod map;
pub mod network;
pub mod world;
