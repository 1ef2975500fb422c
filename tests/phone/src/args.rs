use clap::{Parser, Subcommand, ValueEnum};
use fieldfare_engine::LeadOrder;
use fieldfare_model::{CalendarDate, LeadStatus, Purpose, VisitOutcome};
use std::path::PathBuf;

/// A phone in a terminal: the Fieldfare engine behind a command line.
#[derive(Debug, Parser)]
#[command(name = "fieldfare-phone", version)]
pub struct Args {
    /// Folder of the phone; made if missing.
    #[arg(long, env = "FIELDFARE_PHONE_DIR")]
    pub dir: PathBuf,
    /// Address of the server; remembered from then on.
    #[arg(long, global = true)]
    pub server: Option<String>,
    /// Allow plain http to a loopback address; remembered from then on.
    #[arg(long, global = true)]
    pub allow_loopback: bool,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Take this for the time, epoch milliseconds; fixes move it on.
    #[arg(long, global = true)]
    pub now: Option<i64>,
    /// Leads that may be farther than this many metres from their position do not alert; 1,000
    /// unless said.
    #[arg(long, global = true, value_name = "METRES")]
    pub max_uncertainty: Option<u32>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// One line of the shell.
#[derive(Debug, Parser)]
#[command(name = "", no_binary_name = true, disable_version_flag = true)]
pub struct Line {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What a phone can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make this phone a device of a rep.
    Enrol {
        /// The one-time code.
        code: String,
        /// How the device shall be listed.
        #[arg(long, default_value = "Terminal phone")]
        name: String,
    },
    /// Send what waits and fetch what changed.
    Sync {
        /// Not before the time the last failure asked for.
        #[arg(long)]
        background: bool,
    },
    /// Where the phone stands.
    Status,
    /// List leads.
    Leads(LeadsArgs),
    /// Show a lead with its visits.
    Lead {
        /// Which lead.
        id: String,
    },
    /// Leads near a place.
    #[command(allow_negative_numbers = true)]
    Nearby(NearbyArgs),
    /// Leads in a part of the map.
    #[command(allow_negative_numbers = true)]
    Viewport {
        /// Southern edge, degrees.
        south: f64,
        /// Western edge, degrees.
        west: f64,
        /// Northern edge, degrees.
        north: f64,
        /// Eastern edge, degrees.
        east: f64,
        /// How many to show.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Find leads by words.
    Search {
        /// Words; the last may be a beginning.
        #[arg(required = true)]
        text: Vec<String>,
        /// How many to show.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Record a visit.
    Visit(Box<VisitArgs>),
    /// Visits to a lead, or all.
    Visits {
        /// Which lead.
        lead: Option<String>,
    },
    /// Change fields of a lead.
    Edit {
        /// Which lead.
        lead: String,
        /// Fields as name=value; an empty value clears.
        #[arg(required = true)]
        fields: Vec<String>,
    },
    /// Add a lead.
    Add {
        /// Its name.
        name: String,
        /// Fields as name=value.
        fields: Vec<String>,
        /// A place on the map, as LAT,LON.
        #[arg(long, allow_hyphen_values = true)]
        at: Option<String>,
    },
    /// Decide what a location may be used for.
    Consent {
        /// What to decide.
        #[command(subcommand)]
        what: ConsentCommand,
    },
    /// Planned days.
    Day {
        /// What to do.
        #[command(subcommand)]
        what: DayCommand,
    },
    /// Take one fix.
    #[command(allow_negative_numbers = true)]
    Fix(FixArgs),
    /// Take fixes from a file, one JSON object a line.
    Fixes {
        /// The file, or - for standard input.
        file: PathBuf,
    },
    /// Regions for the operating system to watch.
    #[command(allow_negative_numbers = true)]
    Fences {
        /// Latitude, degrees.
        lat: f64,
        /// Longitude, degrees.
        lon: f64,
        /// How many regions, the re-arm region included.
        #[arg(long)]
        k: Option<u32>,
    },
    /// Changes without an answer.
    Pending,
    /// Changes the server refused.
    Refused {
        /// What to do with them; lists them if nothing is said.
        #[command(subcommand)]
        what: Option<RefusedCommand>,
    },
    /// Values that lost a merge.
    Conflicts,
    /// Territories of this phone.
    Territories,
    /// Everything this phone holds about the rep.
    Export {
        /// Where to write it; standard output if not said.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Encrypt the phone's files with a new key.
    RotateKey,
    /// Make everything on this phone unreadable and gone.
    Erase {
        /// Also if the server lacks changes.
        #[arg(long)]
        force: bool,
    },
    /// Take commands from standard input, one a line, and answer each with one line of JSON.
    #[command(alias = "serve-stdin")]
    Shell,
}

/// Which leads to list.
#[derive(Debug, clap::Args)]
pub struct LeadsArgs {
    /// With this status; again for more.
    #[arg(long, value_parser = status)]
    pub status: Vec<LeadStatus>,
    /// Of this importance class; again for more.
    #[arg(long)]
    pub tier: Vec<u8>,
    /// Of at least this score.
    #[arg(long)]
    pub min_score: Option<u8>,
    /// Of this territory.
    #[arg(long)]
    pub territory: Option<String>,
    /// Of this owner.
    #[arg(long)]
    pub owner: Option<String>,
    /// With these words.
    #[arg(long)]
    pub text: Option<String>,
    /// In which order.
    #[arg(long, value_enum, default_value_t = Order::Name)]
    pub order: Order,
    /// How many to show; 0 for all.
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
}

/// In which order to list leads.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Order {
    /// By name.
    Name,
    /// Last changed first.
    Changed,
}

impl From<Order> for LeadOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::Name => Self::Name,
            Order::Changed => Self::Changed,
        }
    }
}

/// Which leads near a place.
#[derive(Debug, clap::Args)]
pub struct NearbyArgs {
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// Within this many metres.
    #[arg(long)]
    pub radius: Option<f64>,
    /// This many; 10 if no radius is said.
    #[arg(long)]
    pub k: Option<u32>,
    /// With this status; again for more.
    #[arg(long, value_parser = status)]
    pub status: Vec<LeadStatus>,
    /// Of this importance class; again for more.
    #[arg(long)]
    pub tier: Vec<u8>,
    /// Of at least this score.
    #[arg(long)]
    pub min_score: Option<u8>,
    /// What the position is used for.
    #[arg(long, value_parser = purpose, default_value = "near_me")]
    pub purpose: Purpose,
}

/// A visit.
#[derive(Debug, clap::Args)]
pub struct VisitArgs {
    /// Which lead.
    pub lead: String,
    /// What came of it: met, no_answer, follow_up, order, not_interested, closed.
    #[arg(value_parser = outcome)]
    pub outcome: VisitOutcome,
    /// Free text.
    #[arg(long)]
    pub note: Option<String>,
    /// Arrival, epoch milliseconds; now if not said.
    #[arg(long)]
    pub started: Option<i64>,
    /// Departure, epoch milliseconds.
    #[arg(long)]
    pub ended: Option<i64>,
    /// When to come again, epoch milliseconds.
    #[arg(long)]
    pub follow_up: Option<i64>,
    /// Where, as LAT,LON; kept only under consent.
    #[arg(long, allow_hyphen_values = true)]
    pub at: Option<String>,
    /// The lead's new status.
    #[arg(long, value_parser = status)]
    pub status: Option<LeadStatus>,
}

/// A fix.
#[derive(Debug, clap::Args)]
pub struct FixArgs {
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// When, epoch milliseconds; now if not said.
    #[arg(long)]
    pub at: Option<i64>,
    /// Radius of 68 % confidence, metres.
    #[arg(long, default_value_t = 10.0)]
    pub accuracy: f64,
    /// Speed, metres per second.
    #[arg(long)]
    pub speed: Option<f64>,
}

/// What to decide about consent.
#[derive(Debug, Subcommand)]
pub enum ConsentCommand {
    /// Allow a use of location.
    Grant {
        /// Which: proximity_alerts, visit_check_in, live_tracking, navigation.
        #[arg(value_parser = purpose)]
        purpose: Purpose,
        /// Version of the text that was shown.
        #[arg(long, default_value = "terminal")]
        text_version: String,
        /// Language of the text, BCP 47.
        #[arg(long, default_value = "en")]
        language: String,
        /// End of validity, epoch milliseconds.
        #[arg(long)]
        valid_until: Option<i64>,
    },
    /// Allow it no longer.
    Withdraw {
        /// Which.
        #[arg(value_parser = purpose)]
        purpose: Purpose,
    },
    /// What is allowed, and the ledger.
    List,
}

/// What to do about planned days.
#[derive(Debug, Subcommand)]
pub enum DayCommand {
    /// Which days are planned.
    List,
    /// Show a day.
    Show {
        /// Which, as 2026-11-25.
        date: CalendarDate,
    },
    /// Plan a day on this phone.
    Plan(PlanArgs),
    /// Plan the rest of a day anew.
    Replan(ReplanArgs),
    /// Leads near the day's route.
    Near(NearDayArgs),
    /// Follow the day's route by the fixes of a file, one JSON object a line.
    Follow {
        /// Which day.
        date: CalendarDate,
        /// The file, or - for standard input.
        file: PathBuf,
    },
    /// Show the server's plan in place of this phone's own.
    UseServers {
        /// Which day.
        date: CalendarDate,
    },
}

/// How to plan a day. Working hours that are not said are the server's.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    /// Which day.
    pub date: CalendarDate,
    /// Working hours, such as "Mo-Fr 08:00-17:00".
    #[arg(long, requires_all = ["zone", "start"])]
    pub hours: Option<String>,
    /// The rep's IANA time zone.
    #[arg(long, requires = "hours")]
    pub zone: Option<String>,
    /// Where the day begins, as LAT,LON.
    #[arg(long, requires = "hours", allow_hyphen_values = true)]
    pub start: Option<String>,
    /// Where it ends; where it began if not said.
    #[arg(long, requires = "hours", allow_hyphen_values = true)]
    pub end: Option<String>,
    /// When a break of half an hour may begin, such as "Mo-Fr 12:00-13:00".
    #[arg(long, requires = "hours")]
    pub lunch: Option<String>,
    /// Minutes of a visit.
    #[arg(long, default_value_t = 30)]
    pub visit_minutes: u32,
    /// From how many leads to choose.
    #[arg(long, default_value_t = 40)]
    pub candidates: u32,
    /// A lead to be visited; again for more.
    #[arg(long)]
    pub with: Vec<String>,
    /// An appointment as LEAD@MS; again for more.
    #[arg(long)]
    pub appointment: Vec<String>,
    /// Only these leads, none that are due beside them.
    #[arg(long)]
    pub only: bool,
}

/// What happened to a day.
#[derive(Debug, clap::Args)]
pub struct ReplanArgs {
    /// Which day.
    pub date: CalendarDate,
    /// Where the rep is, as LAT,LON; not kept.
    #[arg(long, allow_hyphen_values = true)]
    pub at: Option<String>,
    /// When the rep is free to leave, epoch milliseconds.
    #[arg(long)]
    pub free_from: Option<i64>,
    /// A lead that was visited; again for more.
    #[arg(long)]
    pub visited: Vec<String>,
    /// A lead that comes next whatever happens; again for more.
    #[arg(long)]
    pub committed: Vec<String>,
    /// A lead that need not come next any more; again for more.
    #[arg(long)]
    pub released: Vec<String>,
    /// A lead that is not there; again for more.
    #[arg(long)]
    pub cancelled: Vec<String>,
    /// A lead to fit in; again for more.
    #[arg(long)]
    pub add: Vec<String>,
}

/// Which leads near the day's route.
#[derive(Debug, clap::Args)]
pub struct NearDayArgs {
    /// Which day.
    pub date: CalendarDate,
    /// Where the rep is, as LAT,LON; not kept.
    #[arg(long, allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Most minutes more of driving.
    #[arg(long, default_value_t = 30)]
    pub within: u32,
    /// Of at least this priority.
    #[arg(long, default_value_t = 0)]
    pub priority: u32,
    /// How many to show.
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
}

/// What to do with refused changes.
#[derive(Debug, Subcommand)]
pub enum RefusedCommand {
    /// Offer one again.
    Retry {
        /// Which.
        id: String,
    },
    /// Put one away.
    Discard {
        /// Which.
        id: String,
    },
}

/// Reads a name as the JSON forms write it; hyphens do for underscores.
fn named<T: serde::de::DeserializeOwned + serde::Serialize + Copy>(
    text: &str,
    all: &[T],
) -> Result<T, String> {
    let name = text.replace('-', "_");
    serde_json::from_value(serde_json::Value::String(name)).map_err(|_| {
        let names = all.iter().map(crate::show::name_of);
        format!("one of: {}", names.collect::<Vec<_>>().join(", "))
    })
}

/// Reads a lead's status.
pub fn status(text: &str) -> Result<LeadStatus, String> {
    named(text, LeadStatus::ALL)
}

fn purpose(text: &str) -> Result<Purpose, String> {
    named(text, Purpose::ALL)
}

fn outcome(text: &str) -> Result<VisitOutcome, String> {
    named(text, VisitOutcome::ALL)
}
