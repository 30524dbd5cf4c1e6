//! What configure scripts, `CMake`, Meson and pkg-config say that they miss.

use std::sync::LazyLock;

use protocol::Reason;
use regex::{Captures, Regex};

use crate::judge::table::{Context, Rule, cause, hint, it, said};

/// Checks that look for what is not there.
pub(crate) const RULES: &[Rule] = &[
    // postgis 3.5.2: `configure: error: could not find geos-config on the current path, try using --with-geosconfig`.
    cause(r"^(?:configure|\S*/configure): error: (?P<it>.+)", configure),
    cause(r"^configure\.(?:ac|in):\d+: error: (?P<it>.+)", configure),
    // h3 4.2.3 on bullseye: `CMake 3.20..3.24 or higher is required.  You are running version 3.18.4`.
    cause(r"^\s*(?P<what>CMake) (?P<it>\d+(?:\.\d+)*)\S* or higher is required", newer),
    cause(r"error: (?P<what>Autoconf) version (?P<it>\d+(?:\.\d+)*) or higher is required", newer),
    // CMake; a package that is merely optional is announced with `-- ` in front.
    cause(r"^\s+Could NOT find (?P<it>\w+)", library),
    cause(r#"^\s+Could not find a package configuration file provided by "(?P<it>[^"]+)""#, library),
    cause(r"^\s+The following required packages were not found:", next_library),
    // Meson.
    cause(r#"ERROR: Dependency "(?P<it>[^"]+)" not found"#, library),
    cause(r"ERROR: Program '(?P<it>[^']+)' not found", program),
    // pg_rrule 0.1.0: pkg-config in a `$(shell …)`, after which make goes on.
    hint(r"^No package '(?P<it>[^']+)' found", library),
    hint(r"^Package '?(?P<it>[^\s',]+)'?(?:, required by '[^']*',)? (?:was )?not found", library),
];

/// What an author's own message says: a PostgreSQL version that is not supported, or something missing. None where it is neither.
pub(crate) fn declared(text: &str) -> Option<(Reason, String)> {
    let text = text.trim();
    if !POSTGRES.is_match(text) || !VERSION.is_match(text) || !REFUSES.is_match(text) {
        return missing(text);
    }
    Some((Reason::PostgresUnsupported, text.to_owned()))
}

static POSTGRES: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)postgres|\bpg\b|\bpg[ -]?\d|pg_version"));
static VERSION: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?i)version|\d"));
static REFUSES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)unsupported|not (?:yet )?supported|supports? only|only supports?|require|or (?:higher|later|newer|above|greater)|too (?:old|new)|at least|minimum|unknown|incompatible",
    )
});
static MISSING: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)could ?n[o']t (?:find|locate)|can ?not (?:find|locate)|can't (?:find|locate)|not (?:be )?found|unable to (?:find|locate)|missing|(?:is|are) required|requires|needed|not installed|install |no usable|no acceptable|were not met|not available|cannot create executables",
    )
});
/// The source tree itself is incomplete: autoconf's words.
static INCOMPLETE: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"cannot find (?:sources \(|required auxiliary files|install-sh|input file)"));
static HEADER: LazyLock<Regex> = LazyLock::new(|| compiled(r"[\w/.-]+\.h\b"));
static PROGRAM: LazyLock<Regex> = LazyLock::new(|| compiled(r"[\w.-]+-config\b|\bpg_config\b"));
static PROGRAM_WORDS: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b(?:program|command|executable|compiler|in \S*PATH|current path|utility)\b"));

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the tests compile every pattern")
}

fn missing(text: &str) -> Option<(Reason, String)> {
    if INCOMPLETE.is_match(text) {
        return Some((Reason::FileNotPackaged, text.to_owned()));
    }
    if !MISSING.is_match(text) {
        return None;
    }
    let found = |reason, name: &str| Some((reason, name.to_owned()));
    match (PROGRAM.find(text), HEADER.find(text)) {
        (Some(program), _) => found(Reason::MissingProgram, program.as_str()),
        (None, Some(header)) => found(Reason::MissingHeader, header.as_str()),
        (None, None) if PROGRAM_WORDS.is_match(text) => found(Reason::MissingProgram, text),
        (None, None) => found(Reason::MissingLibrary, text),
    }
}

fn configure(captures: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    let text = said(captures);
    Some(declared(text).unwrap_or_else(|| (Reason::ConfigureFailed, text.to_owned())))
}

fn library(captures: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    Some((Reason::MissingLibrary, it(captures).to_owned()))
}

fn program(captures: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    Some((Reason::MissingProgram, it(captures).to_owned()))
}

/// A tool that the image has, and of an older version.
fn newer(captures: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    Some((Reason::MissingProgram, format!("{} {} or newer", &captures["what"], it(captures))))
}

fn next_library(_: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    Some((Reason::MissingLibrary, context.next.trim().trim_start_matches("- ").to_owned()))
}

/// A message of `$(error …)` that says what is wrong; make's own complaints of its syntax come in the same form.
pub(crate) fn stopped(captures: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    let text = said(captures);
    if text.starts_with("missing ") || text.starts_with("pgxs error: ") { None } else { declared(text) }
}
