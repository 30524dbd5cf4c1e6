//! What a run tells while it runs: the terminal shows it, the lease's renewals report the phase, and the coordinator is told what is new.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use protocol::{Phase, PhaseRecord, Progress};
use tokio::sync::{mpsc, watch};

use tail::Tail;

mod tail;

/// Events that wait to be heard; a run never waits for its listener, except to say that a phase has begun or ended.
const QUEUE: usize = 1_024;

/// Something that happened in a run.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// A phase has begun.
    PhaseStarted(Phase),
    /// A command has printed something. Some of a flood is left out here, none of it in the log.
    Output(Phase, Bytes),
    /// A phase is over.
    PhaseEnded(PhaseRecord),
    /// Something was done beside the plain commands: a sentence.
    Note(String),
}

/// Where a run sends its events.
#[derive(Clone, Debug)]
pub struct Events {
    sender: Option<mpsc::Sender<RunEvent>>,
    phase: watch::Sender<Option<Phase>>,
    tail: Option<Arc<Mutex<Tail>>>,
}

impl Events {
    /// Events that somebody listens to.
    pub fn channel() -> (Self, mpsc::Receiver<RunEvent>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self { sender: Some(sender), ..Self::unheard() }, receiver)
    }

    /// Events of which only the phase is asked for.
    pub fn unheard() -> Self {
        Self { sender: None, phase: watch::Sender::new(None), tail: None }
    }

    /// Events of which the latest are kept, for whoever asks; the run waits for nobody.
    pub(crate) fn kept() -> Self {
        Self { tail: Some(Arc::default()), ..Self::unheard() }
    }

    /// What is new since this was asked last.
    pub(crate) fn news(&self) -> Option<Progress> {
        self.with_tail(Tail::take).flatten()
    }

    /// What was asked for did not arrive, and is not told again.
    pub(crate) fn lost(&self, progress: &Progress) {
        self.with_tail(|tail| tail.lost(progress));
    }

    fn with_tail<T>(&self, act: impl FnOnce(&mut Tail) -> T) -> Option<T> {
        let tail = self.tail.as_ref()?;
        Some(act(&mut tail.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The phase that runs now.
    pub fn phase(&self) -> Option<Phase> {
        *self.phase.borrow()
    }

    /// Says that a phase has begun.
    pub(crate) async fn started(&self, phase: Phase) {
        self.phase.send_replace(Some(phase));
        self.with_tail(|tail| tail.begin(phase));
        self.send(RunEvent::PhaseStarted(phase)).await;
    }

    /// Says something that must be heard.
    pub(crate) async fn send(&self, event: RunEvent) {
        if let RunEvent::PhaseEnded(record) = &event {
            self.with_tail(|tail| tail.end(record));
        }
        if let Some(sender) = &self.sender {
            // A listener that has gone away hears nothing, which is its own affair.
            let _ = sender.send(event).await;
        }
    }

    /// Passes on what a command prints, if there is room.
    pub(crate) fn output(&self, phase: Phase, bytes: &[u8]) {
        self.with_tail(|tail| tail.print(phase, bytes));
        if let Some(sender) = &self.sender {
            let _ = sender.try_send(RunEvent::Output(phase, Bytes::copy_from_slice(bytes)));
        }
    }
}
