//! One long-lived phone on standard input.

use crate::answer::{Answer, error_json};
use crate::args::{Command, Line};
use crate::phone::{Phone, PhoneError};
use crate::{commands, words};
use clap::Parser;
use serde_json::{Value, json};
use std::io::{BufRead, Write};

/// Answers each line with one line of JSON, until standard input ends.
///
/// A line is a command as on the command line, or a JSON array of its words. An answer is
/// `{"ok": true, "result": ...}` or `{"ok": false, "error": {...}}`, and is written when all it
/// says is durable.
///
/// # Errors
/// [`PhoneError::File`] if standard input or output breaks.
pub async fn serve(phone: &Phone) -> Result<(), PhoneError> {
    let broken = |error| PhoneError::File {
        what: "standard input or output".to_owned(),
        error,
    };
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(broken)?;
        if line.trim().is_empty() {
            continue;
        }
        let reply = envelope(answer(phone, &line).await);
        let mut out = std::io::stdout().lock();
        writeln!(out, "{reply}")
            .and_then(|()| out.flush())
            .map_err(broken)?;
    }
    Ok(())
}

fn envelope(result: Result<Answer, PhoneError>) -> Value {
    match result {
        Ok(answer) => json!({ "ok": true, "result": answer.json }),
        Err(error) => {
            let mut object = error_json(&error);
            if let Some(map) = object.as_object_mut() {
                map.insert("ok".to_owned(), json!(false));
            }
            object
        }
    }
}

async fn answer(phone: &Phone, line: &str) -> Result<Answer, PhoneError> {
    let parsed = Line::try_parse_from(parse(line)?);
    let command = parsed
        .map_err(|error| PhoneError::usage(error.to_string()))?
        .command;
    if matches!(command, Command::Shell) {
        return Err(PhoneError::usage("this is the shell already"));
    }
    commands::run(phone, command).await
}

fn parse(line: &str) -> Result<Vec<String>, PhoneError> {
    if line.trim_start().starts_with('[') {
        return serde_json::from_str(line)
            .map_err(|_| PhoneError::usage("give the words as a JSON array of texts"));
    }
    words::split(line).ok_or_else(|| PhoneError::usage("a quote is not closed"))
}
