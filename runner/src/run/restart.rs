//! Gives the farm's server settings and libraries to preload, and restarts it in its container. The lines go to the end of
//! postgresql.conf, where they hold against all before them.

use std::collections::BTreeMap;

use protocol::{FileKind, Outcome, Phase};
use tokio::time::Instant;

use crate::judge::{Evidence, LogFile, refused_start};
use crate::run::pgtap::quoted;
use crate::run::phase::{Attempt, Bench};
use crate::run::preload::Libraries;
use crate::run::{Book, Step, Stop};
use crate::sandbox::{Command, WAIT_FOR_SERVER};

/// Restarts, and prints what the server has logged since where it does not come back. Databases of an attempt that failed before are
/// dropped, as it is made once more.
const SCRIPT: &str = r#"
log=/data/server.log
logged=$(stat -c %s $log)
printf '%s' "$LINES" >>/data/cluster/postgresql.conf
if ! /pgxn/bin/server restart --wait --timeout=60 --mode=fast; then
    tail -c +$((logged + 1)) $log | head -c 200000
    exit 1
fi
psql -X -q -d postgres <<'SQL'
SELECT format('DROP DATABASE %I', datname) FROM pg_database WHERE datname LIKE 'pgxn\_%'
\gexec
SQL
exit 0
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
    let provided = &mut book.circumstances.provided;
    provided.settings.extend(change.settings.iter().map(|(name, value)| (name.clone(), value.clone())));
    for library in change.libraries {
        if !provided.preload.contains(library) {
            provided.preload.push(library.clone());
        }
    }
    let script = format!("LINES={}\n{SCRIPT}", quoted(&configuration(change.settings, &provided.preload)));
    let command = Command { before: WAIT_FOR_SERVER.into(), ..Command::shell("/", &script) };
    let attempt = bench.attempt(phase, &command, book).await?;
    if attempt.ended.exit == Some(0) {
        bench.sandbox.started = Instant::now();
        return Ok(());
    }
    Err(refused(bench, attempt, change.found, book).await?)
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
