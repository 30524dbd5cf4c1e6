//! What a visitor chooses beside words: verdicts, tests, licence, tag, maintainer, age, and the order. It stands in the address, and comes from anybody.

use std::time::Duration;

use protocol::{PgMajor, Platform, Timestamp};
use serde::{Serialize, Serializer};

use crate::outcome::Wanted;

/// A longer value is refused.
const MAX_CHARS: usize = 128;
/// The longest time that can be looked back, in days.
const MAX_DAYS: u64 = 3_660;

/// A value that is none of those that a key can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` cannot be `{value}`: {expected}.")]
pub struct Refusal {
    key: &'static str,
    value: String,
    expected: &'static str,
}

/// What is chosen. Nothing is chosen by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// Verdicts on this major alone; else those on every supported one.
    pub pg: Option<PgMajor>,
    /// Verdicts on this platform alone.
    pub platform: Option<Platform>,
    /// What the verdicts have to say.
    pub verdict: Option<Wanted>,
    /// Whether there have to be tests, or must not be.
    pub tests: Option<bool>,
    /// The licence, in lower case.
    pub licence: Option<String>,
    /// A tag, in lower case.
    pub tag: Option<String>,
    /// Who uploaded it, in lower case.
    pub user: Option<String>,
    /// Verdicts from then on alone.
    pub since: Option<Since>,
    /// The order.
    pub sort: Option<Sort>,
}

/// A moment, and how it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    text: String,
    at: Timestamp,
}

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The best answer to the words first; without words, by name.
    Relevance,
    /// The latest release first.
    Recent,
    /// What works on most targets first.
    Health,
    /// By name.
    Name,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 4] = [Self::Relevance, Self::Recent, Self::Health, Self::Name];

    /// The word in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Recent => "recent",
            Self::Health => "health",
            Self::Name => "name",
        }
    }
}

impl Since {
    /// Reads `30d` as so many days before `now`, and `2026-11-20` as the beginning of that day.
    fn read(text: &str, now: Timestamp) -> Option<Self> {
        let is_day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let at = if let Some(days) = text.strip_suffix('d') {
            let days: u64 = days.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days))?;
            now.minus(Duration::from_hours(24 * days))
        } else if is_day {
            Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"))?
        } else {
            return None;
        };
        Some(Self { text: text.to_owned(), at })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The moment.
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

impl Serialize for Since {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl Choice {
    /// Every key, in the order in which addresses have them.
    pub const KEYS: [&'static str; 9] =
        ["pg", "platform", "verdict", "since", "tests", "licence", "tag", "user", "sort"];

    /// Reads what an address says of each key; empty is nothing, and so is what it would be anyway. A relative time is one before `now`.
    pub fn read<'a>(get: impl Fn(&str) -> Option<&'a str>, now: Timestamp) -> Result<Self, Refusal> {
        let tests = |text: &str| match text {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        };
        let sort = |text: &str| Sort::ALL.into_iter().find(|sort| sort.as_str() == text);
        let word = |text: &str| Some(text.to_lowercase());
        let mut choice = Self {
            pg: value(&get, "pg", "it is a PostgreSQL major, such as 18", |text| text.parse().ok())?,
            platform: value(&get, "platform", "it is amd64 or arm64", |text| text.parse().ok())?,
            verdict: value(&get, "verdict", Wanted::EXPECTED, Wanted::read)?,
            since: value(&get, "since", "it is a day such as 2026-11-20, or a number of days such as 30d", |text| {
                Since::read(text, now)
            })?,
            tests: value(&get, "tests", "it is yes or no", tests)?,
            licence: value(&get, "licence", "it has at most 128 characters", word)?,
            tag: value(&get, "tag", "it has at most 128 characters", word)?,
            user: value(&get, "user", "it has at most 128 characters", word)?,
            sort: value(&get, "sort", "it is relevance, recent, health or name", sort)?,
        };
        let is_anyway = choice.without(&["verdict"]).wanted() == Wanted::Any;
        choice.verdict = choice.verdict.filter(|verdict| *verdict != Wanted::Any || !is_anyway);
        choice.sort = choice.sort.filter(|sort| *sort != Sort::Relevance);
        Ok(choice)
    }

    /// Whether nothing is chosen at all.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What the verdicts have to say: where a major or a platform is chosen and nothing is said of verdicts, that it works there.
    pub fn wanted(&self) -> Wanted {
        let somewhere = self.pg.is_some() || self.platform.is_some();
        self.verdict.unwrap_or(if somewhere { Wanted::Works } else { Wanted::Any })
    }

    /// What is chosen, as an address says it.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let values = [
            self.pg.map(|pg| pg.to_string()),
            self.platform.map(|platform| platform.to_string()),
            self.verdict.map(|verdict| verdict.as_str().to_owned()),
            self.since.as_ref().map(|since| since.text.clone()),
            self.tests.map(|tests| if tests { "yes" } else { "no" }.to_owned()),
            self.licence.clone(),
            self.tag.clone(),
            self.user.clone(),
            self.sort.map(|sort| sort.as_str().to_owned()),
        ];
        Self::KEYS.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// The same without some of the keys.
    #[must_use]
    pub fn without(&self, keys: &[&str]) -> Self {
        let mut less = self.clone();
        for key in keys {
            match *key {
                "pg" => less.pg = None,
                "platform" => less.platform = None,
                "verdict" => less.verdict = None,
                "since" => less.since = None,
                "tests" => less.tests = None,
                "licence" => less.licence = None,
                "tag" => less.tag = None,
                "user" => less.user = None,
                _ => less.sort = None,
            }
        }
        less
    }
}

/// The value of a key; none where it is empty.
fn value<'a, T>(
    get: &impl Fn(&str) -> Option<&'a str>,
    key: &'static str,
    expected: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    let text = get(key).unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    let is_sane = text.chars().count() <= MAX_CHARS && !text.contains(char::is_control);
    let refused = || {
        let value = text.chars().filter(|c| !c.is_control()).take(40).collect();
        Refusal { key, value, expected }
    };
    if is_sane { read(text).map(Some).ok_or_else(refused) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

    fn read(key: &str, text: &str) -> Result<Choice, Refusal> {
        Choice::read(|asked| (asked == key).then_some(text), NOW)
    }

    #[test]
    fn a_choice_is_written_as_it_was_read() {
        let asked = [
            ("pg", "18"),
            ("platform", "arm64"),
            ("verdict", "pass"),
            ("since", "30d"),
            ("tests", "yes"),
            ("licence", "postgresql"),
            ("tag", "key value"),
            ("user", "theory"),
            ("sort", "health"),
        ];
        let get = |key: &str| asked.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
        let choice = Choice::read(get, NOW).unwrap();
        let pairs = choice.pairs();
        assert_eq!(pairs.iter().map(|(key, value)| (*key, value.as_str())).collect::<Vec<_>>(), asked);
        assert!(choice.without(&Choice::KEYS).is_none() && !choice.is_none());
        for key in Choice::KEYS {
            assert!(choice.without(&[key]).pairs().iter().all(|(kept, _)| *kept != key), "{key}");
        }
    }

    #[test]
    fn what_no_key_can_have_is_refused_by_name() {
        for (key, text, words) in [
            ("pg", "x", "`pg` cannot be `x`: it is a PostgreSQL major, such as 18."),
            ("platform", "mips", "`platform` cannot be `mips`: it is amd64 or arm64."),
            ("tests", "maybe", "`tests` cannot be `maybe`: it is yes or no."),
            ("tag", "a\u{1}b", "`tag` cannot be `ab`: it has at most 128 characters."),
        ] {
            assert_eq!(read(key, text).unwrap_err().to_string(), words);
        }
        for (key, text) in
            [("pg", "9"), ("pg", "1e9"), ("verdict", "PASS"), ("sort", "id"), ("licence", &*"é".repeat(129))]
        {
            assert!(read(key, text).is_err(), "{key}={text}");
        }
        assert!(read("user", &"é".repeat(128)).is_ok());
        for (key, text) in [("verdict", " "), ("verdict", "any"), ("sort", "relevance")] {
            assert!(read(key, text).unwrap().is_none(), "{key}={text}");
        }
    }

    #[test]
    fn a_time_is_a_day_or_so_many_days_before_now() {
        let at = |text: &str| read("since", text).map(|choice| choice.since.unwrap().at().to_string()).ok();
        assert_eq!(at("2026-11-01").unwrap(), "2026-11-01T00:00:00Z");
        assert_eq!(at("7d").unwrap(), "2026-11-13T22:00:00Z");
        for text in ["0d", "d", "-1d", "99999d", "2026-13-01", "2026-11-1", "yesterday", "20261101-1", "+7d x"] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn a_major_alone_asks_for_what_works_there() {
        assert_eq!(read("pg", "18").unwrap().wanted(), Wanted::Works);
        assert_eq!(read("platform", "arm64").unwrap().wanted(), Wanted::Works);
        assert_eq!(read("tag", "x").unwrap().wanted(), Wanted::Any);
        assert_eq!(read("verdict", "fail").unwrap().wanted(), Wanted::Fail);
    }
}
