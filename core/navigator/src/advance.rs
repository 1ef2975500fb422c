//! When one step ends and the next begins.

/// A condition on which the current step ends. Judged for each fix that is on the route.
#[derive(Debug, Clone, PartialEq)]
pub enum StepAdvance {
    /// Only when [`crate::RouteSession::advance`] is called.
    Manual,
    /// When the driver has passed the end of the step by some metres.
    Passed {
        /// Metres beyond the end.
        beyond_m: f64,
    },
    /// When the end of the step is near: eager.
    NearEnd {
        /// Metres before the end.
        within_m: f64,
        /// The fix must be at least this accurate, metres.
        accuracy_m: f64,
    },
    /// When the driver is some metres from the current step's road, being on the next one's.
    AwayFromStep {
        /// Metres from the step's road.
        beyond_m: f64,
        /// The fix must be at least this accurate, metres.
        accuracy_m: f64,
    },
    /// When the driver came near the end of the step and then went away from it.
    EnterThenLeave {
        /// Metres from the end within which the driver has come near.
        enter_m: f64,
        /// Metres beyond the end at which the driver has gone away.
        leave_m: f64,
    },
    /// When all of some conditions hold.
    All(Vec<StepAdvance>),
    /// When any of some conditions holds.
    Any(Vec<StepAdvance>),
}

impl Default for StepAdvance {
    fn default() -> Self {
        Self::Passed { beyond_m: 4.0 }
    }
}

/// What the conditions look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdvanceFacts {
    /// Metres to the end of the step, negative beyond it.
    pub(crate) to_end: f64,
    /// Metres from the road of the step.
    pub(crate) from_step: f64,
    /// Whether the driver is on the next step's road.
    pub(crate) on_next: bool,
    pub(crate) accuracy: f64,
}

const DEEPEST: usize = 4;
const MOST: u32 = 32;

impl StepAdvance {
    pub(crate) fn is_well_formed(&self) -> bool {
        self.depth() <= DEEPEST && self.size() <= MOST
    }

    fn parts(&self) -> &[Self] {
        match self {
            Self::All(parts) | Self::Any(parts) => parts,
            _ => &[],
        }
    }

    /// Stops counting below what is allowed, so that no nesting can exhaust the stack.
    fn depth(&self) -> usize {
        fn below(condition: &StepAdvance, left: usize) -> usize {
            if left == 0 {
                return 1;
            }
            let deepest = condition.parts().iter().map(|p| below(p, left - 1)).max();
            1 + deepest.unwrap_or(0)
        }
        below(self, DEEPEST)
    }

    fn size(&self) -> u32 {
        1 + self.parts().iter().map(Self::size).sum::<u32>()
    }

    pub(crate) fn largest_number(&self) -> f64 {
        let own = match *self {
            Self::Manual | Self::All(_) | Self::Any(_) => [0.0; 2],
            Self::Passed { beyond_m } => [beyond_m, 0.0],
            Self::NearEnd {
                within_m,
                accuracy_m,
            } => [within_m, accuracy_m],
            Self::AwayFromStep {
                beyond_m,
                accuracy_m,
            } => [beyond_m, accuracy_m],
            Self::EnterThenLeave { enter_m, leave_m } => [enter_m, leave_m],
        };
        let numbers = self.parts().iter().map(Self::largest_number).chain(own);
        // NaN and negative numbers must not hide behind a larger one.
        numbers.fold(0.0, |worst: f64, number| {
            if number.is_nan() || number < 0.0 || worst.is_nan() {
                f64::NAN
            } else {
                worst.max(number)
            }
        })
    }

    /// Whether the step ends. `entered` holds a bit for each condition, in order of writing, that
    /// remembers that the driver came near; it is to be cleared when a step begins.
    pub(crate) fn holds(&self, facts: &AdvanceFacts, entered: &mut u32) -> bool {
        self.judge(facts, entered, &mut 0)
    }

    fn judge(&self, facts: &AdvanceFacts, entered: &mut u32, index: &mut u32) -> bool {
        let bit = 1u32.checked_shl(*index).unwrap_or(0);
        *index += 1;
        match self {
            Self::Manual => false,
            Self::Passed { beyond_m } => facts.to_end <= -beyond_m,
            Self::NearEnd {
                within_m,
                accuracy_m,
            } => facts.accuracy <= *accuracy_m && facts.to_end <= *within_m,
            Self::AwayFromStep {
                beyond_m,
                accuracy_m,
            } => facts.accuracy <= *accuracy_m && facts.on_next && facts.from_step >= *beyond_m,
            Self::EnterThenLeave { enter_m, leave_m } => {
                if facts.to_end <= *enter_m {
                    *entered |= bit;
                }
                *entered & bit != 0 && facts.to_end <= -leave_m
            }
            // Every part is judged, so that each sees every fix.
            Self::All(parts) => {
                let mut all = true;
                for part in parts {
                    all &= part.judge(facts, entered, index);
                }
                all
            }
            Self::Any(parts) => {
                let mut any = false;
                for part in parts {
                    any |= part.judge(facts, entered, index);
                }
                any
            }
        }
    }
}
