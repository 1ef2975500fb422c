//! A flat world near the equator in which a phone moves along straight legs.

use crate::sampler::{Allowed, NextFix, Reading, Sampler, Surroundings};
use fieldfare_model::{Fix, LatLng, TimestampMs};

/// The step of the brute-force search.
pub const TICK_MS: i64 = 200;
const METRES_PER_DEGREE: f64 = 111_195.0;
const MAX_RADIUS_M: f64 = 300.0;

/// What a rep does after a fix, knowing well how the sampler works.
#[derive(Debug, Clone, Copy)]
pub enum Move {
    /// Keeps a heading and a speed.
    Wander { heading: f64, mps: f64, ms: i64 },
    /// Rests, drives at full speed just into a circle, stays there, and makes off past its edge.
    Dart {
        rest_ms: i64,
        target: usize,
        stay_ms: i64,
        heading: f64,
        away_m: f64,
    },
}

/// The fastest a rep moves.
pub const FASTEST_MPS: f64 = 42.0;
const DEPTH_M: f64 = 3.0;

#[derive(Debug, Clone, Copy)]
pub struct Circle {
    pub x: f64,
    pub y: f64,
    pub r: f64,
}

impl Circle {
    fn distance(&self, (x, y): (f64, f64)) -> f64 {
        (x - self.x).hypot(y - self.y)
    }

    fn around(&self, direction: f64, metres: f64) -> (f64, f64) {
        (
            self.x + metres * direction.cos(),
            self.y + metres * direction.sin(),
        )
    }
}

pub fn place(x: f64, y: f64) -> LatLng {
    LatLng::new(y / METRES_PER_DEGREE, x / METRES_PER_DEGREE).unwrap()
}

/// Where the phone truly is, from time 0 on.
pub struct Path {
    /// Start of each leg and, last, the end.
    corners: Vec<(i64, f64, f64)>,
}

impl Path {
    pub fn new() -> Self {
        Self {
            corners: vec![(0, 0.0, 0.0)],
        }
    }

    fn last(&self) -> (i64, f64, f64) {
        self.corners[self.corners.len() - 1]
    }

    fn wait_until(&mut self, t: i64) {
        let (end, x, y) = self.last();
        if t > end {
            self.corners.push((t, x, y));
        }
    }

    fn drive_to(&mut self, x: f64, y: f64, mps: f64) {
        let (t, x0, y0) = self.last();
        let ms = ((x - x0).hypot(y - y0) / mps * 1000.0).ceil() as i64;
        self.corners.push((t + ms.max(1), x, y));
    }

    pub fn take(&mut self, step: Move, circles: &[Circle]) {
        let (t, x, y) = self.last();
        match step {
            Move::Wander { heading, mps, ms } => {
                let metres = mps * ms as f64 / 1000.0;
                let (x, y) = (x + metres * heading.cos(), y + metres * heading.sin());
                self.corners.push((t + ms, x, y));
            }
            Move::Dart {
                rest_ms,
                target,
                stay_ms,
                heading,
                away_m,
            } => {
                let circle = circles[target % circles.len()];
                self.wait_until(t + rest_ms);
                let from = (y - circle.y).atan2(x - circle.x);
                let (x, y) = circle.around(from, circle.r - DEPTH_M);
                self.drive_to(x, y, FASTEST_MPS);
                self.wait_until(self.end() + stay_ms);
                let (x, y) = circle.around(heading, circle.r + away_m);
                self.drive_to(x, y, FASTEST_MPS);
            }
        }
    }

    pub fn end(&self) -> i64 {
        self.last().0
    }

    fn leg(&self, t: i64) -> [(i64, f64, f64); 2] {
        let next = self.corners.partition_point(|corner| corner.0 <= t);
        let next = next.clamp(1, self.corners.len() - 1);
        [self.corners[next - 1], self.corners[next]]
    }

    pub fn at(&self, t: i64) -> (f64, f64) {
        if t >= self.end() {
            let (_, x, y) = self.last();
            return (x, y);
        }
        let [(t0, x0, y0), (t1, x1, y1)] = self.leg(t);
        let part = (t - t0) as f64 / (t1 - t0) as f64;
        (x0 + (x1 - x0) * part, y0 + (y1 - y0) * part)
    }

    fn is_moving(&self, t: i64) -> bool {
        let [(_, x0, y0), (_, x1, y1)] = self.leg(t);
        (x0, y0) != (x1, y1)
    }

    /// When the phone is next in motion, from `t` on.
    fn next_motion(&self, t: i64) -> Option<i64> {
        let starts = self
            .corners
            .iter()
            .map(|corner| corner.0)
            .filter(|start| *start > t);
        std::iter::once(t)
            .chain(starts)
            .find(|t| *t < self.end() && self.is_moving(*t))
    }

    pub fn is_in(&self, circle: &Circle, t: i64) -> bool {
        circle.distance(self.at(t)) <= circle.r
    }

    /// First and last tick of each stay in a circle.
    pub fn stays(&self, circle: &Circle) -> Vec<(i64, i64)> {
        let mut stays: Vec<(i64, i64)> = Vec::new();
        let ticks = (0..=self.end()).step_by(TICK_MS as usize);
        for t in ticks.filter(|t| self.is_in(circle, *t)) {
            match stays.last_mut() {
                Some((_, last)) if *last + TICK_MS == t => *last = t,
                _ => stays.push((t, t)),
            }
        }
        stays
    }
}

/// How a fix is off.
#[derive(Debug, Clone, Copy)]
pub struct Error {
    /// Towards the circle that is the rep's next goal if above 0, away from it if below; as a part
    /// of twice the accuracy, from -1 to 1.
    pub part: f64,
    pub accuracy_m: f64,
}

/// What the phone has to go by.
pub struct Phone<'a> {
    pub circles: &'a [Circle],
    pub errors: &'a [Error],
    /// How far around a fix circles are looked for.
    pub searched_m: f64,
    pub battery_saver: bool,
    /// After how many fixes within a circle it has alerted and is of no more value.
    pub told_after: usize,
}

impl Phone<'_> {
    /// Takes fixes as the sampler asks, and answers when. Whenever the path ends at a fix, the
    /// rep makes the next move from there.
    pub fn follow(&self, path: &mut Path, moves: &[Move], sampler: &mut Sampler) -> Vec<i64> {
        let (mut t, mut woken_by_motion) = (0, false);
        let (mut fixes, mut moves) = (Vec::new(), moves.iter());
        let mut within = vec![0; self.circles.len()];
        let mut goal = 0;
        loop {
            if t >= path.end() {
                let Some(step) = moves.next() else { break };
                path.wait_until(t);
                path.take(*step, self.circles);
                if let Move::Dart { target, .. } = step {
                    goal = *target;
                }
            }
            let fix = self.fix(path, t, goal, fixes.len());
            fixes.push(t);
            let around = self.look_around(path, t, &mut within, &fix);
            let next = sampler.next(&Reading {
                fix: &fix,
                around: &around,
                allowed: Allowed {
                    alerts: true,
                    tracking: false,
                },
                battery_saver: self.battery_saver,
                woken_by_motion,
            });
            let wake_ms = sampler.config().motion_wake_ms.unwrap_or(0);
            (t, woken_by_motion) = match next {
                NextFix::Stop => break,
                NextFix::After { ms, .. } => (t + ms, false),
                NextFix::OnMotion { at_latest_ms, .. } => {
                    let woken = path.next_motion(t).map(|start| start + wake_ms);
                    let woken = woken.filter(|woken| *woken <= t + at_latest_ms);
                    (woken.unwrap_or(t + at_latest_ms), woken.is_some())
                }
            };
        }
        fixes
    }

    fn fix(&self, path: &Path, t: i64, goal: usize, nth: usize) -> Fix {
        let error = self.errors[nth % self.errors.len()];
        let goal = self.circles[goal % self.circles.len()];
        let off = error.part * 2.0 * error.accuracy_m;
        let (x, y) = path.at(t);
        let direction = (goal.y - y).atan2(goal.x - x);
        Fix {
            position: place(x + off * direction.cos(), y + off * direction.sin()),
            at: TimestampMs(t),
            accuracy_m: error.accuracy_m,
            speed_mps: None,
        }
    }

    fn look_around(&self, path: &Path, t: i64, within: &mut [usize], fix: &Fix) -> Surroundings {
        for (seen, circle) in within.iter_mut().zip(self.circles) {
            *seen += usize::from(path.is_in(circle, t));
        }
        let here = (
            fix.position.lon() * METRES_PER_DEGREE,
            fix.position.lat() * METRES_PER_DEGREE,
        );
        let of_value = self
            .circles
            .iter()
            .zip(within)
            .filter(|(_, n)| **n < self.told_after);
        let found = of_value
            .map(|(circle, _)| (circle.distance(here), circle.r))
            .filter(|(distance, _)| *distance <= self.searched_m);
        Surroundings::new(found, self.searched_m, MAX_RADIUS_M)
    }
}

/// Circles spread without pattern over a square.
pub fn scattered(n: usize, half_side_m: f64, r: f64) -> Vec<Circle> {
    let mut seed = 42u64;
    let mut next = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((seed >> 33) as f64 / f64::from(1u32 << 31) * 2.0 - 1.0) * half_side_m
    };
    let circle = |_| Circle {
        x: next(),
        y: next(),
        r,
    };
    (0..n).map(circle).collect()
}

/// Drives from the middle to `visits` circles at 12 m/s, each the nearest not yet seen of every
/// third, stays twenty minutes at each, goes back and rests until eight hours are over.
pub fn day(circles: &[Circle], visits: usize) -> Path {
    let mut path = Path::new();
    let mut open: Vec<_> = circles.iter().step_by(3).collect();
    for _ in 0..visits {
        let (_, x, y) = path.last();
        open.sort_by(|a, b| b.distance((x, y)).total_cmp(&a.distance((x, y))));
        let Some(goal) = open.pop() else { break };
        path.drive_to(goal.x, goal.y, 12.0);
        path.wait_until(path.end() + 20 * 60_000);
    }
    path.drive_to(0.0, 0.0, 12.0);
    path.wait_until(8 * 3_600_000);
    path
}
