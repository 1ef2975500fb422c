use crate::config::LimitsConfig;
use crate::http::ApiError;
use fieldfare_model::DeviceId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// Token buckets for each device and each address (GCRA, as the `governor` crate does it).
pub struct RateLimits {
    devices: DefaultKeyedRateLimiter<DeviceId>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
}

impl RateLimits {
    /// Buckets of the configured sizes.
    pub fn new(limits: &LimitsConfig) -> Self {
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let device = Quota::per_second(at_least_one(limits.device_per_second))
            .allow_burst(at_least_one(limits.device_burst));
        let address = Quota::per_minute(at_least_one(limits.enrol_per_minute))
            .allow_burst(at_least_one(limits.enrol_burst));
        Self {
            devices: RateLimiter::keyed(device),
            addresses: RateLimiter::keyed(address),
        }
    }

    /// Takes one request from a device's bucket.
    ///
    /// # Errors
    /// [`ApiError`] with the seconds to wait.
    pub fn take_device(&self, device: DeviceId) -> Result<(), ApiError> {
        take(&self.devices, &device)
    }

    /// Takes one request from an address's bucket. Networks of IPv6 count as one address, as a
    /// client has a whole /64.
    ///
    /// # Errors
    /// [`ApiError`] with the seconds to wait.
    pub fn take_address(&self, address: IpAddr) -> Result<(), ApiError> {
        take(&self.addresses, &network(address))
    }

    /// Forgets clients whose buckets are full again.
    pub fn forget_idle(&self) {
        self.devices.retain_recent();
        self.addresses.retain_recent();
    }
}

fn take<K: Hash + Eq + Clone>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: &K,
) -> Result<(), ApiError> {
    limiter.check_key(key).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        ApiError::busy(wait.as_secs().saturating_add(1))
    })
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) & !u128::from(u64::MAX)).to_be_bytes()),
    }
}
