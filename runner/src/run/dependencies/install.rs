//! Prerequisites in the container: built and installed one after the other, and kept for the next run. Their tests are not run.
//!
//! What one of them installed is taken out right after its own `make install`. Of what came before it in the same container it may have been
//! tampered with, which is why that is a part of its key (see `prerequisites/cache`). Then all of it goes into another container, which is
//! the distribution's.

use std::time::Duration;

use protocol::{Decisive, Flag, Origin, Phase, Prerequisite, RunId, Verdict};

use super::fetch::{Form, Ready, Supply, failed};
use super::keep::MARK;
use super::{LOG, blocked, keep};
use crate::error::Error;
use crate::judge::Finding;
use crate::prerequisites::{Entry, Planned};
use crate::run::phase::{Attempt, Bench};
use crate::run::quote::quoted;
use crate::run::stop::in_phase;
use crate::run::{Book, Step, Stop, Subject, book, build, configure, downloads, log_name, provide};
use crate::sandbox::{Command, Log, WAIT_FOR_SERVER};

/// How long a container takes to be ready.
const PATIENCE: Duration = Duration::from_mins(2);

/// What was installed, in order.
type Installed = Vec<(Planned, Entry)>;

/// Installs everything in order, and gives what was installed.
pub(super) async fn run(
    bench: &mut Bench<'_>,
    (run_id, all, mut supply): (RunId, Vec<Ready>, Supply<'_>),
    log: &mut Log,
    book: &mut Book<'_>,
) -> Step<Installed> {
    let mut installed = Installed::new();
    // Where nothing is built, nothing has to be there before the distribution's own container.
    let mut builds = false;
    for ready in all {
        let provided = match supply.form(bench, &ready).await {
            Ok(Form::Installed(entry)) => {
                let release = &ready.item.known.release;
                log.remark(&format!("{release}: copied in, as an earlier run installed it on this image"));
                let copied = if builds { copy_in(bench, &ready.item, &entry).await } else { Ok(()) };
                copied.map(|()| (Origin::Cached, entry))
            }
            Ok(Form::Source(subject)) => {
                let before = if builds { Ok(()) } else { copy_all_in(bench, &installed).await };
                builds = true;
                match before {
                    Ok(()) => build_and_keep(bench, (&ready, *subject), log, book).await,
                    Err(stop) => Err(stop),
                }
            }
            Err(stop) => Err(stop),
        };
        let origin = provided.as_ref().map_or(Origin::Missing, |(origin, _)| *origin);
        book.circumstances.prerequisites.push(record(&ready.item, origin));
        installed.push((ready.item, provided?.1));
    }
    if builds {
        bench.sandbox.renew(bench.image, run_id).await.map_err(in_phase(Phase::Dependencies))?;
        book.overhead.start_ms += book::millis(bench.sandbox.start);
    }
    // A server that is still starting would start what they installed.
    let wait = Command { before: WAIT_FOR_SERVER.into(), ..Command::shell("/", ":") };
    let waited = bench.sandbox.run(&wait, PATIENCE, &mut Log::new(1_000), &mut |_| {}).await;
    waited.map_err(in_phase(Phase::Dependencies))?;
    copy_all_in(bench, &installed).await?;
    Ok(installed)
}

async fn build_and_keep(
    bench: &mut Bench<'_>,
    (ready, subject): (&Ready, Subject),
    log: &mut Log,
    book: &mut Book<'_>,
) -> Step<(Origin, Entry)> {
    build_one(bench, (&ready.item, subject, &ready.dir), log, book).await?;
    Ok((Origin::Built, keep::run(bench, &ready.item, &ready.key, &ready.dir).await?))
}

async fn copy_all_in(bench: &Bench<'_>, installed: &Installed) -> Step<()> {
    for (item, entry) in installed {
        copy_in(bench, item, entry).await?;
    }
    Ok(())
}

/// Puts what a prerequisite installed where it belongs.
async fn copy_in(bench: &Bench<'_>, item: &Planned, entry: &Entry) -> Step<()> {
    let archive = entry.archive().map_err(Error::file("read below", &bench.site.work_dir));
    match bench.sandbox.copy_in(archive.map_err(in_phase(Phase::Dependencies))?, "/").await {
        Err(Error::CopyIn { why }) if why.contains("No space left on device") => {
            Err(Stop::Decided(blocked(item, "there is no room for what it installs")))
        }
        copied => copied.map_err(in_phase(Phase::Dependencies)),
    }
}

fn record(item: &Planned, origin: Origin) -> Prerequisite {
    let release = &item.known.release;
    Prerequisite {
        wanted: item.wanted.as_str().to_owned(),
        range: if item.range.is_any() { String::new() } else { item.range.to_string() },
        dist: Some(release.dist.clone()),
        version: Some(release.version.clone()),
        sha1: Some(release.sha1.clone()),
        origin,
    }
}

/// Builds and installs a prerequisite, whose subject takes the place of the distribution's own meanwhile.
async fn build_one(
    bench: &mut Bench<'_>,
    (item, mut subject, dir): (&Planned, Subject, &str),
    log: &mut Log,
    book: &mut Book<'_>,
) -> Step<()> {
    if let Some((reason, detail)) = build::unbuildable(&subject) {
        return Err(Stop::Decided(failed(item, Phase::Build, reason, &detail)));
    }
    let archive = subject.packed.take().expect("it is packed once and copied once");
    bench.sandbox.copy_in(archive, "/sandbox").await.map_err(in_phase(Phase::Dependencies))?;
    downloads::copy_in(bench, &subject.provision.downloads).await?;
    let own = std::mem::replace(&mut bench.subject, subject);
    let made = make(bench, (item, dir), log, book).await;
    bench.subject = own;
    made
}

/// The commands of a prerequisite; the first that fails ends the run.
async fn make(bench: &mut Bench<'_>, (item, dir): (&Planned, &str), log: &mut Log, book: &mut Book<'_>) -> Step<()> {
    let lines = &bench.subject.provision.before_build;
    let prepare = (!lines.is_empty()).then(|| (Phase::Configure, provide::script(lines)));
    let configure = configure::plan(&bench.subject).map(|plan| (Phase::Configure, plan.script.to_owned()));
    let build = (Phase::Build, build::commands(bench).0);
    let install = (Phase::Install, bench.make("install"));
    let exported =
        |(name, value): (&String, &String)| ["export ".into(), name.clone(), "=".into(), quoted(value), "\n".into()];
    let environment: String = bench.subject.provision.environment.iter().flat_map(exported).collect();
    let mut before = MARK;
    for (phase, script) in prepare.into_iter().chain(configure).chain([build, install]) {
        log.remark(&format!("{}, {phase}: {script}", item.known.release));
        let script = format!("{environment}{script}");
        let command = Command { before: before.into(), ..Command::shell(&format!("/sandbox/{dir}"), &script) };
        before = "";
        let mut attempt = bench.attempt(Phase::Dependencies, &command, book).await?;
        log.push(&attempt.log.so_far().bytes);
        if attempt.ended.exit == Some(0) && attempt.ended.limit.is_none() {
            continue;
        }
        attempt.phase = phase;
        let look = bench.look(&attempt, book).await?;
        look.keep(book);
        let finding = bench.preview(&attempt, &look);
        if attempt.ended.limit.is_some() {
            book.flag(Flag::Timeout);
        }
        return Err(Stop::Decided(verdict(item, finding, &attempt, log)));
    }
    Ok(())
}

/// Why the run is blocked, with the line of the prerequisite's log that shows it.
fn verdict(item: &Planned, finding: Finding, attempt: &Attempt, log: &Log) -> Verdict {
    let inner = finding.verdict.expect("a command that failed has a verdict");
    let mut verdict = failed(item, inner.phase, inner.reason, &inner.detail);
    let (whole, last) = (log.so_far(), attempt.log.so_far());
    let is_there = |line: &Decisive| whole.omitted_bytes == 0 && line.file == log_name(attempt.phase);
    let before = &whole.bytes[..whole.bytes.len().saturating_sub(last.bytes.len())];
    let lines_before = before.split(|byte| *byte == b'\n').count() as u64 - 1;
    verdict.decisive = inner.decisive.filter(is_there).map(|line| Decisive {
        file: LOG.to_owned(),
        line: line.line + lines_before,
        text: line.text,
    });
    verdict
}
