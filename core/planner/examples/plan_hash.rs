//! Plans, re-plans and looks for detours on a few hundred generated problems and prints one hash
//! of all that came out.
//!
//! `cargo run -p fieldfare-planner --example plan_hash [-- PROBLEMS]`
//!
//! The hash must be the same on every platform and at every optimisation level; a script runs this
//! for each of them and compares. It takes a few seconds in a debug build.

use fieldfare_planner::generate::{DaySpec, rep_day};
use fieldfare_planner::{
    Activity, CachedMatrix, DayState, Detour, GreatCircle, MatrixSource, Objective, Options, Plan,
    Problem, ProblemError, RepState, Rng, check, detours, explain, replan, solve, svg,
};
use std::process::ExitCode;

/// Problems if no number is given.
const PROBLEMS: u64 = 300;
/// Each so many problems one is a team with more stops than a proof could hold.
const EVERY_TEAM: u64 = 12;

fn main() -> ExitCode {
    let given = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let count = given.unwrap_or(PROBLEMS);
    let mut hash = Hash::default();
    for seed in 0..count {
        if let Err(error) = one(seed, &mut hash) {
            eprintln!("problem {seed}: {error}");
            return ExitCode::FAILURE;
        }
    }
    println!("{} {count} problems, {} bytes", hash.hex(), hash.bytes);
    ExitCode::SUCCESS
}

/// FNV-1a on 128 bits: enough to see a difference, and written here so that the example needs
/// nothing but the planner.
struct Hash {
    state: u128,
    bytes: u64,
}

impl Default for Hash {
    fn default() -> Self {
        Self {
            state: 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d,
            bytes: 0,
        }
    }
}

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.state ^= u128::from(byte);
            self.state = self.state.wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
        self.bytes += bytes.len() as u64;
    }

    fn hex(&self) -> String {
        format!("{:032x}", self.state)
    }

    fn plan(&mut self, problem: &Problem, plan: &Plan) {
        self.add(&plan.canonical_bytes());
        self.add(&plan.digest());
        self.add(explain(problem, plan).as_bytes());
        self.add(svg(problem, plan).as_bytes());
    }
}

fn one(seed: u64, hash: &mut Hash) -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = Rng::new(seed);
    let spec = if seed.is_multiple_of(EVERY_TEAM) {
        team(&mut rng)
    } else {
        spec(&mut rng)
    };
    let mut problem = rep_day(seed, &spec)?;
    if rng.percent(25) {
        problem.travel = guessed(&problem)?;
    }
    let leads = problem.stops.split_off(problem.stops.len() * 3 / 4);
    let options = Options {
        seed,
        iterations: Some(30),
        exact_up_to: 9,
        ..Options::default()
    };
    let plan = solve(&problem, &options)?;
    verify(&problem, &plan)?;
    hash.plan(&problem, &plan);
    for detour in detours(&problem, &plan, &leads)? {
        hash.add(described(detour.as_ref()).as_bytes());
    }
    problem.stops.extend(leads);
    let state = midday(&problem, &plan, &mut rng);
    let rest = replan(&problem, &plan, &state, &options)?;
    verify(&rest.problem, &rest.plan)?;
    hash.plan(&rest.problem, &rest.plan);
    hash.add(format!("{:?}", rest.changes).as_bytes());
    Ok(())
}

fn verify(problem: &Problem, plan: &Plan) -> Result<(), String> {
    check(problem, plan).map_err(|found| format!("the plan does not hold: {found:?}"))
}

fn spec(rng: &mut Rng) -> DaySpec {
    let mut coin = || rng.percent(50);
    let (overloaded, breaks, several_windows) = (coin(), coin(), coin());
    let (traffic, team_rules) = (coin(), coin());
    DaySpec {
        stops: 4 + rng.below(14) as usize,
        reps: 1 + rng.below(3) as usize,
        overloaded,
        breaks,
        several_windows,
        traffic,
        team_rules,
        mandatory_percent: rng.below(40),
        objective: match rng.below(4) {
            0 => Objective::FinishEarly,
            1 => Objective::LeastDriving {
                seconds_per_priority: 400,
            },
            _ => Objective::MostPriority,
        },
    }
}

/// Two to four reps and 24 to 47 stops, under any of the rules.
fn team(rng: &mut Rng) -> DaySpec {
    DaySpec {
        stops: 24 + rng.below(24) as usize,
        reps: 2 + rng.below(3) as usize,
        ..spec(rng)
    }
}

/// A matrix that knows half of the places; the great circle has the rest.
fn guessed(problem: &Problem) -> Result<fieldfare_planner::Travel, ProblemError> {
    let known = problem.positions.len() / 2;
    let places = problem.positions.iter().copied().take(known).collect();
    let travel = fieldfare_planner::Travel::from_fn(known, |from, to| {
        let seconds = problem.travel.seconds(from, to)?;
        Some((seconds, problem.travel.metres(from, to)?)).filter(|_| seconds % 7 != 0)
    })?;
    let mut cached = CachedMatrix::new("osrm", fieldfare_model::TimestampMs(1), places, travel)?;
    cached.fallback = GreatCircle::default();
    cached.travel(&problem.positions)
}

fn described(detour: Option<&Detour>) -> String {
    detour.map_or("none".to_owned(), |d| {
        format!(
            "{} {} {} {} {}",
            d.rep, d.position, d.detour_s, d.metres, d.later_s
        )
    })
}

/// Every rep has done some of the day and runs late; one stop is cancelled.
fn midday(problem: &Problem, plan: &Plan, rng: &mut Rng) -> DayState {
    let start = problem
        .reps
        .iter()
        .map(|rep| rep.shift.from)
        .min()
        .unwrap_or(0);
    let mut state = DayState::at(start + rng.within(0, 4 * 3_600));
    for day in &plan.days {
        let mut rep = RepState {
            rep: day.rep.clone(),
            absent: plan.days.len() > 1 && rng.percent(10),
            ..RepState::default()
        };
        for step in day.steps.iter().filter(|step| step.departure <= state.now) {
            rep.place = step.place;
            rep.free_from = step.departure + 300;
            match &step.what {
                Activity::Visit { stop } => rep.visited.push(stop.clone()),
                Activity::Break { index } => rep.breaks_taken.push(*index),
            }
        }
        state.reps.push(rep);
    }
    if state.reps.iter().all(|rep| rep.absent) {
        state.reps.iter_mut().for_each(|rep| rep.absent = false);
    }
    let open = plan.days.iter().flat_map(|day| day.stops()).last();
    state.cancelled.extend(open.map(str::to_owned));
    state
}
