//! Follows a recorded drive on a route and prints what happens:
//! `cargo run -p fieldfare-navigator --example follow -- ROUTE.json TRACK.gpx`.
//!
//! `ROUTE.json` is an answer of OSRM or Valhalla.

use fieldfare_navigator::{FollowConfig, GpxOptions, Itinerary, follow, parse_routes, read_gpx};
use std::error::Error;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(route), Some(track)) = (arguments.next(), arguments.next()) else {
        return Err("usage: follow ROUTE.json TRACK.gpx".into());
    };
    let route = parse_routes(&std::fs::read(route)?)?.swap_remove(0);
    let fixes = read_gpx(&std::fs::read(track)?, &GpxOptions::default())?;
    let itinerary = Arc::new(Itinerary::new(route));
    println!("{}", follow(&itinerary, &fixes, FollowConfig::default())?);
    Ok(())
}
