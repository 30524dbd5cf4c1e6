//! Symptoms: failures that look the same in several distributions and on several majors, and where each is seen now.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use protocol::{PgMajor, Reason, Signature};
use serde::Serialize;
use store::symptoms::{self, Shared};
use store::{Conn, verdicts};

use super::lines::Verdict;
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::mark::Mark;
use crate::text::{Dash, When, count, majors};
use crate::{Dashboard, address};

const PER_PAGE: u32 = 50;
const CELLS_PER_PAGE: u32 = 100;
/// Nobody pages further by hand.
const MAX_OFFSET: u32 = 10_000;

/// A symptom, and how many share it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Symptom {
    /// What tells it from others.
    pub signature: Signature,
    /// Its page.
    pub href: String,
    /// The shape of its grade.
    pub mark: Mark,
    /// The grade and the phase in words.
    pub words: String,
    /// The reason that it gives.
    pub reason: Reason,
    /// The decisive error without what differs from place to place; may be empty.
    pub text: String,
    /// How many distributions show it now; in the list of a major, on that one.
    pub dists: u64,
    /// How many releases on targets show it now; in the list of a major, on that one.
    pub cells: u64,
    /// The majors on which it is seen now; left out in the list of a major, where the numbers are those of that one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub majors: Vec<PgMajor>,
    /// When it was seen first.
    pub seen_at: When,
}

impl Symptom {
    pub(crate) fn new(shared: &Shared, now: protocol::Timestamp) -> Self {
        let mark = Mark::from(shared.reason.grade());
        Self {
            href: address::symptom(&shared.signature),
            signature: shared.signature.clone(),
            mark,
            words: mark.words(Some(shared.phase)),
            reason: shared.reason,
            text: shared.text.clone(),
            dists: shared.dists,
            cells: shared.cells,
            majors: shared.majors.clone(),
            seen_at: When::new(shared.seen_at, now),
        }
    }

    /// The same in the list of a major, where the store counts on that one alone.
    fn on_one_major(self) -> Self {
        Self { majors: Vec::new(), ..self }
    }

    /// `12 distributions, on PostgreSQL 17 and 18`.
    pub(crate) fn spread(&self) -> String {
        let numbers: Vec<u16> = self.majors.iter().map(|major| major.number()).collect();
        match self.dists {
            0 => "no distribution any more".to_owned(),
            dists if numbers.is_empty() => count(dists, "distribution", "distributions"),
            dists => {
                let who = count(dists, "distribution", "distributions");
                format!("{who}, on PostgreSQL {}", majors(&numbers, &[], Dash::Words))
            }
        }
    }

    /// Who shows it beside the one that is looked at, in words.
    pub(crate) fn others(&self) -> String {
        let numbers: Vec<u16> = self.majors.iter().map(|major| major.number()).collect();
        let on = majors(&numbers, &[], Dash::Words);
        match (self.dists, self.cells) {
            (0, _) => "nobody shows it any more".to_owned(),
            (1, 1) => "seen nowhere else".to_owned(),
            (1, cells) => format!("seen in {cells} tests of this distribution, on PostgreSQL {on}"),
            (dists, _) => format!("seen in {dists} distributions, on PostgreSQL {on}"),
        }
    }

    /// The error, or the reason's sentence where no line shows one.
    pub(crate) fn title(&self) -> &str {
        if self.text.is_empty() { self.reason.sentence() } else { &self.text }
    }
}

/// The list as data.
#[derive(Debug, Serialize)]
pub(crate) struct ListView {
    /// The major that is looked at; none for all.
    pub major: Option<PgMajor>,
    /// The filter's choices.
    pub choices: Vec<Choice>,
    /// The symptoms, those that most distributions share first.
    pub symptoms: Vec<Symptom>,
    /// The address of the page after this one.
    pub next: Option<String>,
}

/// A major to look at.
#[derive(Debug, Serialize)]
pub(crate) struct Choice {
    /// Where it leads.
    #[serde(flatten)]
    pub link: Link,
    /// Whether it is looked at now.
    pub is_current: bool,
}

/// A symptom's page as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The symptom.
    #[serde(flatten)]
    pub symptom: Symptom,
    /// What the reason says.
    pub sentence: &'static str,
    /// The verdicts that show it, by distribution.
    pub verdicts: Vec<Verdict>,
    /// The address of the page after this one.
    pub next: Option<String>,
}

#[derive(Template)]
#[template(path = "symptoms.html")]
struct ListPage<'a> {
    frame: Frame<'a>,
    view: &'a ListView,
}

#[derive(Template)]
#[template(path = "symptom.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/symptoms/`, `?major=N`.
pub(crate) async fn list(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let major: Option<PgMajor> = ask.get("major").and_then(|major| major.parse().ok());
    let offset = offset(&ask);
    let now = dashboard.now();
    let mut conn = dashboard.store().read().await?;
    let mut found = symptoms::list(&mut conn, symptoms::Page { major, offset, limit: PER_PAGE + 1 }).await?;
    let next = turn_page(&mut found, offset, PER_PAGE);
    let one = |shared: &Shared| {
        let symptom = Symptom::new(shared, now);
        if major.is_some() { symptom.on_one_major() } else { symptom }
    };
    let query = major.map(|major| format!("major={major}&")).unwrap_or_default();
    let view = ListView {
        major,
        choices: choices(&dashboard, major),
        next: next.map(|from| format!("/symptoms/?{query}from={from}")),
        symptoms: found.iter().map(one).collect(),
    };
    ask.answer(&view, || {
        let description = "Failures that look the same in several distributions and on several PostgreSQL majors.";
        let frame = Frame::new(dashboard.site(), "Symptoms", description);
        ListPage { frame: frame.with_json(ask.keeping("/symptoms/?format=json", &["major", "from"])), view: &view }
    })
}

fn choices(dashboard: &Dashboard, major: Option<PgMajor>) -> Vec<Choice> {
    let all =
        Choice { link: Link { href: "/symptoms/".into(), text: "every major".into() }, is_current: major.is_none() };
    let one = |number: PgMajor| Choice {
        link: Link { href: format!("/symptoms/?major={number}"), text: number.to_string() },
        is_current: major == Some(number),
    };
    let mut numbers: Vec<PgMajor> = dashboard.matrix().postgresql.iter().map(|entry| entry.major).collect();
    numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
    std::iter::once(all).chain(numbers.into_iter().map(one)).collect()
}

fn offset(ask: &Ask) -> u32 {
    ask.get("from").and_then(|from| from.parse().ok()).unwrap_or(0).min(MAX_OFFSET)
}

/// Cuts a list, of which one more than a page was asked for, to that page; returns where the page after it begins.
fn turn_page<T>(found: &mut Vec<T>, offset: u32, per_page: u32) -> Option<u32> {
    let more = found.len() > per_page as usize;
    found.truncate(per_page as usize);
    Some(offset + per_page).filter(|next| more && *next <= MAX_OFFSET)
}

/// `/symptoms/{signature}` and `/symptoms/{signature}.json`.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(asked): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let name = asked.strip_suffix(".json").unwrap_or(&asked);
    let signature: Signature =
        name.parse().map_err(|error: protocol::InvalidSignature| Fault::missing(format!("{error}.")))?;
    let mut conn = dashboard.store().read().await?;
    let view = load(&dashboard, &mut conn, &signature, offset(&ask)).await?;
    ask.answer(&view, || {
        let frame = Frame::new(dashboard.site(), view.symptom.title(), view.symptom.spread());
        let json = ask.keeping(&format!("{}.json", view.symptom.href), &["from"]);
        Page { frame: frame.with_json(json), view: &view }
    })
}

async fn load(dashboard: &Dashboard, conn: &mut Conn, signature: &Signature, offset: u32) -> Result<View, Fault> {
    let now = dashboard.now();
    let shared = symptoms::get(conn, signature).await?;
    let shared = shared.ok_or_else(|| Fault::missing(format!("The farm has never seen a symptom {signature}.")))?;
    let mut lines = verdicts::of_symptom(conn, signature, None, offset, CELLS_PER_PAGE + 1).await?;
    let next = turn_page(&mut lines, offset, CELLS_PER_PAGE);
    let symptom = Symptom::new(&shared, now);
    Ok(View {
        sentence: shared.reason.sentence(),
        next: next.map(|from| format!("{}?from={from}", symptom.href)),
        verdicts: lines.iter().map(|line| Verdict::new(line, now)).collect(),
        symptom,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_last_page_leads_to_no_empty_one() {
        let page = |found: usize, offset| {
            let mut list = vec![(); found];
            (turn_page(&mut list, offset, 100), list.len())
        };
        assert_eq!(page(99, 0), (None, 99));
        assert_eq!(page(100, 0), (None, 100));
        assert_eq!(page(101, 200), (Some(300), 100));
        assert_eq!(page(101, MAX_OFFSET - 100), (Some(MAX_OFFSET), 100));
        assert_eq!(page(101, MAX_OFFSET), (None, 100), "the last page that can be asked for does not lead to itself");
    }

    #[test]
    fn what_is_counted_on_one_major_names_no_other() {
        let now = protocol::Timestamp::from_millis(1_795_212_000_000);
        let shared = Shared {
            signature: "0123456789abcdef".parse().unwrap(),
            phase: protocol::Phase::Build,
            reason: Reason::CompileError,
            text: "heap_open".into(),
            seen_at: now,
            dists: 1,
            cells: 2,
            majors: ["18", "19"].map(|major| major.parse().unwrap()).to_vec(),
        };
        let symptom = Symptom::new(&shared, now);
        assert_eq!(symptom.spread(), "1 distribution, on PostgreSQL 18 and 19");
        let on_one = symptom.on_one_major();
        assert_eq!(on_one.spread(), "1 distribution");
        assert_eq!(serde_json::to_value(&on_one).unwrap().get("majors"), None);
        let gone = Symptom::new(&Shared { dists: 0, cells: 0, majors: Vec::new(), ..shared }, now);
        assert_eq!(gone.spread(), "no distribution any more");
    }
}
