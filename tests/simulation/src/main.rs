//! Plays seeds: `fieldfare-simulation [--from N] [--seeds N] [--steps N] [--seed N]`.

use fieldfare_simulation::run::{Stores, play};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

struct Arguments {
    from: u64,
    seeds: u64,
    steps: usize,
}

fn arguments() -> Result<Arguments, String> {
    let mut parsed = Arguments {
        from: 0,
        seeds: 200,
        steps: 2_000,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let number = words.next().and_then(|n| n.parse::<u64>().ok());
        let number = number.ok_or_else(|| format!("{word} wants a number"))?;
        match word.as_str() {
            "--from" => parsed.from = number,
            "--seeds" => parsed.seeds = number,
            "--steps" => parsed.steps = usize::try_from(number).unwrap_or(usize::MAX),
            "--seed" => (parsed.from, parsed.seeds) = (number, 1),
            other => return Err(format!("{other} is not known")),
        }
    }
    Ok(parsed)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}; see the head of src/main.rs");
            return ExitCode::FAILURE;
        }
    };
    let started = Instant::now();
    let (next, wrong) = (AtomicU64::new(0), AtomicU64::new(0));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(&arguments, &next, &wrong));
        }
    });
    let wrong = wrong.into_inner();
    println!(
        "{} seeds of {} steps, {wrong} of them wrong, {:.1} s",
        arguments.seeds,
        arguments.steps,
        started.elapsed().as_secs_f64()
    );
    if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn work(arguments: &Arguments, next: &AtomicU64, wrong: &AtomicU64) {
    loop {
        let n = next.fetch_add(1, Ordering::SeqCst);
        if n >= arguments.seeds {
            return;
        }
        if let Err(finding) = play(arguments.from + n, arguments.steps, Stores::Models) {
            wrong.fetch_add(1, Ordering::SeqCst);
            println!("{finding}");
        }
        if (n + 1).is_multiple_of(1_000) {
            println!("{} seeds", n + 1);
        }
    }
}
