//! What the phases have in common that run a command in the container: run it, look around, judge, write down.

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::{FileKind, Flag, Grade, Outcome, Phase, Reason, Target};
use tokio::time::Instant;

use crate::judge::{Evidence, Finding, Limit, LogFile, judge};
use crate::run::collect::{self, Gone, Kept, Look};
use crate::run::quote::quoted;
use crate::run::stop::in_phase;
use crate::run::{Book, Step, Stop, Subject, book, log_name, spoken};
use crate::sandbox::{Command, Ended, Image, Log, Sandbox};
use crate::site::Site;

/// A container with a distribution in it.
pub(crate) struct Bench<'a> {
    pub(crate) site: &'a Site,
    pub(crate) image: &'a Image,
    pub(crate) sandbox: Sandbox,
    pub(crate) subject: Subject,
    pub(crate) target: Target,
    /// When the prerequisites have to be there; once they are, when the run has to be over.
    deadline: Instant,
    /// The server processes whose crashes are in the report.
    crashed: BTreeSet<u32>,
}

/// A command that has ended, with what it printed.
pub(crate) struct Attempt {
    pub(crate) phase: Phase,
    pub(crate) ended: Ended,
    pub(crate) log: Log,
    /// Whether its container has ended with it.
    gone: Option<Gone>,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(site: &'a Site, image: &'a Image, sandbox: Sandbox, subject: Subject, target: Target) -> Self {
        let deadline = Instant::now() + site.limits.run;
        Self { site, image, sandbox, subject, target, deadline, crashed: BTreeSet::new() }
    }

    /// From now on the time is the distribution's own; what its prerequisites took was theirs.
    pub(crate) fn begin_own_time(&mut self) {
        self.deadline = Instant::now() + self.site.limits.run;
    }

    /// `make` with what every call of it gets, and then this.
    pub(crate) fn make(&self, rest: &str) -> String {
        make(self.image, &self.subject, rest)
    }

    /// What is left of the run's time, or of that for prerequisites.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Runs a command of the open phase.
    pub(crate) async fn attempt(&mut self, phase: Phase, command: &Command, book: &mut Book<'_>) -> Step<Attempt> {
        let wall = self.site.limits.phase.min(self.left());
        self.attempt_within(phase, command, wall, book).await
    }

    /// The same with a limit of its own.
    pub(crate) async fn attempt_within(
        &mut self,
        phase: Phase,
        command: &Command,
        wall: Duration,
        book: &mut Book<'_>,
    ) -> Step<Attempt> {
        let mut log = Log::new(self.site.limits.log_bytes);
        let events = book.events();
        let mut heard = |bytes: &[u8]| events.output(phase, bytes);
        let command = Command { before: collect::note() + &command.before, ..command.clone() };
        let ended = match self.sandbox.run(&command, wall, &mut log, &mut heard).await {
            Ok(ended) => ended,
            Err(error) => {
                let gone = collect::gone(&self.sandbox).await.ok_or(Stop::Failed(phase, error))?;
                return Ok(Attempt { phase, ended: killed(), log, gone: Some(gone) });
            }
        };
        if let Some(own_wall) = ended.own_wall {
            book.overhead.exec_ms += book::millis(ended.wall.saturating_sub(own_wall));
        }
        let silent_end = ended.exit.is_none() && ended.signal.is_none() && ended.limit.is_none();
        let gone = if silent_end { collect::gone(&self.sandbox).await } else { None };
        let ended = if silent_end { Ended { signal: Some(9), ..ended } } else { ended };
        Ok(Attempt { phase, ended, log, gone })
    }

    /// Looks around in the container: what a failed phase left, and what every run keeps.
    pub(crate) async fn look(&mut self, attempt: &Attempt, book: &mut Book<'_>) -> Step<Look> {
        let phase = attempt.phase;
        if let Some(gone) = attempt.gone {
            return Ok(Look::at_nothing(gone));
        }
        let began = Instant::now();
        let look = collect::run(&self.sandbox, phase, attempt.ended.limit.is_some()).await;
        book.overhead.copy_out_ms += book::millis(began.elapsed());
        match look {
            Ok(look) => {
                look.crashes.keep(phase, &mut self.crashed, book);
                Ok(look)
            }
            // The container may end between the command and the look at it.
            Err(error) => match collect::gone(&self.sandbox).await {
                Some(gone) => Ok(Look::at_nothing(gone)),
                None => Err(in_phase(phase)(error)),
            },
        }
    }

    /// Runs a phase of one command: a failure decides the run.
    pub(crate) async fn phase(
        &mut self,
        phase: Phase,
        command: &Command,
        shown: &str,
        book: &mut Book<'_>,
    ) -> Step<Ended> {
        book.begin(phase).await;
        let attempt = self.attempt(phase, command, book).await?;
        self.conclude(attempt, shown, book).await
    }

    /// Judges what a phase's command did, and closes the phase.
    pub(crate) async fn conclude(&mut self, attempt: Attempt, shown: &str, book: &mut Book<'_>) -> Step<Ended> {
        let failed = attempt.ended.exit != Some(0);
        let look = if failed { self.look(&attempt, book).await? } else { Look::default() };
        let (finding, ended) = self.judged(attempt, look, shown, book).await;
        match finding.verdict {
            Some(verdict) => Err(Stop::Decided(verdict)),
            None => Ok(ended),
        }
    }

    /// What the judge will say, before it is decided whether the phase is over.
    pub(crate) fn preview(&self, attempt: &Attempt, look: &Look) -> Finding {
        let log = attempt.log.so_far();
        let log = LogFile { name: &log_name(attempt.phase), bytes: &log.bytes };
        self.judge((attempt.phase, &attempt.ended), log, look, &look.unkept())
    }

    /// Judges and writes down, whatever the verdict.
    pub(crate) async fn judged(
        &self,
        attempt: Attempt,
        look: Look,
        shown: &str,
        book: &mut Book<'_>,
    ) -> (Finding, Ended) {
        let Attempt { phase, ended, mut log, .. } = attempt;
        if let Some(limit) = ended.limit {
            let note = self.limit_note(phase, limit);
            log.remark(&note);
            book.flag(Flag::Timeout);
            book.note(note).await;
        }
        let log = log.finish();
        let name = book.keep(&log_name(phase), FileKind::Log, &log).unwrap_or_default();
        let kept = look.keep(book);
        if look.is_cut() {
            book.note("It left more diffs and logs behind than the farm keeps; some are missing here.").await;
        }
        let finding = self.judge((phase, &ended), LogFile { name: &name, bytes: &log.bytes }, &look, &kept);
        book.take(&finding).await;
        book.close(|record| {
            record.reason = finding.reason().filter(|reason| reason.grade() != Grade::Pass);
            record.outcome = match record.reason {
                Some(Reason::NoTests) => Outcome::Skipped,
                Some(_) => Outcome::Failed,
                None => Outcome::Passed,
            };
            (record.exit, record.signal) = (ended.exit, ended.signal);
            record.cpu_ms = ended.cpu.map(book::millis);
            record.peak_memory_bytes = ended.peak_bytes;
            shown.clone_into(&mut record.command);
            record.log = Some(name.clone()).filter(|name| !name.is_empty());
        })
        .await;
        (finding, ended)
    }

    fn judge(&self, (phase, ended): (Phase, &Ended), log: LogFile<'_>, look: &Look, kept: &Kept) -> Finding {
        let setting = self.subject.setting(self.target.major);
        judge(&Evidence {
            setting: &setting,
            phase,
            exit: ended.exit,
            signal: ended.signal,
            limit: ended.limit,
            out_of_memory: look.out_of_memory,
            out_of_space: look.out_of_space,
            server: look.server,
            log,
            server_log: kept.server_log.as_ref().map(|kept| look.file(kept)),
            sites: look.crashes.sites(),
            diffs: kept.diffs.iter().map(|kept| look.file(kept)).collect(),
        })
    }

    fn limit_note(&self, phase: Phase, limit: Limit) -> String {
        let limits = &self.site.limits;
        match limit {
            Limit::Time if self.deadline <= Instant::now() => {
                format!("The run was ended in the phase {phase} after {}, the limit of a run.", spoken(limits.run))
            }
            Limit::Time => format!("The phase {phase} was ended after {}, its limit.", spoken(limits.phase)),
            Limit::Silence => {
                format!("The phase {phase} was ended after {} without any output, the limit.", spoken(limits.silence))
            }
        }
    }
}

/// `make` of a distribution with what every call of it gets, and then this.
pub(crate) fn make(image: &Image, subject: &Subject, rest: &str) -> String {
    let variables = subject.provision.make.iter().map(|(name, value)| quoted(&format!("{name}={value}")) + " ");
    format!("make PG_CONFIG={} USE_PGXS=1 {}{rest}", image.pg_config, variables.collect::<String>())
}

fn killed() -> Ended {
    Ended { signal: Some(9), ..Ended::default() }
}
