//! Delivers what came out of a run: its files, then its report. No verdict is lost for a file that is not taken, nor for a report that
//! breaks its own bounds: such a one is the farm's fault, and says so.

use std::sync::Mutex;

use protocol::{Assignment, Circumstances, Reason, Report, Verdict};

use crate::claim::Agent;
use crate::claim::term::{Term, insist};
use crate::client::CallError;
use crate::run::{Completed, StoredFile};

impl Agent {
    /// Uploads the files, then the report, which is signed. A coordinator that is away is waited for; the lease's end ends the waiting, see [`Agent::keep`].
    pub(super) async fn deliver(
        &self,
        assignment: &Assignment,
        completed: Completed,
        term: &Mutex<Term>,
    ) -> Result<(), String> {
        let lease = &assignment.lease;
        let Completed { mut report, files } = sound(completed);
        for StoredFile { record, zstd } in files {
            let upload = || self.coordinator.upload(lease, &record.name, zstd.clone());
            match insist(upload, term).await {
                Ok(()) => {}
                // One file too many is no reason to lose a verdict.
                Err(CallError::Refused { status: 413, detail, .. }) => forget(&mut report, &record.name, &detail),
                Err(error) => return Err(error.to_string()),
            }
        }
        insist(|| self.coordinator.report(assignment, &report), term).await.map_err(|error| error.to_string())
    }
}

/// The same, where a coordinator will take it; otherwise a report that says no more than that there is none.
fn sound(completed: Completed) -> Completed {
    let Err(invalid) = completed.report.check() else { return completed };
    let verdict = &completed.report.verdict;
    tracing::error!(run = %completed.report.run_id, reason = %verdict.reason, %invalid, "a run made a report that cannot be delivered");
    let verdict = Verdict::new(verdict.phase, Reason::Internal).with_detail(invalid.why);
    let mut report = Report {
        verdict,
        phases: Vec::new(),
        tests: Vec::new(),
        files: Vec::new(),
        archive: None,
        image: None,
        notes: Vec::new(),
        circumstances: Circumstances::default(),
        ..completed.report
    };
    report.fit();
    Completed { report, files: Vec::new() }
}

/// Takes a file that was not accepted out of a report, and what refers to it.
fn forget(report: &mut Report, name: &str, why: &str) {
    report.files.retain(|file| file.name != name);
    report.notes.push(format!("The file {name} was not taken: {why}."));
    report.fit();
}

#[cfg(test)]
mod tests {
    use protocol::{Crash, FileKind, Phase, RunId, RunnerFacts, Timestamp};

    use super::*;
    use crate::event::Events;
    use crate::run::Book;
    use crate::sandbox::LogText;

    fn completed(fill: impl FnOnce(&mut Book<'_>)) -> Completed {
        let now = Timestamp::from_millis(0);
        let events = Events::unheard();
        let mut book = Book::new(&events, now);
        fill(&mut book);
        let (kernel, engine) = (String::new(), String::new());
        let runner = RunnerFacts { version: "1".into(), kernel, engine, cpus: 1.0, memory_bytes: 1 };
        book.complete(RunId::new(now), Verdict::new(Phase::Build, Reason::CompileError), runner, now)
    }

    #[test]
    fn a_file_that_is_not_taken_leaves_no_trace_and_costs_no_verdict() {
        let Completed { mut report, .. } = completed(|book| {
            let file = book.keep("backtrace.txt", FileKind::Backtrace, &LogText::default());
            let (process, query) = (String::new(), String::new());
            let crash = Crash { phase: Phase::Build, process, signal: 11, query, frames: Vec::new(), file };
            book.circumstances.crashes.push(crash);
        });
        report.notes = (0..64).map(|number| format!("Note {number}.")).collect();
        report.check().unwrap();
        forget(&mut report, "backtrace.txt", "it is too large");
        report.check().unwrap();
        assert_eq!(report.verdict.reason, Reason::CompileError);
        assert_eq!(report.circumstances.crashes[0].file, None);
    }

    #[test]
    fn a_report_that_nobody_would_take_is_replaced_by_one_that_says_so() {
        let mut broken = completed(|book| drop(book.keep("build.log", FileKind::Log, &LogText::default())));
        assert_eq!(sound(broken.clone()).report, broken.report);
        broken.report.files[0].name = "../build.log".into();
        let Completed { report, files } = sound(broken);
        report.check().unwrap();
        assert_eq!((report.verdict.phase, report.verdict.reason, files.len()), (Phase::Build, Reason::Internal, 0));
        assert!(report.verdict.detail.contains("is not a file name"), "{}", report.verdict.detail);
    }
}
