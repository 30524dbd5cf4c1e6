//! The page: `docs/corpus.md`, section by section.

mod matrix;
mod right;
mod run;

use crate::gather::Record;
use crate::sessions::Session;

/// Writes the whole page.
pub(crate) fn write(record: &Record, sessions: &[Session], note: Option<&str>) -> String {
    let sections = [
        INTRODUCTION.to_owned(),
        run::facts(record, sessions, note),
        run::images(record),
        run::verdicts(record),
        run::phases(record),
        right::on_17(record),
        right::on_others(record),
        matrix::cells(record),
        matrix::reasons(record),
    ];
    let page = sections.concat();
    format!("{}\n", page.trim_end())
}

const INTRODUCTION: &str = "\
# The whole corpus on every PostgreSQL major

Every release of `sample/corpus.toml`, real extensions from Debian's source archive, on every major of `images/matrix.toml`: the farm as
`pgxn-testers up` runs it, nothing simulated, nothing left out. For each release a person has worked out what is right on PostgreSQL 17;
this page says where the farm agrees, where it cannot yet, and why. `scripts/corpus-record` runs it all again and writes this page anew; do
not edit it by hand.

    scripts/corpus-record DIRECTORY      # goes on where it stopped; removing DIRECTORY starts afresh

A grade says what was found: PASS, UNTESTED (it builds and loads, and has no tests for a running server), FAIL (the author's), NA (not
for this major), BLOCKED (needs another distribution), ENV (the farm lacks something), ERROR (the farm itself failed). Only FAIL blames the
author. What releases need beyond the plain image stands in `images/overrides.toml`; what is missing there must be BLOCKED or ENV, never FAIL.

";
