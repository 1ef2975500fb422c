use serde::{Deserialize, Serialize};

/// What is known about the speed that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeedLimit {
    /// Kilometres an hour, as on the sign.
    Kmh(u16),
    /// Miles an hour, as on the sign.
    Mph(u16),
    /// It is known that there is none.
    Unlimited,
}

impl SpeedLimit {
    /// Metres per second, if there is a limit.
    pub fn mps(self) -> Option<f64> {
        match self {
            Self::Kmh(kmh) => Some(f64::from(kmh) / 3.6),
            Self::Mph(mph) => Some(f64::from(mph) * 0.447_04),
            Self::Unlimited => None,
        }
    }
}
