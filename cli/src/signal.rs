//! Signals: the first asks for a clean end, the second ends at once.

use std::io::Result;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Listens for signals until it is dropped.
pub(crate) struct Signals(#[expect(dead_code, reason = "dropping it ends the listening")] JoinSet<()>);

impl Signals {
    /// Cancels `shutdown` on the first SIGINT or SIGTERM; the second ends the process with 130.
    pub(crate) fn cancel(shutdown: CancellationToken) -> Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut listening = JoinSet::new();
        listening.spawn(listen(interrupt, terminate, shutdown));
        Ok(Self(listening))
    }
}

async fn listen(mut interrupt: Signal, mut terminate: Signal, shutdown: CancellationToken) {
    for last in [false, true] {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if last {
            std::process::exit(130)
        }
        shutdown.cancel();
    }
}
