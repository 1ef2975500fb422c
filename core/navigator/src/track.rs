//! Road geometry prepared for following: vectors, lengths from the start, and a tree to search.

use crate::track_tree::TrackTree;
use crate::vector::{Course, Flat, Frame, Vector};
use fieldfare_geo::EARTH_RADIUS_M;
use fieldfare_model::LatLng;

/// The path of a route as vectors with the metres from its start.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    points: Vec<Vector>,
    /// Metres from the start for each point; strictly growing.
    along: Vec<f64>,
    tree: TrackTree,
}

/// The place of a segment nearest to a fix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Foot {
    pub(crate) segment: usize,
    /// Metres from the start of the track.
    pub(crate) along: f64,
    /// Metres from the fix.
    pub(crate) offset: f64,
    /// The direction of the segment; `None` on a track of one point.
    pub(crate) course: Option<Course>,
}

impl Track {
    pub(crate) fn new(path: &[LatLng]) -> Self {
        let points: Vec<Vector> = path.iter().map(|at| Vector::from(*at)).collect();
        let mut along = Vec::with_capacity(points.len());
        let mut total = 0.0;
        let mut before: Option<Vector> = None;
        for point in &points {
            total += before.map_or(0.0, |b| b.metres_to(*point));
            along.push(total);
            before = Some(*point);
        }
        let tree = TrackTree::new(&points);
        Self {
            points,
            along,
            tree,
        }
    }

    /// Metres from start to end.
    pub(crate) fn length(&self) -> f64 {
        self.along.last().copied().unwrap_or(0.0)
    }

    /// Metres from the start of a point, of the end for a point that is not there.
    pub(crate) fn along_of(&self, point: usize) -> f64 {
        self.along.get(point).copied().unwrap_or(self.length())
    }

    /// The segment that holds a place. O(log n).
    pub(crate) fn segment_at(&self, along: f64) -> usize {
        let after = self.along.partition_point(|start| *start <= along);
        after.saturating_sub(1).min(self.last_segment())
    }

    fn last_segment(&self) -> usize {
        self.points.len().saturating_sub(2)
    }

    /// The place a number of metres from the start, held within the track. O(log n).
    pub(crate) fn place(&self, along: f64) -> Option<LatLng> {
        self.vector_at(along)?.position()
    }

    pub(crate) fn vector_at(&self, along: f64) -> Option<Vector> {
        let segment = self.segment_at(along);
        let start = *self.points.get(segment)?;
        let Some(end) = self.points.get(segment + 1) else {
            return Some(start);
        };
        let from = self.along_of(segment);
        let length = self.along_of(segment + 1) - from;
        let part = ((along - from) / length.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        Some(start.plus(end.minus(start).times(part)))
    }

    /// The direction of the track at a place.
    pub(crate) fn course_at(&self, along: f64) -> Option<Course> {
        let segment = self.segment_at(along);
        let (start, end) = (self.points.get(segment)?, self.points.get(segment + 1)?);
        let frame = Frame::at(start.position()?);
        let way = frame.flat(*end);
        Course::of(way.east, way.north)
    }

    /// Calls back with the nearest place of each segment from the one that holds `from` to the
    /// one that holds `to`, both in metres from the start.
    pub(crate) fn feet(&self, frame: &Frame, from: f64, to: f64, mut see: impl FnMut(Foot)) {
        let first = self.segment_at(from);
        let last = self.segment_at(to);
        self.feet_of(frame, first, last, &mut see);
    }

    /// The same for segments by index, both included.
    pub(crate) fn feet_of(
        &self,
        frame: &Frame,
        first: usize,
        last: usize,
        see: &mut impl FnMut(Foot),
    ) {
        let end = (last + 2).min(self.points.len());
        let points = self.points.get(first..end).unwrap_or(&[]);
        let along = self.along.get(first..end).unwrap_or(&[]);
        let Some(start) = points.first() else { return };
        let mut before = (frame.flat(*start), along.first().copied().unwrap_or(0.0));
        if points.len() == 1 {
            see(single_point(before.0));
            return;
        }
        for (i, (point, metres)) in points.iter().zip(along).skip(1).enumerate() {
            let now = (frame.flat(*point), *metres);
            see(foot(first + i, before, now));
            before = now;
        }
    }

    /// The nearest place of the whole track. O(log n) for roads as they are.
    pub(crate) fn nearest(&self, frame: &Frame) -> Option<Foot> {
        self.tree.nearest(self, frame)
    }

    /// Calls back with the nearest place of every segment that may lie within `reach_m`, in order,
    /// for at most `budget` segments.
    pub(crate) fn within(
        &self,
        frame: &Frame,
        reach_m: f64,
        budget: usize,
        see: &mut impl FnMut(Foot),
    ) {
        self.tree.within(self, frame, reach_m, budget, see);
    }
}

fn single_point(at: Flat) -> Foot {
    Foot {
        segment: 0,
        along: 0.0,
        offset: distance(at),
        course: None,
    }
}

fn foot(segment: usize, (a, from): (Flat, f64), (b, to): (Flat, f64)) -> Foot {
    let (east, north) = (b.east - a.east, b.north - a.north);
    let square = east * east + north * north;
    let part = if square > 0.0 {
        (-(a.east * east + a.north * north) / square).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let at = Flat {
        east: a.east + part * east,
        north: a.north + part * north,
        below: a.below + part * (b.below - a.below),
    };
    Foot {
        segment,
        along: from + part * (to - from),
        offset: distance(at),
        course: Course::of(east, north),
    }
}

/// Beyond this depth, reached at some 640 km, the flat map tells nothing.
const HORIZON_M: f64 = 0.005 * EARTH_RADIUS_M;

fn distance(at: Flat) -> f64 {
    if at.below < HORIZON_M {
        at.level()
    } else {
        // The chord: right at any distance, and 0.2 % short at the horizon.
        libm::sqrt(at.level() * at.level() + at.below * at.below)
    }
}
