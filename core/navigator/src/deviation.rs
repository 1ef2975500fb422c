//! Whether the driver is where the route wants them, judged on the current fix, before anything
//! else is made of it.

use crate::{DeviationKind, FollowConfig};

/// What has been seen of a deviation so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Watch {
    /// The deviation that is confirmed.
    pub(crate) kind: Option<DeviationKind>,
    /// Metres from the expected stretch of route at the last fix.
    pub(crate) offset: f64,
    /// Consecutive fixes beyond the threshold, and for how long.
    pub(crate) off_fixes: u32,
    pub(crate) off_ms: i64,
    /// The threshold they were beyond, and how many fixes since were too vague to tell.
    pub(crate) off_threshold: f64,
    pub(crate) vague_fixes: u32,
    /// Consecutive fixes going against the route, and for how long.
    pub(crate) back_fixes: u32,
    pub(crate) back_ms: i64,
    /// Where the route could be joined again, since where, for how many fixes.
    pub(crate) return_from: f64,
    pub(crate) return_along: f64,
    pub(crate) return_fixes: u32,
}

/// How a fix on the road goes with the route's direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heading {
    With,
    Against,
    /// Standing, across, or the course is not known.
    Unknown,
}

/// How a fix on the route's road was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnRoad {
    Fine,
    /// Going back, not yet for long.
    Doubtful,
    /// Wrong way, just confirmed.
    WrongWay,
}

const BACK_FIXES: u32 = 3;
const MOST_VAGUE: u32 = 2;

impl Watch {
    /// A fix beyond the threshold. Returns whether this confirms that the driver is off the route.
    pub(crate) fn beyond(
        &mut self,
        config: &FollowConfig,
        offset: f64,
        threshold: f64,
        dt_ms: i64,
    ) -> bool {
        if self.off_fixes > 0 {
            self.off_ms = self.off_ms.saturating_add(dt_ms);
        }
        self.off_fixes = self.off_fixes.saturating_add(1);
        self.off_threshold = threshold;
        self.vague_fixes = 0;
        self.offset = offset;
        if self.kind == Some(DeviationKind::OffRoute) {
            return false;
        }
        let soon =
            self.off_ms >= config.deviation_ms || offset > threshold + config.deviation_far_m;
        let needed = config.deviation_fixes.max(1);
        let confirmed = self.off_fixes >= needed || (self.off_fixes >= needed.min(2) && soon);
        if confirmed {
            self.kind = Some(DeviationKind::OffRoute);
            self.return_fixes = 0;
        }
        confirmed
    }

    /// Whether a fix that is near the road only because it is inaccurate comes after better ones
    /// that were not. It tells nothing then; but not more than a few are passed over.
    pub(crate) fn withholds(&mut self, offset: f64) -> bool {
        let vague = self.off_fixes > 0
            && self.kind != Some(DeviationKind::OffRoute)
            && offset > self.off_threshold
            && self.vague_fixes < MOST_VAGUE;
        if vague {
            self.vague_fixes += 1;
        }
        vague
    }

    /// A fix on the route's road. `retreat` is how far the driver is behind the farthest place
    /// reached.
    pub(crate) fn on_road(
        &mut self,
        config: &FollowConfig,
        heading: Heading,
        retreat: f64,
        accuracy: f64,
        dt_ms: i64,
    ) -> OnRoad {
        self.off_fixes = 0;
        self.off_ms = 0;
        match heading {
            Heading::With => {
                self.back_fixes = 0;
                self.back_ms = 0;
            }
            Heading::Against => {
                self.back_fixes = self.back_fixes.saturating_add(1);
                self.back_ms = self.back_ms.saturating_add(dt_ms);
            }
            Heading::Unknown => {}
        }
        let seen = self.back_fixes >= BACK_FIXES && retreat >= config.wrong_way_m;
        let far = retreat >= 2.0 * config.wrong_way_m + 3.0 * accuracy;
        if self.kind.is_none() && heading != Heading::With && (seen || far) {
            self.kind = Some(DeviationKind::WrongWay);
            self.return_fixes = 0;
            return OnRoad::WrongWay;
        }
        if self.back_fixes > 0 {
            OnRoad::Doubtful
        } else {
            OnRoad::Fine
        }
    }

    /// A place where the route could be joined again. Returns whether it has been seen often
    /// enough, each time a little further.
    pub(crate) fn may_return(&mut self, along: f64, moved: f64, needed: u32) -> bool {
        let step = along - self.return_along;
        let follows = self.return_fixes > 0 && step > -20.0 && step < 2.0 * moved + 40.0;
        if follows {
            self.return_fixes = self.return_fixes.saturating_add(1);
        } else {
            self.return_fixes = 1;
            self.return_from = along;
        }
        self.return_along = along;
        self.return_fixes >= needed
    }

    /// Metres from the first to the last place where the route could be joined.
    pub(crate) fn return_progress(&self) -> f64 {
        self.return_along - self.return_from
    }

    /// Milliseconds since the first fix that showed the confirmed deviation.
    pub(crate) fn lasting_ms(&self) -> i64 {
        match self.kind {
            Some(DeviationKind::OffRoute) => self.off_ms,
            Some(DeviationKind::WrongWay) => self.back_ms,
            None => 0,
        }
    }
}
