//! What happens in the farm as it happens, for the terminal of `up`. Nothing depends on anybody listening.

use protocol::{Flag, Grade, Name, Phase, Reason, RunId, Status, Target, Version};
use tokio::sync::broadcast;

use crate::reconcile::Counts;

/// A listener that is further behind than this loses the oldest events, and is told how many.
const BACKLOG: usize = 256;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The registry stopped answering as it should. Said once, until it is back.
    RegistryUnreachable {
        /// What is wrong.
        sentence: String,
    },
    /// The registry answers again.
    RegistryBack,
    /// A release was stored and planned.
    ReleaseSeen {
        /// The distribution.
        dist: Name,
        /// Its version.
        version: Version,
        /// What its author calls it.
        status: Status,
        /// How many jobs were queued for it.
        jobs: usize,
    },
    /// A release cannot be read, or not yet; it is kept and tried again.
    ReleaseBroken {
        /// The distribution, as announced.
        dist: String,
        /// The version, as announced.
        version: String,
        /// What is wrong with it.
        sentence: String,
    },
    /// The whole registry was compared with the store.
    Reconciled(Counts),
    /// A runner has claimed a job.
    JobClaimed {
        /// The run that the claim opened.
        run_id: RunId,
        /// The distribution.
        dist: Name,
        /// Its version.
        version: Version,
        /// What it is tested on.
        target: Target,
        /// Which attempt this is, from 1.
        attempt: u32,
    },
    /// A runner has said that it is in another phase now.
    PhaseStarted {
        /// The run.
        run_id: RunId,
        /// The phase.
        phase: Phase,
    },
    /// A lease ran out. Its job waits again, or was withdrawn with its release, or ended: then its verdict follows.
    LeaseExpired {
        /// The run that held it.
        run_id: RunId,
    },
    /// A verdict was accepted, or needed no run.
    Verdict(VerdictEvent),
    /// A runner gets no work any more.
    RunnerQuarantined {
        /// Its name.
        name: String,
        /// Why, as words that follow a colon.
        reason: String,
    },
}

/// A verdict, for one line of a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictEvent {
    /// The run, or the result's own id where there was none; its page is `/runs/{run_id}`.
    pub run_id: RunId,
    /// The distribution.
    pub dist: Name,
    /// Its version.
    pub version: Version,
    /// What it was tested on.
    pub target: Target,
    /// The grade.
    pub grade: Grade,
    /// The phase that decided.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// Why, for people.
    pub sentence: String,
    /// Whether it is in doubt: UNCONFIRMED, FLAKY, or not.
    pub doubt: Option<Flag>,
}

/// Where events are sent and listened to. Clones share one channel.
#[derive(Clone, Debug)]
pub struct Events(broadcast::Sender<Event>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Events {
    /// Listens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    pub(crate) fn send(&self, event: Event) {
        // Fails when nobody listens, which is no failure.
        let _ = self.0.send(event);
    }
}
