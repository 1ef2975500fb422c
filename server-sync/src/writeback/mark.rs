//! Whether what we make in the CRM can carry our mark.

use crate::hubspot::{CrmError, HubspotClient};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After so long a property that could not be made is tried again.
const DOUBT: Duration = Duration::from_secs(3600);

/// What is known of the mark's property, for each kind of record. Known for as long as the
/// process lives: a lost answer costs a look.
#[derive(Debug, Default)]
pub struct Marks(Mutex<BTreeMap<String, Known>>);

#[derive(Debug, Clone, Copy)]
enum Known {
    Usable,
    Unusable { until: Instant },
}

impl Marks {
    /// Whether records of this kind can carry the property; it is made where it is missing. Where
    /// the token may not make it, they cannot, and are looked at again in an hour.
    ///
    /// # Errors
    /// [`CrmError`] if the CRM does not answer now.
    pub async fn ensure(
        &self,
        client: &HubspotClient,
        kind: &str,
        property: &str,
    ) -> Result<bool, CrmError> {
        match self.known(kind) {
            Some(Known::Usable) => return Ok(true),
            Some(Known::Unusable { until }) if until > Instant::now() => return Ok(false),
            _ => {}
        }
        match make_if_missing(client, kind, property).await {
            Ok(()) => {
                self.set(kind, Known::Usable);
                Ok(true)
            }
            Err(error) if is_final(&error) => {
                tracing::warn!(kind, property, %error, "the mark's property cannot be made");
                self.doubt(kind);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The CRM says that there is no such property after all.
    pub fn doubt(&self, kind: &str) {
        let until = Instant::now() + DOUBT;
        self.set(kind, Known::Unusable { until });
    }

    fn known(&self, kind: &str) -> Option<Known> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(kind).copied()
    }

    fn set(&self, kind: &str, value: Known) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(kind.to_owned(), value);
    }
}

async fn make_if_missing(
    client: &HubspotClient,
    kind: &str,
    property: &str,
) -> Result<(), CrmError> {
    match client.has_property(kind, property).await {
        Ok(true) => Ok(()),
        Ok(false) => client.create_text_property(kind, property).await,
        // Who may not look may still write: the first record shows.
        Err(error) if is_final(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether asking again soon is of no use, though the token itself is good.
const fn is_final(error: &CrmError) -> bool {
    matches!(
        error,
        CrmError::Refused { .. } | CrmError::MissingScope(_) | CrmError::Unauthorised(403)
    )
}
