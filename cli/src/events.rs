//! What happens in a farm, as lines of the terminal.

use anyhow::Result;
use coordinator::{Coordinator, Event};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::console::{Colour, Console, plain};

/// Shows events until `shutdown`, those that have happened by then included.
pub(crate) async fn show(coordinator: Coordinator, console: Console, shutdown: CancellationToken) -> Result<()> {
    let mut events = coordinator.events().subscribe();
    loop {
        let event = tokio::select! {
            biased;
            event = events.recv() => event,
            () = shutdown.cancelled() => return Ok(()),
        };
        match event {
            Ok(event) => {
                if let Some(line) = line(&event, console) {
                    console.line(&line);
                }
            }
            Err(RecvError::Lagged(missed)) => console.line(&format!("({missed} lines left out)")),
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

/// The line of an event; none for those that happen too often to read.
fn line(event: &Event, console: Console) -> Option<String> {
    let dim = |text: String| console.paint(Colour::Dim, &text);
    Some(match event {
        Event::RegistryUnreachable { sentence } => {
            format!("{} {}", console.paint(Colour::Yellow, "registry"), plain(sentence))
        }
        Event::RegistryBack => "registry answers again".into(),
        Event::ReleaseSeen { dist, version, jobs, .. } => dim(format!("release  {dist} {version}, {jobs} runs queued")),
        Event::ReleaseBroken { dist, version, sentence } => {
            let release = plain(&format!("{dist} {version}: {sentence}"));
            format!("{} {release}", console.paint(Colour::Yellow, "broken  "))
        }
        Event::LeaseExpired { run_id } => {
            format!("{} of run {run_id} ran out", console.paint(Colour::Yellow, "lease   "))
        }
        Event::RunnerQuarantined { name, reason } => {
            let words = plain(&format!("{name} is quarantined: {reason}"));
            format!("{} {words}", console.paint(Colour::Yellow, "runner  "))
        }
        Event::Verdict(verdict) => {
            let what = format!("{} {}", verdict.dist, verdict.version);
            let cell = format!("{what:<32} {:<12}", verdict.target.to_string());
            let doubt = verdict.doubt.map(|flag| format!(" ({flag})")).unwrap_or_default();
            let words = format!("{} {}{doubt}", verdict.phase, plain(&verdict.sentence));
            format!("{} {cell} {}", console.grade(verdict.grade), dim(words))
        }
        Event::Reconciled(_) | Event::JobClaimed { .. } | Event::PhaseStarted { .. } => return None,
    })
}
