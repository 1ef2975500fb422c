//! `make demo`.
#![forbid(unsafe_code)]

use fieldfare_tests::demo::{self, Options};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: demo [--keep] [--dir DIR]
  --keep     leave server and CRM up until Ctrl-C
  --dir DIR  where server, phone and picture go; target/demo if not said";

fn main() -> ExitCode {
    let Some(options) = read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let played = match runtime {
        Ok(runtime) => runtime
            .block_on(demo::run(&options))
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match played {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("\nsomething that must hold does not; see the marks above");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("\nthe demo ended early: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        dir: PathBuf::from("target/demo"),
        keep: false,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keep" => options.keep = true,
            "--dir" => options.dir = PathBuf::from(arguments.next()?),
            _ => return None,
        }
    }
    Some(options)
}
