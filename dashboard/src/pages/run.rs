//! A run's page: why is it red? The verdict and its line first, the command that repeats it, then everything else.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use protocol::{Decisive, FileKind, Outcome, RunId};
use store::history::{Conditions, Past};
use store::runs::{RunDetail, RunState};
use store::{Conn, history, jobs, runs, symptoms, verdicts};

use crate::answer::{Ask, with_script};
use crate::fault::Fault;
use crate::frame::Frame;
use crate::mark::Mark;
use crate::{Dashboard, address, asset, log};

mod around;
mod changed;
mod evidence;
mod folds;
mod follow;
mod headline;
mod live;
mod parts;
mod repeat;
mod signed;
mod view;

pub(crate) use follow::follow;
pub(crate) use signed::report;

use changed::Changed;
use evidence::{Excerpt, Files};
use folds::Fold;
use live::{LiveView, current};
use view::{Before, Evidence, Rows, View};

/// Lines of context around the decisive one.
const CONTEXT: u64 = 3;

#[derive(Template)]
#[template(path = "run.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
    /// Whether differences stand side by side.
    split: bool,
}

/// `/run/{id}` and `/run/{id}.json`.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(id): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let asked = id.strip_suffix(".json").unwrap_or(&id);
    let run: RunId = parse(asked)?;
    if asked != run.to_string() {
        let json = &id[asked.len()..];
        return Ok(ask.moved(&format!("{}{json}", address::run(run))).into_response());
    }
    let view = load(&dashboard, run).await?;
    // What a run that goes on tells is no commit, so that nobody would notice that a kept page is old.
    let cache = if view.live.is_some() { "private, no-cache" } else { "no-cache" };
    let answer = ask.answer_kept(&view, cache, || {
        let title = format!("{}: {} {} on PostgreSQL {}", view.headline.words, view.dist, view.version, view.major);
        let frame = Frame::new(dashboard.site(), title, &view.headline.sentence).with_script(asset::run_script());
        let split = ask.get("view") == Some("split");
        Page { frame: frame.with_json(format!("{}.json", address::run(run))), view: &view, split }
    });
    answer.map(with_script)
}

pub(super) fn parse(text: &str) -> Result<RunId, Fault> {
    text.parse().map_err(|error: protocol::InvalidId| {
        let mut sentence = error.to_string();
        sentence.push('.');
        Fault::missing(sentence)
    })
}

/// The run, or the fault that it is not there.
pub(super) async fn detail(conn: &mut Conn, id: RunId) -> Result<RunDetail, Fault> {
    let found = runs::detail(conn, id).await?;
    found.ok_or_else(|| Fault::missing(format!("The farm knows no run {id}.")))
}

async fn load(dashboard: &Dashboard, id: RunId) -> Result<View, Fault> {
    let now = dashboard.now();
    let mut conn = dashboard.store().read().await?;
    let mut detail = detail(&mut conn, id).await?;
    let live = goes_on(dashboard, &mut detail);
    let (dist, until) = (&detail.release.release.dist, detail.result.is_some().then_some(id));
    let past = history::of_target(&mut conn, dist, detail.target, detail.job_id, until).await?;
    let (signed, withdrawn) = signed::of_run(&mut conn, &detail, now).await?;
    let rows = Rows {
        signed,
        withdrawn,
        runs: runs::of_job(&mut conn, detail.job_id, view::MOST_OTHERS + 1).await?,
        verdicts: verdicts::of_job(&mut conn, detail.job_id, view::MOST_OTHERS + 1).await?,
        round: verdicts::of_round(&mut conn, id).await?,
        waiting: jobs::waiting(&mut conn, detail.job_id, now).await?,
        before: before(&past, &detail),
        symptom: match detail.result.as_ref().and_then(|result| result.signature.as_ref()) {
            Some(signature) => symptoms::get(&mut conn, signature).await?,
            None => None,
        },
        live,
        detail,
    };
    let turned = turned(&mut conn, &past, id).await?;
    drop(conn);
    let evidence = evidence(dashboard, &rows.detail, turned).await?;
    Ok(View::build(&rows, dashboard.site(), evidence, now))
}

/// What a run tells, where it goes on; the store learns of it more rarely than whoever listens.
fn goes_on(dashboard: &Dashboard, detail: &mut RunDetail) -> Option<LiveView> {
    let run = detail.run.as_mut().filter(|run| run.state == RunState::Open && detail.result.is_none())?;
    let known = dashboard.live().snapshot(run.id);
    if let Some(known) = &known {
        run.phase = current(&known.phases).or(run.phase);
        run.renewed_at = run.renewed_at.max(known.heard_at);
    }
    Some(LiveView::new(run, known.as_ref(), dashboard.now()))
}

/// The conditions of the last run that passed and of the first one that did not.
async fn turned(conn: &mut Conn, past: &[Past], id: RunId) -> Result<Option<[Conditions; 2]>, Fault> {
    let Some(turn) = changed::turn(past, id) else { return Ok(None) };
    let passed = history::conditions(conn, turn.passed.run_id).await?;
    let failed = history::conditions(conn, turn.failed.run_id).await?;
    Ok(passed.zip(failed).map(|(passed, failed)| [passed, failed]))
}

async fn evidence(
    dashboard: &Dashboard,
    detail: &RunDetail,
    turned: Option<[Conditions; 2]>,
) -> Result<Evidence, Fault> {
    let Some(result) = &detail.result else { return Ok(Evidence::default()) };
    let mut files = Files::of(dashboard, detail.id);
    let decisive = match &result.verdict.decisive {
        Some(decisive) => Some(excerpt(&mut files, detail.id, decisive).await?),
        None => None,
    };
    let diffs = match result.files.iter().find(|file| file.kind == FileKind::Diffs) {
        Some(file) => files.get(&file.name).await?.map(|bytes| evidence::diffs(detail.id, &file.name, &bytes)),
        None => None,
    };
    let changed = match turned {
        Some(turned) => Some(what_changed(dashboard, &turned, detail.id).await?),
        None => None,
    };
    let mut logs = Vec::new();
    for (record, file, is_read) in folds::wanted(result) {
        let text = if is_read { files.get(&file.name).await? } else { None };
        let fold = Fold::new(detail.id, record, file, text.as_deref());
        let decided = record.outcome == Outcome::Failed && record.phase == result.verdict.phase;
        logs.push(Fold { is_open: decided && decisive.is_none() && diffs.is_none(), ..fold });
    }
    Ok(Evidence { decisive, diffs, changed, logs })
}

/// Compares two runs; the lists of packages are read only where the image is another one.
async fn what_changed(dashboard: &Dashboard, turned: &[Conditions; 2], this: RunId) -> Result<Changed, Fault> {
    let [passed, failed] = turned;
    let digest = |of: &Conditions| of.image.as_ref().map(|image| image.digest.clone());
    let mut lists = Vec::new();
    if digest(passed) != digest(failed) {
        for one in turned {
            let Some(name) = &one.packages else { continue };
            let bytes = dashboard.blobs().plain(one.run_id, name).await?;
            lists.extend(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    let packages = match lists.as_slice() {
        [before, after] => Some([before.as_str(), after.as_str()]),
        _ => None,
    };
    Ok(Changed::new([passed, failed], packages, this, dashboard.now()))
}

/// The decisive line with its context; the line alone where the log is gone.
async fn excerpt(files: &mut Files<'_>, id: RunId, decisive: &Decisive) -> Result<Excerpt, Fault> {
    let bytes = files.get(&decisive.file).await?.unwrap_or_default();
    let lines = log::context(&bytes, decisive.line, CONTEXT);
    Ok(Excerpt::new(id, decisive, lines))
}

/// The nearest older release with a verdict that compares on the same target.
fn before(past: &[Past], detail: &RunDetail) -> Option<Before> {
    let found = history::of_release_before(past, &detail.release.release.version)?;
    let mark = Mark::of_verdict(found.grade, &found.flags);
    Some(Before { version: found.version.to_string(), href: address::run(found.run_id), mark })
}
