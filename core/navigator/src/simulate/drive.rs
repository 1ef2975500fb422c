//! Driving a route and reading a receiver on the way.

use super::pieces::{Piece, on_path, plan};
use super::receiver::Error;
use super::{Receiver, SimRng};
use crate::vector::{Course, Vector};
use crate::{CourseFix, Itinerary};
use fieldfare_geo::LocalPlane;
use fieldfare_model::{Fix, LatLng, TimestampMs};

/// What is driven, and how it is received.
#[derive(Debug, Clone, PartialEq)]
pub struct DriveScript {
    /// Sets everything that is random.
    pub seed: u64,
    /// When the drive begins.
    pub start_at: TimestampMs,
    /// Milliseconds between fixes.
    pub interval_ms: i64,
    /// Where on the route the drive begins, metres.
    pub start_m: f64,
    /// Where it ends, metres.
    pub end_m: f64,
    /// Speed as a part of the planned one.
    pub haste: f64,
    /// Milliseconds at each stop.
    pub stay_ms: i64,
    /// The receiver.
    pub receiver: Receiver,
    /// Where nothing is received.
    pub outages: Vec<Outage>,
    /// Where the driver leaves the route.
    pub detours: Vec<Detour>,
    /// Where the driver turns back for a while.
    pub u_turns: Vec<UTurn>,
}

/// A stretch of road without reception, such as a tunnel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outage {
    /// Where it begins, metres from the start of the route.
    pub from_m: f64,
    /// Where it ends.
    pub to_m: f64,
}

/// A way beside the route.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detour {
    /// Where the driver leaves the route, metres from its start.
    pub at_m: f64,
    /// How far away the way leads, metres.
    pub away_m: f64,
    /// How much of the route is left out, metres; 0 comes back to the same place.
    pub skip_m: f64,
}

/// Turning back, and turning again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UTurn {
    /// Where the driver turns, metres from the start of the route.
    pub at_m: f64,
    /// How far they go back, metres.
    pub back_m: f64,
}

impl DriveScript {
    /// A drive of the whole route as planned, a fix a second, by a receiver without error.
    pub const fn plain(seed: u64) -> Self {
        Self {
            seed,
            start_at: TimestampMs(1_760_000_000_000),
            interval_ms: 1_000,
            start_m: 0.0,
            end_m: f64::INFINITY,
            haste: 1.0,
            stay_ms: 90_000,
            receiver: Receiver::of(5.0),
            outages: Vec::new(),
            detours: Vec::new(),
            u_turns: Vec::new(),
        }
    }
}

/// What was really the case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Truth {
    /// On the route, in its direction or standing.
    On {
        /// Metres from its start.
        along_m: f64,
    },
    /// On the route, against its direction.
    Back {
        /// Metres from its start.
        along_m: f64,
    },
    /// Beside the route.
    Beside,
}

/// A fix, and what was really the case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedFix {
    /// What the receiver said.
    pub fix: CourseFix,
    /// Where the driver was.
    pub position: LatLng,
    /// Where that is on the route.
    pub truth: Truth,
    /// Whether the fix is false on purpose: a leap, nonsense or late.
    pub faulty: bool,
}

/// Drives a route. The same script gives the same fixes everywhere.
pub fn drive(itinerary: &Itinerary, script: &DriveScript) -> Vec<SimulatedFix> {
    let mut rng = SimRng::new(script.seed);
    let pieces = plan(itinerary, script, &mut rng);
    let start = itinerary.track.place(script.start_m);
    let mut car = Car {
        itinerary,
        script,
        rng,
        error: Error::default(),
        clock: script.start_at,
        speed: 0.0,
        place: start.map(|at| {
            (
                at,
                Truth::On {
                    along_m: script.start_m,
                },
            )
        }),
        shaken: 0,
        fixes: Vec::new(),
    };
    for (i, piece) in pieces.iter().enumerate() {
        let after = pieces.get(i + 1);
        car.drive(piece, after.is_none_or(brakes_before));
    }
    car.fixes
}

/// A driver slows down to stand or to turn back.
fn brakes_before(next: &Piece) -> bool {
    match next {
        Piece::Standing { .. } | Piece::Beside { .. } => true,
        Piece::Along { from, to } => to < from,
    }
}

struct Car<'a> {
    itinerary: &'a Itinerary,
    script: &'a DriveScript,
    rng: SimRng,
    error: Error,
    clock: TimestampMs,
    speed: f64,
    place: Option<(LatLng, Truth)>,
    /// Fixes for which the receiver is worse, after an outage.
    shaken: u32,
    fixes: Vec<SimulatedFix>,
}

/// Metres per second per second, speeding up and slowing down.
const ACCELERATION: f64 = 2.0;
const CREEPING_MPS: f64 = 1.5;

impl Car<'_> {
    fn drive(&mut self, piece: &Piece, brakes: bool) {
        if let Piece::Standing { ms } = piece {
            self.speed = 0.0;
            for _ in 0..*ms / self.script.interval_ms.max(1) {
                self.tick();
                self.receive(self.place.map(|(at, truth)| (at, None, truth)));
            }
            return;
        }
        let length = piece.length();
        let seconds = self.script.interval_ms as f64 / 1000.0;
        let mut done = 0.0;
        loop {
            let wanted = self.planned_speed(piece, done);
            let braking = if brakes {
                libm::sqrt(2.0 * ACCELERATION * (length - done)).max(CREEPING_MPS)
            } else {
                f64::INFINITY
            };
            let faster = self.speed + ACCELERATION * seconds;
            self.speed = faster.min(wanted).min(braking);
            done += self.speed * seconds;
            if done >= length {
                return;
            }
            self.tick();
            let place = place_in(self.itinerary, piece, done);
            self.place = place.map(|(at, _, truth)| (at, truth)).or(self.place);
            self.receive(place);
        }
    }

    fn tick(&mut self) {
        self.clock = self.clock.plus(self.script.interval_ms);
    }

    fn planned_speed(&self, piece: &Piece, done: f64) -> f64 {
        let planned = match piece {
            Piece::Along { from, to } if to >= from => {
                let steps = 0..self.itinerary.step_count();
                let step = self.itinerary.step_at(from + done, steps);
                self.itinerary.planned_speed(step)
            }
            _ => 10.0,
        };
        (planned * self.script.haste).clamp(CREEPING_MPS, 60.0)
    }

    fn receive(&mut self, place: Option<(LatLng, Option<Course>, Truth)>) {
        let Some((position, course, truth)) = place else {
            return;
        };
        if self.in_outage(truth) {
            self.shaken = 3;
            return;
        }
        let receiver = self.script.receiver;
        let worse = if self.shaken > 0 { 3.0 } else { 1.0 };
        self.shaken = self.shaken.saturating_sub(1);
        let accuracy = receiver.accuracy_m * worse;
        self.error.wander(&receiver, accuracy, &mut self.rng);
        let mut off = (self.error.east, self.error.north);
        if let Some(course) = course {
            off.0 += receiver.bias_m * course.north;
            off.1 -= receiver.bias_m * course.east;
        }
        let mut faulty = false;
        if self.rng.chance(receiver.jumps) {
            let way = Course::from_degrees(self.rng.within(0.0, 360.0));
            let far = self.rng.within(400.0, 5_000.0);
            off = (far * way.east, far * way.north);
            faulty = true;
        }
        let Ok(seen) = LocalPlane::at(position).from_xy(off.0, off.1) else {
            return;
        };
        let fix = self.reading(seen, accuracy, course);
        self.fixes.push(SimulatedFix {
            fix,
            position,
            truth,
            faulty,
        });
        self.spoil();
    }

    fn reading(&mut self, position: LatLng, accuracy_m: f64, course: Option<Course>) -> CourseFix {
        let told = self.script.receiver.reports_motion;
        let speed = (self.speed + 0.4 * self.rng.normal()).max(0.0);
        let turn = 6.0 * self.rng.normal();
        let course_deg = course.map(|course| (course.degrees() + turn).rem_euclid(360.0));
        CourseFix {
            fix: Fix {
                position,
                at: self.clock,
                accuracy_m,
                speed_mps: told.then_some(if course.is_some() { speed } else { 0.0 }),
            },
            course_deg: course_deg.filter(|_| told && self.speed > 1.0),
        }
    }

    /// Nonsense in the last fix, or the last two swapped.
    fn spoil(&mut self) {
        let receiver = self.script.receiver;
        if self.rng.chance(receiver.nonsense)
            && let Some(last) = self.fixes.last_mut()
        {
            last.fix.fix.accuracy_m = -1.0;
            last.fix.fix.speed_mps = Some(f64::NAN);
            last.fix.course_deg = Some(f64::INFINITY);
            last.faulty = true;
        }
        let count = self.fixes.len();
        if self.rng.chance(receiver.swaps) && count >= 2 {
            self.fixes.swap(count - 1, count - 2);
            if let Some(last) = self.fixes.last_mut() {
                last.faulty = true;
            }
        }
    }

    fn in_outage(&self, truth: Truth) -> bool {
        let (Truth::On { along_m } | Truth::Back { along_m }) = truth else {
            return false;
        };
        let outages = &self.script.outages;
        outages
            .iter()
            .any(|o| (o.from_m..o.to_m).contains(&along_m))
    }
}

fn place_in(
    itinerary: &Itinerary,
    piece: &Piece,
    done: f64,
) -> Option<(LatLng, Option<Course>, Truth)> {
    match piece {
        Piece::Along { from, to } if to >= from => {
            let along_m = from + done;
            let course = itinerary.track.course_at(along_m);
            let position = itinerary.track.place(along_m)?;
            Some((position, course, Truth::On { along_m }))
        }
        Piece::Along { from, .. } => {
            let along_m = from - done;
            let course = itinerary.track.course_at(along_m);
            let back = course.map(|c| Course {
                east: -c.east,
                north: -c.north,
            });
            let position = itinerary.track.place(along_m)?;
            Some((position, back, Truth::Back { along_m }))
        }
        Piece::Beside { path, .. } => {
            let (place, course): (Vector, _) = on_path(path, done)?;
            Some((place.position()?, course, Truth::Beside))
        }
        Piece::Standing { .. } => None,
    }
}
