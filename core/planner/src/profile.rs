use crate::ProblemError;
use serde::{Deserialize, Serialize};

/// How fast traffic is at each hour of the day.
///
/// A leg of `s` seconds in the matrix is `s * 1000` units of way; in an hour with factor `f`,
/// `f` units are driven each second (the model of Ichoua, Gendreau and Potvin, 2003). Who leaves
/// later never arrives earlier (FIFO), also in whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Speed in each of the 24 hours, in thousandths of the speed behind the matrix; within
    /// [`Profile::FACTORS`].
    pub factors: Vec<u16>,
    /// The second of the day at the problem's zero, 0 to 86,399.
    #[serde(default)]
    pub zero_second_of_day: u32,
}

impl Profile {
    /// Smallest and largest factor allowed.
    pub const FACTORS: std::ops::RangeInclusive<u16> = 100..=3_000;
}

const HOURS: usize = 24;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;
const UNIT: i64 = 1_000;

/// Turns departure times and matrix seconds into arrival times.
#[derive(Debug, Clone)]
pub(crate) enum Clock {
    /// A leg takes what the matrix says, at any time.
    Even,
    /// A leg takes longer or shorter by the hour.
    Hourly(Box<Hourly>),
}

/// The way driven since midnight, at each full hour.
#[derive(Debug, Clone)]
pub(crate) struct Hourly {
    factors: [i64; HOURS],
    driven: [i64; HOURS],
    per_day: i64,
    /// Second of the day at the clock's zero.
    offset: i64,
    fastest: i64,
}

impl Clock {
    /// A clock whose zero is `shift` seconds after the profile's.
    pub(crate) fn new(profile: Option<&Profile>, shift: i64) -> Result<Self, ProblemError> {
        match profile {
            None => Ok(Self::Even),
            Some(profile) => Ok(Self::Hourly(Box::new(Hourly::new(profile, shift)?))),
        }
    }

    pub(crate) fn is_even(&self) -> bool {
        matches!(self, Self::Even)
    }

    /// When a leg of `seconds` ends that begins at `departure`.
    #[inline]
    pub(crate) fn arrival(&self, departure: i64, seconds: i64) -> i64 {
        match self {
            Self::Even => departure + seconds,
            Self::Hourly(hourly) => hourly.arrival(departure, seconds),
        }
    }

    /// The last departure that is there by `arrival`.
    #[inline]
    pub(crate) fn departure(&self, arrival: i64, seconds: i64) -> i64 {
        match self {
            Self::Even => arrival - seconds,
            Self::Hourly(hourly) => hourly.departure(arrival, seconds),
        }
    }

    /// A bound: no departure makes a leg of `seconds` shorter than this.
    #[inline]
    pub(crate) fn shortest(&self, seconds: i64) -> i64 {
        match self {
            Self::Even => seconds,
            Self::Hourly(hourly) => seconds * UNIT / hourly.fastest,
        }
    }
}

impl Hourly {
    fn new(profile: &Profile, shift: i64) -> Result<Self, ProblemError> {
        let given: &[u16; HOURS] = profile
            .factors
            .as_slice()
            .try_into()
            .map_err(|_| ProblemError::Profile)?;
        let fits = given.iter().all(|f| Profile::FACTORS.contains(f));
        if !fits || i64::from(profile.zero_second_of_day) >= DAY_S {
            return Err(ProblemError::Profile);
        }
        let factors = given.map(i64::from);
        let mut driven = [0; HOURS];
        let mut sum = 0;
        for (at, factor) in driven.iter_mut().zip(factors) {
            *at = sum;
            sum += factor * HOUR_S;
        }
        Ok(Self {
            factors,
            driven,
            per_day: sum,
            offset: i64::from(profile.zero_second_of_day) + shift,
            fastest: factors.iter().copied().max().unwrap_or(UNIT),
        })
    }

    fn hour(&self, hour: usize) -> (i64, i64) {
        let driven = self.driven.get(hour).copied().unwrap_or(self.per_day);
        (driven, self.factors.get(hour).copied().unwrap_or(UNIT))
    }

    /// Way driven from a fixed midnight until `time`.
    fn way(&self, time: i64) -> i64 {
        let second = time + self.offset;
        let (day, of_day) = (second.div_euclid(DAY_S), second.rem_euclid(DAY_S));
        let (driven, factor) = self.hour((of_day / HOUR_S) as usize);
        day * self.per_day + driven + (of_day % HOUR_S) * factor
    }

    /// The hour in which `way` (within a day) is reached.
    fn hour_of(&self, way: i64) -> usize {
        self.driven.partition_point(|&d| d <= way).max(1) - 1
    }

    /// First second at which at least `way` is driven.
    fn first_at(&self, way: i64) -> i64 {
        let (day, of_day) = (way.div_euclid(self.per_day), way.rem_euclid(self.per_day));
        let hour = self.hour_of(of_day);
        let (driven, factor) = self.hour(hour);
        let second = hour as i64 * HOUR_S + (of_day - driven + factor - 1) / factor;
        day * DAY_S + second - self.offset
    }

    /// Last second at which at most `way` is driven.
    fn last_at(&self, way: i64) -> i64 {
        let (day, of_day) = (way.div_euclid(self.per_day), way.rem_euclid(self.per_day));
        let hour = self.hour_of(of_day);
        let (driven, factor) = self.hour(hour);
        let second = hour as i64 * HOUR_S + (of_day - driven) / factor;
        day * DAY_S + second - self.offset
    }

    fn arrival(&self, departure: i64, seconds: i64) -> i64 {
        self.first_at(self.way(departure) + seconds * UNIT)
    }

    fn departure(&self, arrival: i64, seconds: i64) -> i64 {
        self.last_at(self.way(arrival) - seconds * UNIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clock(factors: Vec<u16>, zero: u32) -> Clock {
        let profile = Profile {
            factors,
            zero_second_of_day: zero,
        };
        Clock::new(Some(&profile), 0).unwrap()
    }

    #[test]
    fn half_speed_takes_twice_as_long() {
        let clock = clock(vec![500; 24], 0);
        assert_eq!(clock.arrival(1_000, 600), 2_200);
        assert_eq!(clock.departure(2_200, 600), 1_000);
    }

    #[test]
    fn a_leg_across_an_hour_takes_a_part_of_each() {
        let mut factors = vec![1_000; 24];
        factors[8] = 500;
        let clock = clock(factors, 0);
        // Ten minutes at full speed until eight, then twenty at half speed.
        assert_eq!(clock.arrival(8 * 3_600 - 600, 1_200), 8 * 3_600 + 1_200);
    }

    /// Drives second by second.
    fn walk(factors: &[u16], zero: i64, departure: i64, seconds: i64) -> i64 {
        let (mut at, mut left) = (departure, seconds * 1_000);
        while left > 0 {
            let hour = ((at + zero).rem_euclid(86_400) / 3_600) as usize;
            left -= i64::from(factors[hour]);
            at += 1;
        }
        at
    }

    proptest! {
        #[test]
        fn arrival_is_what_driving_second_by_second_gives(
            factors in proptest::collection::vec(100u16..=3_000, 24),
            zero in 0u32..86_400, departure in -90_000i64..200_000, seconds in 0i64..9_000,
        ) {
            let clock = clock(factors.clone(), zero);
            let arrival = clock.arrival(departure, seconds);
            prop_assert_eq!(arrival, walk(&factors, i64::from(zero), departure, seconds));
            prop_assert!(clock.shortest(seconds) <= arrival - departure);
        }

        #[test]
        fn later_departures_never_arrive_earlier_and_the_last_one_is_found(
            factors in proptest::collection::vec(100u16..=3_000, 24),
            departure in 0i64..100_000, later in 0i64..4_000, seconds in 0i64..9_000,
        ) {
            let clock = clock(factors, 0);
            let by = clock.arrival(departure, seconds);
            prop_assert!(by <= clock.arrival(departure + later, seconds));
            let last = clock.departure(by, seconds);
            prop_assert!(clock.arrival(last, seconds) <= by);
            prop_assert!(clock.arrival(last + 1, seconds) > by);
        }
    }
}
