//! Problems as JSON: the planner's own form, or VROOM's input.

use crate::routing::{Routing, RoutingError};
use crate::store::{StoreError, Tenant};
use fieldfare_model::{LatLng, TimestampMs};
use fieldfare_planner::vroom::{Request, VroomError};
use fieldfare_planner::{
    DayState, GreatCircle, MatrixSource, Options, Plan, Problem, ProblemError, Travel, solve_from,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::sync::Arc;

/// In which form a problem came, which is the form of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The planner's own.
    Own,
    /// VROOM's.
    Vroom,
}

/// Why a problem was not planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Neither a problem nor a VROOM input.
    #[error("neither a problem (\"reps\", \"stops\") nor a VROOM input (\"vehicles\", \"jobs\")")]
    Form,
    /// Not JSON, or fields of the wrong kind.
    #[error("not a problem: {0}")]
    Json(#[from] serde_json::Error),
    /// A problem without a matrix whose positions are missing too.
    #[error("the problem has neither \"travel\" nor \"positions\" to find travel times for")]
    NoTravel,
    /// VROOM's input cannot be planned.
    #[error(transparent)]
    Vroom(#[from] VroomError),
    /// The problem is not valid.
    #[error(transparent)]
    Problem(#[from] ProblemError),
    /// Travel times could not be had.
    #[error(transparent)]
    Routing(#[from] RoutingError),
    /// Larger than allowed.
    #[error("{count} {what} are given, at most {most} may be: split the problem")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is given.
        count: usize,
        /// How much is allowed.
        most: usize,
    },
    /// The planner's task was cancelled.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PlanError {
    /// Whether the problem itself is at fault.
    pub const fn is_callers(&self) -> bool {
        !matches!(self, Self::Store(_) | Self::Routing(RoutingError::Store(_)))
    }

    /// The error as an answer in the form of the problem.
    pub fn answer(&self, kind: Kind) -> Value {
        match (kind, self) {
            (Kind::Vroom, Self::Vroom(error)) => Request::error(error),
            (Kind::Vroom, error) => json!({
                "code": if self.is_callers() { 2 } else { 1 }, "error": error.to_string(),
            }),
            (Kind::Own, error) => json!({"error": error.to_string()}),
        }
    }
}

/// A problem with its plan.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The problem, with travel times.
    pub problem: Problem,
    /// The plan.
    pub plan: Plan,
    /// What to answer, in the form of the problem.
    pub answer: Value,
}

/// The form of a JSON text.
///
/// # Errors
/// [`PlanError`] if it is neither.
pub fn kind_of(json: &str) -> Result<Kind, PlanError> {
    #[derive(Deserialize)]
    struct Form {
        vehicles: Option<serde::de::IgnoredAny>,
        reps: Option<serde::de::IgnoredAny>,
    }
    let form: Form = serde_json::from_str(json)?;
    match form {
        Form { reps: Some(_), .. } => Ok(Kind::Own),
        Form {
            vehicles: Some(_), ..
        } => Ok(Kind::Vroom),
        _ => Err(PlanError::Form),
    }
}

/// How large a problem may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanLimits {
    /// Stops.
    pub stops: usize,
    /// Reps.
    pub reps: usize,
}

impl PlanLimits {
    /// What the planner takes.
    pub const PLANNER: Self = Self {
        stops: Problem::MAX_STOPS,
        reps: Problem::MAX_REPS,
    };

    fn check(self, problem: &Problem) -> Result<(), PlanError> {
        let counts = [
            ("stops", problem.stops.len(), self.stops),
            ("reps", problem.reps.len(), self.reps),
        ];
        for (what, count, most) in counts {
            if count > most {
                return Err(PlanError::TooLarge { what, count, most });
            }
        }
        Ok(())
    }

    /// Each stop and both ends of each rep's day may be somewhere else.
    fn check_places(self, count: usize) -> Result<(), PlanError> {
        let (what, most) = ("positions", self.stops + 2 * self.reps);
        if count > most {
            return Err(PlanError::TooLarge { what, count, most });
        }
        Ok(())
    }
}

/// Plans a problem in JSON. Where it brings no travel times, they are asked for by its positions
/// (through the tenant's cache, if one is given).
///
/// # Errors
/// [`PlanError`].
pub async fn plan(
    json: &str,
    options: Options,
    limits: PlanLimits,
    routing: &Routing,
    tenant: Option<&Arc<Tenant>>,
    now: TimestampMs,
) -> Result<Planned, PlanError> {
    let (problem, vroom) = match kind_of(json)? {
        Kind::Own => (own(json, limits, routing, tenant, now).await?, None),
        Kind::Vroom => {
            let request = Request::parse(json)?;
            let problem = from_vroom(&request, limits, routing, tenant, now).await?;
            (problem, Some(request))
        }
    };
    limits.check(&problem)?;
    let work = move || {
        let orders = vroom.as_ref().map_or_else(Vec::new, Request::orders);
        let plan = solve_from(&problem, &options, &orders)?;
        let answer = match &vroom {
            Some(request) => request.answer(&plan),
            None => serde_json::to_value(&plan)?,
        };
        Ok(Planned {
            problem,
            plan,
            answer,
        })
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| StoreError::Cancelled)?
}

/// Plans the rest of days anew: `earlier` is the plan so far and `state` what has happened, both as
/// the planner's JSON. A rep who is ill is `absent` in the state, and the others take over.
///
/// # Errors
/// [`PlanError`]; VROOM's form has no such thing.
pub async fn replan(
    json: &str,
    (earlier, state): (&str, &str),
    options: Options,
    limits: PlanLimits,
    routing: &Routing,
    now: TimestampMs,
) -> Result<Planned, PlanError> {
    if kind_of(json)? == Kind::Vroom {
        return Err(PlanError::Form);
    }
    let problem = own(json, limits, routing, None, now).await?;
    limits.check(&problem)?;
    let earlier: Plan = serde_json::from_str(earlier)?;
    let state: DayState = serde_json::from_str(state)?;
    let work = move || {
        let replanned = fieldfare_planner::replan(&problem, &earlier, &state, &options)?;
        Ok(Planned {
            answer: serde_json::to_value(&replanned)?,
            problem: replanned.problem,
            plan: replanned.plan,
        })
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| StoreError::Cancelled)?
}

async fn own(
    json: &str,
    limits: PlanLimits,
    routing: &Routing,
    tenant: Option<&Arc<Tenant>>,
    now: TimestampMs,
) -> Result<Problem, PlanError> {
    #[derive(Deserialize)]
    struct Places {
        travel: Option<serde::de::IgnoredAny>,
        #[serde(default)]
        positions: Vec<LatLng>,
    }
    let places: Places = serde_json::from_str(json)?;
    if places.travel.is_some() {
        return Ok(serde_json::from_str(json)?);
    }
    if places.positions.is_empty() {
        return Err(PlanError::NoTravel);
    }
    limits.check_places(places.positions.len())?;
    let travel = routing.travel(tenant, &places.positions, now).await?;
    let mut value: Value = serde_json::from_str(json)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("travel".to_owned(), serde_json::to_value(travel)?);
    }
    Ok(serde_json::from_value(value)?)
}

async fn from_vroom(
    request: &Request,
    limits: PlanLimits,
    routing: &Routing,
    tenant: Option<&Arc<Tenant>>,
    now: TimestampMs,
) -> Result<Problem, PlanError> {
    let asked = AskedFor::default();
    let problem = request.problem(Some(&asked))?;
    let places = asked.0.into_inner();
    limits.check(&problem)?;
    if places.is_empty() {
        return Ok(problem);
    }
    let travel = routing.travel(tenant, &places, now).await?;
    Ok(request.problem(Some(&Ready(travel)))?)
}

/// Notes which places a matrix is wanted for.
#[derive(Default)]
struct AskedFor(RefCell<Vec<LatLng>>);

impl MatrixSource for AskedFor {
    fn travel(&self, places: &[LatLng]) -> Result<Travel, ProblemError> {
        self.0.replace(places.to_vec());
        GreatCircle::default().travel(places)
    }
}

/// A matrix for exactly the places that are asked for.
struct Ready(Travel);

impl MatrixSource for Ready {
    fn travel(&self, _: &[LatLng]) -> Result<Travel, ProblemError> {
        Ok(self.0.clone())
    }
}
