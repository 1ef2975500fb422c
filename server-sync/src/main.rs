//! The program `fieldfare-server`.
#![forbid(unsafe_code)]

use clap::Parser;
use fieldfare_server::cli::{Cli, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse(), &mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fieldfare-server: {error}");
            ExitCode::FAILURE
        }
    }
}
