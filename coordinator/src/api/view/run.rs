//! Runs.

use protocol::{
    ArchiveFacts, Circumstances, FileRecord, Grade, ImageFacts, JobId, Name, Overhead, Phase, PhaseRecord, Release,
    RunId, RunnerFacts, Signature, Target, TestRecord, Timestamp, Verdict, Version,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A run in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// The target.
    pub target: Target,
    /// The runner's name.
    pub runner: String,
    /// Which attempt at the job it is, from 1.
    pub attempt: u32,
    /// Where it stands: open, reported, expired or released.
    pub state: String,
    /// The phase that its runner told last.
    pub phase: Option<Phase>,
    /// When it was claimed.
    pub claimed_at: Timestamp,
    /// When its runner was heard of last.
    pub renewed_at: Timestamp,
    /// When its lease ended.
    pub ended_at: Option<Timestamp>,
}

impl From<store::runs::Run> for Run {
    fn from(run: store::runs::Run) -> Self {
        Self {
            id: run.id,
            dist: run.dist,
            version: run.version,
            target: run.target,
            runner: run.runner,
            attempt: run.attempt,
            state: run.state.to_string(),
            phase: run.phase,
            claimed_at: run.claimed_at,
            renewed_at: run.renewed_at,
            ended_at: run.ended_at,
        }
    }
}

/// Everything that is known of a run, or of a verdict that needed none.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunDetail {
    /// Its id.
    pub id: RunId,
    /// Since when its result counts nowhere any more, as its runner is quarantined or was revoked.
    pub withdrawn_at: Option<Timestamp>,
    /// Its job.
    pub job_id: JobId,
    /// The release.
    pub release: Release,
    /// The target.
    pub target: Target,
    /// The run; none for a verdict that needed none.
    pub run: Option<Run>,
    /// What it found; none while it goes on, or where its lease was lost.
    pub result: Option<FullResult>,
}

/// A result with all its parts.
#[derive(Debug, Serialize, ToSchema)]
pub struct FullResult {
    /// The grade.
    pub grade: Grade,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, as a sentence.
    pub sentence: String,
    /// The signature of its symptom, to be found under `/api/v1/symptoms`; none where nothing failed.
    pub signature: Option<Signature>,
    /// The phases, in order.
    pub phases: Vec<PhaseRecord>,
    /// The tests, in the order in which they ran.
    pub tests: Vec<TestRecord>,
    /// The files, each at `/api/v1/runs/{id}/files/{name}`.
    pub files: Vec<FileRecord>,
    /// The archive.
    pub archive: Option<ArchiveFacts>,
    /// The image.
    pub image: Option<ImageFacts>,
    /// The runner.
    pub runner: Option<RunnerFacts>,
    /// What was done beside the plain commands.
    pub notes: Vec<String>,
    /// What it found beside the verdict, and under which conditions it ran.
    pub circumstances: Circumstances,
    /// What the farm's own steps cost.
    pub overhead: Overhead,
    /// When the run started, by the runner's clock.
    pub started_at: Timestamp,
    /// When it ended, by the runner's clock.
    pub finished_at: Timestamp,
    /// When the farm accepted it.
    pub accepted_at: Timestamp,
}

impl RunDetail {
    /// The same, which does not count since then.
    #[must_use]
    pub fn withdrawn(self, at: Option<Timestamp>) -> Self {
        Self { withdrawn_at: at, ..self }
    }
}

impl From<store::runs::RunDetail> for RunDetail {
    fn from(detail: store::runs::RunDetail) -> Self {
        Self {
            withdrawn_at: None,
            id: detail.id,
            job_id: detail.job_id,
            release: detail.release.release,
            target: detail.target,
            run: detail.run.map(Run::from),
            result: detail.result.map(FullResult::from),
        }
    }
}

impl From<store::runs::FullResult> for FullResult {
    fn from(result: store::runs::FullResult) -> Self {
        Self {
            grade: result.grade,
            sentence: result.verdict.reason.sentence().to_owned(),
            verdict: result.verdict,
            signature: result.signature,
            phases: result.phases,
            tests: result.tests,
            files: result.files,
            archive: result.archive,
            image: result.image,
            runner: result.runner,
            notes: result.notes,
            circumstances: result.circumstances,
            overhead: result.overhead,
            started_at: result.started_at,
            finished_at: result.finished_at,
            accepted_at: result.accepted_at,
        }
    }
}
