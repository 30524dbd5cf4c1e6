//! `--shell`: a shell in the sandbox of a run that failed, at the terminal of the person, or reading what a pipe gives.

use std::io::{Read, Write, stdin, stdout};

use anyhow::{Context, Result};
use protocol::{Phase, PhaseRecord};
use runner::{Shell, StoredFile};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Cell, Tested};
use crate::args::ShellAt;
use crate::console::{Colour, Console, plain};
use crate::terminal;

/// Opens a shell where the run failed, or where it stopped as it was told to; ends with the shell, or when `shutdown` is cancelled.
pub(super) async fn open(
    tested: &mut Tested,
    at: ShellAt,
    console: Console,
    shutdown: &CancellationToken,
) -> Result<()> {
    let Some(phase) = phase(tested.cell.as_ref(), at) else {
        console.line("Nothing failed, so that no shell is opened; `--shell=build` opens one after the build, say.");
        return Ok(());
    };
    let Some(standing) = tested.standing.take() else {
        console.line(&format!("It ended in the phase {phase}, before there was a sandbox to open a shell in."));
        return Ok(());
    };
    let files: &[StoredFile] = tested.cell.as_ref().map_or(&[], |cell| &cell.completed.files);
    let record = tested.cell.as_ref().and_then(|cell| record(cell, phase));
    introduce(&format!("{}", standing.target()), phase, record, console);
    let size = terminal::size();
    let mut shell = standing.shell(phase, files, size).await.context("open a shell")?;
    let raw = size.map(|_| terminal::Raw::enter()).transpose().context("set the terminal up")?;
    let talked = tokio::select! {
        talked = talk(&mut shell) => talked,
        () = shutdown.cancelled() => Ok(()),
    };
    drop(raw);
    shell.close().await;
    console.line("The shell has ended, and the container is removed.");
    talked.context("speak with the shell")
}

/// The phase that a shell is about: the one that failed, or the one that it is to be opened after; none where nothing failed.
fn phase(cell: Option<&Cell>, at: ShellAt) -> Option<Phase> {
    let Some(cell) = cell else { return at.after() };
    let verdict = &cell.completed.report.verdict;
    if verdict.blame().is_some() { Some(verdict.phase) } else { at.after() }
}

fn record(cell: &Cell, phase: Phase) -> Option<&PhaseRecord> {
    cell.completed.report.phases.iter().find(|record| record.phase == phase)
}

/// Says where the person is, what was run there, and how to run it again.
fn introduce(target: &str, phase: Phase, record: Option<&PhaseRecord>, console: Console) {
    console.line("");
    let outcome = record.map_or_else(|| "passed".to_owned(), |record| record.outcome.to_string());
    let head = format!("A shell in the sandbox on {target}, after the phase {phase}, which {outcome}.");
    console.line(&console.paint(Colour::Bold, &head));
    console.line("  It has no network, and the limits of the run but for its time; the server runs if it did.");
    if let Some(record) = record.filter(|record| !record.command.is_empty()) {
        console.line(&format!("  What ran   {}", plain(&record.command)));
    }
    console.line("  Run again  /sandbox/again");
    console.line("  Logs       *.log in the source, all files of the run in /sandbox/logs");
    console.line("`exit` ends it, and the container is removed.");
}

/// Passes on what is typed and what is printed, until the shell has ended.
async fn talk(shell: &mut Shell) -> Result<()> {
    let mut typed = typed();
    let mut resized = signal(SignalKind::window_change())?;
    let mut is_open = true;
    loop {
        tokio::select! {
            printed = shell.output() => match printed {
                Some(bytes) => {
                    let mut out = stdout().lock();
                    out.write_all(&bytes).and_then(|()| out.flush()).context("print what the shell says")?;
                }
                None => return Ok(()),
            },
            piece = typed.recv(), if is_open => if let Some(bytes) = piece {
                // A shell that has ended takes nothing, and says so by its output.
                is_open = shell.input(&bytes).await.is_ok();
            } else {
                is_open = false;
                shell.end_input().await;
            },
            _ = resized.recv() => if let Some(size) = terminal::size() {
                shell.resize(size).await;
            },
        }
    }
}

/// What is typed, or stands in the pipe. In a thread that nobody waits for: a read of a terminal cannot be ended.
fn typed() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut piece = [0; 4_096];
        while let Ok(read @ 1..) = stdin().read(&mut piece) {
            if sender.blocking_send(piece[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::super::tests::failing;
    use super::*;

    #[test]
    fn a_shell_is_about_the_phase_that_failed_whatever_it_was_asked_for() {
        let cell = failing("end");
        assert_eq!(phase(Some(&cell), ShellAt::Failing), Some(Phase::Installcheck));
        assert_eq!(phase(Some(&cell), ShellAt::After(Phase::Build)), Some(Phase::Installcheck));
        assert_eq!(phase(None, ShellAt::After(Phase::Build)), Some(Phase::Build));
        assert_eq!(phase(None, ShellAt::Failing), None);
    }
}
