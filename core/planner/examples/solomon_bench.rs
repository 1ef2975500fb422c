//! Solves Solomon's 56 instances for a number of CPU seconds each and prints gaps to the best
//! known distances.
//!
//! `cargo run --release -p fieldfare-planner --example solomon_bench -- FOLDER [SECONDS] [NAMES]`
//!
//! FOLDER (or the environment's `SOLOMON`) holds `C101.txt` and so on, and optionally
//! `BKS_vroom.json` with the best known values. NAMES is a comma list of instances. One line of
//! JSON is printed for each, and their mean.

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
    let seconds: f64 = arguments.next().and_then(|s| s.parse().ok()).unwrap_or(1.0);
    let only = arguments.next();
    let chosen = |name: &String| {
        only.as_ref()
            .is_none_or(|o| o.split(',').any(|n| n == name))
    };
    let best_known = best_known(&folder);
    let mut gaps = Vec::new();
    for name in names(&folder).into_iter().filter(chosen) {
        let Some(problem) = read(&folder, &name) else {
            eprintln!("{name}: not readable");
            continue;
        };
        let (plan, iterations, cpu) = run(&problem, seconds);
        let feasible = check(&problem, &plan).is_ok() && plan.left_out.is_empty();
        let distance = plan.totals.driving_s as f64 / SCALE;
        let known = best_known
            .get(format!("{name}_distance"))
            .and_then(|b| b.get("best_known_cost")?.as_f64());
        let gap = known.map(|known| 100.0 * (distance / known - 1.0));
        gaps.extend(gap);
        let gap = gap.map_or("null".to_owned(), |gap| format!("{gap:.3}"));
        println!(
            "{{\"name\":\"{name}\",\"solver\":\"fieldfare\",\"distance\":{distance:.2},\"gap\":{gap},\"feasible\":{feasible},\"iterations\":{iterations},\"cpu\":{:.2}}}",
            cpu / 1e3
        );
    }
    let mean = gaps.iter().sum::<f64>() / gaps.len().max(1) as f64;
    eprintln!(
        "{} instances, {seconds} CPU s each: mean gap {mean:.3} %",
        gaps.len()
    );
}

fn run(problem: &Problem, seconds: f64) -> (Plan, u64, f64) {
    let start = cpu_ms();
    let mut iterations = 0;
    let plan = solve_while(problem, 1, &[], 10, |progress| {
        iterations = progress.iterations;
        cpu_ms() - start < seconds * 1e3
    });
    match plan {
        Ok(plan) => (plan, iterations, cpu_ms() - start),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
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
