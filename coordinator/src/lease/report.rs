//! A runner reports what a run came to.

use protocol::{FileRecord, Grade, InvalidReport, JobState, Report, RunId, Seal, Timestamp};
use store::results::{self, Acceptance, Answer, Handed};
use store::runners::Runner;
use store::runs::{self, LeaseKey, Told};
use store::{TokenHash, Tx, losses};

use super::{Denied, forget, heard};
use crate::events::VerdictEvent;
use crate::together::Ask;
use crate::{Coordinator, Event, Result, confirm, signing, withdraw};

/// A report whose signature and files are looked at.
pub(crate) struct Seen {
    runner: Runner,
    run_id: RunId,
    token: TokenHash,
    report: Report,
    seal: Option<Seal>,
}

/// Takes a report as the result of its run. The same report again is taken again, as its first answer may have been lost.
///
/// Its signature is verified before anything is written, so that a forged report does not end the lease.
pub async fn report(
    coordinator: &Coordinator,
    (runner, run_id, token): (Runner, RunId, TokenHash),
    (report, seal): (Report, Option<Seal>),
) -> Result<Result<(), Denied>> {
    if let Err(invalid) = report.check() {
        return Ok(Err(Denied::Report(invalid)));
    }
    if report.run_id == run_id {
        if let Err(refused) = signing::verify(coordinator, (&runner, &token), &report, seal.as_ref()).await? {
            return Ok(Err(Denied::Signature(refused)));
        }
        if let Some(invalid) = missing_file(coordinator, &report).await? {
            return Ok(Err(Denied::Report(invalid)));
        }
    }
    let seen = Seen { runner, run_id, token, report, seal };
    Ok(match coordinator.reports.ask(coordinator, seen).await?.acceptance {
        Acceptance::Accepted | Acceptance::Again => Ok(()),
        Acceptance::Quarantined(odd) => {
            confirm::announce_quarantine(coordinator, odd).await?;
            confirm::tick(coordinator, coordinator.now()).await?;
            withdraw::tick(coordinator, coordinator.now()).await?;
            Ok(())
        }
        Acceptance::Lost(lost) => Err(Denied::Lost(lost)),
        Acceptance::Refused(invalid) => Err(Denied::Report(invalid)),
    })
}

impl Ask for Seen {
    type Answer = Answer;

    async fn work(coordinator: &Coordinator, reports: &[Self]) -> Result<Vec<Answer>> {
        let now = coordinator.now();
        let handed: Vec<Handed<'_>> = reports.iter().map(Self::handed).collect();
        let mut tx = coordinator.store.begin().await?;
        let answers = results::accept(&mut tx, &handed, coordinator.config.retries, now).await?;
        let mut tellers: Vec<(&Self, &Answer)> = reports.iter().zip(&answers).collect();
        tellers.sort_by_key(|(seen, _)| seen.runner.id);
        for (seen, answer) in tellers {
            seen.lives(&mut tx, answer, now).await?;
        }
        tx.commit().await?;
        for (seen, answer) in reports.iter().zip(&answers) {
            if let Some(told) = &answer.told {
                forget(coordinator, seen.run_id);
                announce(coordinator, seen.run_id, told.clone());
            }
        }
        Ok(answers)
    }
}

impl Seen {
    fn handed(&self) -> Handed<'_> {
        let key = LeaseKey { run_id: self.run_id, runner_id: self.runner.id, token: &self.token };
        Handed { key, report: &self.report, seal: self.seal.as_ref() }
    }

    /// Notes that its runner lives, and where it was heard, forgets what that had lost.
    async fn lives(&self, tx: &mut Tx, answer: &Answer, now: Timestamp) -> Result<()> {
        if self.runner.lost > 0 && answer.told.is_some() {
            losses::forgive(tx, self.runner.id).await?;
        }
        heard(tx, &self.runner, now).await
    }
}

/// The first file that a report names and that was not uploaded, or not with that content.
async fn missing_file(coordinator: &Coordinator, report: &Report) -> Result<Option<InvalidReport>> {
    for FileRecord { name, sha256, bytes, .. } in &report.files {
        let why = match coordinator.blobs.look(report.run_id, name).await? {
            None => format!("its file `{name}` was not uploaded"),
            Some(blob) if blob.sha256 != *sha256 => {
                format!("the SHA-256 of its file `{name}` is not that of what was uploaded")
            }
            Some(blob) if blob.bytes != *bytes => {
                format!("its file `{name}` has {} bytes as it was uploaded, not {bytes}", blob.bytes)
            }
            Some(_) => continue,
        };
        return Ok(Some(InvalidReport { why }));
    }
    Ok(None)
}

/// Tells listeners of a verdict that the farm found itself, and which is stored.
pub(crate) async fn announce_verdict(coordinator: &Coordinator, run_id: RunId) -> Result<()> {
    let mut conn = coordinator.store.read().await?;
    if let Some(told) = runs::told(&mut conn, run_id).await? {
        announce(coordinator, run_id, told);
    }
    Ok(())
}

/// Tells listeners of the result of a run that was just stored, and runners of a job that has to run again.
///
/// A failure of the farm that is tried again is told to nobody but the log.
fn announce(coordinator: &Coordinator, run_id: RunId, told: Told) {
    let again = told.job_state == JobState::Queued;
    if again {
        coordinator.queued.notify_waiters();
    }
    if again && told.grade == Grade::Error {
        tracing::info!(run = %run_id, reason = %told.reason, detail = told.detail, "the farm failed; it is tried again");
        return;
    }
    coordinator.events.send(Event::Verdict(VerdictEvent {
        run_id,
        dist: told.dist,
        version: told.version,
        target: told.target,
        grade: told.grade,
        phase: told.phase,
        reason: told.reason,
        sentence: told.reason.sentence_with(&told.detail),
        doubt: told.doubt,
    }));
}
