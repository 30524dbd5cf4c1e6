//! Phase install: `make install`, and which extensions it brought.
//!
//! An image holds the server's own extensions, so that a control file that is there proves nothing: only one that was written during this
//! phase is the distribution's.

use std::collections::BTreeSet;
use std::path::Path;

use pgxn::Provided;
use protocol::{Phase, Reason, Verdict};

use crate::run::phase::Bench;
use crate::run::{Book, SOURCE_DIR, Step, Stop, Subject};
use crate::sandbox::Command;

/// Lists what is there before. The mark is older than whatever comes after it.
const BEFORE: &str = r#"
extensions=$("$PG_CONFIG" --sharedir)/extension
for file in "$extensions"/*.control; do echo "pgxn-shipped ${file##*/}"; done >&2
: >/run/pgxn-mark
"#;

/// Lists what was written since: the times of change cannot be set back, unlike those of modification. Another mark is younger than that.
const AFTER: &str = r#"
find "$extensions" "$("$PG_CONFIG" --sharedir)/contrib" -type f \( -name '*.control' -o -name '*.sql' \) -cnewer /run/pgxn-mark -printf 'pgxn-written %f\n' >&2 2>/dev/null
: >/run/pgxn-installed
"#;

/// Installs.
pub(crate) async fn run(bench: &mut Bench<'_>, book: &mut Book<'_>) -> Step<()> {
    let shown = bench.make("install");
    let command = Command { before: BEFORE.into(), after: AFTER.into(), ..Command::shell(SOURCE_DIR, &shown) };
    let ended = bench.phase(Phase::Install, &command, &shown, book).await?;
    let written = read(&ended.side, &mut bench.subject);
    if let Some(detail) = missing(&bench.subject, &written) {
        book.amend(Phase::Install, Reason::ExtensionNotInstalled).await;
        let verdict = Verdict::new(Phase::Install, Reason::ExtensionNotInstalled).with_detail(detail);
        return Err(Stop::Decided(verdict));
    }
    bench.subject.scripts = written;
    Ok(())
}

/// Takes the extensions out of what the wrapper listed; the SQL files that were written are left.
fn read(side: &str, subject: &mut Subject) -> BTreeSet<String> {
    let mut written = BTreeSet::new();
    for line in side.lines() {
        if let Some(control) = line.strip_prefix("pgxn-shipped ").and_then(|name| name.strip_suffix(".control")) {
            subject.shipped.insert(control.to_owned());
        } else if let Some(name) = line.strip_prefix("pgxn-written ") {
            match name.strip_suffix(".control") {
                Some(control) => subject.installed.insert(control.to_owned()),
                None => written.insert(name.to_owned()),
            };
        }
    }
    written.retain(|name| name != "*");
    subject.shipped.remove("*");
    written
}

/// What META provides and `make install` did not bring, in words; none where all is there.
fn missing(subject: &Subject, written: &BTreeSet<String>) -> Option<String> {
    let is_missing = |provided: &&Provided| kind(subject, provided, written) == Kind::Missing;
    let missing: Vec<_> = subject.meta.provides.iter().filter(is_missing).map(|p| format!("`{}`", p.name)).collect();
    if missing.is_empty() {
        return None;
    }
    let found: Vec<_> = subject.installed.iter().map(|name| format!("`{name}`")).collect();
    let found = if found.is_empty() { "no extension".to_owned() } else { found.join(", ") };
    Some(format!("META.json provides {}, `make install` installed {found}", missing.join(", ")))
}

/// What an entry of META's `provides` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An extension with a control file.
    Extension,
    /// A script from before extensions: SQL without a control file.
    Script,
    /// Neither, such as a program or a library to load: there is nothing to create.
    Other,
    /// An extension that was not installed.
    Missing,
}

/// An entry with a control file is an extension. One without is the SQL script that it names, which `make install` has to bring; it is run
/// where the distribution has no control file at all, as `pgxn load` has it, but not beside extensions (pgTAP's `pgtap-schema`), as it may
/// need another script first. Whatever names no SQL can not be created.
pub(crate) fn kind(subject: &Subject, provided: &Provided, written: &BTreeSet<String>) -> Kind {
    let name = provided.name.as_str();
    if subject.installed.contains(name) {
        return Kind::Extension;
    }
    let file = provided.file.as_deref().unwrap_or_default();
    let base = file.rsplit('/').next().unwrap_or_default();
    let is_control = |file: &String| file.ends_with(".control") || file.ends_with(".control.in");
    let has_control = !subject.installed.is_empty() || subject.files.iter().any(is_control);
    let made = base.strip_suffix(".in").unwrap_or(base);
    let end = Path::new(made).extension();
    let is_sql = end.is_some_and(|end| end == "sql");
    if names_control(subject, name) || (is_sql && !written.contains(made)) || end.is_some_and(|end| end == "control") {
        Kind::Missing
    } else if is_sql && !has_control {
        Kind::Script
    } else {
        Kind::Other
    }
}

/// Whether the source has a control file of that name somewhere.
fn names_control(subject: &Subject, name: &str) -> bool {
    let wanted = [format!("{name}.control"), format!("{name}.control.in")];
    subject.files.iter().any(|file| wanted.iter().any(|wanted| file.rsplit('/').next() == Some(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{provided, subject};

    #[test]
    fn an_extension_that_only_the_server_ships_is_not_the_distributions() {
        let mut subject = subject(&["hstore.control", "Makefile"]);
        let written = read("pgxn-shipped hstore.control\npgxn-shipped cube.control\n", &mut subject);
        assert!(subject.shipped.contains("hstore") && subject.installed.is_empty());
        assert_eq!(kind(&subject, &provided("hstore", "sql/hstore.sql"), &written), Kind::Missing);
    }

    #[test]
    fn what_install_wrote_is_the_distributions_though_the_server_had_it() {
        let mut subject = subject(&["hstore.control"]);
        let written =
            read("pgxn-shipped hstore.control\npgxn-written hstore.control\npgxn-written a.sql\n", &mut subject);
        assert_eq!(kind(&subject, &provided("hstore", "sql/hstore.sql"), &written), Kind::Extension);
        assert!(written.contains("a.sql"));
    }

    #[test]
    fn a_script_without_any_control_file_is_a_script() {
        let mut subject = subject(&["old.sql.in", "Makefile"]);
        let written = read("pgxn-written old.sql\n", &mut subject);
        assert_eq!(kind(&subject, &provided("old", "old.sql"), &written), Kind::Script);
        assert_eq!(kind(&subject, &provided("older", "older.sql"), &written), Kind::Missing);
    }

    #[test]
    fn a_script_beside_an_extension_is_neither_created_nor_missing() {
        let mut subject = subject(&["pgtap.control"]);
        let written = read("pgxn-written pgtap.control\npgxn-written pgtap-schema.sql\n", &mut subject);
        assert_eq!(kind(&subject, &provided("pgtap-schema", "sql/pgtap-schema.sql"), &written), Kind::Other);
    }

    #[test]
    fn a_program_beside_an_extension_is_no_missing_extension() {
        let mut subject = subject(&["ext.control", "bin/tool.c"]);
        let written = read("pgxn-written ext.control\n", &mut subject);
        assert_eq!(kind(&subject, &provided("tool", "bin/tool.c"), &written), Kind::Other);
        assert_eq!(kind(&subject, &provided("gone", "sql/gone.sql"), &written), Kind::Missing);
    }
}
