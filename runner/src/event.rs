//! What a run tells while it runs: the terminal shows it, the lease's renewals report the phase.

use bytes::Bytes;
use protocol::{Phase, PhaseRecord};
use tokio::sync::{mpsc, watch};

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
}

impl Events {
    /// Events that somebody listens to.
    pub fn channel() -> (Self, mpsc::Receiver<RunEvent>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self { sender: Some(sender), phase: watch::Sender::new(None) }, receiver)
    }

    /// Events of which only the phase is asked for.
    pub fn unheard() -> Self {
        Self { sender: None, phase: watch::Sender::new(None) }
    }

    /// The phase that runs now.
    pub fn phase(&self) -> Option<Phase> {
        *self.phase.borrow()
    }

    /// Says that a phase has begun.
    pub(crate) async fn started(&self, phase: Phase) {
        self.phase.send_replace(Some(phase));
        self.send(RunEvent::PhaseStarted(phase)).await;
    }

    /// Says something that must be heard.
    pub(crate) async fn send(&self, event: RunEvent) {
        if let Some(sender) = &self.sender {
            // A listener that has gone away hears nothing, which is its own affair.
            let _ = sender.send(event).await;
        }
    }

    /// Passes on what a command prints, if there is room.
    pub(crate) fn output(&self, phase: Phase, bytes: &[u8]) {
        if let Some(sender) = &self.sender {
            let _ = sender.try_send(RunEvent::Output(phase, Bytes::copy_from_slice(bytes)));
        }
    }
}
