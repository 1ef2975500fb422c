use crate::cli::plan::named;
use crate::cli::say;
use crate::state::ServerError;
use fieldfare_navigator::{
    FollowConfig, GpxOptions, Itinerary, Route, follow, parse_routes, read_gpx,
};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// The first bytes of a route as phones keep it.
const KEPT: &[u8] = b"FFRT";

pub(super) fn run(route: &Path, track: &Path, out: &mut dyn Write) -> Result<(), ServerError> {
    let bytes = std::fs::read(route).map_err(|e| named(route, &e))?;
    let read = read_route(&bytes).map_err(|e| named(route, &e))?;
    let itinerary = Arc::new(Itinerary::new(read));
    let bytes = std::fs::read(track).map_err(|e| named(track, &e))?;
    let fixes = read_gpx(&bytes, &GpxOptions::default()).map_err(|e| named(track, &e))?;
    let followed = follow(&itinerary, &fixes, FollowConfig::default());
    let followed = followed.map_err(|e| named(track, &e))?;
    say(out, &followed.to_string())
}

fn read_route(bytes: &[u8]) -> Result<Route, String> {
    if bytes.starts_with(KEPT) {
        return Route::from_bytes(bytes).map_err(|e| e.to_string());
    }
    let routes = parse_routes(bytes).map_err(|e| e.to_string())?;
    routes
        .into_iter()
        .next()
        .ok_or_else(|| "no route".to_owned())
}
