//! Signals: the first asks for a clean end, the second ends at once.

use std::io::{IsTerminal, Result, stderr, stdin};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Listens for signals until it is dropped.
pub(crate) struct Signals(JoinSet<()>);

impl Signals {
    /// Cancels `shutdown` on the first SIGINT or SIGTERM; the second ends the process with 130.
    pub(crate) fn cancel(shutdown: CancellationToken) -> Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut listening = JoinSet::new();
        listening.spawn(listen(interrupt, terminate, shutdown));
        Ok(Self(listening))
    }

    /// The same for what ends with the terminal that it was started at: SIGHUP counts, too. What `nohup` starts is at none.
    pub(crate) fn cancel_at_terminal(shutdown: CancellationToken) -> Result<Self> {
        let mut signals = Self::cancel(shutdown.clone())?;
        if !stdin().is_terminal() && !stderr().is_terminal() {
            return Ok(signals);
        }
        let mut hang_up = signal(SignalKind::hangup())?;
        signals.0.spawn(async move {
            hang_up.recv().await;
            shutdown.cancel();
        });
        Ok(signals)
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
