use crate::schema::{self, day_plan};
use crate::{Columns, DayPlanId, ModelError, RepId, TimestampMs};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A day of the calendar as one number, `20261125` for 25 November 2026, so that days compare and
/// sort as numbers. The month is within 1 to 12 and the day within 1 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CalendarDate(i64);

impl CalendarDate {
    /// Builds a date from its parts.
    ///
    /// # Errors
    /// [`ModelError::Date`] if the year is not within 1 to 9999 or a part is no month or day.
    pub fn new(year: i64, month: i64, day: i64) -> Result<Self, ModelError> {
        let fits =
            (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        let number = || (year * 100 + month) * 100 + day;
        fits.then(|| Self(number())).ok_or(ModelError::Date)
    }

    /// Reads the number.
    ///
    /// # Errors
    /// As [`CalendarDate::new`].
    pub fn from_number(number: i64) -> Result<Self, ModelError> {
        Self::new(number / 10_000, number / 100 % 100, number % 100)
    }

    /// The number, `yyyymmdd`.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Year, month and day.
    pub const fn parts(self) -> (i64, i64, i64) {
        (self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }
}

/// As `2026-11-25`.
impl fmt::Display for CalendarDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for CalendarDate {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|p| p.len() == digits)?;
            let is_number = part.bytes().all(|b| b.is_ascii_digit());
            part.parse().ok().filter(|_| is_number)
        };
        let date = (part(4), part(2), part(2));
        match (date, parts.next()) {
            ((Some(year), Some(month), Some(day)), None) => Self::new(year, month, day),
            _ => Err(ModelError::Date),
        }
    }
}

impl TryFrom<String> for CalendarDate {
    type Error = ModelError;
    fn try_from(text: String) -> Result<Self, ModelError> {
        text.parse()
    }
}

impl From<CalendarDate> for String {
    fn from(date: CalendarDate) -> Self {
        date.to_string()
    }
}

/// A rep's planned day as it travels: what was to be planned and what came of it, both in the
/// planner's JSON, so that a phone can plan anew with the same travel times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayPlanRow {
    /// The row's id.
    pub id: DayPlanId,
    /// Whose day.
    pub rep: RepId,
    /// Which day, in the rep's time zone.
    pub date: CalendarDate,
    /// The rep's IANA time zone.
    pub time_zone: String,
    /// The moment from which the plan counts seconds: the day's midnight there.
    pub zero_at: TimestampMs,
    /// When it was planned.
    pub computed_at: TimestampMs,
    /// The planner's `Problem` as JSON; stops are named by the ids of their leads.
    pub problem: String,
    /// The planner's `Plan` as JSON.
    pub plan: String,
}

impl DayPlanRow {
    /// The cells to store and send.
    pub fn to_columns(&self) -> Columns {
        let mut c = Columns::new();
        c.set(day_plan::REP, self.rep.as_bytes().to_vec());
        c.set(day_plan::DATE, self.date.number());
        c.set(day_plan::TIME_ZONE, self.time_zone.as_str());
        c.set(day_plan::ZERO_AT, self.zero_at.0);
        c.set(day_plan::COMPUTED_AT, self.computed_at.0);
        c.set(day_plan::PROBLEM, self.problem.as_str());
        c.set(day_plan::PLAN, self.plan.as_str());
        c
    }

    /// Reads a planned day from its cells.
    ///
    /// # Errors
    /// [`ModelError`] naming the missing or wrong column.
    pub fn from_columns(id: DayPlanId, columns: &Columns) -> Result<Self, ModelError> {
        let r = schema::Reader::new("day_plan", columns);
        Ok(Self {
            id,
            rep: RepId::from_slice(r.bytes(day_plan::REP, "rep")?)?,
            date: CalendarDate::from_number(r.int(day_plan::DATE, "date")?)?,
            time_zone: r.text(day_plan::TIME_ZONE, "time_zone")?,
            zero_at: TimestampMs(r.int(day_plan::ZERO_AT, "zero_at")?),
            computed_at: TimestampMs(r.int(day_plan::COMPUTED_AT, "computed_at")?),
            problem: r.text(day_plan::PROBLEM, "problem")?,
            plan: r.text(day_plan::PLAN, "plan")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_they_are_read_and_sort() {
        let date: CalendarDate = "2026-11-05".parse().unwrap();
        assert_eq!(
            (date.number(), date.to_string().as_str()),
            (20_261_105, "2026-11-05")
        );
        assert_eq!(CalendarDate::from_number(20_261_105), Ok(date));
        assert!(date < "2026-11-25".parse().unwrap());
        for bad in [
            "2026-13-01",
            "2026-00-10",
            "26-11-05",
            "2026-11-5",
            "2026-11-05-1",
            "+026-11-05",
            "",
        ] {
            assert_eq!(bad.parse::<CalendarDate>(), Err(ModelError::Date), "{bad}");
        }
        assert!(CalendarDate::from_number(-20_261_105).is_err());
    }

    #[test]
    fn cells_and_day_say_the_same() {
        let day = DayPlanRow {
            id: DayPlanId::from_bytes([1; 16]),
            rep: RepId::from_bytes([2; 16]),
            date: CalendarDate::new(2026, 11, 25).unwrap(),
            time_zone: "Europe/Helsinki".into(),
            zero_at: TimestampMs(3),
            computed_at: TimestampMs(4),
            problem: "{}".into(),
            plan: "{}".into(),
        };
        assert_eq!(DayPlanRow::from_columns(day.id, &day.to_columns()), Ok(day));
    }
}
