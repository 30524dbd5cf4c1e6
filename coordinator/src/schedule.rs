//! When a sweep is due: a cron schedule in UTC, asked by comparison of times, so that one missed while the farm was down is made up for.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use protocol::Timestamp;

use crate::Error;

/// A cron schedule of five fields (minute first) or six (second first), in UTC.
#[derive(Clone, Debug)]
pub struct Schedule(cron::Schedule);

impl Schedule {
    /// Every night at 04:17, when few people are up in Europe and America, and not on the hour, as everybody else is.
    ///
    /// # Panics
    /// Never in a program that passed its tests: one of them calls it.
    pub fn nightly() -> Self {
        "17 4 * * *".parse().expect("a test parses the nightly schedule")
    }

    /// The first time after `moment`; none where the schedule has ended.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let moment = DateTime::<Utc>::from_timestamp_millis(moment.as_millis())?;
        self.0.after(&moment).next().map(|next| Timestamp::from_millis(next.timestamp_millis()))
    }

    /// Whether a time of the schedule has passed since `last`; a sweep that never took place is due.
    pub fn is_due(&self, last: Option<Timestamp>, now: Timestamp) -> bool {
        last.is_none_or(|last| self.next_after(last).is_some_and(|next| next <= now))
    }
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fields = text.split_whitespace().count();
        let full = if fields == 5 { format!("0 {text}") } else { text.to_owned() };
        cron::Schedule::from_str(&full)
            .map(Self)
            .map_err(|error| Error::Schedule { text: text.chars().take(80).collect(), why: error.to_string() })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.source())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn the_nightly_schedule_comes_once_a_night() {
        let nightly = Schedule::nightly();
        let first = nightly.next_after(at("2026-11-20T12:00:00Z")).unwrap();
        assert_eq!(first, at("2026-11-21T04:17:00Z"));
        assert_eq!(nightly.next_after(first), Some(at("2026-11-22T04:17:00Z")));
    }

    #[test]
    fn a_sweep_that_was_missed_while_the_farm_was_down_is_due() {
        let nightly = Schedule::nightly();
        let last = Some(at("2026-11-18T04:17:01Z"));
        assert!(!nightly.is_due(last, at("2026-11-19T04:16:59Z")));
        assert!(nightly.is_due(last, at("2026-11-20T12:00:00Z")));
        assert!(nightly.is_due(None, at("2026-11-20T12:00:00Z")));
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_an_example() {
        let error = "every night".parse::<Schedule>().unwrap_err().to_string();
        assert!(error.starts_with("`every night` is not a cron schedule") && error.contains("17 4 * * *"), "{error}");
    }
}
