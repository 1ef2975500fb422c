//! Travel times when no engine knows them: as the crow flies, by a usual road.

use crate::routing::{Leg, RoutingConfig};
use fieldfare_geo::distance_m;
use fieldfare_model::LatLng;
use fieldfare_planner::Problem;

/// How much longer roads are than straight lines, and how fast one drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    road_metres_per_km: u32,
    kmh: u32,
}

impl Estimate {
    /// As configured.
    pub const fn new(config: &RoutingConfig) -> Self {
        Self {
            road_metres_per_km: config.road_metres_per_km,
            kmh: config.estimate_kmh,
        }
    }

    /// The way between two places, the same in both directions.
    pub fn leg(&self, from: LatLng, to: LatLng) -> Leg {
        let straight = distance_m(from, to).round() as u64;
        let metres = straight * u64::from(self.road_metres_per_km) / 1_000;
        let metres_an_hour = u64::from(self.kmh.max(1)) * 1_000;
        let seconds = (metres * 3_600).div_ceil(metres_an_hour);
        let most = u64::from(Problem::MAX_DURATION_S);
        Leg {
            seconds: seconds.min(most) as u32,
            metres: metres.min(1 << 30) as u32,
        }
    }
}
