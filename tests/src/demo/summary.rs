//! The figures of the run, to be read at a glance.

use super::checks::Checks;
use super::day::Day;
use super::evening::Evening;
use super::import::Imported;
use super::morning::Morning;
use super::narrator::{Narrator, thousands};
use std::time::Duration;

/// Everything the run measured.
pub struct Figures<'a> {
    /// The import.
    pub imported: &'a Imported,
    /// The first sync and the offline answers.
    pub morning: &'a Morning,
    /// The day.
    pub day: &'a Day,
    /// The way back.
    pub evening: &'a Evening,
    /// The planned day and its drive, in one line.
    pub drive: &'a str,
    /// The whole run.
    pub took: Duration,
}

const LABEL: usize = 26;

/// Prints figures and checks.
pub fn print(narrator: &Narrator, figures: &Figures<'_>, checks: &Checks) {
    narrator.headline("What happened");
    for (label, value) in figures.rows() {
        println!("   {label:<LABEL$}{value}");
    }
    narrator.headline("What was checked");
    for check in checks.all() {
        let mark = narrator.mark(check.fault.is_none());
        match &check.fault {
            None => println!("   {mark} {}", check.claim),
            Some(fault) => println!("   {mark} {}: {fault}", check.claim),
        }
    }
}

impl Figures<'_> {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = self.of_the_server();
        rows.extend(self.of_the_phone());
        rows.extend(self.of_the_day());
        rows.push(("the planned day", self.drive.to_owned()));
        rows.push(("whole run", format!("{:.1} s", self.took.as_secs_f64())));
        rows
    }

    fn of_the_server(&self) -> Vec<(&'static str, String)> {
        let Imported {
            deliveries,
            leads,
            took,
            ..
        } = self.imported;
        let n = |n: u64| thousands(n);
        let rate = *leads as f64 / took.as_secs_f64().max(0.001);
        vec![
            (
                "leads imported",
                format!("{} in {:.1} s", n(*leads as u64), took.as_secs_f64()),
            ),
            (
                "",
                format!("{rate:.0} leads a second, geocoded and assigned"),
            ),
            (
                "webhooks",
                format!(
                    "{} events in {} signed requests",
                    n(deliveries.acked_events),
                    n(deliveries.attempts)
                ),
            ),
            (
                "duplicates dropped",
                format!(
                    "{} events sent twice, {} requests repeated after a lost answer",
                    n(deliveries.duplicated),
                    n(deliveries.failures)
                ),
            ),
            ("positions known by", list(self.imported.precision.iter())),
            (
                "territories",
                list(self.imported.territories.iter().filter(|(_, n)| **n > 0)),
            ),
        ]
    }

    fn of_the_phone(&self) -> Vec<(&'static str, String)> {
        let morning = self.morning;
        let leads = morning.leads.max(1) as f64;
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        vec![
            (
                "first sync",
                format!(
                    "{} leads in {:.2} s",
                    thousands(morning.leads),
                    morning.took.as_secs_f64()
                ),
            ),
            (
                "on the wire",
                format!("{:.0} bytes a lead", morning.bytes_down as f64 / leads),
            ),
            (
                "on the phone's disk",
                format!(
                    "{:.0} bytes a lead, full-text index and empty files with it",
                    morning.disk_bytes as f64 / leads
                ),
            ),
            (
                "offline answers",
                format!(
                    "{:.0} ms from opening to the first, then {:.0} µs (median, 2 km)",
                    morning.open_to_answer.as_secs_f64() * 1e3,
                    micros(morning.nearby_p50)
                ),
            ),
        ]
    }

    fn of_the_day(&self) -> Vec<(&'static str, String)> {
        let (day, evening) = (self.day, self.evening);
        vec![
            (
                "the day",
                format!(
                    "{:.0} km, {} fixes, {} alerts, {} visits",
                    day.metres / 1000.0,
                    thousands(day.fixes as u64),
                    day.alerts.len(),
                    day.visits.len()
                ),
            ),
            (
                "back online",
                format!(
                    "{} changes in {:.2} s, {} syncs as one answer was lost",
                    evening.waiting,
                    evening.took.as_secs_f64(),
                    evening.attempts
                ),
            ),
            (
                "edited on both sides",
                format!(
                    "{} lead merged, {} conflict shown",
                    evening.merged, evening.conflicts
                ),
            ),
            (
                "in the CRM",
                format!("{} tasks, {} notes", evening.tasks, evening.notes),
            ),
        ]
    }
}

fn list<'a, K: std::fmt::Display + 'a>(counts: impl Iterator<Item = (K, &'a usize)>) -> String {
    let parts: Vec<String> = counts
        .map(|(name, n)| format!("{name} {}", thousands(*n as u64)))
        .collect();
    parts.join(", ")
}
