/// Why a route could not be built or read. The text carries no position and no name of a road.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Nothing to follow.
    #[error("the route has no points: ask the routing service for the full geometry")]
    Empty,
    /// More of something than a route may have.
    #[error("the route has more than {limit} {what}: split it into several")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// The answer is not JSON.
    #[error("the answer is not JSON (line {line}, column {column})")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The answer is JSON, but neither of OSRM's nor of Valhalla's form.
    #[error(
        "the answer is neither in OSRM's nor in Valhalla's form: \"routes\" or \"trip\" expected"
    )]
    UnknownForm,
    /// The service found no route.
    #[error("the routing service found no route (code {code})")]
    NoRoute {
        /// The code the service gave.
        code: String,
    },
    /// The answer has no steps.
    #[error("the route has no steps: ask OSRM with steps=true")]
    NoSteps,
    /// A geometry could not be decoded.
    #[error("a geometry of the route is damaged: {0}")]
    Geometry(#[from] fieldfare_geo::PolylineError),
    /// A field holds something else than documented.
    #[error("{field} of the route is missing or out of range")]
    Field {
        /// Its name.
        field: &'static str,
    },
    /// Stored bytes are not a route.
    #[error("stored route: {0}")]
    Bytes(#[from] BytesError),
}

/// Why stored bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BytesError {
    /// The first bytes are not those of this kind of value.
    #[error("these bytes are something else: they do not begin with the right mark")]
    Mark,
    /// Written by a newer program.
    #[error(
        "written in form {found}, newer than {known}, the newest this program reads: update it"
    )]
    Version {
        /// What the bytes say.
        found: u8,
        /// The newest form that is known.
        known: u8,
    },
    /// The bytes end too early.
    #[error("the bytes end too early")]
    Truncated,
    /// Bytes are left over.
    #[error("bytes are left over after the end")]
    Trailing,
    /// A value is out of its range.
    #[error("{field} is out of range")]
    Value {
        /// Which.
        field: &'static str,
    },
}
