//! One field of an expression: `*`, numbers, names, ranges that may run over the end, steps, and lists of all that.

use std::collections::BTreeSet;

/// What a field means.
#[derive(Debug)]
pub(super) struct Field {
    /// As crontab(5) calls it.
    pub(super) name: &'static str,
    least: u32,
    most: u32,
    /// The names of its values, from the least one on; none where it has only numbers.
    names: &'static [&'static str],
    example: &'static str,
}

/// The values that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Values {
    matching: BTreeSet<u32>,
    /// Whether it does not begin with `*`, which is what crontab(5) goes by where it says that one of two fields is enough.
    pub(super) is_restricted: bool,
    /// What the cron crate's numbers are higher by.
    shift: u32,
}

impl Values {
    /// As a list of numbers.
    pub(super) fn list(&self) -> String {
        self.matching.iter().map(|value| (value + self.shift).to_string()).collect::<Vec<_>>().join(",")
    }
}

const WEEK: u32 = 7;

impl Field {
    /// The fields in their order.
    pub(super) const ALL: [Self; 5] = [
        Self { name: "minute", least: 0, most: 59, names: &[], example: "`*`, `0-29` or `*/15`" },
        Self { name: "hour", least: 0, most: 23, names: &[], example: "`*`, `22-6` or `1,13`" },
        Self { name: "day of month", least: 1, most: 31, names: &[], example: "`*`, `1-7` or `1,15`" },
        Self {
            name: "month",
            least: 1,
            most: 12,
            names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
            example: "`*`, `11-2` or `jul,aug`",
        },
        Self {
            name: "day of week",
            least: 0,
            // Sunday is 0 and 7.
            most: WEEK,
            names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
            example: "`*`, `mon-fri` or `6,0`",
        },
    ];

    /// Every value.
    pub(super) fn every(&self) -> Values {
        self.values((self.least..=self.last()).collect(), false)
    }

    /// Reads a field.
    pub(super) fn read(&self, text: &str) -> Result<Values, String> {
        let mut values = BTreeSet::new();
        for part in text.split(',') {
            values.extend(self.part(part).map_err(|why| self.wrong(text, &why))?);
        }
        Ok(self.values(values, !text.starts_with('*')))
    }

    fn values(&self, matching: BTreeSet<u32>, is_restricted: bool) -> Values {
        Values { matching, is_restricted, shift: u32::from(self.most == WEEK) }
    }

    fn wrong(&self, text: &str, why: &str) -> String {
        let text: String = text.chars().take(40).collect();
        format!("the {} `{text}` {why}; write {}", self.name, self.example)
    }

    /// The last value that has a place of its own.
    const fn last(&self) -> u32 {
        if self.most == WEEK { WEEK - 1 } else { self.most }
    }

    /// A range with a step, a range, a value, or all of them.
    fn part(&self, part: &str) -> Result<Vec<u32>, String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                (range, step.parse::<usize>().ok().filter(|step| *step > 0).ok_or("has a step that is no number")?)
            }
            None => (part, 1),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.last()),
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            // As in cron: from there to the end, where a step is given.
            None if step > 1 => (self.value(range)?, self.last()),
            None => (self.value(range)?, self.value(range)?),
        };
        let ends_after = if first <= last { last } else { last + self.last() + 1 - self.least };
        let size = self.last() + 1 - self.least;
        Ok((first..=ends_after).step_by(step).map(|value| (value - self.least) % size + self.least).collect())
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        if let Some(place) = named.and_then(|place| u32::try_from(place).ok()) {
            return Ok(place + self.least);
        }
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = if is_number { text.parse().unwrap_or(u32::MAX) } else { return Err("is not understood".into()) };
        if (self.least..=self.most).contains(&value) {
            return Ok(value);
        }
        Err(format!("is not from {} to {}", self.least, self.most))
    }
}
