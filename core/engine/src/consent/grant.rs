use crate::consent::LedgerFault;
use fieldfare_model::{ConsentEventId, Purpose, TimestampMs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a location may not be used for a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The tenant does not allow the purpose.
    #[error("your company has switched this use of location off")]
    Policy,
    /// The ledger cannot be trusted.
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
    /// The rep was never asked, or never agreed.
    #[error("no consent was given for this use of location; ask for it")]
    NeverGranted,
    /// The rep withdrew the consent.
    #[error("consent for this use of location was withdrawn")]
    Withdrawn,
    /// Pings are sent under a consent given on the sending phone only.
    #[error("consent for this use of location was given on another phone; ask for it on this one")]
    OtherDevice,
    /// The moment lies before the consent.
    #[error("the location is from before consent was given; check the phone's clock")]
    NotYet,
    /// The consent has ended by itself.
    #[error("consent for this use of location has ended; ask again")]
    Expired,
    /// The grant is for another purpose.
    #[error("the consent at hand is for another use of location")]
    OtherPurpose,
    /// Something about consent changed since the grant was given; check again.
    #[error("consent changed meanwhile; check again")]
    Stale,
}

/// Permission to use fixes for one purpose, given only by
/// [`ConsentGate::check`](crate::consent::ConsentGate::check).
///
/// It goes stale by itself as soon as anything changes in the gate, and when the gate is dropped.
#[derive(Debug)]
pub struct Grant {
    purpose: Purpose,
    event: Option<ConsentEventId>,
    from: TimestampMs,
    until: Option<TimestampMs>,
    generation: u64,
    current: Arc<AtomicU64>,
}

impl Grant {
    pub(super) fn new(
        purpose: Purpose,
        event: Option<ConsentEventId>,
        (from, until): (TimestampMs, Option<TimestampMs>),
        current: &Arc<AtomicU64>,
    ) -> Self {
        Self {
            purpose,
            event,
            from,
            until,
            generation: current.load(Ordering::SeqCst),
            current: Arc::clone(current),
        }
    }

    /// What the location may be used for.
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The ledger entry the grant rests on; none for a purpose that needs no consent.
    pub const fn event(&self) -> Option<ConsentEventId> {
        self.event
    }

    /// The gate's generation when the grant was given.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether nothing changed in the gate since.
    pub fn is_current(&self) -> bool {
        self.current.load(Ordering::SeqCst) == self.generation
    }

    /// Whether a fix captured at `at` may be used for `purpose` under this grant.
    ///
    /// # Errors
    /// [`Denied`] with the reason.
    pub fn permits(&self, purpose: Purpose, at: TimestampMs) -> Result<(), Denied> {
        if !self.is_current() {
            return Err(Denied::Stale);
        }
        if self.purpose != purpose {
            return Err(Denied::OtherPurpose);
        }
        within(self.from, self.until, at)
    }
}

pub(super) fn within(
    from: TimestampMs,
    until: Option<TimestampMs>,
    at: TimestampMs,
) -> Result<(), Denied> {
    if at < from {
        Err(Denied::NotYet)
    } else if until.is_some_and(|until| at >= until) {
        Err(Denied::Expired)
    } else {
        Ok(())
    }
}
