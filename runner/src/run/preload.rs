//! Libraries that work only from `shared_preload_libraries`.
//!
//! Those that are no extension, and whose source registers a background worker at the server's start, or asks whether the server is
//! starting, are preloaded as soon as they are installed: without, their tests cannot succeed, and often no message says why. A library
//! with an extension beside it is preloaded when something prints that it has to be, and the phase is repeated once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use protocol::{FileKind, Phase, Reason};

use crate::judge::Finding;
use crate::run::phase::{Attempt, Bench};
use crate::run::restart::{self, Change};
use crate::run::stop::in_phase;
use crate::run::{Book, Step, book};
use crate::sandbox::{Command, Log};

/// What is looked at of a source file.
const MAX_BYTES: u64 = 512 * 1024;
/// Listing the libraries takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// Source files beyond these are not looked at.
const MAX_SOURCES: usize = 200;

/// More libraries of one distribution are not preloaded without being named.
const MAX_UNNAMED: usize = 4;
/// Lists the server's libraries: those that `make install` wrote as `own`.
const LIST: &str = r#"
cd "$("$PG_CONFIG" --pkglibdir)" || exit 1
find . -maxdepth 1 -name '*.so' -cnewer /run/pgxn-mark -printf 'pgxn-own %f\n' >&2
find . -maxdepth 1 -name '*.so' ! -cnewer /run/pgxn-mark -printf 'pgxn-there %f\n' >&2
"#;

/// What only a library does that is loaded at the server's start. `RegisterDynamicBackgroundWorker(` is another word.
const SIGNS: [&str; 2] = ["process_shared_preload_libraries_in_progress", " RegisterBackgroundWorker("];

/// Whether the source of a tree says so.
pub(crate) fn is_needed(root: &Path, files: &[String]) -> bool {
    let has_extension = files.iter().any(|file| file.ends_with(".control") || file.ends_with(".control.in"));
    let mut sources = files.iter().filter(|file| is_source(file)).take(MAX_SOURCES);
    !has_extension && sources.any(|file| shows(root, file))
}

fn is_source(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "c" || extension == "cpp")
}

fn shows(root: &Path, file: &str) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(root.join(file)).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    // A tab or a bracket may stand where a space is meant.
    let text = String::from_utf8_lossy(&bytes).replace(|c: char| !(c.is_alphanumeric() || "_(".contains(c)), " ");
    read.is_ok() && SIGNS.iter().any(|sign| text.contains(sign))
}

/// The libraries that the server finds, by name, and whether the distribution's own `make install` brought them.
pub(crate) type Libraries = BTreeMap<String, bool>;

/// Those of the listed libraries that are there, and the distribution's own where it needs to be preloaded, of all that are there.
pub(crate) async fn there(
    bench: &mut Bench<'_>,
    book: &mut Book<'_>,
    listed: &[String],
) -> Step<(Vec<String>, Libraries)> {
    let libraries = list(bench, Phase::Create, book).await?;
    let (mut wanted, absent): (Vec<String>, Vec<String>) =
        listed.iter().cloned().partition(|name| libraries.contains_key(name));
    if !absent.is_empty() {
        book.note(format!("Not preloaded, as nothing has installed it: {}.", absent.join(", "))).await;
    }
    if bench.subject.preload {
        wanted.extend(libraries.iter().filter(|(_, own)| **own).map(|(name, _)| name.clone()));
    }
    Ok((wanted, libraries))
}

/// Preloads what a phase that failed asks for, if it does and that can be found; then the phase is worth another attempt.
pub(crate) async fn heal(
    bench: &mut Bench<'_>,
    (attempt, finding): (&Attempt, &Finding),
    book: &mut Book<'_>,
) -> Step<bool> {
    let Some(verdict) = finding.verdict.as_ref().filter(|verdict| verdict.reason == Reason::PreloadNeeded) else {
        return Ok(false);
    };
    let decisive = verdict.decisive.as_ref().map_or("", |decisive| &decisive.text);
    let said = format!("{decisive} {}", verdict.detail);
    let found = list(bench, attempt.phase, book).await?;
    let mut libraries = asked_for(&said, &found, &bench.subject.provides);
    libraries.retain(|library| !book.circumstances.provided.preload.contains(library));
    if libraries.is_empty() {
        return Ok(false);
    }
    book.keep(&format!("first-{}.log", attempt.phase), FileKind::Log, &attempt.log.so_far());
    let change = Change { settings: &BTreeMap::new(), libraries: &libraries, found: &found };
    restart::anew(bench, attempt.phase, change, book).await?;
    let names = libraries.join(", ");
    book.circumstances.provided.why.push(format!("It says that it has to be preloaded: {names}."));
    let phase = attempt.phase;
    book.note(format!("It has to be preloaded: the server was restarted with {names}, and {phase} was repeated."))
        .await;
    Ok(true)
}

/// The same after an attempt that has not been judged yet.
pub(crate) async fn heal_failed(bench: &mut Bench<'_>, attempt: &Attempt, book: &mut Book<'_>) -> Step<bool> {
    if attempt.ended.exit == Some(0) {
        return Ok(false);
    }
    let look = bench.look(attempt, book).await?;
    let finding = bench.preview(attempt, &look);
    heal(bench, (attempt, &finding), book).await
}

/// The libraries that a message names; where it names none, those of the distribution's extensions, or all of its few.
fn asked_for(said: &str, libraries: &Libraries, provides: &[String]) -> Vec<String> {
    let words: BTreeSet<String> =
        said.split(|c: char| !(c.is_alphanumeric() || "_-".contains(c))).map(str::to_lowercase).collect();
    let named = libraries.keys().filter(|name| words.contains(&name.to_lowercase()));
    let named: Vec<String> = named.cloned().collect();
    if !named.is_empty() {
        return named;
    }
    let own: Vec<String> = libraries.iter().filter(|(_, own)| **own).map(|(name, _)| name.clone()).collect();
    let of_extensions: Vec<String> = own.iter().filter(|name| provides.contains(name)).cloned().collect();
    match (of_extensions.is_empty(), own.len()) {
        (false, _) => of_extensions,
        (true, ..=MAX_UNNAMED) => own,
        (true, _) => Vec::new(),
    }
}

/// Asks for them.
pub(crate) async fn list(bench: &Bench<'_>, phase: Phase, book: &mut Book<'_>) -> Step<Libraries> {
    let command = Command { before: LIST.into(), ..Command::shell("/", "true") };
    let listing = bench.sandbox.run(&command, PATIENCE, &mut Log::new(1_000), &mut |_| {}).await;
    let ended = listing.map_err(in_phase(phase))?;
    book.overhead.exec_ms += book::millis(ended.wall);
    let library = |line: &str| {
        let (how, file) = line.split_once(' ')?;
        let name = file.strip_suffix(".so")?;
        let is_plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        (how.starts_with("pgxn-") && is_plain).then(|| (name.to_owned(), how == "pgxn-own"))
    };
    Ok(ended.side.lines().filter_map(library).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_needed_by(files: &[(&str, &str)]) -> bool {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        is_needed(dir.path(), &names)
    }

    #[test]
    fn a_worker_that_starts_with_the_server_needs_it() {
        assert!(is_needed_by(&[("worker.c", "void _PG_init(void) {\n\tRegisterBackgroundWorker(&worker);\n}")]));
        assert!(!is_needed_by(&[("worker.c", "RegisterDynamicBackgroundWorker(&worker, NULL)")]));
        assert!(!is_needed_by(&[("README", "see RegisterBackgroundWorker(3)")]));
    }

    fn libraries(own: &[&str], there: &[&str]) -> Libraries {
        let all = own.iter().map(|name| (*name, true)).chain(there.iter().map(|name| (*name, false)));
        all.map(|(name, own)| (name.to_owned(), own)).collect()
    }

    #[test]
    fn the_library_that_a_message_names_is_preloaded_whoever_brought_it() {
        let found = libraries(&["widget", "gadget"], &["pglogical", "plpgsql"]);
        let asked = |said: &str| asked_for(said, &found, &["gadget".to_owned()]);
        assert_eq!(asked("ERROR:  Widget must be loaded via \"shared_preload_libraries\""), ["widget"]);
        assert_eq!(asked("ERROR:  pglogical is not in shared_preload_libraries"), ["pglogical"]);
        assert_eq!(asked("+ERROR:  unrecognized configuration parameter \"widget.level\" widget.level"), ["widget"]);
        assert_eq!(asked("must be preloaded"), ["gadget"]);
    }

    #[test]
    fn of_a_message_without_a_name_the_distributions_few_libraries_are_meant() {
        assert_eq!(asked_for("must be preloaded", &libraries(&["b", "a"], &["c"]), &[]), ["a", "b"]);
        assert!(asked_for("must be preloaded", &libraries(&["a", "b", "c", "d", "e"], &[]), &[]).is_empty());
    }

    #[test]
    fn an_extension_is_judged_by_what_its_tests_print() {
        assert!(!is_needed_by(&[("a.c", "\tRegisterBackgroundWorker(&worker);"), ("a.control", "")]));
    }
}
