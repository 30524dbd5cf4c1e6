//! What is asked of the matrix, as its address has it, and back into addresses and words.

use protocol::{Flag, Grade, PgMajor, Platform};
use serde::Serialize;
use store::overview::{Filter, Shown, Sort};

use super::key;
use crate::address::segment;
use crate::answer::Ask;
use crate::fault::Link;
use crate::mark::Mark;
use crate::text::count;

const MAX_CHARS: usize = 128;
/// Nobody pages further.
const MAX_PAGE: u32 = 1_000;

/// What is asked; what is not is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Asked {
    /// A part of a name.
    pub q: String,
    /// The key of an uploader.
    pub user: String,
    /// A tag.
    pub tag: String,
    /// A runner.
    pub runner: String,
    /// A PostgreSQL major.
    pub pg: Option<PgMajor>,
    /// A platform.
    pub platform: Option<Platform>,
    /// What a cell shows.
    pub is: Option<Mark>,
    /// The order.
    pub sort: Order,
    /// The page, from 1.
    #[serde(skip)]
    pub page: u32,
}

/// An order of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// By name.
    #[default]
    Name,
    /// The latest upload first.
    Released,
    /// Those that fail most first.
    Failing,
    /// By who uploaded the latest release.
    User,
}

impl Order {
    pub(crate) const ALL: [Self; 4] = [Self::Name, Self::Released, Self::Failing, Self::User];

    /// The word in the address.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Released => "released",
            Self::Failing => "failing",
            Self::User => "user",
        }
    }

    /// The words of the choice.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Name => "by name",
            Self::Released => "latest upload first",
            Self::Failing => "most failures first",
            Self::User => "by uploader",
        }
    }
}

impl From<Order> for Sort {
    fn from(order: Order) -> Self {
        match order {
            Order::Name => Self::Name,
            Order::Released => Self::Released,
            Order::Failing => Self::Failing,
            Order::User => Self::User,
        }
    }
}

/// What a cell can be asked for, in the order of the choices.
pub(crate) const CHOICES: [Mark; 10] = [
    Mark::Pass,
    Mark::Untested,
    Mark::Fail,
    Mark::Unconfirmed,
    Mark::Flaky,
    Mark::Blocked,
    Mark::Env,
    Mark::Na,
    Mark::Error,
    Mark::Queued,
];

/// What the store is asked for a mark; none for what is no choice.
pub(crate) const fn shown(mark: Mark) -> Option<Shown> {
    Some(match mark {
        Mark::Pass => Shown::Grade(Grade::Pass),
        Mark::Untested => Shown::Grade(Grade::Untested),
        Mark::Fail => Shown::Grade(Grade::Fail),
        Mark::Unconfirmed => Shown::Unsure(Flag::Unconfirmed),
        Mark::Flaky => Shown::Unsure(Flag::Flaky),
        Mark::Na => Shown::Grade(Grade::Na),
        Mark::Blocked => Shown::Grade(Grade::Blocked),
        Mark::Env => Shown::Grade(Grade::Env),
        Mark::Error => Shown::Grade(Grade::Error),
        Mark::Queued => Shown::Waiting,
        Mark::Running | Mark::Withdrawn => return None,
    })
}

impl Asked {
    /// Reads an address leniently: what is not understood is not asked.
    pub(crate) fn read(ask: &Ask) -> Self {
        let text = |name| ask.get(name).unwrap_or_default().trim().chars().take(MAX_CHARS).collect::<String>();
        let word = text("is");
        let sort = text("sort");
        Self {
            q: text("q"),
            user: key(&text("user")),
            tag: text("tag").to_lowercase(),
            runner: text("runner"),
            pg: text("pg").parse().ok(),
            platform: text("platform").parse().ok(),
            is: CHOICES.into_iter().find(|mark| mark.class() == word),
            sort: Order::ALL.into_iter().find(|order| order.as_str() == sort).unwrap_or_default(),
            page: ask.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, MAX_PAGE),
        }
    }

    /// The part of it that the store understands by itself.
    pub(crate) fn filter(&self) -> Filter<'_> {
        Filter {
            part: &self.q,
            user: Some(self.user.as_str()).filter(|user| !user.is_empty()),
            among: None,
            runner: None,
            major: self.pg,
            platform: self.platform,
            shown: self.is.and_then(shown),
        }
    }

    /// What is set and has no choice of its own on the page, for its form.
    pub(crate) fn hidden(&self) -> Vec<(&'static str, &str)> {
        let all = [("user", self.user.as_str()), ("tag", &self.tag), ("runner", &self.runner)];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    fn address(&self, more: &[(&str, String)]) -> String {
        let sort = if self.sort == Order::Name { "" } else { self.sort.as_str() };
        let own = [
            ("q", self.q.clone()),
            ("user", self.user.clone()),
            ("tag", self.tag.clone()),
            ("runner", self.runner.clone()),
            ("pg", self.pg.map(|major| major.to_string()).unwrap_or_default()),
            ("platform", self.platform.map(|platform| platform.to_string()).unwrap_or_default()),
            ("is", self.is.map(Mark::class).unwrap_or_default().to_owned()),
            ("sort", sort.to_owned()),
        ];
        let set = own.iter().chain(more).filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = set.map(|(name, value)| format!("{name}={}", segment(value))).collect();
        if pairs.is_empty() { "/matrix/".to_owned() } else { format!("/matrix/?{}", pairs.join("&")) }
    }

    /// The address of one of its pages.
    pub(crate) fn on_page(&self, page: u32) -> String {
        self.address(&[("page", if page > 1 { page.to_string() } else { String::new() })])
    }

    /// The address of the same page in another form; a CSV is one file.
    pub(crate) fn as_format(&self, format: &str) -> String {
        let page = if self.page > 1 && format != "csv" { self.page.to_string() } else { String::new() };
        self.address(&[("page", page), ("format", format.to_owned())])
    }

    /// What is set and has no choice of its own on the page: its words, and the address without it.
    pub(crate) fn without(&self) -> Vec<Link> {
        let user = Self { user: String::new(), ..self.clone() };
        let tag = Self { tag: String::new(), ..self.clone() };
        let runner = Self { runner: String::new(), ..self.clone() };
        let all = [("uploaded by", &self.user, user), ("tagged", &self.tag, tag), ("tested by", &self.runner, runner)];
        let set = all.into_iter().filter(|(_, value, _)| !value.is_empty());
        set.map(|(what, value, rest)| Link { href: rest.on_page(1), text: format!("{what} {value}") }).collect()
    }

    /// `3 distributions, uploaded by theory, that show fail on PostgreSQL 18.`
    pub(crate) fn sentence(&self, total: u64) -> String {
        let mut text = count(total, "distribution", "distributions");
        for link in self.without() {
            text = format!("{text}, {}", link.text);
        }
        if !self.q.is_empty() {
            text = format!("{text}, with “{}” in the name", self.q);
        }
        let place: Vec<String> = self
            .pg
            .map(|major| format!("PostgreSQL {major}"))
            .into_iter()
            .chain(self.platform.map(|platform| platform.to_string()))
            .collect();
        let on = if place.is_empty() { "somewhere".to_owned() } else { format!("on {}", place.join(", ")) };
        let shows = match (self.is, place.is_empty()) {
            (Some(mark), _) => format!(": “{}” {on}", mark.word()),
            (None, true) => String::new(),
            (None, false) => format!(", planned {on}"),
        };
        text = format!("{text}{shows}.");
        text.strip_prefix('n').map_or_else(|| text.clone(), |rest| format!("N{rest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Asked {
        Asked::read(&Ask::of("/matrix/", Some(query), None))
    }

    #[test]
    fn an_address_says_all_that_is_asked_and_nothing_that_is_not() {
        for (query, address) in [
            ("", "/matrix/"),
            ("sort=name&page=1&q=&x=y", "/matrix/"),
            ("user=theory&pg=18&platform=arm64&is=fail", "/matrix/?user=theory&pg=18&platform=arm64&is=fail"),
            ("q=a%26b&tag=unit testing&sort=failing", "/matrix/?q=a%26b&tag=unit%20testing&sort=failing"),
            ("is=good&pg=9&platform=riscv&sort=up&runner=helios", "/matrix/?runner=helios"),
        ] {
            assert_eq!(asked(query).on_page(1), address, "{query}");
        }
        let second = asked("is=queued&page=2");
        assert_eq!(second.as_format("json"), "/matrix/?is=queued&page=2&format=json");
        assert_eq!(second.as_format("csv"), "/matrix/?is=queued&format=csv");
        assert_eq!(asked("page=99999999").page, MAX_PAGE);
    }

    #[test]
    fn what_is_shown_is_said_in_a_sentence() {
        for (query, total, sentence) in [
            ("", 412, "412 distributions."),
            ("user=theory", 1, "1 distribution, uploaded by theory."),
            ("tag=tap&pg=18&is=fail", 0, "No distributions, tagged tap: “fail” on PostgreSQL 18."),
            ("runner=helios&q=pg", 2, "2 distributions, tested by helios, with “pg” in the name."),
            ("is=queued", 2, "2 distributions: “waiting” somewhere."),
            ("platform=arm64", 2, "2 distributions, planned on arm64."),
        ] {
            assert_eq!(asked(query).sentence(total), sentence);
        }
    }

    #[test]
    fn every_choice_is_one_that_the_store_understands() {
        assert!(CHOICES.into_iter().all(|mark| shown(mark).is_some()));
    }
}
