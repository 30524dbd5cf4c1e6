//! The filters beside a list: what is chosen, what else could be, and how much there would be then. All of it stands in the address, so that a plain form
//! is enough; every value comes from anybody.

use protocol::{PgMajor, Support};
use search::{Bucket, Choice, Facets, Sort, Wanted};
use serde::Serialize;

use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::mark::Mark;
use crate::{Dashboard, address};

mod words;

use words::{mark, menu_words, since_menu_words, since_words, verdict_words};

/// What is chosen of a list, as data.
#[derive(Debug, Serialize)]
pub(crate) struct Filters {
    /// What is chosen.
    pub chosen: Choice,
    /// How much there would be by other choices; none until the catalogue is made.
    pub facets: Option<Facets>,
    /// The page.
    #[serde(skip)]
    pub action: &'static str,
    /// What the address says beside the choice.
    #[serde(skip)]
    pub beside: Vec<(&'static str, String)>,
    /// The word for the order where none is chosen.
    #[serde(skip)]
    pub usual: &'static str,
    /// Majors that PostgreSQL does not maintain, or not yet, with the words for that.
    #[serde(skip)]
    pub remarks: Vec<(PgMajor, &'static str)>,
}

/// A value that can be chosen.
#[derive(Debug)]
pub(crate) struct Pick {
    /// The value in the address.
    pub value: String,
    /// The words.
    pub text: String,
    /// How much there would be.
    pub count: Option<usize>,
    /// Whether it is chosen now.
    pub chosen: bool,
    /// The shape beside it.
    pub mark: Option<Mark>,
}

/// A key of the address with everything that it can be.
#[derive(Debug)]
pub(crate) struct Menu {
    /// The key.
    pub key: &'static str,
    /// The words for it.
    pub label: &'static str,
    /// Its values; the first one is nothing.
    pub picks: Vec<Pick>,
}

/// Reads the choice of an address, or says what is wrong with it.
pub(super) fn read(dashboard: &Dashboard, ask: &Ask) -> Result<Choice, Fault> {
    let choice = Choice::read(|key| ask.get(key), dashboard.now());
    choice.map_err(|refusal| Fault::Refused { sentence: refusal.to_string() })
}

/// Whether a form sent what nobody chose, so that there is a shorter address for the same.
pub(super) fn is_wordy(ask: &Ask) -> bool {
    !ask.wants_json() && Choice::KEYS.iter().any(|key| ask.get(key) == Some(""))
}

/// An address with what it says beside a choice, the choice, and where in the list it begins.
pub(super) fn href(action: &str, beside: &[(&'static str, String)], choice: &Choice, offset: usize) -> String {
    let offset = (offset > 0).then(|| ("o", offset.to_string()));
    let pairs = beside.iter().cloned().chain(choice.pairs()).chain(offset);
    let pairs: Vec<_> = pairs.map(|(key, value)| format!("{key}={}", address::segment(&value))).collect();
    if pairs.is_empty() { action.to_owned() } else { format!("{action}?{}", pairs.join("&")) }
}

impl Filters {
    /// The filters of a page.
    pub(super) fn new(
        dashboard: &Dashboard,
        (action, usual): (&'static str, &'static str),
        beside: Vec<(&'static str, String)>,
        chosen: Choice,
        facets: Option<Facets>,
    ) -> Self {
        let now = dashboard.now();
        let remark = |support| match support {
            Support::Supported => None,
            Support::Devel => Some(", devel"),
            Support::Eol => Some(", ended"),
        };
        let majors = dashboard.matrix().postgresql.iter();
        let remarks = majors.filter_map(|major| Some((major.major, remark(major.support(now))?))).collect();
        Self { chosen, facets, action, beside, usual, remarks }
    }

    /// The address of the list by another choice, from its beginning.
    fn by(&self, choice: &Choice) -> String {
        href(self.action, &self.beside, choice, 0)
    }

    /// The address of the list without any choice but that of the order.
    pub(crate) fn cleared(&self) -> String {
        self.by(&Choice { sort: self.chosen.sort, ..Choice::default() })
    }

    /// What is chosen, each with the address without it.
    pub(crate) fn chips(&self) -> Vec<Link> {
        let chosen = &self.chosen;
        let shown = |key: &&str| *key != "sort" && chosen.without(&[*key]) != *chosen;
        let chip = |key| Link { href: self.by(&chosen.without(&[key])), text: self.words(key) };
        Choice::KEYS.into_iter().filter(shown).map(chip).collect()
    }

    /// How many conditions there are.
    pub(crate) fn active(&self) -> usize {
        self.chips().len()
    }

    /// What is chosen of a key, in words.
    fn words(&self, key: &str) -> String {
        let chosen = &self.chosen;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let wanted = verdict_words(chosen.wanted());
        // Of what a place is asked for, where nothing is said of it.
        let implied =
            |is_first: bool| if is_first && chosen.verdict.is_none() { format!("{wanted} ") } else { String::new() };
        match key {
            "pg" => {
                format!("{}on PostgreSQL {}", implied(true), chosen.pg.map(|pg| pg.to_string()).unwrap_or_default())
            }
            "platform" => {
                let platform = chosen.platform.map(protocol::Platform::as_str).unwrap_or_default();
                format!("{}on {platform}", implied(chosen.pg.is_none()))
            }
            "verdict" => wanted.to_owned(),
            "since" => since_words(chosen.since.as_ref().map(search::Since::as_str).unwrap_or_default()),
            "tests" => if chosen.tests == Some(true) { "has tests" } else { "has no tests" }.to_owned(),
            "licence" => format!("licence {}", text(&chosen.licence)),
            "tag" => format!("tag {}", text(&chosen.tag)),
            _ => format!("maintainer {}", text(&chosen.user)),
        }
    }

    /// What taking back a condition would bring, where it brings anything: for lists that came out empty.
    pub(crate) fn rescues(&self) -> Vec<Link> {
        let Some(facets) = &self.facets else { return Vec::new() };
        let rescue = |bucket: &Bucket| {
            let keys: &[&str] = match bucket.value.as_str() {
                "verdict" => &["pg", "platform", "verdict", "since"],
                other => &[Choice::KEYS.into_iter().find(|key| *key == other)?],
            };
            let shown = keys.iter().filter(|key| self.chosen.without(&[**key]) != self.chosen);
            let words = shown.map(|key| format!("“{}”", self.words(key))).collect::<Vec<_>>().join(" and ");
            let text = format!("{} without {words}", bucket.count);
            (bucket.count > 0).then(|| Link { href: self.by(&self.chosen.without(keys)), text })
        };
        let mut rescues: Vec<Link> = facets.without.iter().filter_map(rescue).collect();
        if facets.total > 0 && self.active() > 1 {
            rescues.push(Link { href: self.cleared(), text: format!("{} without any filter", facets.total) });
        }
        rescues
    }

    /// What the verdicts can say.
    pub(crate) fn verdicts(&self) -> Vec<Pick> {
        let buckets = self.facets.as_ref().map_or(&[][..], |facets| &facets.verdict);
        let somewhere = self.chosen.pg.is_some() || self.chosen.platform.is_some();
        let pick = |wanted: Wanted| Pick {
            // What is usual is said by nothing; that is something else where a place is chosen.
            value: if wanted == Wanted::Any && !somewhere { String::new() } else { wanted.as_str().to_owned() },
            text: menu_words(wanted).to_owned(),
            count: buckets.iter().find(|bucket| bucket.value == wanted.as_str()).map(|bucket| bucket.count),
            chosen: self.chosen.wanted() == wanted,
            mark: mark(wanted),
        };
        Wanted::ALL.into_iter().map(pick).collect()
    }

    /// Everything else that can be chosen.
    pub(crate) fn menus(&self) -> Vec<Menu> {
        let facets = self.facets.clone().unwrap_or_default();
        let chosen = &self.chosen;
        let same = |value: &str| value.to_owned();
        let since = chosen.since.as_ref().map(|since| since.as_str().to_owned());
        let major = |value: &str| {
            let remark = self.remarks.iter().find(|(major, _)| major.to_string() == value).map(|(_, words)| *words);
            format!("{value}{}", remark.unwrap_or_default())
        };
        let tests = |value: &str| if value == "yes" { "has tests" } else { "has none" }.to_owned();
        let pg = chosen.pg.map(|pg| pg.to_string());
        let platform = chosen.platform.map(|platform| platform.to_string());
        let has_tests = chosen.tests.map(|tests| if tests { "yes" } else { "no" }.to_owned());
        vec![
            menu(("pg", "On PostgreSQL", "all supported"), &facets.pg, pg.as_deref(), major),
            menu(("platform", "On platform", "any"), &facets.platform, platform.as_deref(), same),
            menu(("since", "Verdict given", "at any time"), &facets.since, since.as_deref(), since_menu_words),
            menu(("tests", "Tests", "any"), &facets.tests, has_tests.as_deref(), tests),
            menu(("licence", "Licence", "any"), &facets.licence, chosen.licence.as_deref(), same),
            menu(("tag", "Tag", "any"), &facets.tag, chosen.tag.as_deref(), same),
            menu(("user", "Maintainer", "anybody"), &facets.user, chosen.user.as_deref(), same),
            self.orders(),
        ]
    }

    fn orders(&self) -> Menu {
        const BY_NAME: &str = "by name";
        // Where that is the order anyway, it is offered once.
        let is_by_name = self.usual == BY_NAME;
        let chosen = self.chosen.sort.filter(|sort| *sort != Sort::Name || !is_by_name).unwrap_or(Sort::Relevance);
        let pick = |sort: Sort| Pick {
            value: if sort == Sort::Relevance { String::new() } else { sort.as_str().to_owned() },
            text: match sort {
                Sort::Relevance => self.usual,
                Sort::Recent => "latest release first",
                Sort::Health => "healthiest first",
                Sort::Name => BY_NAME,
            }
            .to_owned(),
            count: None,
            chosen: chosen == sort,
            mark: None,
        };
        let offered = Sort::ALL.into_iter().filter(|sort| *sort != Sort::Name || !is_by_name);
        Menu { key: "sort", label: "Order", picks: offered.map(pick).collect() }
    }
}

/// A menu of a key, its label and the words for nothing.
fn menu(
    (key, label, nothing): (&'static str, &'static str, &'static str),
    buckets: &[Bucket],
    chosen: Option<&str>,
    words: impl Fn(&str) -> String,
) -> Menu {
    let pick = |value: &str, text, count| Pick {
        chosen: chosen.unwrap_or_default() == value,
        value: value.to_owned(),
        text,
        count,
        mark: None,
    };
    let mut picks = vec![pick("", nothing.to_owned(), None)];
    picks.extend(buckets.iter().map(|bucket| pick(&bucket.value, words(&bucket.value), Some(bucket.count))));
    // What is chosen is offered whatever it finds, so that the form says what the address says.
    if let Some(value) = chosen
        && picks.iter().all(|pick| !pick.chosen)
    {
        picks.push(pick(value, words(value), None));
    }
    Menu { key, label, picks }
}

#[cfg(test)]
mod tests;
