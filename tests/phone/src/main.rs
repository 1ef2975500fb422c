//! A phone in a terminal: the engine behind a command line.
//!
//! See `docs/phone.md`. Exit status: 0 done, 1 refused or failed, 2 not understood.
#![forbid(unsafe_code)]

mod answer;
mod args;
mod clock;
mod commands;
mod fields;
mod phone;
mod shell;
mod show;
mod words;

use answer::Answer;
use args::Args;
use clap::Parser;
use phone::PhoneError;
use std::io::Write;
use std::process::ExitCode;

const FAILED: u8 = 1;
const NOT_UNDERSTOOD: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let is_json = args.json;
    match run(args).await {
        Ok(Some(answer)) => {
            let text = if is_json {
                answer.json_line()
            } else {
                answer.text
            };
            print(&text)
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error, is_json);
            ExitCode::from(match error {
                PhoneError::Usage(_) => NOT_UNDERSTOOD,
                _ => FAILED,
            })
        }
    }
}

async fn run(args: Args) -> Result<Option<Answer>, PhoneError> {
    let phone = phone::Phone::open(&args)?;
    let result = match args.command {
        args::Command::Shell => shell::serve(&phone).await.map(|()| None),
        command => commands::run(&phone, command).await.map(Some),
    };
    phone.close();
    result
}

/// A reader that went away, as `head` does, is no failure.
fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(FAILED),
    }
}

fn report(error: &PhoneError, is_json: bool) {
    if is_json {
        print(&answer::error_json(error).to_string());
    } else {
        eprintln!("fieldfare-phone: {error}");
    }
}
