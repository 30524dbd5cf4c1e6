//! What a runner does and has done, for its volunteer: see [`crate::Status`]. What it tests now lives in memory; what it has found so far, and
//! when each image was last used, in `record.json` of its data directory, which runners that share the directory share.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{Assignment, Grade, RunId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Events;
use crate::private;
use crate::status::{DiskUse, RunNow};

const FILE: &str = "record.json";
const LOCK: &str = "record.lock";
/// More images than any runner has used; the ones used longest ago are forgotten.
const MAX_IMAGES: usize = 1_000;

/// What outlives a runner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// When each image, by its digest, was last used.
    #[serde(default)]
    pub(crate) images: BTreeMap<String, Timestamp>,
    /// The results that were delivered, by grade.
    #[serde(default)]
    pub(crate) results: BTreeMap<Grade, u64>,
    /// Since when they are counted.
    #[serde(default)]
    pub(crate) since: Option<Timestamp>,
}

impl Record {
    /// That of a data directory; an empty one where there is none that can be read, as nothing depends on it but the order of removals.
    pub(crate) fn read(dir: &Path) -> Self {
        fs::read(dir.join(FILE)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Changes it, one process after the other. It blocks for as long as the other takes.
    pub(crate) fn change(dir: &Path, act: impl FnOnce(&mut Self)) -> std::io::Result<()> {
        let lock = File::create(dir.join(LOCK))?;
        lock.lock()?;
        let mut record = Self::read(dir);
        act(&mut record);
        while record.images.len() > MAX_IMAGES {
            let oldest = record.images.iter().min_by_key(|(_, at)| **at).map(|(digest, _)| digest.clone());
            oldest.and_then(|digest| record.images.remove(&digest));
        }
        private::write_json(&dir.join(FILE), &record)
    }
}

/// Something is wrong since then.
pub(crate) type Wrong = (Timestamp, String, bool);

#[derive(Default)]
struct Present {
    runs: BTreeMap<RunId, (Box<Assignment>, Timestamp, Events)>,
    /// What is wrong, since when, and whether it is the coordinator.
    wrong: Option<Wrong>,
    disk: Option<DiskUse>,
}

/// What a runner does now; clones share it.
#[derive(Clone)]
pub(crate) struct Journal {
    dir: PathBuf,
    present: Arc<Mutex<Present>>,
    /// Runs that go on, and images that are made.
    works: Arc<AtomicUsize>,
}

/// Work that goes on until it is dropped.
pub(crate) struct Work {
    run: Option<RunId>,
    journal: Journal,
}

impl Journal {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, present: Arc::default(), works: Arc::default() }
    }

    /// A run begins, whose events say how far it is.
    pub(crate) fn runs(&self, assignment: &Assignment, events: &Events, now: Timestamp) -> Work {
        let run = assignment.lease.run_id;
        self.present().runs.insert(run, (Box::new(assignment.clone()), now, events.clone()));
        let mut work = self.works();
        work.run = Some(run);
        work
    }

    /// Something else begins that keeps the machine busy, such as the making of an image.
    pub(crate) fn works(&self) -> Work {
        self.works.fetch_add(1, Ordering::SeqCst);
        Work { run: None, journal: self.clone() }
    }

    /// Whether anything of ours keeps the machine busy.
    pub(crate) fn is_busy(&self) -> bool {
        self.works.load(Ordering::SeqCst) > 0
    }

    /// Says that something is wrong; whether that is new.
    pub(crate) fn goes_wrong(&self, why: &str, is_coordinator: bool, now: Timestamp) -> bool {
        let mut present = self.present();
        let since = present.wrong.as_ref().map(|(since, ..)| *since);
        present.wrong = Some((since.unwrap_or(now), why.to_owned(), is_coordinator));
        since.is_none()
    }

    /// Says that nothing is wrong; whether anything was.
    pub(crate) fn is_well(&self) -> bool {
        self.present().wrong.take().is_some()
    }

    /// What is wrong.
    pub(crate) fn wrong(&self) -> Option<Wrong> {
        self.present().wrong.clone()
    }

    /// A result was delivered.
    pub(crate) fn found(&self, grade: Grade, now: Timestamp) {
        self.change(|record| {
            record.since.get_or_insert(now);
            *record.results.entry(grade).or_default() += 1;
        });
    }

    pub(crate) fn change(&self, act: impl FnOnce(&mut Record)) {
        if let Err(error) = Record::change(&self.dir, act) {
            tracing::debug!(%error, dir = %self.dir.display(), "did not keep what was done");
        }
    }

    pub(crate) fn record(&self) -> Record {
        Record::read(&self.dir)
    }

    pub(crate) fn weighs(&self, disk: DiskUse) {
        self.present().disk = Some(disk);
    }

    pub(crate) fn disk(&self) -> Option<DiskUse> {
        self.present().disk.clone()
    }

    /// What runs now, the oldest first.
    pub(crate) fn now(&self) -> Vec<RunNow> {
        let now = |(assignment, since, events): &(Box<Assignment>, Timestamp, Events)| RunNow {
            run_id: assignment.lease.run_id,
            release: assignment.release.to_string(),
            target: assignment.target,
            phase: events.phase(),
            since: *since,
        };
        self.present().runs.values().map(now).collect()
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(run) = self.run {
            self.journal.present().runs.remove(&run);
        }
        self.journal.works.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn what_was_done_outlives_the_runner_and_is_shared() {
        let dir = tempfile::tempdir().unwrap();
        let journals = [Journal::new(dir.path().to_owned()), Journal::new(dir.path().to_owned())];
        std::thread::scope(|scope| {
            for journal in &journals {
                scope.spawn(|| (0..20).for_each(|now| journal.found(Grade::Pass, at(now))));
            }
        });
        journals[0].change(|record| record.images.extend([("sha256:1".to_owned(), at(7))]));
        let record = Journal::new(dir.path().to_owned()).record();
        assert_eq!(record.results, BTreeMap::from([(Grade::Pass, 40)]));
        assert_eq!((record.since, record.images["sha256:1"]), (Some(at(0)), at(7)));
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert_eq!(journals[0].record(), Record::default());
        journals[1].found(Grade::Fail, at(9));
        assert_eq!(journals[0].record().results, BTreeMap::from([(Grade::Fail, 1)]));
    }

    #[test]
    fn trouble_is_new_once_and_over_once() {
        let journal = Journal::new(PathBuf::new());
        assert!(journal.goes_wrong("a", true, at(1)) && !journal.goes_wrong("b", true, at(2)));
        assert_eq!(journal.wrong(), Some((at(1), "b".into(), true)));
        assert!(journal.is_well() && !journal.is_well());
    }

    #[test]
    fn the_machine_is_busy_while_any_work_goes_on() {
        let journal = Journal::new(PathBuf::new());
        let (one, other) = (journal.works(), journal.works());
        drop(one);
        assert!(journal.is_busy());
        drop(other);
        assert!(!journal.is_busy());
    }
}
