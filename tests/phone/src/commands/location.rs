use super::looking::{nearby_json, nearby_line};
use crate::answer::Answer;
use crate::args::FixArgs;
use crate::phone::{Phone, PhoneError};
use fieldfare_engine::sampler::NextFix;
use fieldfare_engine::{Clock, Engine, FenceArea, Fences, FixOutcome};
use fieldfare_model::{Fix, LatLng, TimestampMs};
use serde::Deserialize;
use serde_json::json;
use std::io::BufRead;
use std::path::Path;

/// A fix as a line of a file says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FixLine {
    lat: f64,
    lon: f64,
    at: i64,
    #[serde(default = "usual_accuracy")]
    accuracy_m: f64,
    #[serde(default)]
    speed_mps: Option<f64>,
    #[serde(default)]
    course_deg: Option<f64>,
}

const fn usual_accuracy() -> f64 {
    10.0
}

impl FixLine {
    fn into_fix(self) -> Result<Fix, PhoneError> {
        Ok(Fix {
            position: LatLng::new(self.lat, self.lon)?,
            at: TimestampMs(self.at),
            accuracy_m: self.accuracy_m,
            speed_mps: self.speed_mps,
        })
    }
}

pub fn fix(phone: &Phone, args: &FixArgs) -> Result<Answer, PhoneError> {
    let outcome = take(
        phone,
        Fix {
            position: LatLng::new(args.lat, args.lon)?,
            at: args.at.map_or_else(|| phone.clock.now(), TimestampMs),
            accuracy_m: args.accuracy,
            speed_mps: args.speed,
        },
    )?;
    Ok(Answer::new(outcome_json(&outcome), outcome_text(&outcome)))
}

fn take(phone: &Phone, fix: Fix) -> Result<FixOutcome, PhoneError> {
    phone.clock.follow(fix.at);
    Ok(phone.engine.fix(fix)?)
}

/// Takes every fix of a file; the answer tells of those that led to something.
pub fn fixes(phone: &Phone, file: &Path) -> Result<Answer, PhoneError> {
    let mut told = Vec::new();
    let mut text = Vec::new();
    let mut taken = 0u64;
    let mut pings = 0u64;
    read_fixes(file, |fix, _| {
        let outcome = take(phone, fix)?;
        taken += 1;
        pings += u64::from(outcome.is_ping_stored);
        if !outcome.events.is_empty() {
            told.push(json!({ "at": fix.at, "outcome": outcome_json(&outcome) }));
            text.extend(outcome.alerts.iter().map(nearby_line));
        }
        Ok(())
    })?;
    let json = json!({ "fixes": taken, "pings": pings, "told": told });
    text.push(format!(
        "{taken} fixes, {} with events, {pings} kept to be sent",
        told.len()
    ));
    Ok(Answer::new(json, text.join("\n")))
}

/// Reads the fixes of a file, or of standard input for `-`, with the direction of travel where it
/// is given.
pub fn read_fixes(
    file: &Path,
    mut take: impl FnMut(Fix, Option<f64>) -> Result<(), PhoneError>,
) -> Result<(), PhoneError> {
    let broken = |error| PhoneError::file(file, error);
    let lines: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let opened = std::fs::File::open(file).map_err(broken)?;
        Box::new(std::io::BufReader::new(opened))
    };
    for (line, number) in lines.lines().zip(1..) {
        let line = line.map_err(broken)?;
        if !line.trim().is_empty() {
            let line = read(&line, number)?;
            let course_deg = line.course_deg;
            take(line.into_fix()?, course_deg)?;
        }
    }
    Ok(())
}

fn read(line: &str, n: u64) -> Result<FixLine, PhoneError> {
    let parsed: Result<FixLine, _> = serde_json::from_str(line);
    let wrong = || {
        PhoneError::usage(format!(
            "line {n} is not a fix: {{\"lat\", \"lon\", \"at\"}}"
        ))
    };
    parsed.map_err(|_| wrong())
}

pub fn fences(engine: &Engine, lat: f64, lon: f64, k: Option<u32>) -> Result<Answer, PhoneError> {
    let fences = engine.fences(LatLng::new(lat, lon)?, k)?;
    let text: Vec<String> = fences
        .areas
        .iter()
        .chain([&fences.rearm])
        .map(area_line)
        .collect();
    Ok(Answer::new(fences_json(&fences), text.join("\n")))
}

fn outcome_json(outcome: &FixOutcome) -> serde_json::Value {
    json!({
        "alerts": outcome.alerts.iter().map(nearby_json).collect::<Vec<_>>(),
        "events": outcome.events,
        "next": outcome.next,
        "fences": outcome.fences.as_ref().map(fences_json),
        "is_ping_stored": outcome.is_ping_stored,
    })
}

fn outcome_text(outcome: &FixOutcome) -> String {
    let next = match outcome.next {
        NextFix::Stop => "no more fixes: nothing is granted".to_owned(),
        NextFix::After { ms, accuracy_m } => {
            format!("next fix in {} s, to {accuracy_m:.0} m", ms / 1000)
        }
        NextFix::OnMotion {
            at_latest_ms,
            accuracy_m,
        } => {
            format!(
                "next fix on motion or in {} s, to {accuracy_m:.0} m",
                at_latest_ms / 1000
            )
        }
    };
    let alerts = outcome.alerts.iter().map(nearby_line);
    let lines: Vec<String> = alerts.chain([next]).collect();
    lines.join("\n")
}

fn fences_json(fences: &Fences) -> serde_json::Value {
    json!({
        "areas": fences.areas.iter().map(area_json).collect::<Vec<_>>(),
        "rearm": area_json(&fences.rearm),
        "exposed": fences.exposed,
    })
}

fn area_json(area: &FenceArea) -> serde_json::Value {
    json!({ "lead": area.lead, "center": area.center, "radius_m": area.radius_m })
}

fn area_line(area: &FenceArea) -> String {
    let whose = area
        .lead
        .map_or_else(|| "re-arm".to_owned(), |lead| lead.to_string());
    let (lat, lon) = (area.center.lat(), area.center.lon());
    format!("{lat:.5}, {lon:.5}  {:>6.0} m  {whose}", area.radius_m)
}
