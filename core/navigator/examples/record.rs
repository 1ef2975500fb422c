//! Makes the recorded drive of the fixtures: a simulated one along the Helsinki route.
//! `cargo run -p fieldfare-navigator --example record -- ROUTE.json OUT.gpx OUT.ffrr`.

use fieldfare_model::TimestampMs;
use fieldfare_navigator::simulate::{Detour, DriveScript, drive};
use fieldfare_navigator::{
    Entry, FollowConfig, Itinerary, Recording, RouteSession, parse_routes, write_gpx,
};
use std::error::Error;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let mut next = || {
        arguments
            .next()
            .ok_or("usage: record ROUTE.json OUT.gpx OUT.ffrr")
    };
    let (route, gpx, recording) = (next()?, next()?, next()?);
    let route = parse_routes(&std::fs::read(route)?)?.swap_remove(0);
    let itinerary = Arc::new(Itinerary::new(route));
    let mut script = DriveScript::plain(26);
    script.start_at = TimestampMs(1_777_881_600_000);
    script.detours.push(Detour {
        at_m: 3_100.0,
        away_m: 130.0,
        skip_m: 250.0,
    });
    let fixes: Vec<_> = drive(&itinerary, &script)
        .iter()
        .map(|seen| seen.fix)
        .collect();
    std::fs::write(gpx, write_gpx(&fixes))?;
    let session = RouteSession::new(itinerary, FollowConfig::default())?;
    let mut tape = Recording::of(&session);
    tape.entries.push(Entry::Start(script.start_at));
    tape.entries.extend(fixes.into_iter().map(Entry::Fix));
    std::fs::write(recording, tape.to_bytes())?;
    Ok(())
}
