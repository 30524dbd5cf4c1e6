//! A file of a run: a log or a diff in parts, or its plain bytes.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, HeaderValue};
use axum::response::Response;
use protocol::{FileKind, FileRecord, RunId};
use serde::Serialize;

use super::run::{detail, parse};
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::log::{DiffLine, LINES_PER_PART, Line, Part, classify};
use crate::mark::Mark;
use crate::{Dashboard, address, text};

/// What a file of a finished run has for ever: its bytes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

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
    /// The lines of this part.
    pub part: Part,
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

    /// The address of a part, and the lines that it shows.
    pub(crate) fn parts(&self) -> Vec<(u64, String, String)> {
        let file = address::file(self.run, &self.file.name);
        let one = |number: u64| {
            let from = (number - 1) * LINES_PER_PART + 1;
            let to = (number * LINES_PER_PART).min(self.part.total_lines);
            let href = if number == 1 { file.clone() } else { format!("{file}?part={number}") };
            (number, href, format!("{from}–{to}"))
        };
        (1..=self.part.parts).map(one).collect()
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

#[derive(Template)]
#[template(path = "file.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/run/{id}/{file}`, `?part=N`, `?raw`.
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
    let number = ask.get("part").and_then(|part| part.parse().ok()).unwrap_or(1);
    let part =
        Part::cut(&bytes, number).ok_or_else(|| Fault::missing(format!("“{}” has no part {number}.", file.name)))?;
    let view = View::build(&detail, file, part);
    ask.answer(&view, || {
        let title = format!("{} of {}", view.file.name, view.about);
        Page { frame: Frame::new(dashboard.site(), title, &view.about), view: &view }
    })
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
            part,
        }
    }
}
