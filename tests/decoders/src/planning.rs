//! Problems for the planner: what is accepted is planned, and the plan holds.

use fieldfare_planner::vroom::Request;
use fieldfare_planner::{Options, Plan, Problem, check, explain, solve_from, svg};

/// More than this is left to other tests: the target is about reading, and has to be quick.
const MOST_STOPS: usize = 8;
const MOST_REPS: usize = 3;

const QUICK: Options = Options {
    seed: 1,
    iterations: Some(20),
    exact_up_to: 6,
    exact_labels: 10_000,
};

/// The planner's own form.
pub fn problem(bytes: &[u8]) {
    let Ok(problem) = serde_json::from_slice::<Problem>(bytes) else {
        return;
    };
    if problem.validate().is_ok() {
        planned(&problem, &[]);
    }
}

/// VROOM's form.
pub fn vroom(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(request) = Request::parse(text) else {
        return;
    };
    let Ok(problem) = request.problem(None) else {
        return;
    };
    if let Some(plan) = planned(&problem, &request.orders()) {
        let _ = request.answer(&plan);
    }
}

fn planned(problem: &Problem, orders: &[Vec<String>]) -> Option<Plan> {
    if problem.stops.len() > MOST_STOPS || problem.reps.len() > MOST_REPS {
        return None;
    }
    let plan = solve_from(problem, &QUICK, orders).ok()?;
    assert_eq!(check(problem, &plan), Ok(()), "a plan that does not hold");
    let _ = explain(problem, &plan);
    let _ = svg(problem, &plan);
    Some(plan)
}
