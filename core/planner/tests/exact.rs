//! The exact solver against trying everything, and every plan against the checker.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod common;

use common::{best_by_trying, score};
use fieldfare_planner::generate::{DaySpec, rep_day};
use fieldfare_planner::{Objective, Options, Proof, check, solve};
use proptest::prelude::*;

fn spec() -> impl Strategy<Value = DaySpec> {
    let objective = prop_oneof![
        3 => Just(Objective::MostPriority),
        1 => Just(Objective::FinishEarly),
        1 => (100u32..3_000).prop_map(|s| Objective::LeastDriving { seconds_per_priority: s }),
    ];
    let flags = prop::collection::vec(any::<bool>(), 4);
    (1usize..6, flags, 0u64..60, objective).prop_map(|(stops, flags, mandatory, objective)| {
        DaySpec {
            overloaded: flags[0],
            breaks: flags[1],
            several_windows: flags[2],
            traffic: flags[3],
            mandatory_percent: mandatory,
            objective,
            ..DaySpec::rep(stops, false)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn no_order_of_any_stops_beats_the_proven_plan(seed in any::<u64>(), spec in spec()) {
        let problem = rep_day(seed, &spec).unwrap();
        let plan = solve(&problem, &Options::default()).unwrap();
        prop_assert_eq!(check(&problem, &plan), Ok(()));
        prop_assert_eq!(plan.proof, Proof::Optimal);
        let truth = best_by_trying(&problem);
        prop_assert_eq!(score(&problem, &plan), truth);
    }

    #[test]
    fn the_search_is_feasible_and_never_better_than_the_proof(seed in any::<u64>(), spec in spec()) {
        let problem = rep_day(seed, &DaySpec { stops: spec.stops + 5, ..spec }).unwrap();
        let proven = solve(&problem, &Options::default()).unwrap();
        let options = Options { exact_up_to: 0, iterations: Some(50), ..Options::default() };
        let found = solve(&problem, &options).unwrap();
        prop_assert_eq!(check(&problem, &proven), Ok(()));
        prop_assert_eq!(check(&problem, &found), Ok(()));
        prop_assert!(score(&problem, &proven) <= score(&problem, &found));
    }
}
