use crate::{Route, RouteError, osrm, valhalla};
use serde::Deserialize;

/// Reads the answer of a routing or matching service: OSRM's form (also Valhalla's with `format=osrm`) or
/// Valhalla's own. Returns at least one route, the best first.
///
/// OSRM must be asked with `steps=true`; Valhalla's own form needs nothing special. Where the
/// service brings no words, as plain OSRM does, short English ones are made. Polylines of either
/// precision and GeoJSON geometries are understood.
///
/// # Errors
/// [`RouteError`] if the bytes are not JSON, of neither form, or lack what a route needs.
pub fn parse_routes(answer: &[u8]) -> Result<Vec<Route>, RouteError> {
    let form: Form = serde_json::from_slice(answer).map_err(|error| json_error(&error))?;
    if form.trip.is_some() {
        valhalla::routes(read(answer)?)
    } else if form.routes.is_some() || form.code.is_some() {
        osrm::routes(read(answer)?)
    } else {
        Err(RouteError::UnknownForm)
    }
}

/// Tells the two forms apart without reading them.
#[derive(Deserialize)]
struct Form {
    code: Option<serde::de::IgnoredAny>,
    #[serde(alias = "matchings")]
    routes: Option<serde::de::IgnoredAny>,
    trip: Option<serde::de::IgnoredAny>,
}

fn read<'a, T: Deserialize<'a>>(answer: &'a [u8]) -> Result<T, RouteError> {
    serde_json::from_slice(answer).map_err(|error| json_error(&error))
}

/// The place of an error, but not its text, which may quote an address.
fn json_error(error: &serde_json::Error) -> RouteError {
    if error.is_data() {
        return RouteError::Field {
            field: "a field the form prescribes",
        };
    }
    RouteError::Json {
        line: error.line(),
        column: error.column(),
    }
}
