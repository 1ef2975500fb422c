use crate::Provenance;
use serde::{Deserialize, Serialize};

/// A day for each rep, what was left out and why, and how good it is known to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// One day for each rep of the problem, in its order.
    pub days: Vec<DayPlan>,
    /// Stops in no day, in the order of the problem.
    pub left_out: Vec<LeftOut>,
    /// Sums over all days.
    pub totals: Totals,
    /// Whether a better plan can exist.
    pub proof: Proof,
    /// Where the travel times come from.
    pub travel: Provenance,
}

/// One rep's stops in order, with times in the problem's seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayPlan {
    /// The rep.
    pub rep: String,
    /// When the rep leaves the start place: as late as the first stop allows. The start of the
    /// shift if the day is empty.
    pub departure: i64,
    /// Visits and breaks in order. Empty if there is nothing to visit.
    pub steps: Vec<Step>,
    /// When the rep is at the end place, or done if there is none.
    pub arrival: i64,
    /// Seconds of the last leg.
    pub travel_s: i64,
    /// Metres of the last leg.
    pub metres: i64,
    /// Sums over this day.
    pub totals: Totals,
}

impl DayPlan {
    /// The ids of the stops in order, without breaks.
    pub fn stops(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match &step.what {
            Activity::Visit { stop } => Some(stop.as_str()),
            Activity::Break { .. } => None,
        })
    }
}

/// A visit or a break, with the leg that leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    #[serde(flatten)]
    pub what: Activity,
    /// Where; none for a break taken before a day that begins at its first stop.
    pub place: Option<usize>,
    /// Seconds of the leg that leads here; 0 if the rep is here already.
    pub travel_s: i64,
    /// Metres of that leg.
    pub metres: i64,
    /// When the rep is here and free.
    pub arrival: i64,
    /// Seconds until it starts.
    pub wait_s: i64,
    /// When it starts.
    pub start: i64,
    /// When it is over and the rep leaves.
    pub departure: i64,
    /// How much later the rep may arrive so that the rest of the day, in this order, still holds.
    pub slack_s: i64,
}

/// What is done in a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Activity {
    /// A visit to a stop.
    Visit {
        /// Its id.
        stop: String,
    },
    /// A break of the rep.
    Break {
        /// Its place in the rep's list.
        index: usize,
    },
}

/// Sums over a day or a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Number of visits.
    pub visits: i64,
    /// Mandatory stops among them.
    pub mandatory: i64,
    /// Sum of their priorities.
    pub priority: i64,
    /// Seconds driven.
    pub driving_s: i64,
    /// Metres driven.
    pub metres: i64,
    /// Seconds visiting.
    pub service_s: i64,
    /// Seconds waiting for windows.
    pub waiting_s: i64,
    /// Seconds of breaks.
    pub break_s: i64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.visits += other.visits;
        self.mandatory += other.mandatory;
        self.priority += other.priority;
        self.driving_s += other.driving_s;
        self.metres += other.metres;
        self.service_s += other.service_s;
        self.waiting_s += other.waiting_s;
        self.break_s += other.break_s;
    }
}

/// What is known about how good a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Proof {
    /// No plan is better by the objective.
    Optimal,
    /// The best that was found.
    Heuristic {
        /// Iterations of the search.
        iterations: u64,
    },
}

/// A stop in no day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its id.
    pub stop: String,
    /// Why.
    pub reason: Reason,
    /// What would make it fit, each by itself, with the other stops staying in their order.
    pub remedies: Vec<Remedy>,
}

/// Why a stop is in no day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// No rep may come: skills are missing, or the rep it is for has none of them.
    Skills,
    /// It takes more of a load than any rep who may come can take.
    Capacity,
    /// There is no way there, or none back.
    Unreachable,
    /// Even with nothing else to do, no rep can be there in one of its windows.
    NoWindowFits,
    /// Even with nothing else to do, the shift ends too early for the way, the visit and the way
    /// back.
    ShiftEnds,
    /// It fits by itself, but not beside stops that count for more or cost less driving.
    LowerPriority {
        /// Stops it would displace, in the order of the day; the least valuable choice.
        displaces: Vec<String>,
    },
    /// It fits, but the detour is longer than the objective says it is worth.
    DetourTooLong {
        /// Seconds of driving it would add.
        detour_s: i64,
    },
}

/// A change that would make a stop fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Remedy {
    /// A visit may start as late as `to`.
    WindowUntil {
        /// Who would come.
        rep: String,
        /// When the visit would start.
        to: i64,
    },
    /// A visit may start as early as `from`.
    WindowFrom {
        /// Who would come.
        rep: String,
        /// When the visit would start.
        from: i64,
    },
    /// The shift ends later.
    LongerShift {
        /// Whose.
        rep: String,
        /// By how many seconds.
        seconds: i64,
    },
    /// Other stops are left out.
    InsteadOf {
        /// Who would come.
        rep: String,
        /// Their ids in the order of the day.
        stops: Vec<String>,
    },
    /// A rep with these skills.
    Skills {
        /// Skills the nearest choice of rep lacks.
        missing: Vec<String>,
    },
    /// More room for loads.
    MoreCapacity {
        /// Whose.
        rep: String,
        /// Dimension of the load.
        load: usize,
        /// How much more.
        by: i64,
    },
    /// A higher priority, or another exchange rate of the objective.
    MorePriority {
        /// The least priority that would do.
        priority: u64,
    },
}
