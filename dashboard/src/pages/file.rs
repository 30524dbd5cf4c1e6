//! A file of a run: a log or a diff in parts, what is found in it, a diff with both sides beside each other, or its plain bytes.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, HeaderValue};
use axum::response::Response;
use protocol::{FileKind, FileRecord, Flag, JobState, RunId};
use serde::Serialize;
use store::runs::RunDetail;

use super::run::{detail, parse};
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::log::{self, DiffLine, Found, LINES_PER_PART, Line, Part, Row, classify};
use crate::mark::Mark;
use crate::{Dashboard, address, text};

/// What a file of a finished run has for ever: its bytes, and its lines.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// So many parts before and after the one that is shown are linked.
const NEAR_PARTS: u64 = 5;

/// Where another part is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PartLink {
    /// Its address.
    pub href: String,
    /// The lines that it shows.
    pub lines: String,
    /// Whether it is shown now.
    pub is_current: bool,
    /// Whether parts before it are left out.
    pub follows_a_gap: bool,
}

/// A part of a file as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The run.
    pub run: RunId,
    /// Its page.
    pub run_href: String,
    /// The release and its target, in words.
    pub about: String,
    /// The run's verdict.
    pub mark: Mark,
    /// In words.
    pub words: String,
    /// The file.
    pub file: FileRecord,
    /// The address of its plain bytes.
    pub raw: String,
    /// The line that decided, with its address, where it is in this file.
    pub decisive: Option<(u64, String)>,
    /// What was looked for, and what was found.
    pub search: Option<Search>,
    /// The lines of this part; none where something is looked for.
    pub part: Part,
    /// Whether both sides of a diff stand beside each other.
    #[serde(skip)]
    pub is_split: bool,
}

/// What was looked for, and what was found.
#[derive(Debug, Serialize)]
pub(crate) struct Search {
    /// The words.
    pub asked: String,
    /// How many lines have them.
    pub total: u64,
    /// The first of them, each with where it stands.
    pub lines: Vec<(String, Line)>,
}

impl Search {
    fn new(run: RunId, file: &str, asked: String, found: Found) -> Self {
        let lines = found.lines.into_iter().map(|line| (address::line(run, file, line.number), line)).collect();
        Self { asked, total: found.total, lines }
    }

    /// How many lines were found, in words.
    pub(crate) fn words(&self) -> String {
        let shown = self.lines.len() as u64;
        let has = if self.total == 1 { "has" } else { "have" };
        let first = if shown < self.total { format!("; the first {shown} are shown") } else { String::new() };
        let lines = text::count(self.total, "line", "lines");
        format!("{}{} {has} it{first}.", lines[..1].to_uppercase(), &lines[1..])
    }
}

impl View {
    /// A line with what it is in a diff.
    pub(crate) fn class(&self, line: &Line) -> String {
        let diff = match self.file.kind {
            FileKind::Diffs => classify(&line.text()),
            _ => DiffLine::Same,
        };
        let hot = self.decisive.as_ref().is_some_and(|(number, _)| *number == line.number);
        format!("{}{}", diff.class(), if hot { " hot" } else { "" })
    }

    /// The parts to choose from.
    pub(crate) fn parts(&self) -> Vec<PartLink> {
        links(&self.page(), if self.is_split { "view=split" } else { "" }, &self.part)
    }

    /// Its own page.
    pub(crate) fn page(&self) -> String {
        address::file(self.run, &self.file.name)
    }

    /// What it is called where it is kept.
    pub(crate) fn kept_as(&self) -> String {
        format!("{}-{}", self.run, self.file.name)
    }

    /// Whether both sides can stand beside each other.
    pub(crate) fn has_sides(&self) -> bool {
        self.file.kind == FileKind::Diffs && log::has_sides(&self.classified())
    }

    /// Both sides beside each other.
    pub(crate) fn rows(&self) -> Vec<Row> {
        log::sides(self.classified())
    }

    fn classified(&self) -> Vec<(DiffLine, Line)> {
        self.part.lines.iter().map(|line| (classify(&line.text()), line.clone())).collect()
    }

    /// Its size in words.
    pub(crate) fn size(&self) -> String {
        let omitted = match self.file.omitted_bytes {
            0 => String::new(),
            bytes => format!("; {} of its middle were left out by the runner", text::bytes(bytes)),
        };
        let lines = text::count(self.part.total_lines, "line", "lines");
        format!("{lines}, {}{omitted}", text::bytes(self.file.bytes))
    }
}

/// Links to the first part of a file, to the last, and to those around one.
fn links(file: &str, view: &str, &Part { number: current, parts: last, total_lines, .. }: &Part) -> Vec<PartLink> {
    let (first, end) = (current.saturating_sub(NEAR_PARTS).max(1), (current + NEAR_PARTS).min(last));
    let one = |number: u64| {
        let from = (number - 1) * LINES_PER_PART + 1;
        let to = (number * LINES_PER_PART).min(total_lines);
        PartLink {
            href: match (number, view) {
                (1, "") => file.to_owned(),
                (1, view) => format!("{file}?{view}"),
                (number, "") => format!("{file}?part={number}"),
                (number, view) => format!("{file}?part={number}&{view}"),
            },
            lines: format!("{from}–{to}"),
            is_current: number == current,
            follows_a_gap: (number == first && first > 2) || (number == last && last > end + 1),
        }
    };
    let (before, after) = ((first > 1).then_some(1), (end < last).then_some(last));
    before.into_iter().chain(first..=end).chain(after).map(one).collect()
}

#[derive(Template)]
#[template(path = "file.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/run/{id}/{file}`, `?part=N`, `?q=WORDS`, `?view=split`, `?raw`.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path((id, name)): Path<(String, String)>,
    ask: Ask,
) -> Result<Response, Fault> {
    let run = parse(&id)?;
    let mut conn = dashboard.store().read().await?;
    let detail = detail(&mut conn, run).await?;
    drop(conn);
    let files = detail.result.as_ref().map(|result| result.files.as_slice()).unwrap_or_default();
    let Some(file) = files.iter().find(|file| file.name == name) else {
        return Err(missing(run, &name, files));
    };
    let bytes = dashboard.blobs().plain(run, &file.name).await?;
    let bytes = bytes.ok_or_else(|| Fault::missing(format!("The bytes of “{}” are gone from the farm.", file.name)))?;
    if ask.get("raw").is_some() {
        let mut response = ask.fresh("text/plain; charset=utf-8", FOR_EVER, bytes);
        response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
        return Ok(response);
    }
    let asked = log::asked(ask.get("q").unwrap_or_default());
    let (part, search) = if asked.is_empty() {
        let number = ask.get("part").and_then(|part| part.parse().ok()).unwrap_or(1);
        let part = Part::cut(&bytes, number);
        (part.ok_or_else(|| Fault::missing(format!("“{}” has no part {number}.", file.name)))?, None)
    } else {
        let found = log::find(&bytes, &asked);
        (Part::outline(&bytes), Some(Search::new(run, &file.name, asked, found)))
    };
    let mut view = View::build(&detail, file, part);
    view.is_split = ask.get("view") == Some("split") && view.has_sides();
    view.search = search;
    let cache = if is_settled(&detail) { FOR_EVER } else { "no-cache" };
    ask.answer_kept(&view, cache, || {
        let title = format!("{} of {}", view.file.name, view.about);
        Page { frame: Frame::new(dashboard.site(), title, &view.about), view: &view }
    })
}

/// Whether nothing that is said here of a run can change: its round is over, and no second opinion is waited for.
fn is_settled(detail: &RunDetail) -> bool {
    let flags = detail.result.as_ref().map(|result| result.verdict.flags.as_slice());
    let is_over = detail.run.as_ref().is_none_or(|run| run.job_state == JobState::Finished);
    is_over && flags.is_some_and(|flags| !flags.contains(&Flag::Unconfirmed))
}

fn missing(run: RunId, name: &str, files: &[FileRecord]) -> Fault {
    let name: String = name.chars().take(80).collect();
    let link = |file: &FileRecord| Link { href: address::file(run, &file.name), text: file.name.clone() };
    Fault::Missing {
        sentence: format!("Run {run} has no file “{name}”."),
        near: files.iter().take(12).map(link).collect(),
    }
}

impl View {
    fn build(detail: &store::runs::RunDetail, file: &FileRecord, part: Part) -> Self {
        let release = &detail.release.release;
        let result = detail.result.as_ref();
        let verdict = result.map(|result| &result.verdict);
        let decisive = verdict.and_then(|verdict| verdict.decisive.as_ref()).filter(|it| it.file == file.name);
        let mark = result.map_or(Mark::Running, |result| Mark::of_verdict(result.grade, &result.verdict.flags));
        Self {
            run: detail.id,
            run_href: address::run(detail.id),
            about: format!("{release} on PostgreSQL {}, {}", detail.target.major, detail.target.platform),
            mark,
            words: mark.words(verdict.map(|verdict| verdict.phase)),
            raw: format!("{}?raw", address::file(detail.id, &file.name)),
            decisive: decisive.map(|it| (it.line, address::line(detail.id, &it.file, it.line))),
            file: file.clone(),
            search: None,
            part,
            is_split: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_parts_the_first_the_last_and_the_near_ones_are_linked() {
        let words = |number: u64, parts: u64| {
            let part = Part { number, parts, total_lines: parts * LINES_PER_PART - 1, lines: Vec::new() };
            let one = |link: PartLink| {
                let number = link.href.rsplit_once('=').map_or("1", |(_, number)| number).to_owned();
                format!(
                    "{}{number}{}",
                    if link.follows_a_gap { "… " } else { "" },
                    if link.is_current { "!" } else { "" }
                )
            };
            links("/run/x/a.log", "", &part).into_iter().map(one).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(1, 1), "1!");
        assert_eq!(words(2, 3), "1 2! 3");
        assert_eq!(words(1, 2_000), "1! 2 3 4 5 6 … 2000");
        assert_eq!(words(7, 13), "1 2 3 4 5 6 7! 8 9 10 11 12 13");
        assert_eq!(words(1_000, 2_000), "1 … 995 996 997 998 999 1000! 1001 1002 1003 1004 1005 … 2000");
        let part = Part { number: 2, parts: 2, total_lines: 207, lines: Vec::new() };
        assert_eq!(links("/run/x/a.log", "", &part)[1].lines, "201–207");
        let split = links("/run/x/a.log", "view=split", &part);
        assert_eq!(
            (split[0].href.as_str(), split[1].href.as_str()),
            ("/run/x/a.log?view=split", "/run/x/a.log?part=2&view=split")
        );
    }
}
