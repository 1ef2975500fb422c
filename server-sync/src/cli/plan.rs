use crate::cli::say;
use crate::config::Config;
use crate::planning::{Kind, PlanLimits, kind_of, plan, replan};
use crate::routing::Routing;
use crate::state::ServerError;
use crate::store::{StoreError, clock_now};
use clap::Args;
use fieldfare_planner::{Options, explain, svg};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// How a problem is planned and shown.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The problem: the planner's own JSON or a VROOM input; `-` reads standard input.
    problem: PathBuf,
    /// Print the days as a timetable instead of JSON.
    #[arg(long)]
    explain: bool,
    /// Draw the plan into this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Plan the rest of the days anew: the plan so far. Needs --state.
    #[arg(long, value_name = "FILE", requires = "state")]
    earlier: Option<PathBuf>,
    /// What has happened since: the planner's `DayState` as JSON. Needs --earlier.
    #[arg(long, value_name = "FILE", requires = "earlier")]
    state: Option<PathBuf>,
    /// Seed of the search.
    #[arg(long, default_value_t = Options::default().seed)]
    seed: u64,
    /// Iterations of the search; without it they follow from the number of stops.
    #[arg(long)]
    iterations: Option<u64>,
}

pub(super) fn run(
    config: &Config,
    args: &PlanArgs,
    out: &mut dyn Write,
) -> Result<(), ServerError> {
    let text = read(&args.problem)?;
    let routing = Routing::new(&config.routing).map_err(|e| failed(&e))?;
    let options = Options {
        seed: args.seed,
        iterations: args.iterations,
        ..Options::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| failed(&e))?;
    let limits = PlanLimits::PLANNER;
    let now = clock_now();
    let planned = match args.earlier.as_deref().zip(args.state.as_deref()) {
        Some((earlier, state)) => {
            let (earlier, state) = (read(earlier)?, read(state)?);
            let since = (earlier.as_str(), state.as_str());
            runtime.block_on(replan(&text, since, options, limits, &routing, now))
        }
        None => runtime.block_on(plan(&text, options, limits, &routing, None, now)),
    };
    let planned = match planned {
        Ok(planned) => planned,
        Err(error) => {
            if let Ok(Kind::Vroom) = kind_of(&text) {
                say(out, &error.answer(Kind::Vroom).to_string())?;
            }
            return Err(failed(&error));
        }
    };
    if let Some(file) = &args.svg {
        let drawn = svg(&planned.problem, &planned.plan);
        std::fs::write(file, drawn).map_err(|e| named(file, &e))?;
    }
    if args.explain {
        say(out, explain(&planned.problem, &planned.plan).trim_end())
    } else {
        let json = serde_json::to_string_pretty(&planned.answer).map_err(|e| failed(&e))?;
        say(out, &json)
    }
}

fn read(path: &Path) -> Result<String, ServerError> {
    if path == Path::new("-") {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        return read.map(|_| text).map_err(|e| named(path, &e));
    }
    std::fs::read_to_string(path).map_err(|e| named(path, &e))
}

pub(super) fn named(path: &Path, error: &dyn std::fmt::Display) -> ServerError {
    StoreError::Caller(format!("{}: {error}", path.display())).into()
}

fn failed(error: &dyn std::fmt::Display) -> ServerError {
    StoreError::Caller(error.to_string()).into()
}
