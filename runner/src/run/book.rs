//! What is written down while a run goes on, and made a report at its end.

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::{
    ArchiveFacts, Circumstances, FileKind, FileRecord, Flag, ImageFacts, Outcome, Overhead, Phase, PhaseRecord, Reason,
    Report, RunId, RunnerFacts, TestRecord, Timestamp, Verdict,
};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::error::Error;
use crate::event::{Events, RunEvent};
use crate::judge::{Finding, shown};
use crate::run::stop::{in_words, reason};
use crate::run::{Completed, Stop};
use crate::sandbox::LogText;

/// Notes beyond these are dropped; a report takes no more.
const MAX_NOTES: usize = 64;
/// A note is cut at so many bytes.
const MAX_NOTE_BYTES: usize = 2_000;
/// Files beyond these are dropped.
const MAX_FILES: usize = 128;
/// Fast, and small enough for text.
const COMPRESSION: i32 = 3;

/// A file of a report, compressed.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// How the report lists it.
    pub record: FileRecord,
    /// Its bytes, compressed with zstd.
    pub zstd: Vec<u8>,
}

impl StoredFile {
    /// Its bytes as they were.
    ///
    /// # Panics
    /// Never: what this program compressed, it can decompress.
    pub fn bytes(&self) -> Vec<u8> {
        zstd::decode_all(self.zstd.as_slice()).expect("these bytes were compressed here")
    }
}

/// The record of a run that goes on.
pub(crate) struct Book<'a> {
    events: &'a Events,
    started_at: Timestamp,
    open: Option<(Phase, Instant)>,
    records: Vec<PhaseRecord>,
    tests: Vec<TestRecord>,
    flags: BTreeSet<Flag>,
    notes: Vec<String>,
    files: Vec<StoredFile>,
    pub(crate) archive: Option<ArchiveFacts>,
    pub(crate) image: Option<ImageFacts>,
    pub(crate) circumstances: Circumstances,
    pub(crate) overhead: Overhead,
}

impl<'a> Book<'a> {
    pub(crate) fn new(events: &'a Events, started_at: Timestamp) -> Self {
        Self {
            events,
            started_at,
            open: None,
            records: Vec::new(),
            tests: Vec::new(),
            flags: BTreeSet::new(),
            notes: Vec::new(),
            files: Vec::new(),
            archive: None,
            image: None,
            circumstances: Circumstances::default(),
            overhead: Overhead::default(),
        }
    }

    pub(crate) fn events(&self) -> &'a Events {
        self.events
    }

    /// A phase begins.
    pub(crate) async fn begin(&mut self, phase: Phase) {
        self.open = Some((phase, Instant::now()));
        self.events.started(phase).await;
    }

    /// The phase that is open passed, without a command.
    pub(crate) async fn pass(&mut self) {
        self.close(|record| record.outcome = Outcome::Passed).await;
    }

    /// A phase had nothing to do.
    pub(crate) async fn skip(&mut self, phase: Phase) {
        self.begin(phase).await;
        self.close(|record| record.outcome = Outcome::Skipped).await;
    }

    /// The phase that is open decides the run.
    pub(crate) async fn refuse(&mut self, reason: Reason, detail: impl Into<String>) -> Stop {
        let phase = self.open.map_or(Phase::Fetch, |(phase, _)| phase);
        self.close(|record| (record.outcome, record.reason) = (Outcome::Failed, Some(reason))).await;
        Stop::Decided(Verdict::new(phase, reason).with_detail(detail))
    }

    /// The farm failed; what the run is then.
    pub(crate) async fn failed(&mut self, phase: Phase, error: &Error) -> Verdict {
        let reason = reason(error);
        self.open.get_or_insert((phase, Instant::now()));
        self.close(|record| (record.outcome, record.reason) = (Outcome::Failed, Some(reason))).await;
        if !matches!(error, Error::Offline { .. }) {
            tracing::warn!(%phase, %reason, error = in_words(error), "a run failed on the farm's side");
        }
        Verdict::new(phase, reason).with_detail(in_words(error))
    }

    /// Closes the open phase with what `fill` says of it.
    pub(crate) async fn close(&mut self, fill: impl FnOnce(&mut PhaseRecord)) {
        let Some((phase, since)) = self.open.take() else { return };
        let mut record = PhaseRecord {
            phase,
            outcome: Outcome::Passed,
            reason: None,
            exit: None,
            signal: None,
            duration_ms: millis(since.elapsed()),
            cpu_ms: None,
            peak_memory_bytes: None,
            command: String::new(),
            log: None,
        };
        fill(&mut record);
        self.records.push(record.clone());
        self.events.send(RunEvent::PhaseEnded(record)).await;
    }

    /// A phase whose command did well turns out to have failed by what it left.
    pub(crate) async fn amend(&mut self, phase: Phase, reason: Reason) {
        if let Some(record) = self.records.iter_mut().find(|record| record.phase == phase) {
            (record.outcome, record.reason) = (Outcome::Failed, Some(reason));
            let record = record.clone();
            self.events.send(RunEvent::PhaseEnded(record)).await;
        }
    }

    /// Takes the flags and tests of a finding, and notes how many tests it leaves out.
    pub(crate) async fn take(&mut self, finding: &Finding) {
        self.flags.extend(finding.flags.iter().copied());
        self.tests.extend(finding.tests.iter().cloned());
        let listed = finding.tests.len();
        if finding.omitted_tests > 0 {
            self.note(format!("It ran {} tests, of which {listed} are listed.", listed + finding.omitted_tests)).await;
        }
    }

    /// Adds a flag.
    pub(crate) fn flag(&mut self, flag: Flag) {
        self.flags.insert(flag);
    }

    /// Writes down what was done beside the plain commands: a sentence. Names in it may be a distribution's.
    pub(crate) async fn note(&mut self, text: impl AsRef<str>) {
        let mut text = shown(text.as_ref(), MAX_NOTE_BYTES);
        text.truncate(text.floor_char_boundary(MAX_NOTE_BYTES));
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&text) {
            self.notes.push(text.clone());
            self.events.send(RunEvent::Note(text)).await;
        }
    }

    /// Keeps a file under a name that is free, made of `name`; the name it got.
    pub(crate) fn keep(&mut self, name: &str, kind: FileKind, text: &LogText) -> Option<String> {
        if self.files.len() >= MAX_FILES {
            return None;
        }
        let name = free_name(name, |name| self.files.iter().any(|file| file.record.name == name));
        let zstd = zstd::encode_all(text.bytes.as_slice(), COMPRESSION).expect("memory can be written to");
        let record = FileRecord {
            name: name.clone(),
            kind,
            sha256: hex::encode(Sha256::digest(&text.bytes)),
            bytes: text.bytes.len() as u64,
            omitted_bytes: text.omitted_bytes,
        };
        self.files.push(StoredFile { record, zstd });
        Some(name)
    }

    /// Makes the report.
    pub(crate) fn complete(
        self,
        run_id: RunId,
        mut verdict: Verdict,
        runner: RunnerFacts,
        finished_at: Timestamp,
    ) -> Completed {
        let mut flags = self.flags;
        flags.extend(verdict.flags.iter().copied());
        verdict.flags = flags.into_iter().collect();
        verdict.detail = shown(&verdict.detail, MAX_NOTE_BYTES);
        verdict.detail.truncate(verdict.detail.floor_char_boundary(MAX_NOTE_BYTES));
        let files = self.files;
        let mut report = Report {
            run_id,
            verdict,
            phases: self.records,
            tests: self.tests,
            files: files.iter().map(|file| file.record.clone()).collect(),
            archive: self.archive,
            image: self.image,
            runner,
            notes: self.notes,
            circumstances: self.circumstances,
            overhead: self.overhead,
            started_at: self.started_at,
            finished_at,
        };
        report.fit();
        Completed { report, files }
    }
}

/// A name for a file of a report: letters, digits, `.`, `_` and `-`, at most 100 of them, not one that is taken.
fn free_name(wanted: &str, taken: impl Fn(&str) -> bool) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = wanted.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    // The end of a path says more than its beginning.
    let name = name[name.len().saturating_sub(90)..].trim_start_matches(['.', '-']);
    let name = if name.is_empty() { "file" } else { name };
    let numbered = (2..).map(|number| format!("{number}-{name}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).expect("there is always another number")
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts of any kind, some longer than a report takes.
    fn text() -> impl Strategy<Value = String> {
        ("(?s).{0,40}", prop_oneof![6 => 1..3_usize, 1 => Just(300)]).prop_map(|(text, times)| text.repeat(times))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn whatever_a_run_writes_down_becomes_a_report_that_is_taken(
            names in prop::collection::vec("(regress_log_)?[./a-z é-]{0,110}", 0..6),
            texts in prop::collection::vec(text(), 4),
            libraries in 0..400_usize,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let events = Events::unheard();
            let now = Timestamp::from_millis(0);
            let mut book = Book::new(&events, now);
            runtime.block_on(async {
                book.begin(Phase::Create).await;
                book.note(texts[0].clone()).await;
                book.close(|record| record.command.clone_from(&texts[1])).await;
            });
            for name in &names {
                book.keep(name, FileKind::Log, &LogText::default());
            }
            book.circumstances.provided.preload = vec!["widget".into(); libraries];
            book.circumstances.provided.why.push(texts[2].clone());
            let verdict = Verdict::new(Phase::Create, Reason::CreateFailed).with_detail(texts[3].clone());
            let (kernel, engine) = (String::new(), String::new());
            let runner = RunnerFacts { version: "1".into(), kernel, engine, cpus: 1.0, memory_bytes: 1 };
            let report = book.complete(RunId::new(now), verdict, runner, now).report;
            prop_assert_eq!(report.check(), Ok(()));
        }
    }

    #[tokio::test]
    async fn neither_a_note_nor_a_verdict_can_hide_or_turn_what_stands_around_it() {
        let events = Events::unheard();
        let now = Timestamp::from_millis(0);
        let mut book = Book::new(&events, now);
        book.note("It needs \u{202e}w\u{200b}\u{1b}[31m.").await;
        let verdict = Verdict::new(Phase::Install, Reason::InstallFailed).with_detail("no \u{2066}w");
        let (kernel, engine) = (String::new(), String::new());
        let runner = RunnerFacts { version: "1".into(), kernel, engine, cpus: 1.0, memory_bytes: 1 };
        let report = book.complete(RunId::new(now), verdict, runner, now).report;
        assert_eq!((report.notes[0].as_str(), report.verdict.detail.as_str()), ("It needs w.", "no w"));
    }

    #[tokio::test]
    async fn tests_that_are_not_listed_are_counted() {
        let events = Events::unheard();
        let mut book = Book::new(&events, Timestamp::from_millis(0));
        book.take(&Finding { omitted_tests: 12_345, ..Finding::default() }).await;
        assert_eq!(book.notes, ["It ran 12345 tests, of which 0 are listed."]);
        book.take(&Finding::default()).await;
        assert_eq!(book.notes.len(), 1);
    }

    #[test]
    fn a_file_gets_a_name_that_a_report_may_have() {
        assert_eq!(free_name("src/sub dir/regression.diffs", |_| false), "src-sub-dir-regression.diffs");
        assert_eq!(free_name("../../etc/x", |_| false), "etc-x");
        assert_eq!(free_name("a", |name| name == "a" || name == "2-a"), "3-a");
        assert_eq!(free_name("...", |_| false), "file");
        assert_eq!(free_name(&format!("regress_log_{}", ".".repeat(100)), |_| false), "file");
        assert!(free_name(&"x".repeat(500), |name| name.len() == 90).len() <= 100);
    }
}
