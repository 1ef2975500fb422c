//! What each command does.

mod consenting;
mod day;
mod location;
mod looking;
mod service;
mod working;

use crate::answer::Answer;
use crate::args::Command;
use crate::phone::{Phone, PhoneError};
use std::str::FromStr;

/// Runs one command.
///
/// # Errors
/// [`PhoneError`] with what is wrong.
pub async fn run(phone: &Phone, command: Command) -> Result<Answer, PhoneError> {
    let engine = &phone.engine;
    match command {
        Command::Enrol { code, name } => service::enrol(engine, code, name).await,
        Command::Sync { background } => service::sync(engine, background).await,
        Command::Status => service::status(phone),
        Command::Leads(args) => looking::leads(engine, &args),
        Command::Lead { id } => looking::lead(engine, &id),
        Command::Nearby(args) => looking::nearby(engine, &args),
        Command::Viewport {
            south,
            west,
            north,
            east,
            limit,
        } => looking::viewport(engine, (south, west), (north, east), limit),
        Command::Search { text, limit } => looking::search(engine, &text.join(" "), limit),
        Command::Visit(args) => working::visit(engine, *args),
        Command::Visits { lead } => working::visits(engine, lead.as_deref()),
        Command::Edit { lead, fields } => working::edit(engine, &lead, &fields),
        Command::Add { name, fields, at } => working::add(engine, name, &fields, at.as_deref()),
        Command::Consent { what } => consenting::run(engine, what),
        Command::Day { what } => day::run(phone, what),
        Command::Fix(args) => location::fix(phone, &args),
        Command::Fixes { file } => location::fixes(phone, &file),
        Command::Fences { lat, lon, k } => location::fences(engine, lat, lon, k),
        Command::Pending => working::pending(engine),
        Command::Refused { what } => working::refused(engine, what),
        Command::Conflicts => working::conflicts(engine),
        Command::Territories => looking::territories(engine),
        Command::Export { out } => service::export(engine, out.as_deref()),
        Command::RotateKey => service::rotate_key(engine),
        Command::Erase { force } => service::erase(engine, force),
        Command::Shell => Err(PhoneError::usage("the shell is not a command of itself")),
    }
}

/// Reads an id.
fn id<T: FromStr>(what: &str, text: &str) -> Result<T, PhoneError> {
    text.parse()
        .map_err(|_| PhoneError::usage(format!("the id of a {what} is a UUID")))
}
