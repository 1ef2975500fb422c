//! Figures for Prometheus. The recorder is one for the process, as the `metrics` crate wants it.

use crate::state::ServerError;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Mutex, PoisonError};

const SECONDS: &[f64] = &[
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

static HANDLE: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Installs the recorder at the first call, and gives what prints it.
///
/// # Errors
/// [`ServerError::Internal`] if the program installed another recorder.
pub fn handle() -> Result<PrometheusHandle, ServerError> {
    let mut handle = HANDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*handle {
        return Ok(handle.clone());
    }
    let made = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|e| ServerError::Internal(format!("metrics: {e}")))?;
    *handle = Some(made.clone());
    Ok(made)
}
