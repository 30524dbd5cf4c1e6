//! The view of a run: built from rows by pure functions, and the page's JSON.

use protocol::{ArchiveFacts, FileKind, ImageFacts, Overhead, RunId, RunnerFacts, Timestamp};
use serde::Serialize;
use store::jobs::Waiting;
use store::runs::{Run, RunDetail, RunState};
use store::symptoms::Shared;
use store::verdicts::VerdictLine;

use super::around::Around;
use super::changed::Changed;
use super::evidence::{Diffs, Excerpt};
use super::folds::Fold;
use super::headline::{Headline, Second};
use super::live::LiveView;
use super::parts::{FileLine, PhaseLine, Tests, file_line, timeline};
use super::repeat;
use super::signed::{Gone, Signed};
use crate::mark::Mark;
use crate::pages::symptoms::Symptom;
use crate::text::{When, bytes, duration, elapsed_ms};
use crate::{Site, address};

/// At most so many other runs of the same test are listed.
pub(crate) const MOST_OTHERS: u32 = 50;

/// What the view is built from.
pub(crate) struct Rows {
    pub detail: RunDetail,
    pub runs: Vec<Run>,
    pub verdicts: Vec<VerdictLine>,
    /// The verdicts of its own round.
    pub round: Vec<VerdictLine>,
    pub waiting: Option<Waiting>,
    pub before: Option<Before>,
    pub symptom: Option<Shared>,
    pub live: Option<LiveView>,
    pub signed: Option<Signed>,
    pub withdrawn: Option<Gone>,
}

/// What is read out of files and other runs.
#[derive(Default)]
pub(crate) struct Evidence {
    pub decisive: Option<Excerpt>,
    pub diffs: Option<Diffs>,
    pub changed: Option<Changed>,
    pub logs: Vec<Fold>,
}

/// A run's page as data.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct View {
    pub id: RunId,
    pub dist: String,
    pub dist_href: String,
    pub version: String,
    pub release_href: String,
    pub major: u16,
    pub platform: &'static str,
    pub headline: Headline,
    /// That it does not count any more.
    pub withdrawn: Option<Gone>,
    pub decisive: Option<Excerpt>,
    /// What it has done so far, while it goes on.
    pub live: Option<LiveView>,
    /// What became of the second run that a failure needs.
    pub second: Option<Second>,
    /// The symptom, and who shares it.
    pub symptom: Option<Symptom>,
    /// What changed since it last passed.
    pub changed: Option<Changed>,
    /// What the release before did on the same target.
    pub before: Option<Before>,
    /// The command that repeats the run.
    pub command: String,
    pub took: Option<String>,
    pub finished_at: Option<When>,
    pub phases: Vec<PhaseLine>,
    /// The ends of what the phases printed.
    pub logs: Vec<Fold>,
    pub tests: Tests,
    pub diffs: Option<Diffs>,
    pub image: Option<ImageFacts>,
    pub runner: Option<RunnerFacts>,
    pub runner_name: Option<String>,
    pub archive: Option<ArchiveFacts>,
    /// Who signed it.
    pub signed: Option<Signed>,
    pub packages: Option<String>,
    pub files: Vec<FileLine>,
    pub notes: Vec<String>,
    /// What it found beside the verdict, and under which conditions it ran.
    pub around: Around,
    pub overhead: Option<Overhead>,
    pub others: Vec<Other>,
}

/// The release before.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Before {
    pub version: String,
    pub href: String,
    pub mark: Mark,
}

/// Another run of the same job.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Other {
    pub href: String,
    pub mark: Mark,
    pub words: String,
    pub attempt: u32,
    pub runner: String,
    pub at: When,
}

impl View {
    /// Builds the view of a run as it looks at `now`.
    pub(crate) fn build(rows: &Rows, site: &Site, evidence: Evidence, now: Timestamp) -> Self {
        let detail = &rows.detail;
        let release = &detail.release.release;
        let result = detail.result.as_ref();
        let files = result.map(|result| result.files.as_slice()).unwrap_or_default();
        let around = result.map(|result| Around::new(detail.id, &result.circumstances)).unwrap_or_default();
        let mut headline = Headline::new(detail.run.as_ref(), result, rows.waiting.as_ref(), now);
        if rows.withdrawn.is_some() {
            headline.counts = "";
        }
        let mark = headline.mark;
        let packages = files.iter().find(|file| file.kind == FileKind::Packages);
        Self {
            id: detail.id,
            dist: release.dist.to_string(),
            dist_href: address::dist(&release.dist),
            version: release.version.to_string(),
            release_href: address::release(&release.dist, &release.version),
            major: detail.target.major.number(),
            platform: detail.target.platform.as_str(),
            headline,
            withdrawn: rows.withdrawn.clone(),
            decisive: evidence.decisive,
            live: rows.live.clone(),
            second: result
                .and_then(|result| Second::new(detail.id, result, (&rows.runs, &rows.round), rows.waiting.as_ref())),
            symptom: rows.symptom.as_ref().map(|shared| Symptom::new(shared, now)),
            changed: evidence.changed,
            before: rows.before.clone(),
            command: repeat::command(&release.dist, &release.version, detail.target, &site.registry_url),
            took: result.map(|result| duration(elapsed_ms(result.finished_at, result.started_at))),
            finished_at: result.map(|result| When::new(result.accepted_at, now)),
            phases: timeline(
                detail.id,
                result.map(|result| result.phases.as_slice()).unwrap_or_default(),
                &around,
                mark,
            ),
            logs: evidence.logs,
            tests: result
                .map(|result| Tests::new(detail.id, &result.tests, evidence.diffs.as_ref()))
                .unwrap_or_default(),
            diffs: evidence.diffs,
            image: result.and_then(|result| result.image.clone()),
            runner: result.and_then(|result| result.runner.clone()),
            runner_name: detail.run.as_ref().map(|run| run.runner.clone()),
            archive: result.and_then(|result| result.archive.clone()),
            signed: rows.signed.clone(),
            packages: packages.map(|file| address::file(detail.id, &file.name)),
            files: files.iter().map(|file| file_line(detail.id, file)).collect(),
            notes: result.map(|result| result.notes.clone()).unwrap_or_default(),
            around,
            overhead: result.filter(|_| detail.run.is_some()).map(|result| result.overhead),
            others: others(rows, now),
        }
    }

    /// The overhead's parts that took any time, in words.
    pub(crate) fn overhead_parts(&self) -> Vec<(&'static str, String)> {
        let parts = self.overhead.map(parts_of).unwrap_or_default();
        parts.into_iter().filter(|(_, millis)| *millis > 0).map(|(name, millis)| (name, duration(millis))).collect()
    }

    /// What the farm itself cost, in all.
    pub(crate) fn overhead_total(&self) -> String {
        duration(self.overhead.map(total).unwrap_or_default())
    }

    /// The size of the archive.
    pub(crate) fn archive_size(&self) -> String {
        self.archive.as_ref().map(|archive| bytes(archive.bytes)).unwrap_or_default()
    }

    /// The memory that the runner gave the run.
    pub(crate) fn memory(&self) -> String {
        self.runner.as_ref().map(|runner| bytes(runner.memory_bytes)).unwrap_or_default()
    }
}

const fn parts_of(cost: Overhead) -> [(&'static str, u64); 6] {
    [
        ("container", cost.start_ms),
        ("server", cost.server_ms),
        ("copy in", cost.copy_in_ms),
        ("commands", cost.exec_ms),
        ("copy out", cost.copy_out_ms),
        ("clean-up", cost.cleanup_ms),
    ]
}

/// All parts together, whatever a runner says that they took.
fn total(cost: Overhead) -> u64 {
    parts_of(cost).into_iter().map(|(_, millis)| millis).fold(0, u64::saturating_add)
}

fn others(rows: &Rows, now: Timestamp) -> Vec<Other> {
    let other = |run: &Run| {
        let verdict = rows.verdicts.iter().find(|line| line.summary.run_id == run.id).map(|line| &line.summary);
        let mark = match (verdict, run.state) {
            (Some(verdict), _) => Mark::of_verdict(verdict.grade, &verdict.flags),
            (None, RunState::Open) => Mark::Running,
            // What is withdrawn is in no list of verdicts.
            (None, RunState::Reported) => Mark::Withdrawn,
            (None, RunState::Expired | RunState::Released) => Mark::Error,
        };
        let words = match (verdict, run.state) {
            (Some(verdict), _) => mark.words(Some(verdict.phase)),
            (None, RunState::Expired) => "runner lost".to_owned(),
            (None, RunState::Released) => "given back".to_owned(),
            (None, RunState::Open | RunState::Reported) => mark.word().to_owned(),
        };
        let at = run.ended_at.unwrap_or(run.claimed_at);
        let at = When::new(at, now);
        Other { href: address::run(run.id), mark, words, attempt: run.attempt, runner: run.runner.clone(), at }
    };
    rows.runs.iter().filter(|run| run.id != rows.detail.id).take(MOST_OTHERS as usize).map(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overhead_that_no_run_can_have_breaks_no_page() {
        let cost = Overhead { start_ms: u64::MAX, server_ms: 1, cleanup_ms: u64::MAX, ..Overhead::default() };
        assert_eq!(total(cost), u64::MAX);
        assert_eq!(total(Overhead { start_ms: 300, exec_ms: 40, ..Overhead::default() }), 340);
    }
}
