//! Simulated drives, for tests, demos and benches: seeded, so that a seed tells the whole story.

mod drive;
mod pieces;
mod receiver;
mod rng;
mod shapes;

pub use drive::{Detour, DriveScript, Outage, SimulatedFix, Truth, UTurn, drive};
pub use receiver::Receiver;
pub use rng::SimRng;
pub use shapes::{RouteShape, shaped_route};
