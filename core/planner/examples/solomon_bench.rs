//! Solves Solomon's 56 instances for a number of CPU seconds each and prints gaps to the best
//! known distances.
//!
//! `cargo run --release -p fieldfare-planner --example solomon_bench -- FOLDER [MARKS] [NAMES]`
//!
//! FOLDER (or the environment's `SOLOMON`) holds `C101.txt` and so on, and optionally
//! `BKS_vroom.json` with the best known values. MARKS is a comma list of CPU seconds, rising: the
//! best distance is noted at each, and the search ends at the last. NAMES is a comma list of
//! instances. One line of JSON is printed for each, and the mean gaps. `tests/benches/planner`
//! runs this beside other solvers.

mod common;

use common::{SCALE, cpu_ms, solomon};
use fieldfare_planner::{Plan, Problem, check, solve_while};
use std::path::{Path, PathBuf};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().or_else(|| std::env::var("SOLOMON").ok());
    let Some(folder) = folder.map(PathBuf::from).filter(|f| f.is_dir()) else {
        eprintln!("give the folder of Solomon's instances as an argument or in SOLOMON");
        std::process::exit(2);
    };
    let marks = arguments.next().unwrap_or_else(|| "1".to_owned());
    let marks: Vec<f64> = marks.split(',').filter_map(|s| s.parse().ok()).collect();
    let only = arguments.next();
    let chosen = |name: &String| {
        only.as_ref()
            .is_none_or(|o| o.split(',').any(|n| n == name))
    };
    let best_known = best_known(&folder);
    let mut gaps: Vec<Vec<f64>> = Vec::new();
    for name in names(&folder).into_iter().filter(chosen) {
        let Some(problem) = read(&folder, &name) else {
            eprintln!("{name}: not readable");
            continue;
        };
        let run = run(&problem, &marks);
        let feasible = check(&problem, &run.plan).is_ok() && run.plan.left_out.is_empty();
        let known = best_known
            .get(format!("{name}_distance"))
            .and_then(|b| b.get("best_known_cost")?.as_f64());
        let line = serde_json::json!({
            "name": name,
            "solver": "fieldfare",
            "at": marks,
            "distances": run.distances,
            "known": known,
            "feasible": feasible,
            "iterations": run.iterations,
            "cpu": run.cpu_ms / 1e3,
            "routes": routes(&run.plan),
        });
        println!("{line}");
        let gap = |distance: &f64| Some(100.0 * (distance / known? - 1.0));
        gaps.push(run.distances.iter().filter_map(gap).collect());
    }
    for (at, seconds) in marks.iter().enumerate() {
        let gaps: Vec<f64> = gaps.iter().filter_map(|g| g.get(at).copied()).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len().max(1) as f64;
        eprintln!(
            "{} instances after {seconds} CPU s: mean gap {mean:.3} %",
            gaps.len()
        );
    }
}

struct Run {
    plan: Plan,
    /// The best distance at each mark.
    distances: Vec<f64>,
    iterations: u64,
    cpu_ms: f64,
}

fn run(problem: &Problem, marks: &[f64]) -> Run {
    let start = cpu_ms();
    let mut iterations = 0;
    let mut distances = Vec::new();
    let plan = solve_while(problem, 1, &[], 10, |progress| {
        iterations = progress.iterations;
        let due = marks
            .get(distances.len())
            .is_none_or(|seconds| cpu_ms() - start >= seconds * 1e3);
        if due && distances.len() < marks.len() {
            distances.push(progress.driving_s as f64 / SCALE);
        }
        distances.len() < marks.len()
    });
    let Ok(plan) = plan else {
        eprintln!("{}", plan.err().map(|e| e.to_string()).unwrap_or_default());
        std::process::exit(1);
    };
    if let Some(last) = distances.last_mut() {
        *last = plan.totals.driving_s as f64 / SCALE;
    }
    Run {
        plan,
        distances,
        iterations,
        cpu_ms: cpu_ms() - start,
    }
}

/// Numbers of the customers of each route.
fn routes(plan: &Plan) -> Vec<Vec<usize>> {
    let number = |id: &str| id.strip_prefix('c').and_then(|n| n.parse().ok());
    let stops = plan
        .days
        .iter()
        .map(|day| day.stops().filter_map(number).collect());
    stops
        .filter(|stops: &Vec<usize>| !stops.is_empty())
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = files
        .filter_map(|file| {
            file.path()
                .file_name()?
                .to_str()?
                .strip_suffix(".txt")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

fn read(folder: &Path, name: &str) -> Option<Problem> {
    solomon(&std::fs::read_to_string(folder.join(format!("{name}.txt"))).ok()?)
}

fn best_known(folder: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.join("BKS_vroom.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}
