//! Act four: back online, and what the CRM shows then.

use super::DemoResult;
use super::cast::{AFTERNOON_FROM, Cast};
use super::checks::Checks;
use super::day::{Day, FOUND_NAME, REP_NOTES, REP_PHONE};
use super::import::Imported;
use super::narrator::Narrator;
use super::office::{self, OFFICE_NAME, OFFICE_PHONE};
use super::phone::{ALERT_RADIUS_M, Phone};
use super::radio::Traffic;
use super::stage::{COLLEAGUE, Stage, until};
use super::time::WorkDay;
use fieldfare_geo::distance_m;
use fieldfare_model::{Lead, LeadId, Value};
use fieldfare_sandbox::{ObjectType, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const MOST_ATTEMPTS: usize = 5;
const FOUR_HOURS_MS: i64 = 4 * 3_600_000;

/// What coming back brought.
#[derive(Debug, Clone, Default)]
pub struct Evening {
    /// Changes that waited on the phone.
    pub waiting: u64,
    /// Syncs it took, the one whose answer was lost with them.
    pub attempts: usize,
    /// Changes the server answered, as the phone saw it.
    pub pushed: u64,
    /// Leads in which both sides' changes stand.
    pub merged: usize,
    /// Conflicts shown to the rep.
    pub conflicts: usize,
    /// Tasks in the CRM.
    pub tasks: usize,
    /// Notes in the CRM.
    pub notes: usize,
    /// How long the syncs took.
    pub took: Duration,
}

/// Brings the phone back online: the first answer is lost, so the phone asks again.
///
/// # Errors
/// [`super::DemoError`].
pub async fn come_back(phone: &Phone, narrator: &mut Narrator) -> DemoResult<Evening> {
    let waiting = phone.engine.status()?.pending;
    let step = narrator.begin(
        "Back online",
        "The outbox goes up; the first answer is lost on the way, so the phone asks again.",
        MOST_ATTEMPTS,
    );
    phone.radio.switch(true);
    phone.radio.lose_next_push_answer();
    let mut attempts = 0;
    let pushed = loop {
        attempts += 1;
        match phone.sync(|_| ()).await {
            Ok(report) => break report.pushed,
            Err(error) if attempts == MOST_ATTEMPTS => return Err(error.into()),
            Err(error) => step.tell(&format!("sync {attempts}: {error}")),
        }
    };
    let took = step.done(&format!("{waiting} changes sent, each counted once"));
    Ok(Evening {
        waiting,
        attempts,
        pushed,
        took,
        ..Evening::default()
    })
}

/// Waits until the CRM has heard of everything.
///
/// # Errors
/// [`super::DemoError`].
pub async fn write_back(
    stage: &Stage,
    phone: &Phone,
    cast: &Cast,
    narrator: &mut Narrator,
    evening: &mut Evening,
) -> DemoResult<()> {
    let visits: Vec<LeadId> = cast.visited().collect();
    let step = narrator.begin(
        "Write-back",
        "The server tells the CRM: tasks, notes, fields, the new owner, the new company.",
        visits.len(),
    );
    let owner = stage.lead(cast.handed_over)?;
    until("the CRM to show the day", PATIENCE, || {
        let told = outcomes(stage);
        step.at(told.min(visits.len()));
        let has_owner = property(&office::company(stage, &owner)?, "hubspot_owner_id") == COLLEAGUE;
        let found = companies_named(stage, FOUND_NAME);
        let is_done = told >= visits.len() && has_owner && found > 0;
        let so_far = format!("{told} outcomes, owner {has_owner}, new companies {found}");
        Ok((!is_done).then_some(so_far))
    })
    .await?;
    tokio::time::sleep(Duration::from_millis(600)).await;
    stage.portal.wait_idle(PATIENCE).await;
    phone.sync(|_| ()).await?;
    evening.tasks = live(stage, ObjectType::Tasks).len();
    evening.notes = live(stage, ObjectType::Notes).len();
    evening.conflicts = phone.engine.conflicts()?.len();
    let shared = phone.engine.lead(cast.shared)?.lead;
    let has_both = shared.name == OFFICE_NAME && shared.notes.as_deref() == Some(REP_NOTES);
    evening.merged = usize::from(has_both);
    step.done(&format!(
        "{} tasks and {} notes in the CRM",
        evening.tasks, evening.notes
    ));
    Ok(())
}

fn live(stage: &Stage, object: ObjectType) -> Vec<Record> {
    let mut records = stage.portal.records(object);
    records.retain(|record| record.archived_ms.is_none());
    records
}

fn outcomes(stage: &Stage) -> usize {
    live(stage, ObjectType::Tasks).len() + live(stage, ObjectType::Notes).len()
}

fn companies_named(stage: &Stage, name: &str) -> usize {
    let companies = live(stage, ObjectType::Companies);
    companies
        .iter()
        .filter(|company| property(company, "name") == name)
        .count()
}

fn property(record: &Record, name: &str) -> String {
    record.value(name).unwrap_or_default()
}

/// What there is to check.
pub struct Evidence<'a> {
    /// Server and CRM.
    pub stage: &'a Stage,
    /// The phone.
    pub phone: &'a Phone,
    /// Who played.
    pub cast: &'a Cast,
    /// The import.
    pub imported: &'a Imported,
    /// The day.
    pub day: &'a Day,
    /// Its date.
    pub date: &'a WorkDay,
    /// The evening.
    pub evening: &'a Evening,
    /// The radio's counts when it was switched off and just before it was switched on again.
    pub offline: (Traffic, Traffic),
    /// The rep's leads as they were in the morning.
    pub leads: &'a [Lead],
}

/// Checks it all.
///
/// # Errors
/// [`super::DemoError`] if something cannot be looked at.
pub fn check(evidence: &Evidence<'_>) -> DemoResult<Checks> {
    let mut checks = Checks::default();
    evidence.of_the_import(&mut checks)?;
    evidence.of_the_day(&mut checks);
    evidence.of_the_merge(&mut checks)?;
    evidence.of_the_crm(&mut checks)?;
    Ok(checks)
}

impl Evidence<'_> {
    fn of_the_import(&self, checks: &mut Checks) -> DemoResult<()> {
        let found = (self.imported.leads, self.imported.records);
        let wanted = (self.imported.companies, self.imported.companies);
        checks.same(
            "each company became exactly one lead, duplicates or not",
            found,
            wanted,
        );
        checks.same("each lead is in a territory", self.imported.unassigned, 0);
        let shown = self.phone.engine.status()?.counts.leads;
        let served = self.stage.leads_of_rep()?.len() as u64;
        checks.same(
            "the phone holds its territory and nothing else",
            shown,
            served,
        );
        let name = self
            .leads
            .first()
            .map(|lead| lead.name.clone())
            .unwrap_or_default();
        checks.holds(
            "no lead can be read in the phone's files",
            !self.phone.files_show(&name)?,
        );
        Ok(())
    }

    fn of_the_day(&self, checks: &mut Checks) {
        let (before, after) = self.offline;
        checks.same(
            "nothing reached the server while offline",
            after.requests,
            before.requests,
        );
        checks.holds(
            "a sync in the field said so and lost nothing",
            self.day.sync_said_offline,
        );
        let is_silent = self.day.alerts_without_consent == 0 && self.day.refused_without_consent;
        checks.holds(
            "without consent nothing alerted and the query was refused",
            is_silent,
        );
        checks.same(
            "without consent for live tracking no position was kept",
            self.day.pings,
            0,
        );
        checks.same("each lead on the way alerted", self.missed_alerts(), 0);
        checks.same(
            "no lead off the way alerted, none twice in 4 hours",
            self.wrong_alerts(),
            0,
        );
        checks.holds(
            "a lead with afternoon hours alerted in the afternoon only",
            self.kept_hours(),
        );
    }

    /// Metres between the way and each lead that has a position.
    fn distances(&self) -> BTreeMap<LeadId, f64> {
        let start = self.cast.stops.first().map(|stop| stop.at);
        let distance = |lead: &Lead| {
            let at = lead.geocode.position?;
            let way = self.day.path.iter().chain(start.iter());
            let nearest = way
                .map(|point| distance_m(*point, at))
                .fold(f64::INFINITY, f64::min);
            Some((lead.id, nearest))
        };
        self.leads.iter().filter_map(distance).collect()
    }

    /// Leads well within reach of the way that never alerted.
    fn missed_alerts(&self) -> usize {
        let alerted: BTreeSet<LeadId> = self.day.alerts.iter().map(|alert| alert.lead).collect();
        let reach = f64::from(ALERT_RADIUS_M) * 0.8;
        let within = self
            .distances()
            .into_iter()
            .filter(|(_, metres)| *metres <= reach);
        within.filter(|(lead, _)| !alerted.contains(lead)).count()
    }

    fn wrong_alerts(&self) -> usize {
        let distances = self.distances();
        let far = |lead: &LeadId| {
            distances
                .get(lead)
                .is_some_and(|metres| *metres > f64::from(ALERT_RADIUS_M) + 1.0)
        };
        let mut last = BTreeMap::new();
        let mut wrong = 0;
        for alert in &self.day.alerts {
            let before = last.insert(alert.lead, alert.at);
            let is_soon = before.is_some_and(|before| alert.at.since(before) < FOUR_HOURS_MS);
            wrong += usize::from(is_soon || far(&alert.lead));
        }
        wrong
    }

    fn kept_hours(&self) -> bool {
        let (hour, minute) = AFTERNOON_FROM;
        let from = self.date.at(hour, minute);
        let mut alerts = self
            .day
            .alerts
            .iter()
            .filter(|alert| alert.lead == self.cast.afternoon)
            .peekable();
        alerts.peek().is_some() && alerts.all(|alert| alert.at >= from)
    }

    fn of_the_merge(&self, checks: &mut Checks) -> DemoResult<()> {
        let answered = (self.evening.pushed, self.evening.waiting);
        checks.same(
            "each change got one answer, also after a lost one",
            answered.0,
            answered.1,
        );
        let status = self.phone.engine.status()?;
        let left = (status.pending, status.refused);
        checks.same("the outbox is empty and nothing was refused", left, (0, 0));
        checks.same(
            "changes to different fields both stand",
            self.evening.merged,
            1,
        );
        let conflicts = self.phone.engine.conflicts()?;
        let shown: Vec<_> = conflicts
            .iter()
            .map(|it| {
                (
                    it.column.as_deref(),
                    it.conflict.kept.clone(),
                    it.conflict.lost.clone(),
                )
            })
            .collect();
        let wanted = (
            Some("phone"),
            Value::from(REP_PHONE),
            Value::from(OFFICE_PHONE),
        );
        checks.same(
            "a change to the same field shows both values to the rep",
            shown,
            vec![wanted],
        );
        Ok(())
    }

    fn of_the_crm(&self, checks: &mut Checks) -> DemoResult<()> {
        let (mut wrong, mut outcomes) = (0, 0);
        for lead in self.cast.visited() {
            let id = office::record_id(&self.stage.lead(lead)?)?;
            let told = self.stage.portal.tasks_of(id).len() + self.stage.portal.notes_of(id).len();
            wrong += usize::from(told != 1);
            outcomes += told;
        }
        let total = self.evening.tasks + self.evening.notes;
        checks.same(
            "the CRM shows each visit exactly once",
            (wrong, outcomes),
            (0, total),
        );
        let value = |lead: LeadId, name: &str| -> DemoResult<String> {
            Ok(property(
                &office::company(self.stage, &self.stage.lead(lead)?)?,
                name,
            ))
        };
        let owner = value(self.cast.handed_over, "hubspot_owner_id")?;
        checks.same("the CRM shows the new owner", owner.as_str(), COLLEAGUE);
        let phone = value(self.cast.contested, "phone")?;
        checks.same(
            "the CRM shows the rep's telephone number",
            phone.as_str(),
            REP_PHONE,
        );
        let both = (
            value(self.cast.shared, "name")?,
            value(self.cast.shared, "description")?,
        );
        let wanted = (OFFICE_NAME.to_owned(), REP_NOTES.to_owned());
        checks.same(
            "the CRM shows the office's name and the rep's words",
            both,
            wanted,
        );
        let ordered = self.cast.visited().nth(3);
        let stage = ordered.map_or(Ok(String::new()), |lead| value(lead, "lifecyclestage"))?;
        checks.same(
            "who ordered is a customer in the CRM",
            stage.as_str(),
            "customer",
        );
        let found = companies_named(self.stage, FOUND_NAME);
        checks.same(
            "the lead found on the way is one company in the CRM",
            found,
            1,
        );
        Ok(())
    }
}
