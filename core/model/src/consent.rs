use crate::lead::codes;
use crate::schema::{self, consent};
use crate::{Columns, ConsentEventId, ModelError, RepId, TimestampMs};
use serde::{Deserialize, Serialize};

/// A BLAKE3-256 hash of a consent event, which covers its predecessor's.
pub type ConsentHash = [u8; 32];

codes! {
    /// What a location is used for.
    Purpose {
        /// Showing the rep what is near, on the phone, at the rep's own request. Nothing is
        /// stored or sent, so no consent is asked.
        NearMe = 0,
        /// Following fixes on the phone to alert the rep about leads.
        ProximityAlerts = 1,
        /// Noting where a visit was recorded.
        VisitCheckIn = 2,
        /// Sending positions to the server while working.
        LiveTracking = 3,
        /// Keeping on the phone where the rep is on a route, so that following goes on after the
        /// app was ended, and asking the server for another route from there, which does not
        /// keep it. Following by itself needs no consent: the fixes stay in memory.
        Navigation = 4,
    }
}

impl Purpose {
    /// Whether a fix may be used for this purpose only under an active consent.
    pub const fn needs_consent(self) -> bool {
        !matches!(self, Self::NearMe)
    }
}

codes! {
    /// What a rep decided.
    ConsentAction {
        /// Allowed from now on.
        Grant = 1,
        /// No longer allowed.
        Withdraw = 2,
    }
}

/// One entry of a rep's consent ledger on one device. The ledger is append-only, and each entry
/// carries the hash of the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentEvent {
    /// The event's id.
    pub id: ConsentEventId,
    /// Who decided.
    pub rep: RepId,
    /// Place in this device's ledger, from 1 without gaps.
    pub sequence: u64,
    /// For which use.
    pub purpose: Purpose,
    /// What was decided.
    pub action: ConsentAction,
    /// Version of the text that was shown.
    pub text_version: String,
    /// Language of the text, BCP 47.
    pub language: String,
    /// When.
    pub at: TimestampMs,
    /// End of validity, where the grant has one.
    pub valid_until: Option<TimestampMs>,
    /// Hash of the entry before, zeros for the first.
    pub previous: ConsentHash,
    /// Hash of this entry.
    pub hash: ConsentHash,
}

impl ConsentEvent {
    /// The cells to store and send.
    pub fn to_columns(&self) -> Columns {
        let mut c = self.hashed_columns();
        c.set(consent::HASH, self.hash.to_vec());
        c
    }

    /// The cells the hash covers: all but the hash itself.
    pub fn hashed_columns(&self) -> Columns {
        let mut c = Columns::new();
        c.set(consent::REP, self.rep.as_bytes().to_vec());
        c.set(consent::PURPOSE, self.purpose.code());
        c.set(consent::ACTION, self.action.code());
        c.set(consent::TEXT_VERSION, self.text_version.as_str());
        c.set(consent::LANGUAGE, self.language.as_str());
        c.set(consent::AT, self.at.0);
        c.set(consent::VALID_UNTIL, self.valid_until.map(|t| t.0));
        c.set(consent::PREVIOUS, self.previous.to_vec());
        c.set(
            consent::SEQUENCE,
            i64::try_from(self.sequence).unwrap_or(i64::MAX),
        );
        c
    }

    /// Reads a consent event from its cells. The hash is not checked here.
    ///
    /// # Errors
    /// [`ModelError`] naming the missing or wrong column.
    pub fn from_columns(id: ConsentEventId, columns: &Columns) -> Result<Self, ModelError> {
        let r = schema::Reader::new("consent", columns);
        let hash = |tag, name| -> Result<ConsentHash, ModelError> {
            r.bytes(tag, name)?.try_into().map_err(|_| r.wrong(name))
        };
        Ok(Self {
            id,
            rep: RepId::from_slice(r.bytes(consent::REP, "rep")?)?,
            sequence: r.int(consent::SEQUENCE, "sequence")?,
            purpose: r.code(consent::PURPOSE, "purpose", Purpose::from_code)?,
            action: r.code(consent::ACTION, "action", ConsentAction::from_code)?,
            text_version: r.text(consent::TEXT_VERSION, "text_version")?,
            language: r.text(consent::LANGUAGE, "language")?,
            at: TimestampMs(r.int(consent::AT, "at")?),
            valid_until: r
                .optional_int(consent::VALID_UNTIL, "valid_until")?
                .map(TimestampMs),
            previous: hash(consent::PREVIOUS, "previous")?,
            hash: hash(consent::HASH, "hash")?,
        })
    }
}
