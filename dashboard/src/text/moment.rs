//! Moments: exact for machines and tooltips, relative for people.

use protocol::Timestamp;
use serde::{Serialize, Serializer};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A moment on a page, with the words for how far from the page's own time it is. Its JSON is the exact time alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct When {
    at: Timestamp,
    /// Such as `4 min ago`.
    pub relative: String,
}

impl When {
    /// The moment `at` as it looks from `now`.
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, relative: ago(at, now) }
    }

    /// RFC 3339, for `datetime` and JSON.
    pub(crate) fn iso(&self) -> String {
        self.at.to_string()
    }

    /// The exact moment for people: `2026-11-20 21:44:05 UTC`.
    pub(crate) fn exact(&self) -> String {
        self.iso().replace('T', " ").replace('Z', " UTC")
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.iso())
    }
}

/// How many milliseconds `later` is after `earlier`; none where it is not after it.
pub(crate) fn elapsed_ms(later: Timestamp, earlier: Timestamp) -> u64 {
    u64::try_from(later.since(earlier).as_millis()).unwrap_or(u64::MAX)
}

/// How far `at` is from `now`, in words: `just now`, `4 min ago`, `in 2 h`, `3 years ago`.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let past = now.since(at).as_secs();
    let future = at.since(now).as_secs();
    match (past, future) {
        (0..45, 0..45) => "just now".to_owned(),
        (0, ahead) => format!("in {}", span(ahead)),
        (behind, _) => format!("{} ago", span(behind)),
    }
}

fn span(seconds: u64) -> String {
    let some = |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    match seconds {
        0..HOUR => some((seconds / MINUTE).max(1), "min", "min"),
        HOUR..DAY => some(seconds / HOUR, "h", "h"),
        _ => match seconds / DAY {
            days @ 0..14 => some(days, "day", "days"),
            days @ 14..60 => some(days / 7, "week", "weeks"),
            days @ 60..730 => some(days / 30, "month", "months"),
            days => some(days / 365, "year", "years"),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    #[test]
    fn the_past_is_said_in_the_largest_unit_that_fits() {
        let cases = [
            (0, "just now"),
            (44, "just now"),
            (45, "1 min ago"),
            (119, "1 min ago"),
            (240, "4 min ago"),
            (3_599, "59 min ago"),
            (3_600, "1 h ago"),
            (86_399, "23 h ago"),
            (86_400, "1 day ago"),
            (13 * 86_400, "13 days ago"),
            (14 * 86_400, "2 weeks ago"),
            (60 * 86_400, "2 months ago"),
            (729 * 86_400, "24 months ago"),
            (730 * 86_400, "2 years ago"),
        ];
        for (seconds, text) in cases {
            assert_eq!(ago(NOON, NOON.plus(Duration::from_secs(seconds))), text, "{seconds}");
        }
    }

    #[test]
    fn the_future_says_so() {
        assert_eq!(ago(NOON.plus(Duration::from_secs(30)), NOON), "just now");
        assert_eq!(ago(NOON.plus(Duration::from_hours(2)), NOON), "in 2 h");
    }

    #[test]
    fn a_moment_is_exact_in_json_and_in_the_tooltip() {
        let when = When::new(Timestamp::parse_rfc3339("2026-11-20T21:44:05Z").unwrap(), NOON);
        assert_eq!(serde_json::to_value(&when).unwrap(), "2026-11-20T21:44:05Z");
        assert_eq!(when.exact(), "2026-11-20 21:44:05 UTC");
    }
}
