//! Act two: the phone enrols, takes its territory along, and loses its connection.

use super::narrator::{Narrator, thousands};
use super::phone::Phone;
use super::stage::{Stage, TERRITORY};
use super::{DemoError, DemoResult};
use crate::figures::percentile;
use fieldfare_engine::{EngineError, NearbyQuery};
use fieldfare_model::{LatLng, Lead};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const QUESTIONS: usize = 1_000;

/// What the first sync brought.
#[derive(Debug, Clone, Default)]
pub struct Morning {
    /// Leads on the phone.
    pub leads: u64,
    /// Bytes received, bodies of answers.
    pub bytes_down: u64,
    /// How long enrolment and sync took.
    pub took: Duration,
    /// Bytes of the phone's files.
    pub disk_bytes: u64,
    /// From opening the app, offline, to the first answer.
    pub open_to_answer: Duration,
    /// The median of an answer to "what is within 2 km", with the leads read, offline.
    pub nearby_p50: Duration,
    /// Whether a sync without connection said so.
    pub sync_said_offline: bool,
}

/// Enrols and syncs. The rep's leads come from the server for the checks.
///
/// # Errors
/// [`DemoError`].
pub async fn enrol(
    stage: &Stage,
    phone: &Phone,
    narrator: &mut Narrator,
) -> DemoResult<(Morning, Vec<Lead>)> {
    let step = narrator.begin(
        "Phone",
        "A new phone enrols by a one-time code and takes its territory along, encrypted.",
        0,
    );
    let code = stage.enrolment_code()?;
    Arc::clone(&phone.engine)
        .enrol(code, "Ada's phone".to_owned())
        .await?;
    let rows = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&rows);
    phone
        .sync(move |so_far| seen.store(so_far, Ordering::SeqCst))
        .await?;
    let counts = phone.engine.status()?.counts;
    let leads = stage.leads_of_rep()?;
    let took = step.done(&format!(
        "{} leads of {TERRITORY} on the phone",
        thousands(counts.leads)
    ));
    let morning = Morning {
        leads: counts.leads,
        bytes_down: phone.radio.traffic().down,
        took,
        ..Morning::default()
    };
    Ok((morning, leads))
}

/// Switches the radio off, restarts the app, and asks what is near.
///
/// # Errors
/// [`DemoError`].
pub async fn go_offline(
    phone: &mut Phone,
    places: &[LatLng],
    narrator: &mut Narrator,
    morning: &mut Morning,
) -> DemoResult<()> {
    let step = narrator.begin(
        "Offline",
        "The radio goes off, the app starts again and answers from its own files.",
        QUESTIONS,
    );
    phone.radio.switch(false);
    morning.sync_said_offline = phone.sync(|_| ()).await == Err(EngineError::Offline);
    let here = *places
        .first()
        .ok_or(DemoError::Story("leads with positions"))?;
    morning.open_to_answer = phone.restart(here)?;
    let mut nanos = Vec::with_capacity(QUESTIONS);
    for (nth, place) in places.iter().cycle().take(QUESTIONS).enumerate() {
        let started = Instant::now();
        phone.engine.nearby(*place, &NearbyQuery::within(2_000.0))?;
        nanos.push(started.elapsed().as_nanos() as f64);
        step.at(nth + 1);
    }
    morning.nearby_p50 = Duration::from_nanos(percentile(nanos, 0.5) as u64);
    morning.disk_bytes = phone.disk_bytes()?;
    step.done("the app works without a connection");
    Ok(())
}
