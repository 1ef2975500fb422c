use crate::consent::{Denied, Grant};
use fieldfare_model::{ConsentEventId, Fix, PingId, Purpose};
use serde::Serialize;

/// A fix that was allowed to leave the phone. Cannot be built without a [`Grant`].
///
/// ```compile_fail
/// # use fieldfare_engine::consent::Ping;
/// # use fieldfare_model::{ConsentEventId, Fix, PingId, Purpose};
/// # fn make(id: PingId, purpose: Purpose, consent: ConsentEventId, fix: Fix) {
/// let ping = Ping { id, purpose, consent, fix };
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ping {
    id: PingId,
    purpose: Purpose,
    consent: ConsentEventId,
    fix: Fix,
}

impl Ping {
    /// Builds a ping. Store it in a writing transaction in which the grant still
    /// [is current](Grant::is_current).
    ///
    /// # Errors
    /// [`Denied`] if the grant went stale, does not cover the moment of the fix, or is for a
    /// purpose for which nothing leaves the phone.
    pub fn new(grant: &Grant, id: PingId, fix: Fix) -> Result<Self, Denied> {
        let purpose = grant.purpose();
        grant.permits(purpose, fix.at)?;
        match (leaves_phone(purpose), grant.event()) {
            (true, Some(consent)) => Ok(Self {
                id,
                purpose,
                consent,
                fix,
            }),
            _ => Err(Denied::OtherPurpose),
        }
    }

    /// The ping's id.
    pub const fn id(&self) -> PingId {
        self.id
    }

    /// What it was captured for.
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The ledger entry that allows it.
    pub const fn consent(&self) -> ConsentEventId {
        self.consent
    }

    /// The fix itself.
    pub const fn fix(&self) -> &Fix {
        &self.fix
    }
}

const fn leaves_phone(purpose: Purpose) -> bool {
    match purpose {
        Purpose::VisitCheckIn | Purpose::LiveTracking => true,
        Purpose::NearMe | Purpose::ProximityAlerts | Purpose::Navigation => false,
    }
}
