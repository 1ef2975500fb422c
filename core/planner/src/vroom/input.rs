use crate::source::MatrixSource;
use crate::{Break, Objective, Problem, ProblemError, RepDay, Stop, Travel, Window};
use fieldfare_model::LatLng;
use serde::Deserialize;
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a VROOM input cannot be planned. Jobs and vehicles are counted from 0.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VroomError {
    /// Not JSON, or fields of the wrong kind.
    #[error("not a VROOM input: {0}")]
    Json(#[from] serde_json::Error),
    /// Something VROOM knows and this planner does not.
    #[error("{what} {index} uses {feature}, which this planner does not know: leave it out")]
    Unsupported {
        /// `job`, `vehicle` or `input`.
        what: &'static str,
        /// Entry in its list.
        index: usize,
        /// The field.
        feature: &'static str,
    },
    /// Neither an index in a matrix nor a usable location.
    #[error("{what} {index} has neither an index in the matrix nor a valid location")]
    Location {
        /// `job` or `vehicle`.
        what: &'static str,
        /// Entry in its list.
        index: usize,
    },
    /// Two jobs or two vehicles share an id.
    #[error("{what} {index} has the id of an earlier one: make ids unique")]
    SameId {
        /// `job` or `vehicle`.
        what: &'static str,
        /// The later entry.
        index: usize,
    },
    /// No matrix, and no source for one.
    #[error("the input has no matrix for the vehicles' profile: add it to `matrices`")]
    NoMatrix,
    /// The problem behind the input is not valid.
    #[error(transparent)]
    Problem(#[from] ProblemError),
}

/// A VROOM input that this planner can take.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) jobs: Vec<Job>,
    pub(super) vehicles: Vec<Vehicle>,
    matrix: Option<Matrix>,
    pub(super) metres: bool,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    jobs: Vec<Job>,
    #[serde(default)]
    shipments: Vec<serde_json::Value>,
    vehicles: Vec<Vehicle>,
    #[serde(default)]
    matrices: BTreeMap<String, Matrix>,
    #[serde(default)]
    matrix: Option<Vec<Vec<Option<u32>>>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Matrix {
    durations: Option<Vec<Vec<Option<u32>>>>,
    distances: Option<Vec<Vec<Option<u32>>>>,
    costs: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) description: Option<String>,
    pub(super) location: Option<[f64; 2]>,
    pub(super) location_index: Option<usize>,
    #[serde(default)]
    pub(super) setup: u32,
    #[serde(default)]
    pub(super) service: u32,
    #[serde(default)]
    pub(super) delivery: Vec<u32>,
    #[serde(default)]
    pub(super) pickup: Vec<u32>,
    #[serde(default)]
    amount: Vec<u32>,
    #[serde(default)]
    skills: Vec<u32>,
    #[serde(default)]
    pub(super) priority: u32,
    #[serde(default)]
    time_windows: Vec<[i64; 2]>,
}

impl Job {
    /// What is delivered; `amount` is its older name.
    pub(super) fn delivered(&self) -> &[u32] {
        if self.delivery.is_empty() {
            &self.amount
        } else {
            &self.delivery
        }
    }

    fn picks_up(&self) -> bool {
        self.pickup.iter().any(|&amount| amount > 0)
    }

    fn delivers(&self) -> bool {
        self.delivered().iter().any(|&amount| amount > 0)
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Vehicle {
    pub(super) id: u64,
    pub(super) description: Option<String>,
    #[serde(default = "car")]
    profile: String,
    pub(super) start: Option<[f64; 2]>,
    pub(super) start_index: Option<usize>,
    pub(super) end: Option<[f64; 2]>,
    pub(super) end_index: Option<usize>,
    #[serde(default)]
    capacity: Vec<u32>,
    costs: Option<Costs>,
    #[serde(default)]
    skills: Vec<u32>,
    time_window: Option<[i64; 2]>,
    #[serde(default)]
    pub(super) breaks: Vec<Pause>,
    speed_factor: Option<f64>,
    max_tasks: Option<u32>,
    max_travel_time: Option<u64>,
    max_distance: Option<u64>,
    #[serde(default)]
    steps: Vec<Step>,
}

fn car() -> String {
    "car".to_owned()
}

#[derive(Debug, Clone, Deserialize)]
struct Costs {
    #[serde(default)]
    fixed: i64,
    #[serde(default = "per_hour")]
    per_hour: i64,
    #[serde(default)]
    per_km: i64,
    #[serde(default)]
    per_task_hour: i64,
}

const fn per_hour() -> i64 {
    3_600
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pause {
    pub(super) id: u64,
    pub(super) description: Option<String>,
    #[serde(default)]
    time_windows: Vec<[i64; 2]>,
    #[serde(default)]
    service: u32,
    max_load: Option<Vec<u32>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Step {
    #[serde(rename = "type")]
    kind: String,
    id: Option<u64>,
    service_at: Option<i64>,
    service_after: Option<i64>,
    service_before: Option<i64>,
}

impl Request {
    /// Reads a VROOM input.
    ///
    /// # Errors
    /// [`VroomError`] if it is not one, or uses what this planner does not know.
    pub fn parse(json: &str) -> Result<Self, VroomError> {
        let raw: Raw = serde_json::from_str(json)?;
        let request = Self::from_raw(raw)?;
        request.check_ids()?;
        for (index, job) in request.jobs.iter().enumerate() {
            request.check_job(index, job)?;
        }
        for (index, vehicle) in request.vehicles.iter().enumerate() {
            request.check_vehicle(index, vehicle)?;
        }
        Ok(request)
    }

    fn from_raw(mut raw: Raw) -> Result<Self, VroomError> {
        if !raw.shipments.is_empty() {
            return Err(unsupported("input", 0, "shipments"));
        }
        let profile = raw.vehicles.first().map_or_else(car, |v| v.profile.clone());
        let mut matrix = raw.matrices.remove(&profile);
        if matrix.is_none() {
            matrix = raw.matrix.map(|durations| Matrix {
                durations: Some(durations),
                distances: None,
                costs: None,
            });
        }
        if matrix.as_ref().is_some_and(|m| m.costs.is_some()) {
            return Err(unsupported("input", 0, "a matrix of costs"));
        }
        let matrix = matrix.filter(|matrix| matrix.durations.is_some());
        let metres = matrix.as_ref().is_none_or(|m| m.distances.is_some());
        Ok(Self {
            jobs: raw.jobs,
            vehicles: raw.vehicles,
            matrix,
            metres,
        })
    }

    fn check_ids(&self) -> Result<(), VroomError> {
        let again = |ids: &[u64]| {
            (0..ids.len()).find(|&at| ids.iter().take(at).any(|id| Some(id) == ids.get(at)))
        };
        let jobs: Vec<u64> = self.jobs.iter().map(|job| job.id).collect();
        let vehicles: Vec<u64> = self.vehicles.iter().map(|vehicle| vehicle.id).collect();
        for (what, ids) in [("job", jobs), ("vehicle", vehicles)] {
            if let Some(index) = again(&ids) {
                return Err(VroomError::SameId { what, index });
            }
        }
        Ok(())
    }

    fn check_job(&self, index: usize, job: &Job) -> Result<(), VroomError> {
        let same_place = |other: &Job| {
            let at = (job.location_index, job.location) == (other.location_index, other.location);
            at && other.id != job.id
        };
        let feature = if job.picks_up() && self.jobs.iter().any(Job::delivers) {
            "pickups beside deliveries"
        } else if job.setup > 0 && self.jobs.iter().any(same_place) {
            "setup times at a location shared by jobs"
        } else if job.priority > 100 {
            "a priority above 100"
        } else {
            return Ok(());
        };
        Err(unsupported("job", index, feature))
    }

    fn check_vehicle(&self, index: usize, vehicle: &Vehicle) -> Result<(), VroomError> {
        let profile = self.vehicles.first().map(|first| &first.profile);
        let plain = |costs: &Costs| {
            costs.fixed == 0 && costs.per_km == 0 && costs.per_task_hour == 0 && costs.per_hour > 0
        };
        let hourly = |vehicle: &Vehicle| vehicle.costs.as_ref().map_or(3_600, |c| c.per_hour);
        let timed = |step: &Step| {
            step.service_at
                .or(step.service_after)
                .or(step.service_before)
                .is_some()
        };
        let feature = if profile != Some(&vehicle.profile) {
            "another profile than the first vehicle"
        } else if vehicle.speed_factor.is_some_and(|factor| factor != 1.0) {
            "speed_factor"
        } else if vehicle.costs.as_ref().is_some_and(|costs| !plain(costs))
            || self.vehicles.first().map(hourly) != Some(hourly(vehicle))
        {
            "costs"
        } else if vehicle.max_travel_time.is_some() {
            "max_travel_time"
        } else if vehicle.max_distance.is_some() {
            "max_distance"
        } else if vehicle.breaks.iter().any(|pause| pause.max_load.is_some()) {
            "max_load of a break"
        } else if vehicle.steps.iter().any(timed) {
            "service times of steps"
        } else {
            return Ok(());
        };
        Err(unsupported("vehicle", index, feature))
    }

    /// The problem behind the input. Travel times come from the input's matrix or, if it has none,
    /// from `source` by the locations.
    ///
    /// # Errors
    /// [`VroomError`] if a place is missing or the problem is not valid.
    pub fn problem(&self, source: Option<&dyn MatrixSource>) -> Result<Problem, VroomError> {
        let mut places = Places::new(self.matrix.is_some());
        let reps = self.reps(&mut places)?;
        let stops = self.stops(&mut places)?;
        let (travel, positions) = match &self.matrix {
            Some(matrix) => {
                let durations = matrix.durations.as_deref().unwrap_or(&[]);
                let travel = Travel::from_rows(durations, matrix.distances.as_deref())?;
                (travel, Vec::new())
            }
            None => {
                let source = source.ok_or(VroomError::NoMatrix)?;
                (source.travel(&places.positions)?, places.positions)
            }
        };
        let problem = Problem {
            objective: Objective::MostPriority,
            reps,
            stops,
            travel,
            positions,
        };
        problem.validate()?;
        Ok(problem)
    }

    /// The orders the input's `steps` begin with, for [`solve_from`](crate::solve_from).
    pub fn orders(&self) -> Vec<Vec<String>> {
        let jobs = |vehicle: &Vehicle| {
            let steps = vehicle.steps.iter().filter(|step| step.kind == "job");
            steps
                .filter_map(|step| step.id)
                .map(|id| id.to_string())
                .collect()
        };
        self.vehicles.iter().map(jobs).collect()
    }

    /// A span that holds everything the input names, for vehicles without working time.
    fn always(&self) -> Window {
        let jobs = self.jobs.iter().flat_map(|job| &job.time_windows);
        let pauses = self.vehicles.iter().flat_map(|v| &v.breaks);
        let pauses = pauses.flat_map(|pause| &pause.time_windows);
        let shifts = self.vehicles.iter().filter_map(|v| v.time_window.as_ref());
        let all = jobs.chain(pauses).chain(shifts);
        let from = all.map(|[from, _]| *from).min().unwrap_or(0);
        Window::new(from, from.saturating_add(Problem::MAX_SPAN_S / 2))
    }

    fn reps(&self, places: &mut Places) -> Result<Vec<RepDay>, VroomError> {
        let always = self.always();
        let tasks = self
            .vehicles
            .iter()
            .any(|vehicle| vehicle.max_tasks.is_some());
        let loads = self.loads();
        let mut reps = Vec::with_capacity(self.vehicles.len());
        for (index, vehicle) in self.vehicles.iter().enumerate() {
            let place = |what| VroomError::Location { what, index };
            let mut capacity = vehicle.capacity.clone();
            if tasks {
                capacity.resize(loads, u32::MAX);
                capacity.push(vehicle.max_tasks.unwrap_or(u32::MAX));
            }
            reps.push(RepDay {
                id: vehicle.id.to_string(),
                start: places
                    .optional(vehicle.start_index, vehicle.start)
                    .map_err(|()| place("vehicle"))?,
                end: places
                    .optional(vehicle.end_index, vehicle.end)
                    .map_err(|()| place("vehicle"))?,
                shift: vehicle.time_window.map_or(always, window),
                breaks: vehicle
                    .breaks
                    .iter()
                    .map(|pause| pause_of(pause, always))
                    .collect(),
                skills: vehicle.skills.iter().map(u32::to_string).collect(),
                capacity,
                first: Vec::new(),
            });
        }
        Ok(reps)
    }

    fn loads(&self) -> usize {
        let jobs = self
            .jobs
            .iter()
            .map(|job| job.delivered().len().max(job.pickup.len()));
        let vehicles = self.vehicles.iter().map(|vehicle| vehicle.capacity.len());
        jobs.chain(vehicles).max().unwrap_or(0)
    }

    /// Priorities are spread so that one point outweighs one more of all jobs.
    fn stops(&self, places: &mut Places) -> Result<Vec<Stop>, VroomError> {
        let tasks = self
            .vehicles
            .iter()
            .any(|vehicle| vehicle.max_tasks.is_some());
        let loads = self.loads();
        let spread = u32::try_from(self.jobs.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let mut stops = Vec::with_capacity(self.jobs.len());
        for (index, job) in self.jobs.iter().enumerate() {
            let place = places
                .optional(job.location_index, job.location)
                .ok()
                .flatten();
            let place = place.ok_or(VroomError::Location { what: "job", index })?;
            let priority = job.priority.saturating_mul(spread).saturating_add(1);
            let service = job.service.saturating_add(job.setup);
            let amounts = if job.picks_up() {
                &job.pickup
            } else {
                job.delivered()
            };
            let mut load = amounts.to_vec();
            if tasks {
                load.resize(loads, 0);
                load.push(1);
            }
            stops.push(Stop {
                windows: windows(&job.time_windows),
                skills: job.skills.iter().map(u32::to_string).collect(),
                load,
                ..Stop::optional(job.id.to_string(), place, service, priority)
            });
        }
        Ok(stops)
    }
}

fn unsupported(what: &'static str, index: usize, feature: &'static str) -> VroomError {
    VroomError::Unsupported {
        what,
        index,
        feature,
    }
}

fn window([from, to]: [i64; 2]) -> Window {
    Window::new(from, to)
}

/// In order, and those that touch joined, as VROOM allows.
fn windows(given: &[[i64; 2]]) -> Vec<Window> {
    let mut sorted: Vec<Window> = given.iter().copied().map(window).collect();
    sorted.sort_unstable();
    let mut joined: Vec<Window> = Vec::with_capacity(sorted.len());
    for window in sorted {
        match joined.last_mut() {
            Some(last) if last.from <= last.to && window.from <= last.to => {
                last.to = last.to.max(window.to);
            }
            _ => joined.push(window),
        }
    }
    joined
}

fn pause_of(pause: &Pause, always: Window) -> Break {
    let mut windows = windows(&pause.time_windows);
    if windows.is_empty() {
        windows.push(always);
    }
    Break {
        windows,
        duration_s: pause.service,
    }
}

/// Places by index in the input's matrix, or by location.
struct Places {
    by_index: bool,
    positions: Vec<LatLng>,
}

impl Places {
    const fn new(by_index: bool) -> Self {
        Self {
            by_index,
            positions: Vec::new(),
        }
    }

    /// The place of an index or a location (longitude first); none if neither is given.
    fn optional(
        &mut self,
        index: Option<usize>,
        location: Option<[f64; 2]>,
    ) -> Result<Option<usize>, ()> {
        if self.by_index {
            return if index.is_none() && location.is_some() {
                Err(())
            } else {
                Ok(index)
            };
        }
        let Some([lon, lat]) = location else {
            return if index.is_some() { Err(()) } else { Ok(None) };
        };
        let at = LatLng::new(lat, lon).map_err(|_| ())?;
        let known = self.positions.iter().position(|p| *p == at);
        Ok(Some(known.unwrap_or_else(|| {
            self.positions.push(at);
            self.positions.len() - 1
        })))
    }
}
