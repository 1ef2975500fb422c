use crate::{GeoError, UnitVector};
use fieldfare_model::LatLng;
use std::cmp::Ordering;

/// A circle on the Earth, edge included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circle {
    center: LatLng,
    radius_m: f64,
}

impl Circle {
    /// Builds a circle.
    ///
    /// # Errors
    /// [`GeoError::Radius`] if the radius is negative, NaN or infinite.
    pub fn new(center: LatLng, radius_m: f64) -> Result<Self, GeoError> {
        if radius_m.is_finite() && radius_m >= 0.0 {
            Ok(Self { center, radius_m })
        } else {
            Err(GeoError::Radius)
        }
    }

    /// The middle.
    pub const fn center(self) -> LatLng {
        self.center
    }

    /// Great-circle metres from the middle to the edge.
    pub const fn radius_m(self) -> f64 {
        self.radius_m
    }

    /// Whether a position lies in the circle or on its edge.
    pub fn contains(self, at: LatLng) -> bool {
        crate::distance_m(self.center, at) <= self.radius_m
    }
}

/// A lead's circle that the operating system may be asked to watch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FenceCandidate<K> {
    /// Names the circle.
    pub key: K,
    /// Where it is.
    pub circle: Circle,
    /// Higher is worth more; decides only where there are more circles close by than regions.
    pub priority: f64,
}

/// What the operating system allows and how careful to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FenceLimits {
    /// Regions in all, the re-arm region included: 20 on iOS, 100 on Android.
    pub regions: usize,
    /// Smallest re-arm radius in metres. Below some 100 m the systems do not notice an exit
    /// reliably.
    pub min_rearm_m: f64,
    /// Largest re-arm radius in metres.
    pub max_rearm_m: f64,
    /// Metres the device may move on between crossing the edge of the re-arm region and the next
    /// choice, plus the error of the position given. Above 0.
    pub margin_m: f64,
    /// Metres from the position within which the caller has named every circle, measured to the
    /// edges of the circles; infinite if it has named all there are.
    pub horizon_m: f64,
}

impl FenceLimits {
    /// For iOS, which watches 20 regions an app and silently ignores more.
    pub const IOS: Self = Self {
        regions: 20,
        min_rearm_m: 150.0,
        max_rearm_m: 50_000.0,
        margin_m: 100.0,
        horizon_m: f64::INFINITY,
    };

    /// For Android, which watches 100 regions an app and user.
    pub const ANDROID: Self = Self {
        regions: 100,
        ..Self::IOS
    };

    fn check(&self) -> Result<(), GeoError> {
        let sound = self.regions >= 1
            && self.min_rearm_m > 0.0
            && self.max_rearm_m >= self.min_rearm_m
            && self.max_rearm_m.is_finite()
            && self.margin_m > 0.0
            && self.horizon_m >= self.guarded_m();
        sound.then_some(()).ok_or(GeoError::FenceLimits)
    }

    /// How far the edge of an unwatched circle must be for the smallest re-arm region.
    fn guarded_m(&self) -> f64 {
        self.min_rearm_m + self.margin_m
    }
}

/// A region to register with the operating system, for entry and exit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FenceRegion<K> {
    /// The candidate's key.
    pub key: K,
    /// The candidate's circle.
    pub circle: Circle,
}

/// What to register now, replacing all that was registered before.
#[derive(Debug, Clone, PartialEq)]
pub struct FencePlan<K> {
    /// The circles to watch, nearest edge first; one fewer than the limit at most.
    pub regions: Vec<FenceRegion<K>>,
    /// The region around the position; when the device leaves it, choose again.
    pub rearm: Circle,
    /// Circles that found no region though the device can reach them within the re-arm region
    /// and the margin, nearest edge first. Usually empty; if not, only position fixes can see
    /// an entry into these.
    pub exposed: Vec<K>,
}

impl<K> FencePlan<K> {
    /// Whether no circle at all can be entered unseen before the next choice.
    pub fn covered(&self) -> bool {
        self.exposed.is_empty()
    }
}

/// Chooses the circles the operating system shall watch, so that none can be entered unseen.
///
/// The promise: while the device has gone no farther than the re-arm radius plus the margin from
/// `position`, it can enter no circle but those in `regions` and `exposed`. By the triangle
/// inequality this holds if the re-arm radius plus the margin is no more than the distance to the
/// edge of every other circle; so the nearest edges get the regions and the next one bounds the
/// re-arm region, within `min_rearm_m..=max_rearm_m`.
///
/// If more edges lie within `min_rearm_m + margin_m` than there are regions, the circles the
/// device is in go first, then those of higher priority, then the nearer; the rest is `exposed`
/// and the re-arm region is the smallest, so that the next choice comes soon.
///
/// Linear in the number of candidates. Ties are decided by priority, then key.
///
/// # Errors
/// [`GeoError::FenceLimits`] for limits that cannot be kept: no region, a minimum above the
/// maximum, a horizon below minimum and margin.
pub fn choose_fences<K: Copy + Ord>(
    position: LatLng,
    candidates: &[FenceCandidate<K>],
    limits: &FenceLimits,
) -> Result<FencePlan<K>, GeoError> {
    limits.check()?;
    let slots = limits.regions - 1;
    let (near, mut far): (Vec<_>, Vec<_>) = measure(position, candidates)
        .into_iter()
        .partition(|fence| fence.gap_m < limits.guarded_m());
    let (mut chosen, mut exposed) = split_at(near, slots, Measured::by_need);
    let next_gap_m = if chosen.len() < slots {
        let (more, rest) = split_at(
            std::mem::take(&mut far),
            slots - chosen.len(),
            Measured::by_gap,
        );
        chosen.extend(more);
        least_gap(&rest)
    } else {
        least_gap(&far)
    };
    chosen.sort_unstable_by(Measured::by_gap);
    exposed.sort_unstable_by(Measured::by_gap);
    Ok(FencePlan {
        regions: chosen.iter().map(Measured::region).collect(),
        rearm: Circle {
            center: position,
            radius_m: rearm_radius(next_gap_m, !exposed.is_empty(), limits),
        },
        exposed: exposed.iter().map(|fence| fence.of.key).collect(),
    })
}

fn rearm_radius(next_gap_m: f64, exposed: bool, limits: &FenceLimits) -> f64 {
    if exposed {
        return limits.min_rearm_m;
    }
    (next_gap_m.min(limits.horizon_m) - limits.margin_m)
        .clamp(limits.min_rearm_m, limits.max_rearm_m)
}

struct Measured<'a, K> {
    /// Metres from the position to the edge; negative inside.
    gap_m: f64,
    of: &'a FenceCandidate<K>,
}

impl<K: Copy + Ord> Measured<'_, K> {
    fn region(&self) -> FenceRegion<K> {
        FenceRegion {
            key: self.of.key,
            circle: self.of.circle,
        }
    }

    fn by_gap(&self, other: &Self) -> Ordering {
        self.gap_m
            .total_cmp(&other.gap_m)
            .then_with(|| self.by_worth(other))
    }

    fn by_need(&self, other: &Self) -> Ordering {
        let outside = |fence: &Self| fence.gap_m > 0.0;
        outside(self)
            .cmp(&outside(other))
            .then_with(|| other.of.priority.total_cmp(&self.of.priority))
            .then_with(|| self.by_gap(other))
    }

    fn by_worth(&self, other: &Self) -> Ordering {
        other
            .of
            .priority
            .total_cmp(&self.of.priority)
            .then_with(|| self.of.key.cmp(&other.of.key))
    }
}

fn measure<K>(position: LatLng, candidates: &[FenceCandidate<K>]) -> Vec<Measured<'_, K>> {
    let here = UnitVector::from(position);
    let measured = candidates.iter().map(|of| Measured {
        gap_m: here.distance_m(UnitVector::from(of.circle.center)) - of.circle.radius_m,
        of,
    });
    measured.collect()
}

/// The first `count` in the given order, and the rest; neither is sorted.
fn split_at<T>(
    mut items: Vec<T>,
    count: usize,
    order: impl FnMut(&T, &T) -> Ordering,
) -> (Vec<T>, Vec<T>) {
    if count >= items.len() {
        return (items, Vec::new());
    }
    items.select_nth_unstable_by(count, order);
    let rest = items.split_off(count);
    (items, rest)
}

fn least_gap<K>(fences: &[Measured<'_, K>]) -> f64 {
    let gaps = fences.iter().map(|fence| fence.gap_m);
    gaps.fold(f64::INFINITY, f64::min)
}
