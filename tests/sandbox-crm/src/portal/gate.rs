//! What stands before each call of the API: the request limits and the faults made on purpose.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::config::RateLimits;
use crate::error::ApiError;

/// Calls of the API that fail on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFault {
    /// The status to answer with: 423, 429, 477, 500, 502 or any other error.
    pub status: u16,
    /// How many calls fail.
    #[serde(default = "once")]
    pub times: u32,
    /// Only calls whose path contains this text.
    #[serde(default)]
    pub path_contains: Option<String>,
    /// The call takes effect and only its answer is replaced, as when a connection breaks late.
    #[serde(default)]
    pub after_commit: bool,
    /// Seconds for a `Retry-After` header.
    #[serde(default)]
    pub retry_after_s: Option<u64>,
}

fn once() -> u32 {
    1
}

impl CallFault {
    /// The next `times` calls answer with `status`.
    pub fn next(times: u32, status: u16) -> Self {
        Self {
            status,
            times,
            path_contains: None,
            after_commit: false,
            retry_after_s: None,
        }
    }

    pub(crate) fn to_error(&self) -> ApiError {
        let error = match self.status {
            423 => ApiError::new(
                StatusCode::LOCKED,
                "LOCKED",
                "This resource is temporarily locked: try again in 2 seconds",
            ),
            429 => ApiError::ten_secondly(),
            477 => ApiError::new(
                status(477),
                "MIGRATION_IN_PROGRESS",
                "Migration in progress",
            ),
            code => ApiError::new(status(code), "INTERNAL_ERROR", "internal error"),
        };
        match self.retry_after_s {
            Some(seconds) => error.with_retry_after(seconds),
            None => error,
        }
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What the gate decided about a call.
#[derive(Debug)]
pub(crate) struct Passage {
    /// Why the call is not let in, if it is not.
    pub(crate) refusal: Option<ApiError>,
    /// A fault that replaces the answer: before or after the call took effect.
    pub(crate) fault: Option<CallFault>,
    /// How long the answer is held back.
    pub(crate) latency: Duration,
    /// The limit and what is left of it; none for searches.
    pub(crate) quota: Option<Quota>,
}

/// The numbers of the rate-limit headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) limits: RateLimits,
    pub(crate) remaining: usize,
    pub(crate) daily_remaining: u64,
}

/// The gate of one portal.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: RateLimits,
    recent: VecDeque<Instant>,
    recent_searches: VecDeque<Instant>,
    faults: VecDeque<CallFault>,
    latency: Duration,
    total: u64,
    seen: BTreeMap<String, u64>,
}

impl Gate {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            recent: VecDeque::new(),
            recent_searches: VecDeque::new(),
            faults: VecDeque::new(),
            latency: Duration::ZERO,
            total: 0,
            seen: BTreeMap::new(),
        }
    }

    pub(crate) fn set_limits(&mut self, limits: RateLimits) {
        self.limits = limits;
    }

    pub(crate) fn set_latency(&mut self, latency: Duration) {
        self.latency = latency;
    }

    pub(crate) fn add_fault(&mut self, fault: CallFault) {
        self.faults.push_back(fault);
    }

    pub(crate) fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Calls so far by method and path, with ids written as `{id}`.
    pub(crate) fn seen(&self) -> BTreeMap<String, u64> {
        self.seen.clone()
    }

    /// Counts a call and lets it in, unless a limit is reached.
    pub(crate) fn enter(&mut self, method: &str, path: &str, now: Instant) -> Passage {
        self.total += 1;
        *self
            .seen
            .entry(format!("{method} {}", without_ids(path)))
            .or_default() += 1;
        let (refusal, quota) = if path.ends_with("/search") {
            (self.charge_search(now), None)
        } else {
            let (refusal, quota) = self.charge(now);
            (refusal, Some(quota))
        };
        let fault = if refusal.is_some() {
            None
        } else {
            self.take_fault(path)
        };
        Passage {
            refusal,
            fault,
            latency: self.latency,
            quota,
        }
    }

    fn charge_search(&mut self, now: Instant) -> Option<ApiError> {
        let most = self.limits.search_per_second;
        let free = charge_window(&mut self.recent_searches, Duration::from_secs(1), most, now);
        (self.limits.enabled && free.is_none()).then(ApiError::secondly)
    }

    fn charge(&mut self, now: Instant) -> (Option<ApiError>, Quota) {
        let limits = self.limits.clone();
        let window = Duration::from_millis(limits.window_ms);
        let free = charge_window(&mut self.recent, window, limits.burst, now);
        let refusal = (limits.enabled && free.is_none()).then(ApiError::ten_secondly);
        let daily_remaining = limits.daily.saturating_sub(self.total);
        (
            refusal,
            Quota {
                limits,
                remaining: free.unwrap_or(0),
                daily_remaining,
            },
        )
    }

    fn take_fault(&mut self, path: &str) -> Option<CallFault> {
        let fits = |fault: &CallFault| {
            fault
                .path_contains
                .as_deref()
                .is_none_or(|part| path.contains(part))
        };
        self.faults.retain(|fault| fault.times > 0);
        let fault = self.faults.iter_mut().find(|fault| fits(fault))?;
        fault.times -= 1;
        Some(fault.clone())
    }
}

/// What is left of a rolling window after this call; none if it was full.
fn charge_window(
    calls: &mut VecDeque<Instant>,
    window: Duration,
    most: usize,
    now: Instant,
) -> Option<usize> {
    while calls
        .front()
        .is_some_and(|at| now.duration_since(*at) >= window)
    {
        calls.pop_front();
    }
    let free = most.checked_sub(calls.len() + 1)?;
    calls.push_back(now);
    Some(free)
}

fn without_ids(path: &str) -> String {
    let is_id = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = path
        .split('/')
        .map(|part| if is_id(part) { "{id}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "/crm/v3/objects/companies";
    const SEARCH: &str = "/crm/v3/objects/companies/search";

    #[test]
    fn the_window_rolls() {
        let mut gate = Gate::new(RateLimits {
            burst: 2,
            ..RateLimits::default()
        });
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let left = |gate: &mut Gate, ms| {
            let passage = gate.enter("GET", LIST, at(ms));
            let left = passage.quota.map(|quota| quota.remaining);
            left.filter(|_| passage.refusal.is_none())
        };
        assert_eq!(left(&mut gate, 0), Some(1));
        assert_eq!(left(&mut gate, 9_000), Some(0));
        assert_eq!(left(&mut gate, 9_999), None);
        assert_eq!(left(&mut gate, 10_000), Some(0));
        assert_eq!(left(&mut gate, 18_999), None);
    }

    #[test]
    fn searches_have_their_own_limit() {
        let mut gate = Gate::new(RateLimits {
            burst: 0,
            ..RateLimits::default()
        });
        let now = Instant::now();
        for _ in 0..5 {
            let passage = gate.enter("POST", SEARCH, now);
            assert!(passage.refusal.is_none() && passage.quota.is_none());
        }
        assert!(gate.enter("POST", SEARCH, now).refusal.is_some());
        assert!(
            gate.enter("POST", SEARCH, now + Duration::from_secs(1))
                .refusal
                .is_none()
        );
    }

    #[test]
    fn a_fault_waits_for_its_path() {
        let mut gate = Gate::new(RateLimits::off());
        let fault = CallFault {
            path_contains: Some("search".into()),
            ..CallFault::next(1, 500)
        };
        gate.add_fault(fault);
        let now = Instant::now();
        assert!(gate.enter("GET", LIST, now).fault.is_none());
        assert!(gate.enter("POST", SEARCH, now).fault.is_some());
        assert!(gate.enter("POST", SEARCH, now).fault.is_none());
        assert_eq!(gate.seen()[&format!("POST {SEARCH}")], 2);
    }

    #[test]
    fn ids_are_left_out_of_the_counts() {
        assert_eq!(
            without_ids("/crm/v3/objects/tasks/123"),
            "/crm/v3/objects/tasks/{id}"
        );
    }
}
