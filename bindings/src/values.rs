//! The small types everything else is made of, and checks of what comes in.

use crate::error::{FfiResult, FieldfareError};
use fieldfare_model as model;
use fieldfare_model::TimestampMs as Timestamp;
use fieldfare_model::{
    CalendarDate, ConflictId, ConsentAction, ConsentEventId, DeviceId, GeocodeStatus, LeadId,
    LeadKind, LeadStatus, OperationId, Precision, Purpose, RepId, RowId, TenantId, TerritoryId,
    VisitId, VisitOutcome,
};
use std::time::Duration;

/// Ids are UUIDs in text; any other text is refused as an invalid argument.
macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        uniffi::custom_type!($(#[$doc])* $name, String, {
            remote,
            try_lift: |text| {
                let wrong = |_| FieldfareError::invalid(concat!(stringify!($name), "s are UUIDs"));
                Ok(text.parse::<$name>().map_err(wrong)?)
            },
            lower: |id| id.to_string(),
        });
    )*};
}

id_types! {
    /// A company, by its UUID.
    TenantId,
    /// A field sales person, by their UUID.
    RepId,
    /// One enrolled install of the app, by its UUID.
    DeviceId,
    /// A CRM record, by its UUID.
    LeadId,
    /// A set of leads served by a rep, by its UUID.
    TerritoryId,
    /// A stay at a lead, by its UUID.
    VisitId,
    /// One change made on a phone, by its UUID.
    OperationId,
    /// One entry of a consent ledger, by its UUID.
    ConsentEventId,
    /// A value that lost a merge, by its UUID.
    ConflictId,
    /// Any row, by its UUID.
    RowId,
}

uniffi::custom_type!(
    /// A moment, to the millisecond.
    Timestamp, i64, { remote, try_lift: |ms| Ok(model::TimestampMs(ms)), lower: |at| at.0 }
);

uniffi::custom_type!(
    /// A day of the calendar, as `2026-11-25`.
    CalendarDate, String, {
        remote,
        try_lift: |text| {
            let wrong = |_| FieldfareError::invalid("days are written as 2026-11-25");
            Ok(text.parse::<CalendarDate>().map_err(wrong)?)
        },
        lower: |date| date.to_string(),
    }
);

/// What the CRM record is.
#[uniffi::remote(Enum)]
pub enum LeadKind {
    /// An organisation.
    Company,
    /// A person.
    Contact,
    /// Not yet either.
    Lead,
}

/// Where a lead stands in the sales process.
#[uniffi::remote(Enum)]
pub enum LeadStatus {
    /// Nobody has spoken to them.
    New,
    /// Being worked on.
    Open,
    /// Somebody spoke to them.
    Contacted,
    /// Worth an offer.
    Qualified,
    /// Bought.
    Customer,
    /// Not interested.
    Lost,
    /// Asked not to be contacted.
    DoNotContact,
}

/// How far geocoding of an address has come.
#[uniffi::remote(Enum)]
pub enum GeocodeStatus {
    /// Not yet tried, or tried and to be tried again.
    Pending,
    /// A position is known.
    Success,
    /// No provider knows the address.
    Failed,
}

/// What a geocoded position stands for, best first.
#[uniffi::remote(Enum)]
pub enum Precision {
    /// The roof of the building.
    Rooftop,
    /// The parcel or address point.
    Parcel,
    /// Between two known house numbers.
    Interpolated,
    /// A street corner.
    Intersection,
    /// Somewhere on the street.
    Street,
    /// The centre of a postal code.
    Postal,
    /// The centre of a town.
    Locality,
    /// The centre of a state or region.
    Region,
}

/// What came of a visit.
#[uniffi::remote(Enum)]
pub enum VisitOutcome {
    /// Spoke to somebody who decides.
    Met,
    /// Nobody there.
    NoAnswer,
    /// To be continued at an agreed time.
    FollowUp,
    /// Ordered.
    Order,
    /// Not interested.
    NotInterested,
    /// The place is gone or wrong.
    Closed,
}

/// What a location is used for.
#[uniffi::remote(Enum)]
pub enum Purpose {
    /// Showing the rep what is near, on the phone, at the rep's own request. Nothing is stored or
    /// sent, so no consent is asked.
    NearMe,
    /// Following fixes on the phone to alert the rep about leads.
    ProximityAlerts,
    /// Noting where a visit was recorded.
    VisitCheckIn,
    /// Sending positions to the server while working.
    LiveTracking,
    /// Keeping on the phone where the rep is on a route, so that following goes on after the app
    /// was ended, and asking the server for another route from there, which does not keep it.
    /// Following by itself needs no consent: the fixes stay in memory.
    Navigation,
}

/// What a rep decided.
#[uniffi::remote(Enum)]
pub enum ConsentAction {
    /// Allowed from now on.
    Grant,
    /// No longer allowed.
    Withdraw,
}

/// A WGS 84 position in degrees.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct LatLng {
    /// Degrees north, -90 to 90.
    pub lat: f64,
    /// Degrees east, -180 to 180.
    pub lon: f64,
}

impl LatLng {
    pub(crate) fn checked(self) -> FfiResult<model::LatLng> {
        Ok(model::LatLng::new(self.lat, self.lon)?)
    }
}

impl From<model::LatLng> for LatLng {
    fn from(position: model::LatLng) -> Self {
        Self {
            lat: position.lat(),
            lon: position.lon(),
        }
    }
}

/// A position that may be missing.
pub(crate) fn checked_position(position: Option<LatLng>) -> FfiResult<Option<model::LatLng>> {
    position.map(LatLng::checked).transpose()
}

/// A number that fits, or an error that names it.
pub(crate) fn fit<T: TryFrom<i64>>(name: &str, value: impl Into<i64>) -> FfiResult<T> {
    let wrong = |_| FieldfareError::invalid(format!("{name} is out of range"));
    T::try_from(value.into()).map_err(wrong)
}

/// The same for one that may be missing.
pub(crate) fn fit_option<T: TryFrom<i64>>(
    name: &str,
    value: Option<impl Into<i64>>,
) -> FfiResult<Option<T>> {
    value.map(|value| fit(name, value)).transpose()
}

/// The same for several.
pub(crate) fn fit_all<T: TryFrom<i64>>(name: &str, values: Vec<i32>) -> FfiResult<Vec<T>> {
    values.into_iter().map(|value| fit(name, value)).collect()
}

/// A number that is known to be small.
pub(crate) fn small(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// A span in seconds; nothing is shorter than none.
pub(crate) fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// A span in milliseconds, likewise.
pub(crate) fn milliseconds(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
