/// What there is to know about a stretch of a route in time, so that two stretches can be joined
/// in O(1) (Vidal, Crainic, Gendreau and Prins, 2013).
///
/// A visit that would start after its window is moved back to the window's end; the time gained
/// that way is the warp, which the search prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Segment {
    pub(super) duration: i64,
    pub(super) warp: i64,
    /// Earliest start without more waiting than need be.
    pub(super) early: i64,
    /// Latest start without more warp than need be.
    pub(super) late: i64,
}

impl Segment {
    /// One visit.
    pub(super) const fn visit(early: i64, late: i64, service: i64) -> Self {
        Self {
            duration: service,
            warp: 0,
            early,
            late,
        }
    }

    /// This stretch, a leg, and then another stretch.
    #[inline]
    pub(super) fn then(self, travel: i64, next: Self) -> Self {
        let lead = self.duration - self.warp + travel;
        let wait = (next.early - lead - self.late).max(0);
        let warp = (self.early + lead - next.late).max(0);
        Self {
            duration: self.duration + next.duration + travel + wait,
            warp: self.warp + next.warp + warp,
            early: (next.early - lead).max(self.early) - wait,
            late: (next.late - lead).min(self.late) + warp,
        }
    }

    /// When it is over if it starts as early as it can.
    #[inline]
    pub(super) const fn finish(self) -> i64 {
        self.early + self.duration - self.warp
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Drives stop by stop, from the earliest start: (warp, finish).
    fn drive(stops: &[(i64, i64, i64)], legs: &[i64]) -> (i64, i64) {
        let mut now = stops[0].0;
        let mut warp = 0;
        for (i, &(early, late, service)) in stops.iter().enumerate() {
            if i > 0 {
                now += legs[i - 1];
            }
            now = now.max(early);
            if now > late {
                warp += now - late;
                now = late;
            }
            now += service;
        }
        (warp, now)
    }

    proptest! {
        #[test]
        fn joining_in_any_grouping_is_driving_stop_by_stop(
            stops in proptest::collection::vec((0i64..500, 0i64..300, 0i64..60), 2..12),
            legs in proptest::collection::vec(0i64..120, 12), cut in 1usize..11,
        ) {
            let stops: Vec<_> = stops.into_iter().map(|(e, w, s)| (e, e + w, s)).collect();
            let cut = cut.min(stops.len() - 1);
            let join = |range: std::ops::Range<usize>| {
                let mut all = range.clone().map(|i| {
                    let (early, late, service) = stops[i];
                    (i, Segment::visit(early, late, service))
                });
                let first = all.next().unwrap().1;
                all.fold(first, |sum, (i, next)| sum.then(legs[i - 1], next))
            };
            let whole = join(0..cut).then(legs[cut - 1], join(cut..stops.len()));
            let (warp, finish) = drive(&stops, &legs);
            prop_assert_eq!(whole.warp, warp);
            prop_assert_eq!(whole.finish(), finish);
            prop_assert_eq!(whole, join(0..stops.len()));
        }
    }
}
