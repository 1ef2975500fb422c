use super::input::{Job, Request, Vehicle, VroomError};
use crate::{Activity, DayPlan, Plan, Step};
use serde_json::{Map, Value, json};

impl Request {
    /// The plan in the shape of VROOM's output. `plan` is one for [`Request::problem`].
    pub fn answer(&self, plan: &Plan) -> Value {
        let used = plan.days.iter().zip(&self.vehicles);
        let used = used.filter(|(day, _)| !day.steps.is_empty());
        let routes: Vec<Value> = used
            .map(|(day, vehicle)| self.route(day, vehicle))
            .collect();
        let unassigned: Vec<Value> = plan
            .left_out
            .iter()
            .filter_map(|left| self.job(&left.stop))
            .map(|job| Value::Object(located(job, "job")))
            .collect();
        let served: Vec<&Job> = (plan.days.iter().flat_map(DayPlan::stops))
            .filter_map(|id| self.job(id))
            .collect();
        let mut summary = self.sums(&plan.totals, &served);
        summary.insert("routes".into(), routes.len().into());
        summary.insert("unassigned".into(), unassigned.len().into());
        summary.insert(
            "computing_times".into(),
            json!({"loading": 0, "solving": 0, "routing": 0}),
        );
        json!({"code": 0, "summary": summary, "unassigned": unassigned, "routes": routes})
    }

    fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id.to_string() == id)
    }

    fn route(&self, day: &DayPlan, vehicle: &Vehicle) -> Value {
        let served: Vec<&Job> = day.stops().filter_map(|id| self.job(id)).collect();
        let mut route = self.sums(&day.totals, &served);
        route.insert("vehicle".into(), vehicle.id.into());
        if let Some(text) = &vehicle.description {
            route.insert("description".into(), text.as_str().into());
        }
        let mut steps = Steps {
            request: self,
            load: sum(served.iter().map(|job| job.delivered())),
            duration: 0,
            distance: 0,
            list: Vec::new(),
        };
        steps.start(day, vehicle);
        for step in &day.steps {
            steps.step(step, vehicle);
        }
        steps.end(day, vehicle);
        route.insert("steps".into(), steps.list.into());
        Value::Object(route)
    }

    /// The numbers a route and the summary share.
    fn sums(&self, totals: &crate::Totals, served: &[&Job]) -> Map<String, Value> {
        let delivery = sum(served.iter().map(|job| job.delivered()));
        let setup: u64 = served.iter().map(|job| u64::from(job.setup)).sum();
        let priority: u64 = served.iter().map(|job| u64::from(job.priority)).sum();
        let mut map = Map::new();
        map.insert("cost".into(), totals.driving_s.into());
        map.insert("delivery".into(), json!(delivery));
        map.insert("amount".into(), json!(delivery));
        map.insert(
            "pickup".into(),
            json!(sum(served.iter().map(|job| job.pickup.as_slice()))),
        );
        map.insert("setup".into(), setup.into());
        let service = totals.service_s + totals.break_s - setup as i64;
        map.insert("service".into(), service.into());
        map.insert("duration".into(), totals.driving_s.into());
        map.insert("waiting_time".into(), totals.waiting_s.into());
        map.insert("priority".into(), priority.into());
        if self.metres {
            map.insert("distance".into(), totals.metres.into());
        }
        map.insert("violations".into(), json!([]));
        map
    }

    /// An error in the shape of VROOM's output: code 2, its code for bad input.
    pub fn error(error: &VroomError) -> Value {
        json!({"code": 2, "error": error.to_string()})
    }
}

fn sum<'a>(loads: impl Iterator<Item = &'a [u32]>) -> Vec<u64> {
    let mut total: Vec<u64> = Vec::new();
    for load in loads {
        total.resize(total.len().max(load.len()), 0);
        for (sum, amount) in total.iter_mut().zip(load) {
            *sum += u64::from(*amount);
        }
    }
    total
}

fn located(job: &Job, kind: &str) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("type".into(), kind.into());
    map.insert("id".into(), job.id.into());
    place(&mut map, job.location, job.location_index);
    if let Some(text) = &job.description {
        map.insert("description".into(), text.as_str().into());
    }
    map
}

fn place(map: &mut Map<String, Value>, location: Option<[f64; 2]>, index: Option<usize>) {
    if let Some(location) = location {
        map.insert("location".into(), json!(location));
    }
    if let Some(index) = index {
        map.insert("location_index".into(), index.into());
    }
}

struct Steps<'a> {
    request: &'a Request,
    load: Vec<u64>,
    duration: i64,
    distance: i64,
    list: Vec<Value>,
}

impl Steps<'_> {
    fn start(&mut self, day: &DayPlan, vehicle: &Vehicle) {
        if vehicle.start.is_none() && vehicle.start_index.is_none() {
            return;
        }
        // A break before leaving is a step of its own behind the start.
        let first = day.steps.first().map_or(day.departure, |step| step.arrival);
        let mut map = Map::new();
        map.insert("type".into(), "start".into());
        place(&mut map, vehicle.start, vehicle.start_index);
        self.push(map, first.min(day.departure), 0, 0, 0);
    }

    fn step(&mut self, step: &Step, vehicle: &Vehicle) {
        self.duration += step.travel_s;
        self.distance += step.metres;
        let lasts = step.departure - step.start;
        match &step.what {
            Activity::Visit { stop } => {
                let Some(job) = self.request.job(stop) else {
                    return;
                };
                for (load, amount) in self.load.iter_mut().zip(job.delivered()) {
                    *load -= u64::from(*amount);
                }
                self.load.resize(self.load.len().max(job.pickup.len()), 0);
                for (load, amount) in self.load.iter_mut().zip(&job.pickup) {
                    *load += u64::from(*amount);
                }
                let mut map = located(job, "job");
                map.insert("job".into(), job.id.into());
                let setup = i64::from(job.setup);
                self.push(map, step.arrival, setup, lasts - setup, step.wait_s);
            }
            Activity::Break { index } => {
                let Some(pause) = vehicle.breaks.get(*index) else {
                    return;
                };
                let mut map = Map::new();
                map.insert("type".into(), "break".into());
                map.insert("id".into(), pause.id.into());
                if let Some(text) = &pause.description {
                    map.insert("description".into(), text.as_str().into());
                }
                self.push(map, step.arrival, 0, lasts, step.wait_s);
            }
        }
    }

    fn end(&mut self, day: &DayPlan, vehicle: &Vehicle) {
        if vehicle.end.is_none() && vehicle.end_index.is_none() {
            return;
        }
        self.duration += day.travel_s;
        self.distance += day.metres;
        let mut map = Map::new();
        map.insert("type".into(), "end".into());
        place(&mut map, vehicle.end, vehicle.end_index);
        self.push(map, day.arrival, 0, 0, 0);
    }

    fn push(
        &mut self,
        mut map: Map<String, Value>,
        arrival: i64,
        setup: i64,
        service: i64,
        wait: i64,
    ) {
        map.insert("setup".into(), setup.into());
        map.insert("service".into(), service.into());
        map.insert("waiting_time".into(), wait.into());
        map.insert("load".into(), json!(self.load));
        map.insert("arrival".into(), arrival.into());
        map.insert("duration".into(), self.duration.into());
        if self.request.metres {
            map.insert("distance".into(), self.distance.into());
        }
        map.insert("violations".into(), json!([]));
        self.list.push(Value::Object(map));
    }
}
