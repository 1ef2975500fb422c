use crate::ModelError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A span of the day on some days of the week, in the lead's own time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContactWindow {
    /// Days as bits, Monday is bit 0.
    pub days: u8,
    /// First minute of the day, 0 to 1439.
    pub from_minute: u16,
    /// First minute no longer in the window, up to 1440, greater than `from_minute`.
    pub to_minute: u16,
}

/// When a lead may be contacted. Empty means always.
///
/// The text form is a small part of OpenStreetMap's `opening_hours`:
/// `Mo-Fr 09:00-17:00; Sa 10:00-13:00`, days as ranges or comma lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContactHours {
    windows: Vec<ContactWindow>,
}

const DAYS: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const MINUTES_PER_DAY: u16 = 1440;

impl ContactHours {
    /// The windows in the order written.
    pub fn windows(&self) -> &[ContactWindow] {
        &self.windows
    }

    /// Whether contact is allowed on a day (Monday is 0) at a minute of the day.
    pub fn allows(&self, day: u8, minute: u16) -> bool {
        self.windows.is_empty()
            || self
                .windows
                .iter()
                .any(|w| w.days >> day & 1 == 1 && (w.from_minute..w.to_minute).contains(&minute))
    }
}

impl FromStr for ContactHours {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let windows = text
            .split(';')
            .map(str::trim)
            .filter(|rule| !rule.is_empty())
            .map(parse_rule)
            .collect::<Result<_, _>>()?;
        Ok(Self { windows })
    }
}

fn parse_rule(rule: &str) -> Result<ContactWindow, ModelError> {
    let (days, span) = rule.split_once(' ').ok_or(ModelError::Hours)?;
    let (from, to) = span.trim().split_once('-').ok_or(ModelError::Hours)?;
    let window = ContactWindow {
        days: parse_days(days)?,
        from_minute: parse_minute(from)?,
        to_minute: parse_minute(to)?,
    };
    if window.from_minute < window.to_minute {
        Ok(window)
    } else {
        Err(ModelError::Hours)
    }
}

fn parse_days(text: &str) -> Result<u8, ModelError> {
    text.split(',').try_fold(0u8, |days, part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (parse_day(first)?, parse_day(last)?);
        if first > last {
            return Err(ModelError::Hours);
        }
        Ok((first..=last).fold(days, |days, day| days | 1 << day))
    })
}

fn parse_day(text: &str) -> Result<usize, ModelError> {
    DAYS.iter()
        .position(|day| *day == text.trim())
        .ok_or(ModelError::Hours)
}

fn parse_minute(text: &str) -> Result<u16, ModelError> {
    let (hour, minute) = text.trim().split_once(':').ok_or(ModelError::Hours)?;
    let hour: u16 = hour.parse().map_err(|_| ModelError::Hours)?;
    let minute: u16 = minute.parse().map_err(|_| ModelError::Hours)?;
    if hour > 24 || minute > 59 {
        return Err(ModelError::Hours);
    }
    let total = hour * 60 + minute;
    if total <= MINUTES_PER_DAY {
        Ok(total)
    } else {
        Err(ModelError::Hours)
    }
}

impl fmt::Display for ContactHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, window) in self.windows.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            let names: Vec<&str> = DAYS
                .iter()
                .enumerate()
                .filter(|(day, _)| window.days >> day & 1 == 1)
                .map(|(_, name)| *name)
                .collect();
            write!(
                f,
                "{} {:02}:{:02}-{:02}:{:02}",
                names.join(","),
                window.from_minute / 60,
                window.from_minute % 60,
                window.to_minute / 60,
                window.to_minute % 60
            )?;
        }
        Ok(())
    }
}

impl TryFrom<String> for ContactHours {
    type Error = ModelError;
    fn try_from(text: String) -> Result<Self, ModelError> {
        text.parse()
    }
}

impl From<ContactHours> for String {
    fn from(hours: ContactHours) -> Self {
        hours.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ranges_and_lists() {
        let hours: ContactHours = "Mo-Fr 09:00-17:00; Sa,Su 10:00-24:00".parse().unwrap();
        assert!(hours.allows(0, 540));
        assert!(!hours.allows(0, 539));
        assert!(!hours.allows(4, 1020));
        assert!(hours.allows(6, 1439));
        assert!(!hours.allows(6, 599));
    }

    #[test]
    fn nothing_written_means_always() {
        assert!("".parse::<ContactHours>().unwrap().allows(3, 0));
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for bad in [
            "Mo",
            "Mo 9-17",
            "Xx 09:00-10:00",
            "Mo 10:00-09:00",
            "Mo 25:00-26:00",
            "Fr-Mo 09:00-10:00",
        ] {
            assert_eq!(bad.parse::<ContactHours>(), Err(ModelError::Hours), "{bad}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        let hours: ContactHours = "Mo-We 09:00-17:30;Sa 10:00-13:00".parse().unwrap();
        assert_eq!(hours.to_string().parse::<ContactHours>().unwrap(), hours);
    }
}
