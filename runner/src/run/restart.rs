//! Gives the farm's server settings and libraries to preload, and restarts it in its container. The lines go to the end of
//! postgresql.conf, where they hold against all before them.
//!
//! A phase that is repeated gets a new cluster: what its first attempt left (roles, tablespaces, settings of the whole server) would make
//! the second one fail.

use std::collections::BTreeMap;

use protocol::{FileKind, Outcome, Phase};
use tokio::time::Instant;

use crate::judge::{Evidence, LogFile, refused_start};
use crate::run::phase::{Attempt, Bench};
use crate::run::preload::Libraries;
use crate::run::quote::quoted;
use crate::run::{Book, Step, Stop, provide};
use crate::sandbox::{Command, WAIT_FOR_SERVER};

/// Restarts, and prints what the server has logged since where it does not come back. A new cluster is the image's own once more; what
/// the old one kept in tablespaces would be in its way, and what it logged and how it crashed is not the next attempt's doing.
const SCRIPT: &str = r#"
log=/data/server.log
action='restart --mode=fast'
if [ "$ANEW" = yes ]; then
    { /pgxn/bin/server stop --wait --timeout=30 --mode=fast || /pgxn/bin/server stop --wait --timeout=30 --mode=immediate; } 2>/dev/null
    for space in /data/cluster/pg_tblspc/*; do [ ! -L "$space" ] || rm -rf "$space"/PG_*; done
    rm -rf /data/cluster && cp -a /pgxn/seed/data/cluster /data/ || exit 1
    tail -c 1000000 $log >>/data/first-server.log
    rm -rf $log /data/crashes/[1-9]*
    action=start
fi
logged=$(stat -c %s $log 2>/dev/null || echo 0)
printf '%s' "$LINES" >>/data/cluster/postgresql.conf
/pgxn/bin/server $action --wait --timeout=60 && exit 0
tail -c +$((logged + 1)) $log | head -c 200000
exit 1
"#;

/// What the server gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) settings: &'a BTreeMap<String, String>,
    /// Libraries beside those that it preloads already.
    pub(crate) libraries: &'a [String],
    /// All libraries that are there.
    pub(crate) found: &'a Libraries,
}

/// Changes and restarts, within the phase that is open; where the server does not come back, that decides the run.
pub(crate) async fn run(bench: &mut Bench<'_>, phase: Phase, change: Change<'_>, book: &mut Book<'_>) -> Step<()> {
    take(&change, book);
    let lines = configuration(change.settings, &book.circumstances.provided.preload);
    match start(bench, phase, ("no", &lines), book).await? {
        None => Ok(()),
        Some(attempt) => Err(refused(bench, attempt, change.found, book).await?),
    }
}

/// The same with a new cluster, for another attempt at the phase that is open, which is prepared as the first one was.
pub(crate) async fn anew(bench: &mut Bench<'_>, phase: Phase, change: Change<'_>, book: &mut Book<'_>) -> Step<()> {
    take(&change, book);
    match start_anew(bench, phase, book).await? {
        None => provide::prepare(bench, phase, book).await,
        Some(attempt) => Err(refused(bench, attempt, change.found, book).await?),
    }
}

/// Nothing but a new cluster; whether it is there, and prepared. Where it is not, the server may be down, and nothing is decided.
pub(crate) async fn unchanged(bench: &mut Bench<'_>, phase: Phase, book: &mut Book<'_>) -> Step<bool> {
    Ok(start_anew(bench, phase, book).await?.is_none() && provide::run_lines(bench, phase, book).await?.is_none())
}

fn take(change: &Change<'_>, book: &mut Book<'_>) {
    let provided = &mut book.circumstances.provided;
    provided.settings.extend(change.settings.iter().map(|(name, value)| (name.clone(), value.clone())));
    for library in change.libraries {
        if !provided.preload.contains(library) {
            provided.preload.push(library.clone());
        }
    }
}

/// Starts a new cluster with everything that the old one was given.
async fn start_anew(bench: &mut Bench<'_>, phase: Phase, book: &mut Book<'_>) -> Step<Option<Attempt>> {
    let provided = &book.circumstances.provided;
    let lines = configuration(&provided.settings, &provided.preload);
    start(bench, phase, ("yes", &lines), book).await
}

/// The attempt, where the server does not come back.
async fn start(
    bench: &mut Bench<'_>,
    phase: Phase,
    (anew, lines): (&str, &str),
    book: &mut Book<'_>,
) -> Step<Option<Attempt>> {
    let script = format!("ANEW={anew} LINES={}\n{SCRIPT}", quoted(lines));
    let command = Command { before: WAIT_FOR_SERVER.into(), ..Command::shell("/", &script) };
    let attempt = bench.attempt(phase, &command, book).await?;
    if attempt.ended.exit != Some(0) {
        return Ok(Some(attempt));
    }
    bench.sandbox.started = Instant::now();
    Ok(None)
}

/// Lines of postgresql.conf.
fn configuration(settings: &BTreeMap<String, String>, libraries: &[String]) -> String {
    let line = |name: &str, value: &str| format!("{name} = '{}'\n", value.replace('\\', r"\\").replace('\'', "''"));
    let preload = (!libraries.is_empty()).then(|| line("shared_preload_libraries", &libraries.join(", ")));
    let settings = settings.iter().map(|(name, value)| line(name, value));
    std::iter::once("\n".to_owned()).chain(settings).chain(preload).collect()
}

/// What it means that the server did not come back.
async fn refused(bench: &mut Bench<'_>, attempt: Attempt, found: &Libraries, book: &mut Book<'_>) -> Step<Stop> {
    let look = bench.look(&attempt, book).await?;
    let Attempt { phase, ended, log, .. } = attempt;
    let log = log.finish();
    let name = book.keep("restart.log", FileKind::Log, &log).unwrap_or_default();
    look.keep(book);
    let setting = bench.subject.setting(bench.target.major);
    let log = LogFile { name: &name, bytes: &log.bytes };
    let preloaded = book.circumstances.provided.preload.iter();
    let preloaded = preloaded.map(|name| (name.as_str(), found.get(name).is_some_and(|own| *own)));
    let evidence = Evidence {
        exit: ended.exit,
        signal: ended.signal,
        limit: ended.limit,
        out_of_memory: look.out_of_memory,
        out_of_space: look.out_of_space,
        server: look.server,
        sites: look.crashes.sites(),
        ..Evidence::ended(&setting, phase, 1, log)
    };
    let verdict = refused_start(&evidence, &preloaded.collect::<Vec<_>>());
    book.close(|record| {
        (record.outcome, record.reason) = (Outcome::Failed, Some(verdict.reason));
        (record.exit, record.signal) = (ended.exit, ended.signal);
        record.log = Some(name.clone()).filter(|name| !name.is_empty());
    })
    .await;
    Ok(Stop::Decided(verdict))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_within_its_quotes() {
        let settings = BTreeMap::from([("widget.path".to_owned(), r"it's\here".to_owned())]);
        let lines = configuration(&settings, &["widget".to_owned(), "gadget".to_owned()]);
        assert_eq!(lines, "\nwidget.path = 'it''s\\\\here'\nshared_preload_libraries = 'widget, gadget'\n");
        assert_eq!(configuration(&BTreeMap::new(), &[]), "\n");
    }
}
