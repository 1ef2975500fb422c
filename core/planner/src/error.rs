use thiserror::Error;

/// Why a problem cannot be planned as it stands. Entries are named by their place in the lists of
/// the problem, counted from 0, never by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProblemError {
    /// A list is longer than the planner takes.
    #[error("{count} {what} are given, the planner takes at most {most}: split the problem")]
    TooMany {
        /// Which list.
        what: &'static str,
        /// Its length.
        count: usize,
        /// The most allowed.
        most: usize,
    },
    /// A problem without reps.
    #[error("no rep is given: add at least one")]
    NoReps,
    /// Two entries share an id.
    #[error("{what} {index} has the id of an earlier one: make ids unique")]
    SameId {
        /// Which list.
        what: &'static str,
        /// The later entry.
        index: usize,
    },
    /// A place that the travel matrix does not have.
    #[error("{what} {index} is at place {place}, the matrix has only {places} places")]
    Place {
        /// Which list.
        what: &'static str,
        /// Entry in it.
        index: usize,
        /// The place it names.
        place: usize,
        /// Number of places in the matrix.
        places: usize,
    },
    /// Windows that end before they start, overlap or are out of order.
    #[error(
        "windows of {what} {index} must not end before they start and must stand in order without overlaps"
    )]
    Windows {
        /// Which list.
        what: &'static str,
        /// Entry in it.
        index: usize,
    },
    /// A shift that ends before it starts.
    #[error("shift of rep {index} ends before it starts")]
    Shift {
        /// The rep.
        index: usize,
    },
    /// Shifts spread over more time than can be counted.
    #[error("shifts span more than {most} seconds: choose a later zero or split the problem")]
    Span {
        /// The most allowed.
        most: i64,
    },
    /// A number above its limit.
    #[error("{what} of entry {index} is above {most}")]
    TooLarge {
        /// Which number.
        what: &'static str,
        /// Entry in its list.
        index: usize,
        /// The most allowed.
        most: u32,
    },
    /// Loads and capacities of different lengths.
    #[error("{what} {index} has {found} loads, others have {expected}: give all the same number")]
    Loads {
        /// Which list.
        what: &'static str,
        /// Entry in it.
        index: usize,
        /// Its number of loads.
        found: usize,
        /// The number expected.
        expected: usize,
    },
    /// A stop names a rep the problem does not have.
    #[error("stop {index} is for a rep that is not in the problem")]
    UnknownRep {
        /// The stop.
        index: usize,
    },
    /// A rep's first stops name one the problem does not have, or one named twice.
    #[error("first stop {position} of rep {index} is unknown, named twice, or not for this rep")]
    First {
        /// The rep.
        index: usize,
        /// Position in the rep's list.
        position: usize,
    },
    /// The stops that must come first cannot all be served in time.
    #[error("the first stops of a rep do not fit in order into windows and shift: widen them")]
    FirstDoNotFit,
    /// A matrix that is not square.
    #[error("row {row} of the matrix of {what} has {found} cells instead of {expected}")]
    Matrix {
        /// Seconds or metres.
        what: &'static str,
        /// The row.
        row: usize,
        /// Cells found.
        found: usize,
        /// Cells expected.
        expected: usize,
    },
    /// A cell of the matrix above the limit.
    #[error("cell {column} in row {row} of the matrix of {what} is above {most}")]
    Cell {
        /// Seconds or metres.
        what: &'static str,
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The most allowed.
        most: u32,
    },
    /// A traffic profile with a wrong number of factors or values out of range.
    #[error("a profile needs 24 factors between 100 and 3000 and a second of day below 86400")]
    Profile,
    /// Positions are given, but not one for each place.
    #[error("{found} positions are given for {expected} places: give none or one for each")]
    Positions {
        /// Positions found.
        found: usize,
        /// Places in the matrix.
        expected: usize,
    },
    /// Priorities and shifts so large that their products overflow.
    #[error("priorities and shifts are too large together: use smaller priorities")]
    Weights,
    /// A plan or state names a stop or rep the problem does not have.
    #[error("{what} {index} is not in the problem")]
    Unknown {
        /// What is named.
        what: &'static str,
        /// Entry in its list.
        index: usize,
    },
}
