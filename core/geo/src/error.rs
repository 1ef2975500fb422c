/// Why a geometric value could not be built. The text never carries a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GeoError {
    /// A bearing, distance or coordinate is NaN or infinite.
    #[error("bearing, distance and coordinates must be finite numbers")]
    NotFinite,
    /// A bounding box has its south above its north.
    #[error("the south edge of a box must not lie north of its north edge")]
    BoxUpsideDown,
    /// A ring of a polygon has fewer than three distinct corners or no area.
    #[error("a polygon ring needs at least three corners that are not in one line")]
    RingTooThin,
    /// A ring of a polygon goes around a pole.
    #[error("a polygon ring must not enclose a pole: split it along a meridian")]
    RingAroundPole,
    /// An H3 resolution above 15.
    #[error("an H3 resolution must be within 0 to 15")]
    Resolution,
    /// Text that is not an H3 cell index.
    #[error("not an H3 cell: expected the 15 or 16 hexadecimal digits of a cell index")]
    Cell,
    /// The radius of a circle is negative, NaN or infinite.
    #[error("the radius of a circle must be a finite number of metres, not negative")]
    Radius,
    /// The limits for choosing fences contradict each other.
    #[error(
        "fence limits must allow at least one region, and 0 < min re-arm <= max re-arm with a margin of 0 or more"
    )]
    FenceLimits,
}
