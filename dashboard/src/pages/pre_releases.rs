//! What a maintainer's own CI told of trees that are not released: on a page of its own, so that nothing of it can be taken for the farm's.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use protocol::{Flag, Name, PgMajor, Platform, PreReleaseId, PreReleaseResult, Reason};
use serde::Serialize;
use store::dists;
use store::pre_releases::{self, Kept};

use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::log::{Line, beginning};
use crate::mark::Mark;
use crate::text::{When, count};
use crate::{Dashboard, address};

/// So many stand on a page: with excerpts for every target, it stays small.
const PER_PART: usize = 5;
/// Characters of a digest that tell it from others.
const SHORT: usize = 12;

/// The page as data; also its JSON.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The distribution.
    pub dist: String,
    /// Its address, where the farm knows it.
    pub dist_href: Option<String>,
    /// What this is, so that nobody takes it for what the farm found.
    pub about: &'static str,
    /// The pre-releases of this part, the one that something came of last first.
    pub pre_releases: Vec<One>,
    /// Which part of them this is, from 1.
    pub part: usize,
    /// How many parts there are.
    pub parts: usize,
    /// The page's address.
    #[serde(skip)]
    pub href: String,
}

/// A pre-release.
#[derive(Debug, Serialize)]
pub(crate) struct One {
    /// Its id, by which the page's address ends where it is linked.
    pub id: PreReleaseId,
    /// The version that the tree states.
    pub version: String,
    /// The commit, where it was told.
    pub commit: Option<String>,
    /// What the commit was found by, where it was told.
    #[serde(rename = "ref")]
    pub git_ref: Option<String>,
    /// The digest of the source.
    pub source_sha256: String,
    /// When something of it last came.
    pub sent_at: When,
    /// What was found, the newest major first.
    pub results: Vec<Found>,
}

/// What was found on a target.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    /// The major.
    pub major: PgMajor,
    /// The platform.
    pub platform: Platform,
    /// The server's exact version; may be empty.
    pub postgresql: String,
    /// Shape, word and colour.
    pub mark: Mark,
    /// The grade with its phase: `fail (build)`.
    pub words: String,
    /// Why.
    pub reason: Reason,
    /// Remarks.
    pub flags: Vec<Flag>,
    /// What exactly; may be empty.
    pub detail: String,
    /// The line that decided.
    pub decisive: Option<String>,
    /// The lines around it.
    pub excerpt: Option<Excerpt>,
}

/// Some lines of a file.
#[derive(Debug, Serialize)]
pub(crate) struct Excerpt {
    /// The file's name.
    pub file: String,
    /// The lines.
    pub lines: Vec<Line>,
}

impl One {
    fn new(kept: Kept, now: protocol::Timestamp) -> Self {
        let told = |text: String| Some(text).filter(|text| !text.is_empty());
        let mut results = kept.results;
        results.sort_by_key(|result| (std::cmp::Reverse(result.target.major), result.target.platform));
        Self {
            id: kept.id,
            version: kept.version.to_string(),
            commit: told(kept.commit),
            git_ref: told(kept.git_ref),
            source_sha256: kept.source_sha256,
            sent_at: When::new(kept.updated_at, now),
            results: results.into_iter().map(Found::new).collect(),
        }
    }
}

/// The beginning of a digest.
pub(crate) fn short(digest: &str) -> &str {
    digest.get(..SHORT).unwrap_or(digest)
}

impl Found {
    fn new(result: PreReleaseResult) -> Self {
        let PreReleaseResult { target, verdict, postgresql, excerpt } = result;
        let mark = Mark::of_verdict(verdict.grade(), &verdict.flags);
        let excerpt = excerpt.map(|it| {
            let text = it.lines.join("\n");
            Excerpt { file: it.file, lines: beginning(text.as_bytes(), u64::MAX).1 }
        });
        Self {
            major: target.major,
            platform: target.platform,
            postgresql,
            mark,
            words: mark.words(Some(verdict.phase)),
            reason: verdict.reason,
            flags: verdict.flags,
            detail: visible(&verdict.detail),
            decisive: verdict.decisive.map(|line| visible(&line.text)),
            excerpt,
        }
    }
}

impl Excerpt {
    /// How many lines there are, in words.
    pub(crate) fn words(&self) -> String {
        count(self.lines.len() as u64, "line", "lines")
    }
}

/// A line of text without what reorders or hides text, which is shown by its number.
fn visible(text: &str) -> String {
    beginning(text.as_bytes(), 1).1.first().map(Line::text).unwrap_or_default()
}

/// What stands over all of it.
const ABOUT: &str =
    "Sent in by the maintainer’s own CI, before a release. It changes no verdict, badge, feed or number of the farm.";

#[derive(Template)]
#[template(path = "pre_releases.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/dist/{dist}/pre-releases`: the slash belongs to the address.
pub(crate) async fn redirect(Path(dist): Path<String>, ask: Ask) -> Redirect {
    ask.moved(&format!("/dist/{}/pre-releases/", address::segment(&dist.to_lowercase())))
}

/// `/dist/{dist}/pre-releases/` and `/dist/{dist}/pre-releases.json`.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(dist): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let mut conn = dashboard.store().read().await?;
    let name = super::dist::name(&mut conn, &dist).await?;
    if dist != name.key() && !ask.wants_json() {
        return Ok(ask.moved(&address::pre_releases(&name)).into_response());
    }
    let now = dashboard.now();
    let all = pre_releases::of_dist(&mut conn, &name, now).await?;
    let known = dists::get(&mut conn, &name).await?;
    drop(conn);
    let Some(latest) = all.first() else { return Err(nothing(&name)) };
    let parts = all.len().div_ceil(PER_PART);
    let part = ask.get("part").and_then(|part| part.parse().ok()).unwrap_or(1).clamp(1, parts);
    let view = View {
        dist: known.as_ref().map_or(&latest.dist, |known| &known.name).to_string(),
        dist_href: known.map(|_| address::dist(&name)),
        about: ABOUT,
        part,
        parts,
        href: address::pre_releases(&name),
        pre_releases: all
            .into_iter()
            .skip((part - 1) * PER_PART)
            .take(PER_PART)
            .map(|one| One::new(one, now))
            .collect(),
    };
    ask.answer(&view, || {
        let json = ask.keeping(&format!("{}pre-releases.json", address::dist(&name)), &["part"]);
        let title = format!("Pre-releases of {}", view.dist);
        // What people only try out needs no place in an index.
        let frame = Frame { noindex: true, ..Frame::new(dashboard.site(), title, ABOUT).with_json(json) };
        Page { frame, view: &view }
    })
}

fn nothing(name: &Name) -> Fault {
    Fault::missing(format!(
        "No pre-release report of “{name}” was sent in, or none in the last {} days.",
        pre_releases::DAYS
    ))
}
