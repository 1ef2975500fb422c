//! Act three: a day in the field without a connection.

use super::cast::{self, AFTERNOON, Cast};
use super::narrator::Narrator;
use super::office;
use super::phone::Phone;
use super::stage::{COLLEAGUE, Stage};
use super::time::{WorkDay, wall};
use super::tour;
use super::{DemoError, DemoResult};
use fieldfare_engine::sampler::NextFix;
use fieldfare_engine::{Clock, EngineError, LeadEdit, NearbyQuery, NewLead, NewVisit};
use fieldfare_model::{Address, Fix, LatLng, LeadId, Purpose, TimestampMs, VisitOutcome};

/// The rep's number for the lead that both sides edit.
pub const REP_PHONE: &str = "+1 617 555 0142";
/// The rep's words on the lead that both sides edit.
pub const REP_NOTES: &str = "Ask for the daughter, she decides.";
/// The lead the rep finds on the way.
pub const FOUND_NAME: &str = "Corner Lantern Repairs";

const SPEED_MPS: f64 = 9.0;
const ACCURACY_M: f64 = 8.0;
const BEND: f64 = 0.07;
const STEP_M: f64 = 45.0;
const MINUTE_MS: i64 = 60_000;
const STAY_MIN: i64 = 22;
const LUNCH_MIN: i64 = 45;
const WEEK_MS: i64 = 7 * 24 * 60 * MINUTE_MS;

/// An alert the rep got.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alerted {
    /// About whom.
    pub lead: LeadId,
    /// When.
    pub at: TimestampMs,
}

/// What the day brought.
#[derive(Debug, Clone, Default)]
pub struct Day {
    /// The way the rep went after consenting.
    pub path: Vec<LatLng>,
    /// In order.
    pub alerts: Vec<Alerted>,
    /// Alerts before the rep consented.
    pub alerts_without_consent: usize,
    /// Whether asking for a purpose without consent was refused.
    pub refused_without_consent: bool,
    /// Fixes the phone took.
    pub fixes: usize,
    /// Metres travelled.
    pub metres: f64,
    /// Visits recorded.
    pub visits: Vec<LeadId>,
    /// Positions stored to be sent; live tracking was never granted.
    pub pings: usize,
    /// When it ended.
    pub ended_at: TimestampMs,
    /// Whether a sync in the field said that there is no connection.
    pub sync_said_offline: bool,
}

/// Plays the day.
///
/// # Errors
/// [`DemoError`].
pub async fn run(
    stage: &Stage,
    phone: &Phone,
    cast: &Cast,
    date: &WorkDay,
    narrator: &mut Narrator,
) -> DemoResult<Day> {
    let step = narrator.begin(
        "The day",
        &format!(
            "{}, no connection: drive, get alerts, visit, edit.",
            date.name()
        ),
        cast.stops.len(),
    );
    let mut rep = RepInField {
        phone,
        day: Day::default(),
        at: start_of(cast)?,
    };
    phone.clock.set(date.at(8, 40));
    rep.before_consent(cast)?;
    step.tell("08:40  before the rep agrees, a fix leads to nothing; then she agrees to alerts");
    phone
        .engine
        .grant(Purpose::ProximityAlerts, "2026-01", "en", None)?;
    phone
        .engine
        .grant(Purpose::VisitCheckIn, "2026-01", "en", None)?;
    for (nth, stop) in cast.stops.iter().enumerate() {
        step.says(format!("{} calls, {} alerts", nth, rep.day.alerts.len()));
        if nth > 0 {
            rep.drive(stop.at, nth)?;
        }
        rep.call(cast, nth)?;
        step.at(nth + 1);
        if nth + 1 == cast.stops.len() / 2 {
            step.tell(&format!(
                "{}  lunch; the office edits two leads in the CRM that the rep edited too",
                wall(phone.clock.now())
            ));
            office::edit(stage, cast.contested, cast.shared).await?;
            rep.stay(LUNCH_MIN)?;
            rep.day.sync_said_offline = phone.sync(|_| ()).await == Err(EngineError::Offline);
        }
    }
    rep.drive(start_of(cast)?, 1)?;
    rep.stay(STAY_MIN)?;
    rep.day.ended_at = phone.clock.now();
    let day = rep.day;
    step.done(&format!(
        "home at {}: {:.0} km, {} alerts, {} visits, all without a connection",
        wall(day.ended_at),
        day.metres / 1000.0,
        day.alerts.len(),
        day.visits.len()
    ));
    Ok(day)
}

fn start_of(cast: &Cast) -> DemoResult<LatLng> {
    cast.stops
        .first()
        .map(|stop| stop.at)
        .ok_or(DemoError::Story("a place to begin"))
}

struct RepInField<'a> {
    phone: &'a Phone,
    day: Day,
    at: LatLng,
}

impl RepInField<'_> {
    fn before_consent(&mut self, cast: &Cast) -> DemoResult<()> {
        self.stay(5)?;
        self.day.alerts_without_consent = self.day.alerts.len();
        let query = NearbyQuery {
            purpose: Purpose::ProximityAlerts,
            ..NearbyQuery::within(500.0)
        };
        let refusal = EngineError::ConsentRequired {
            purpose: Purpose::ProximityAlerts,
        };
        let asked = self.phone.engine.nearby(self.at, &query);
        self.day.refused_without_consent = asked == Err(refusal);
        let hours = LeadEdit::ContactHours(AFTERNOON.to_owned());
        self.phone.engine.edit_lead(cast.afternoon, vec![hours])?;
        Ok(())
    }

    /// Drives to a place, with fixes when the sampler asks for them.
    fn drive(&mut self, to: LatLng, leg: usize) -> DemoResult<()> {
        let bend = if leg.is_multiple_of(2) { BEND } else { -BEND };
        let way = tour::way(self.at, to, bend, STEP_M);
        let mut wait_ms = 0.0;
        for point in way {
            let metres = fieldfare_geo::distance_m(self.at, point);
            self.day.metres += metres;
            self.day.path.push(point);
            self.at = point;
            let took_ms = metres / SPEED_MPS * 1000.0;
            self.phone.clock.advance(took_ms as i64);
            wait_ms -= took_ms;
            if wait_ms <= 0.0 {
                wait_ms = self.fix(SPEED_MPS)? as f64;
            }
        }
        Ok(())
    }

    /// Stays for some minutes.
    fn stay(&mut self, minutes: i64) -> DemoResult<()> {
        let end = self.phone.clock.now().plus(minutes * MINUTE_MS);
        loop {
            let wait_ms = self.fix(0.0)?;
            let left_ms = end.since(self.phone.clock.now());
            self.phone.clock.advance(wait_ms.min(left_ms));
            if wait_ms >= left_ms {
                return Ok(());
            }
        }
    }

    /// Takes a fix; answers after how many milliseconds the next is wanted.
    fn fix(&mut self, speed_mps: f64) -> DemoResult<i64> {
        let at = self.phone.clock.now();
        let outcome = self.phone.engine.fix(Fix {
            position: self.at,
            at,
            accuracy_m: ACCURACY_M,
            speed_mps: Some(speed_mps),
        })?;
        self.day.fixes += 1;
        self.day.pings += usize::from(outcome.is_ping_stored);
        let alerts = outcome.alerts.iter();
        self.day.alerts.extend(alerts.map(|near| Alerted {
            lead: near.record.lead.id,
            at,
        }));
        Ok(match outcome.next {
            NextFix::Stop => MINUTE_MS,
            NextFix::After { ms, .. } => ms,
            NextFix::OnMotion { at_latest_ms, .. } => at_latest_ms,
        })
    }

    /// Calls at a stop's first lead and notes what came of it.
    fn call(&mut self, cast: &Cast, nth: usize) -> DemoResult<()> {
        let began = self.phone.clock.now();
        self.stay(STAY_MIN)?;
        let stop = cast.stops.get(nth).and_then(|stop| stop.leads.first());
        let lead = *stop.ok_or(DemoError::Story("somebody at each stop"))?;
        let talk = cast::talk(nth);
        let is_follow_up = talk.outcome == VisitOutcome::FollowUp;
        self.phone.engine.record_visit(NewVisit {
            note: Some(talk.note.to_owned()),
            started_at: Some(began),
            ended_at: Some(self.phone.clock.now()),
            follow_up_at: is_follow_up.then(|| began.plus(WEEK_MS)),
            position: Some(self.at),
            status: talk.status,
            ..NewVisit::new(lead, talk.outcome)
        })?;
        self.day.visits.push(lead);
        self.edit(cast, lead)?;
        if nth == 9 {
            self.find()?;
        }
        Ok(())
    }

    fn edit(&self, cast: &Cast, lead: LeadId) -> DemoResult<()> {
        let edits = [
            (cast.contested, LeadEdit::Phone(Some(REP_PHONE.to_owned()))),
            (cast.shared, LeadEdit::Notes(Some(REP_NOTES.to_owned()))),
            (
                cast.handed_over,
                LeadEdit::Owner(Some(COLLEAGUE.to_owned())),
            ),
        ];
        for (whom, edit) in edits {
            if whom == lead {
                self.phone.engine.edit_lead(lead, vec![edit])?;
            }
        }
        Ok(())
    }

    /// Adds a lead that no CRM knows yet.
    fn find(&self) -> DemoResult<()> {
        let text = |text: &str| Some(text.to_owned());
        self.phone.engine.add_lead(NewLead {
            name: FOUND_NAME.to_owned(),
            address: Address {
                street: text("200 Hanover Street"),
                unit: None,
                city: text("Boston"),
                region: text("MA"),
                postal_code: text("02113"),
                country: text("US"),
            },
            position: Some(self.at),
            phone: text("+1 617 555 0119"),
            ..NewLead::default()
        })?;
        Ok(())
    }
}
