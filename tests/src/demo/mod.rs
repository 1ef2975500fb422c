//! A day of one field rep, from the CRM to the phone and back, and one of another along real roads;
//! all of it real but the reps.

mod cast;
mod checks;
mod day;
mod error;
mod evening;
mod helsinki;
mod import;
mod look_around;
mod morning;
mod narrator;
mod office;
mod phone;
mod picture;
mod radio;
mod stage;
mod summary;
mod time;
mod tour;

pub use error::{DemoError, DemoResult};

use cast::Cast;
use evening::Evidence;
use fieldfare_model::TimestampMs;
use helsinki::Roads;
use narrator::Narrator;
use phone::Phone;
use stage::Stage;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use summary::Figures;
use time::{SimClock, WorkDay};

/// How to run the demo.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where server, phone and picture go. What an earlier run left there is replaced.
    pub dir: PathBuf,
    /// Whether the server stays up until Ctrl-C.
    pub keep: bool,
}

/// Plays the demo; answers whether everything that was checked holds.
///
/// # Errors
/// [`DemoError`] if the story cannot go on.
pub async fn run(options: &Options) -> DemoResult<bool> {
    let started = Instant::now();
    let mut narrator = Narrator::default();
    narrator.headline("Fieldfare: a day of one field rep, from the CRM to the phone and back");
    let folders = Folders::fresh(&options.dir)?;
    let roads = Roads::open(&folders.roads).await?;
    let stage = open_stage(&folders, &roads, &mut narrator).await?;
    let passed = play(&stage, &roads, &folders, &mut narrator, started).await?;
    if options.keep {
        look_around::wait(&stage, &narrator).await?;
    }
    stage.close().await;
    Ok(passed)
}

async fn open_stage(
    folders: &Folders,
    roads: &Roads,
    narrator: &mut Narrator,
) -> DemoResult<Stage> {
    let step = narrator.begin(
        "Start",
        "The server with its embedded, encrypted store, and a sandbox CRM, on this machine.",
        0,
    );
    let stage = Stage::open(&folders.server, roads.url()).await?;
    step.done(&format!(
        "server {}, CRM {}",
        stage.url(),
        stage.crm.base_url()
    ));
    Ok(stage)
}

async fn play(
    stage: &Stage,
    roads: &Roads,
    folders: &Folders,
    narrator: &mut Narrator,
    started: Instant,
) -> DemoResult<bool> {
    let imported = import::run(stage, narrator).await?;
    let date = WorkDay::before(TimestampMs(stage.server.state.now().0));
    let clock = Arc::new(SimClock::at(date.at(8, 0)));
    let mut phone = Phone::new(&folders.phone, &stage.url(), clock)?;
    let (mut morning, leads) = morning::enrol(stage, &phone, narrator).await?;
    let cast = Cast::choose(&leads)?;
    let places: Vec<_> = cast.stops.iter().map(|stop| stop.at).collect();
    let online = phone.radio.traffic();
    morning::go_offline(&mut phone, &places, narrator, &mut morning).await?;
    let day = day::run(stage, &phone, &cast, &date, narrator).await?;
    let offline = (online, phone.radio.traffic());
    let mut evening = evening::come_back(&phone, narrator).await?;
    evening::write_back(stage, &phone, &cast, narrator, &mut evening).await?;
    let mut checks = evening::check(&Evidence {
        stage,
        phone: &phone,
        cast: &cast,
        imported: &imported,
        day: &day,
        date: &date,
        evening: &evening,
        offline,
        leads: &leads,
    })?;
    std::fs::write(&folders.picture, picture::draw(&leads, &cast, &day, &date))?;
    let act = helsinki::run(stage, roads, &folders.second_phone, narrator).await?;
    std::fs::write(&folders.drive, &act.picture)?;
    checks.append(act.checks);
    let took = started.elapsed();
    let figures = Figures {
        imported: &imported,
        morning: &morning,
        day: &day,
        evening: &evening,
        drive: &act.summary,
        took,
    };
    summary::print(narrator, &figures, &checks);
    println!("\n   The day as a picture: {}", folders.picture.display());
    println!("   The drive:            {}", folders.drive.display());
    phone.engine.close()?;
    Ok(checks.passed())
}

struct Folders {
    server: PathBuf,
    phone: PathBuf,
    second_phone: PathBuf,
    roads: PathBuf,
    picture: PathBuf,
    drive: PathBuf,
}

impl Folders {
    /// Empty folders for this run.
    fn fresh(dir: &Path) -> DemoResult<Self> {
        std::fs::create_dir_all(dir)?;
        let dir = dir.canonicalize()?;
        let (server, phone) = (dir.join("server"), dir.join("phone"));
        let (second_phone, roads) = (dir.join("second-phone"), dir.join("roads"));
        for folder in [&server, &phone, &second_phone, &roads] {
            if folder.exists() {
                std::fs::remove_dir_all(folder)?;
            }
            std::fs::create_dir(folder)?;
        }
        Ok(Self {
            server,
            phone,
            second_phone,
            roads,
            picture: dir.join("day.svg"),
            drive: dir.join("drive.svg"),
        })
    }
}
