//! The times at which a runner may take work, as crontab(5) writes them: five fields, in the machine's own time zone. A runner may take work in
//! every minute that matches any of its expressions, so that `* 22-6 * * *` is every night from 22:00 until 06:59, as hour 6 is in the range.
//!
//! What crontab(5) leaves to the reader is expanded here into plain lists, before the cron crate sees it: ranges that run over the end, as
//! `22-6` and `fri-mon`; Sunday as 0 and as 7; and that a day matches by its date *or* by its weekday where neither field begins with `*`.
//!
//! The clock on the wall decides. Where it goes forward an hour, that hour does not come; where it goes back, the hour comes twice and matches twice.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::NaiveDate;
use jiff::tz::TimeZone;
use protocol::Timestamp;

use field::{Field, Values};

mod field;

/// How far ahead the next change is looked for.
const FORESIGHT: Duration = Duration::from_hours(32 * 24);
const MINUTE: i64 = 60_000;

/// One expression.
#[derive(Clone, Debug)]
pub struct Window {
    text: String,
    /// It matches where one of these does.
    schedules: Vec<cron::Schedule>,
}

/// Some expressions, in a time zone.
#[derive(Clone, Debug)]
pub struct Hours {
    windows: Vec<Window>,
    zone: TimeZone,
}

impl Hours {
    /// The hours of these expressions, by the clock of a time zone; none where there are no expressions, which is always.
    pub fn new(windows: Vec<Window>, zone: TimeZone) -> Option<Self> {
        (!windows.is_empty()).then_some(Self { windows, zone })
    }

    /// Whether work may be taken at that time.
    pub fn include(&self, now: Timestamp) -> bool {
        let Some(wall) = self.wall(now) else { return true };
        self.windows.iter().any(|window| window.schedules.iter().any(|it| it.includes(wall)))
    }

    /// When that changes; none where it does not within the next month.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let (is_in, last) = (self.include(now), now.plus(FORESIGHT).as_millis().div_euclid(MINUTE));
        let minutes = now.as_millis().div_euclid(MINUTE) + 1..=last;
        minutes.map(|minute| Timestamp::from_millis(minute * MINUTE)).find(|at| self.include(*at) != is_in)
    }

    /// What the clock on the wall shows, as a time without a zone.
    fn wall(&self, now: Timestamp) -> Option<chrono::DateTime<chrono::Utc>> {
        let now = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?;
        let wall = now.to_zoned(self.zone.clone()).datetime();
        let [month, day, hour, minute] =
            [wall.month(), wall.day(), wall.hour(), wall.minute()].map(|it| it.unsigned_abs().into());
        Some(NaiveDate::from_ymd_opt(wall.year().into(), month, day)?.and_hms_opt(hour, minute, 0)?.and_utc())
    }
}

impl fmt::Display for Hours {
    /// As they were given, such as `* 22-6 * * * or * * * * sat,sun`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = self.windows.iter().map(|window| window.text.as_str()).collect();
        f.write_str(&texts.join(" or "))
    }
}

impl FromStr for Window {
    type Err = String;

    /// Reads an expression; the error names the field and shows one that is right.
    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let Ok(words) = <[&str; 5]>::try_from(words) else {
            let fields = Field::ALL.map(|field| field.name).join(", ");
            return Err(format!(
                "it has five fields: {fields}; such as `* 22-6 * * *`, every night from 22:00 until 06:59"
            ));
        };
        let mut values = Vec::new();
        for (field, word) in Field::ALL.iter().zip(words) {
            values.push(field.read(word)?);
        }
        let both = values[2].is_restricted && values[4].is_restricted;
        let alternatives = if both { vec![day(&values, 2), day(&values, 4)] } else { vec![values] };
        let schedules: Vec<cron::Schedule> =
            alternatives.iter().map(|values| schedule(values)).collect::<Result<_, _>>()?;
        if schedules.iter().all(|schedule| schedule.after(&chrono::DateTime::UNIX_EPOCH).next().is_none()) {
            return Err(format!(
                "the day of month {} does not come in the month {}; write `*` for every day",
                words[2], words[3]
            ));
        }
        Ok(Self { text: words.join(" "), schedules })
    }
}

/// The same with only one of the two fields that choose days.
fn day(values: &[Values], kept: usize) -> Vec<Values> {
    let mut values = values.to_vec();
    let other = if kept == 2 { 4 } else { 2 };
    values[other] = Field::ALL[other].every();
    values
}

/// As the cron crate takes it, which wants seconds and years, and begins the week with Sunday as 1.
fn schedule(values: &[Values]) -> Result<cron::Schedule, String> {
    let lists: Vec<String> = values.iter().map(Values::list).collect();
    format!("0 {} *", lists.join(" ")).parse().map_err(|error: cron::error::Error| error.to_string())
}

#[cfg(test)]
mod tests;
