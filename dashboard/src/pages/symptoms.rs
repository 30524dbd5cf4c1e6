//! Symptoms: failures that look the same in several distributions and on several majors, and where each is seen now.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use protocol::{PgMajor, Reason, Signature};
use serde::Serialize;
use store::symptoms::{self, Shared};
use store::{Conn, matrix};

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
    /// How many distributions show it now.
    pub dists: u64,
    /// How many releases on targets show it now.
    pub cells: u64,
    /// The majors on which it is seen now.
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

    /// `12 distributions, on PostgreSQL 17 and 18`.
    pub(crate) fn spread(&self) -> String {
        let numbers: Vec<u16> = self.majors.iter().map(|major| major.number()).collect();
        match self.dists {
            0 => "nobody any more".to_owned(),
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
    let found = symptoms::list(&mut conn, symptoms::Page { major, offset, limit: PER_PAGE }).await?;
    let query = major.map(|major| format!("major={major}&")).unwrap_or_default();
    let view = ListView {
        major,
        choices: choices(&dashboard, major),
        next: (found.len() == PER_PAGE as usize).then(|| format!("/symptoms/?{query}from={}", offset + PER_PAGE)),
        symptoms: found.iter().map(|shared| Symptom::new(shared, now)).collect(),
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
    let lines = matrix::of_symptom(conn, signature, None, offset, CELLS_PER_PAGE).await?;
    let symptom = Symptom::new(&shared, now);
    Ok(View {
        sentence: shared.reason.sentence(),
        next: (lines.len() == CELLS_PER_PAGE as usize)
            .then(|| format!("{}?from={}", symptom.href, offset + CELLS_PER_PAGE)),
        verdicts: lines.iter().map(|line| Verdict::new(line, now)).collect(),
        symptom,
    })
}
