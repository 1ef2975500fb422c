use reqwest::header::HeaderMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const MAX_PAUSE: Duration = Duration::from_secs(24 * 3600);
const SHORT: Duration = Duration::from_secs(1);
const TEN_SECONDS: Duration = Duration::from_secs(10);
const DAILY_PAUSE: Duration = Duration::from_secs(15 * 60);

/// Obeys the rate limits an account tells with every answer.
#[derive(Debug, Default)]
pub(crate) struct RateGate {
    closed_until: Mutex<Option<Instant>>,
}

impl RateGate {
    /// Returns when a request may be sent, or at once how long that would take if it is long.
    pub(crate) async fn wait(&self) -> Option<Duration> {
        while let Some(until) = self.closed() {
            let wait = until.saturating_duration_since(Instant::now());
            if wait > SHORT {
                return Some(wait);
            }
            tokio::time::sleep(wait).await;
        }
        None
    }

    fn closed(&self) -> Option<Instant> {
        let until = *self
            .closed_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        until.filter(|until| *until > Instant::now())
    }

    /// Sends nothing for a while.
    pub(crate) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait.min(MAX_PAUSE);
        let mut closed = self
            .closed_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *closed = Some(closed.map_or(until, |c| c.max(until)));
    }

    /// Reads what is left of the limit; without anything left the gate closes for the interval.
    pub(crate) fn observe(&self, headers: &HeaderMap) {
        let interval = number(headers, "x-hubspot-ratelimit-interval-milliseconds");
        if number(headers, "x-hubspot-ratelimit-remaining") == Some(0) {
            self.pause(
                interval
                    .map_or(TEN_SECONDS, Duration::from_millis)
                    .min(TEN_SECONDS),
            );
        }
    }

    /// HubSpot's `Retry-After` on the CRM's paths, in seconds.
    pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
        number(headers, "retry-after").map(|s| Duration::from_secs(s).min(MAX_PAUSE))
    }

    /// How long to wait after a 429 of this policy.
    pub(crate) fn pause_of(&self, policy: &str) -> Duration {
        if policy == "DAILY" {
            DAILY_PAUSE
        } else {
            TEN_SECONDS
        }
    }
}

/// 423: the record is being written by somebody else; 477: the account is moving.
pub(crate) const fn is_locked_or_moving(status: u16) -> bool {
    matches!(status, 423 | 477)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap()))
            .collect()
    }

    #[test]
    fn an_empty_bucket_closes_the_gate_for_its_interval() {
        let (gate, start) = (RateGate::default(), Instant::now());
        gate.observe(&headers(&[("x-hubspot-ratelimit-remaining", "5")]));
        assert_eq!(gate.closed(), None);
        gate.observe(&headers(&[
            ("x-hubspot-ratelimit-remaining", "0"),
            ("x-hubspot-ratelimit-interval-milliseconds", "3000"),
        ]));
        assert!(gate.closed() >= Some(start + Duration::from_secs(3)));
        gate.pause(Duration::ZERO);
        assert!(
            gate.closed() >= Some(start + Duration::from_secs(3)),
            "never shortened"
        );
    }

    #[test]
    fn hostile_headers_do_not_stop_us_for_ever() {
        let after = RateGate::retry_after(&headers(&[("retry-after", "99999999999")]));
        assert_eq!(after, Some(MAX_PAUSE));
        assert_eq!(
            RateGate::retry_after(&headers(&[("retry-after", "soon")])),
            None
        );
    }
}
