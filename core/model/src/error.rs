/// Why a value could not be built. The text never carries the offending data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A latitude or longitude is not a number or outside its range.
    #[error("position out of range: latitude must be within ±90° and longitude within ±180°")]
    Position,
    /// An id is not a UUID.
    #[error("not a valid id: expected a UUID")]
    Id,
    /// A required column is missing from a row.
    #[error("column {column} of {entity} is missing")]
    Missing {
        /// Which kind of row.
        entity: &'static str,
        /// The column's name.
        column: &'static str,
    },
    /// A column holds a value of the wrong type or outside its range.
    #[error("column {column} of {entity} has a value of the wrong kind or range")]
    Column {
        /// Which kind of row.
        entity: &'static str,
        /// The column's name.
        column: &'static str,
    },
    /// Contact hours that do not follow the documented form.
    #[error(
        "contact hours not understood: expected for example \"Mo-Fr 09:00-17:00; Sa 10:00-13:00\""
    )]
    Hours,
    /// Text or a number that is no day of the calendar.
    #[error("not a date: expected for example 2026-11-25")]
    Date,
}
