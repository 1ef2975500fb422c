use fieldfare_model::TimestampMs;

/// A trip in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TripSummary {
    /// When it was started.
    pub started_at: TimestampMs,
    /// When it ended.
    pub ended_at: Option<TimestampMs>,
    /// Metres between fixes, without the trembling of a standing receiver.
    pub raw_m: f64,
    /// Metres of the route that were driven.
    pub on_route_m: f64,
    /// Milliseconds on the move.
    pub moving_ms: i64,
    /// Milliseconds paused.
    pub paused_ms: i64,
    /// Confirmed deviations.
    pub deviations: u32,
}
