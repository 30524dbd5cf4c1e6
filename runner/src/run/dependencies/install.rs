//! Prerequisites in the container: built and installed one after the other, and kept for the next run. Their tests are not run.
//!
//! What one of them installed is taken out right after its own `make install`. Of what came before it in the same container it may have been
//! tampered with, which is why that is a part of its key (see `prerequisites/cache`); the distribution under test is not there yet.

use protocol::{Decisive, Flag, Origin, Phase, Prerequisite, Verdict};

use super::LOG;
use super::fetch::{Form, Ready, Supply, failed};
use crate::judge::Finding;
use crate::prerequisites::{Key, Planned};
use crate::run::phase::{Attempt, Bench};
use crate::run::quote::quoted;
use crate::run::stop::in_phase;
use crate::run::{Book, Step, Stop, Subject, build, configure, downloads, log_name, provide};
use crate::sandbox::{Command, Log};

/// Is older than whatever a prerequisite writes.
const MARK: &str = ": >/run/pgxn-prerequisite";

/// Installs everything in order.
pub(super) async fn run(
    bench: &mut Bench<'_>,
    (all, mut supply): (Vec<Ready>, Supply<'_>),
    log: &mut Log,
    book: &mut Book<'_>,
) -> Step<()> {
    for ready in all {
        let installed = match supply.form(bench, &ready).await {
            Ok(form) => install_one(bench, (&ready, form), log, book).await,
            Err(stop) => Err(stop),
        };
        let origin = *installed.as_ref().unwrap_or(&Origin::Missing);
        book.circumstances.prerequisites.push(record(&ready.item, origin));
        installed?;
    }
    Ok(())
}

async fn install_one(
    bench: &mut Bench<'_>,
    (ready, form): (&Ready, Form),
    log: &mut Log,
    book: &mut Book<'_>,
) -> Step<Origin> {
    let Ready { item, key, dir, .. } = ready;
    match form {
        Form::Installed(archive) => {
            log.remark(&format!("{}: copied in, as an earlier run installed it on this image", item.known.release));
            bench.sandbox.copy_in(archive, "/").await.map_err(in_phase(Phase::Dependencies))?;
            Ok(Origin::Cached)
        }
        Form::Source(subject) => {
            build_one(bench, (item, *subject, dir), log, book).await?;
            keep(bench, key, dir).await;
            Ok(Origin::Built)
        }
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

/// Keeps what a prerequisite has written into the server's directories, and removes its source. That nothing could be kept is no reason for
/// a run to fail.
async fn keep(bench: &Bench<'_>, key: &Key, dir: &str) {
    let cache = bench.site.prerequisites.clone();
    let script = script(&bench.image.writable, dir);
    let kept = async {
        let mut draft = cache.draft()?;
        let mut sink = |piece: &[u8]| draft.write(piece);
        match bench.sandbox.stream_out(&script, &mut sink).await {
            Ok(true) => {
                let (key, now) = (key.clone(), bench.site.clock.now());
                let keeping = tokio::task::spawn_blocking(move || cache.keep(&key, draft, now));
                keeping.await.expect("writing does not panic")
            }
            Ok(false) => Err(std::io::Error::other("it did not come out whole")),
            Err(error) => Err(std::io::Error::other(error)),
        }
    };
    if let Err(error) = kept.await {
        tracing::debug!(%error, dir, "did not keep what a prerequisite installed");
    }
}

/// Prints a tar file of what was written since the mark into the directories that `make install` may write into. The cluster is the server's.
fn script(writable: &[String], dir: &str) -> String {
    let below = |path: &String| path.strip_prefix('/').filter(|path| !path.starts_with("data/")).map(quoted);
    let dirs: Vec<String> = writable.iter().filter_map(below).collect();
    format!(
        "cd / && find {} -xdev \\( -type f -o -type l \\) -cnewer /run/pgxn-prerequisite -print0 \
         | tar -c -f - --null --verbatim-files-from --no-recursion -T -; code=$?; rm -rf {}; exit $code",
        dirs.join(" "),
        quoted(&format!("/sandbox/{dir}"))
    )
}
