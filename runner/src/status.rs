//! How a runner is, as it writes it down for its volunteer: a file of its own in `status/` of the data directory, written whenever something
//! changes and every ten seconds. It counts for as long as its runner lives; what a killed one has left is removed at the next start.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::{Away, Grade, Phase, RunId, Target, Timestamp};
use serde::{Deserialize, Serialize};

use crate::claim::Agent;
use crate::error::{Error, Result};
use crate::private;
use crate::run::VERSION;
use crate::sandbox::Instance;

/// It is written again after so long, where nothing but times have changed.
const KEEP: Duration = Duration::from_secs(10);

/// What a runner is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It tests something, and goes on with the next.
    Working,
    /// It waits for work.
    Waiting,
    /// It has no image yet to test in.
    Preparing,
    /// Its volunteer has paused it.
    Paused,
    /// It ends once what it tests is done.
    Draining,
    /// It works at other times than now.
    OutsideHours,
    /// Somebody else uses the machine.
    MachineBusy,
    /// The coordinator does not answer, or not in a language that it understands.
    Offline,
    /// Something of its own is wrong: its engine, its disk.
    Trouble,
}

/// A run that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunNow {
    /// The run.
    pub run_id: RunId,
    /// What is tested.
    pub release: String,
    /// On what.
    pub target: Target,
    /// How far it is.
    pub phase: Option<Phase>,
    /// Since when.
    pub since: Timestamp,
}

/// What is taken of the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskUse {
    /// By images of ours, each counted without what it shares with the one below it.
    pub images_bytes: u64,
    /// By archives and what prerequisites installed.
    pub caches_bytes: u64,
    /// What they may take together, if that was said.
    pub budget_bytes: Option<u64>,
    /// When that was looked at.
    pub at: Timestamp,
}

/// How a runner is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its instance, by which its containers are labelled.
    pub instance: String,
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Whom it works for.
    pub coordinator: String,
    /// What it is about.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// Until when, where that is known.
    pub until: Option<Timestamp>,
    /// Why, in words; empty where there is nothing to say.
    pub why: String,
    /// What it tests now, the oldest first.
    pub runs: Vec<RunNow>,
    /// The targets that it offers.
    pub targets: Vec<Target>,
    /// What it takes of the disk; none before it has looked.
    pub disk: Option<DiskUse>,
    /// When the coordinator was last heard of.
    pub contact_at: Option<Timestamp>,
    /// The results that runners of this data directory have delivered, by grade.
    pub results: BTreeMap<Grade, u64>,
    /// Since when they are counted.
    pub results_since: Option<Timestamp>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When this was written.
    pub written_at: Timestamp,
}

impl Status {
    /// The runners that live in a data directory; one that has just been started may have said nothing yet, and is left out.
    pub fn of_living(data_dir: &Path) -> Result<Vec<Self>> {
        let read =
            |id: &String| fs::read(file(data_dir, id)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Instance::living(data_dir)?.iter().filter_map(read).collect())
    }

    /// Removes what runners that are dead have left.
    pub(crate) fn forget_dead(data_dir: &Path) -> Result<()> {
        let living = Instance::living(data_dir)?;
        for entry in fs::read_dir(dir(data_dir)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !living.iter().any(|id| name.strip_suffix(".json") == Some(id.as_str())) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    fn write(&self, data_dir: &Path) -> Result<()> {
        let path = file(data_dir, &self.instance);
        private::write_json(&path, self).map_err(Error::file("write", &path))
    }

    /// The same but for times that always change.
    fn still(&self) -> Self {
        Self { written_at: Timestamp::from_millis(0), contact_at: None, ..self.clone() }
    }
}

fn dir(data_dir: &Path) -> PathBuf {
    data_dir.join("status")
}

fn file(data_dir: &Path, instance: &str) -> PathBuf {
    dir(data_dir).join(format!("{instance}.json"))
}

impl Agent {
    /// How it is now.
    pub fn status(&self) -> Status {
        let now = self.site.clock.now();
        let record = self.journal.record();
        let (state, until, why) = self.state();
        Status {
            instance: self.site.place.instance.clone(),
            pid: std::process::id(),
            version: VERSION.to_owned(),
            coordinator: self.coordinator.url().to_string(),
            state,
            since: now,
            until,
            why,
            runs: self.journal.now(),
            targets: self.offer.ready(),
            disk: self.journal.disk(),
            contact_at: self.coordinator.heard().map(|ago| now.minus(ago)),
            results: record.results,
            results_since: record.since,
            started_at: self.started_at,
            written_at: now,
        }
    }

    fn state(&self) -> (State, Option<Timestamp>, String) {
        if let Some(closed) = self.gate.closed() {
            let state = match closed.absence.why {
                Away::Paused => State::Paused,
                Away::Draining => State::Draining,
                Away::Hours => State::OutsideHours,
                Away::Busy => State::MachineBusy,
            };
            return (state, closed.absence.until, closed.why);
        }
        if let Some((_, why, is_coordinator)) = self.journal.wrong() {
            return (if is_coordinator { State::Offline } else { State::Trouble }, None, why);
        }
        let works = !self.journal.now().is_empty();
        let waits = !self.offer.ready().is_empty();
        (
            if works {
                State::Working
            } else if waits {
                State::Waiting
            } else {
                State::Preparing
            },
            None,
            String::new(),
        )
    }

    /// Writes down how it is, where that is another than what stands there, or that is some seconds old.
    pub(crate) fn write_status(&self) {
        let mut status = self.status();
        let mut told = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(before) = &*told {
            if before.state == status.state {
                status.since = before.since;
            }
            if before.still() == status.still() && status.written_at.since(before.written_at) < KEEP {
                return;
            }
        }
        if let Err(error) = status.write(&self.site.data_dir) {
            tracing::debug!(%error, "did not write down how the runner is");
        }
        *told = Some(status);
    }

    /// Removes what it has written down.
    pub(crate) fn forget_status(&self) {
        let _ = fs::remove_file(file(&self.site.data_dir, &self.site.place.instance));
    }
}
