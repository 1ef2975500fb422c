use crate::travel::Travel;
use fieldfare_model::LatLng;
use serde::{Deserialize, Serialize};

/// What is to be planned: whose days, which stops, and how long the ways take.
///
/// Times are whole seconds from a zero the caller chooses (local midnight is a good one); they
/// may be negative. Places are indices into [`Travel`]. As JSON, the fields stand as named here:
///
/// ```json
/// {
///   "objective": {"kind": "most_priority"},
///   "reps": [{
///     "id": "anna", "start": 0, "end": 0, "shift": {"from": 28800, "to": 61200},
///     "breaks": [{"windows": [{"from": 43200, "to": 46800}], "duration_s": 1800}],
///     "skills": ["dairy"], "capacity": [20]
///   }],
///   "stops": [
///     {"id": "lead-1", "place": 1, "service_s": 1800, "priority": 5, "load": [2],
///      "windows": [{"from": 32400, "to": 36000}, {"from": 50400, "to": 57600}]},
///     {"id": "lead-2", "place": 2, "service_s": 2700, "mandatory": true,
///      "windows": [{"from": 39600, "to": 39600}]}
///   ],
///   "travel": {
///     "seconds": [[0, 600, 900], [620, 0, 400], [880, 410, 0]],
///     "metres": [[0, 7000, 9900], [7100, 0, 3900], [9800, 4000, 0]]
///   }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// What a good plan is.
    #[serde(default)]
    pub objective: Objective,
    /// The days to fill, at most [`Problem::MAX_REPS`].
    pub reps: Vec<RepDay>,
    /// The stops to choose from and order, at most [`Problem::MAX_STOPS`].
    pub stops: Vec<Stop>,
    /// Seconds and metres between the places.
    pub travel: Travel,
    /// Where the places are. Empty, or one for each place; only drawings need it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub positions: Vec<LatLng>,
}

impl Problem {
    /// Most reps in one problem.
    pub const MAX_REPS: usize = 500;
    /// Most stops in one problem.
    pub const MAX_STOPS: usize = 2_000;
    /// Longest span from the first shift's start to the last one's end, in seconds.
    pub const MAX_SPAN_S: i64 = (1 << 30) - 1;
    /// Largest travel time, service time or break, in seconds.
    pub const MAX_DURATION_S: u32 = 1 << 24;
    /// Largest priority.
    pub const MAX_PRIORITY: u32 = 1_000_000;
    /// Most load dimensions.
    pub const MAX_LOADS: usize = 8;
    /// Most breaks in a rep's day.
    pub const MAX_BREAKS: usize = 8;
}

/// What a good plan is. Whatever is chosen, no mandatory stop is left out for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Objective {
    /// The largest sum of priorities; among those the least driving; among those the earliest
    /// finish.
    #[default]
    MostPriority,
    /// The largest sum of priorities; among those the earliest finish (summed over the reps, from
    /// the start of each shift); among those the least driving.
    FinishEarly,
    /// The least driving, where each point of priority left out counts as this many seconds of
    /// driving: a stop is not worth a longer detour than that.
    LeastDriving {
        /// Seconds of driving one point of priority is worth.
        seconds_per_priority: u32,
    },
}

/// A span of seconds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First second.
    pub from: i64,
    /// Last second, not before `from`.
    pub to: i64,
}

impl Window {
    /// A span of seconds.
    pub const fn new(from: i64, to: i64) -> Self {
        Self { from, to }
    }
}

/// The day of one rep, still to be filled.
///
/// A rep leaves `start` within the shift and is at `end` before it is over. Without a `start` the
/// day begins at the first stop, without an `end` it is over after the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepDay {
    /// The rep, unique in the problem.
    pub id: String,
    /// Place where the day begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<usize>,
    /// Place where the day ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<usize>,
    /// Working time.
    pub shift: Window,
    /// Breaks, taken in the order of their last possible starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaks: Vec<Break>,
    /// What this rep can do that stops may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// How much of each load the rep can take. Empty means any amount.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity: Vec<u32>,
    /// Ids of stops that come first, in this order: what was promised or is being driven to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<String>,
}

impl RepDay {
    /// A day from `place` and back to it.
    pub fn round_trip(id: impl Into<String>, place: usize, shift: Window) -> Self {
        Self {
            id: id.into(),
            start: Some(place),
            end: Some(place),
            shift,
            breaks: Vec::new(),
            skills: Vec::new(),
            capacity: Vec::new(),
            first: Vec::new(),
        }
    }
}

/// A pause, taken between drive and visit or between visit and drive, never inside one.
///
/// It starts within one of its windows. A day that is over before the last window closes, or that
/// begins after it, needs no such break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Break {
    /// When it may start; at least one window, in order, without overlaps.
    pub windows: Vec<Window>,
    /// How long it lasts, seconds.
    pub duration_s: u32,
}

/// A lead that may be visited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// The stop, unique in the problem; the engine puts the id of the lead here.
    pub id: String,
    /// Where it is.
    pub place: usize,
    /// How long a visit takes, seconds.
    #[serde(default)]
    pub service_s: u32,
    /// When a visit may start, in order, without overlaps. Empty means at any time of the shift.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// How much the visit matters.
    #[serde(default)]
    pub priority: u32,
    /// Whether leaving it out is worse than leaving out all others that are not mandatory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mandatory: bool,
    /// Skills the rep must have, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// The only rep who may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rep: Option<String>,
    /// What it takes of each of the rep's capacities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<u32>,
}

impl Stop {
    /// A stop that may be left out, open at any time.
    pub fn optional(id: impl Into<String>, place: usize, service_s: u32, priority: u32) -> Self {
        Self {
            id: id.into(),
            place,
            service_s,
            windows: Vec::new(),
            priority,
            mandatory: false,
            skills: Vec::new(),
            rep: None,
            load: Vec::new(),
        }
    }

    /// A mandatory stop whose visit starts at exactly `at`.
    pub fn appointment(id: impl Into<String>, place: usize, service_s: u32, at: i64) -> Self {
        Self {
            windows: vec![Window::new(at, at)],
            mandatory: true,
            ..Self::optional(id, place, service_s, 0)
        }
    }
}
