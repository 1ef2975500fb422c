//! Answers with routes, whichever engine gave them.

use crate::routing::RoutingError;
use fieldfare_navigator::{Route, RouteAdapter, RouteError, RouteQuery};

pub(super) fn read_routes(
    engine: &'static str,
    adapter: &dyn RouteAdapter,
    query: &RouteQuery,
    body: &[u8],
) -> Result<Vec<Route>, RoutingError> {
    let routes = adapter.parse(query, body).map_err(|error| match error {
        RouteError::NoRoute { code } => RoutingError::Refused { engine, code },
        error => RoutingError::Malformed {
            engine,
            what: error.to_string(),
        },
    })?;
    let legs = stops(query).saturating_sub(1);
    if routes.is_empty() || routes.iter().any(|route| route.leg_count() != legs) {
        return Err(RoutingError::Malformed {
            engine,
            what: "the route has another number of legs than asked for".to_owned(),
        });
    }
    Ok(routes)
}

/// How many places of a query begin or end a leg.
fn stops(query: &RouteQuery) -> usize {
    let last = query.places.len().saturating_sub(1);
    let places = query.places.iter().enumerate();
    let breaks = places.filter(|(i, place)| {
        *i == 0 || *i == last || place.kind == fieldfare_navigator::WaypointKind::Break
    });
    breaks.count()
}

/// The error of a question that cannot be asked.
pub(super) fn not_asked(engine: &'static str, error: &RouteError) -> RoutingError {
    RoutingError::Misconfigured {
        engine,
        what: error.to_string(),
    }
}
