//! Headers that the compiler does not find: PostgreSQL's, the distribution's own, or a library's.
//!
//! The image holds all headers of its PostgreSQL, so that a header of PostgreSQL that is not there has gone, or was never, in this major:
//! the author's to mend. A header that the distribution holds, in whatever directory, is the author's too. Everything else belongs to a
//! library that the image lacks.

use protocol::Reason;
use regex::Captures;

use crate::judge::table::{Context, Rule, cause, it};

/// Includes that fail.
pub(crate) const RULES: &[Rule] = &[
    // gcc. pgpcre: `pgpcre.c:8:10: fatal error: pcre.h: No such file or directory`.
    cause(r"^[^\s:][^:]*:\d+(?::\d+)?: (?:fatal )?error: (?P<it>[^\s:]+): No such file or directory", header),
    // clang.
    cause(r"^[^\s:][^:]*:\d+(?::\d+)?: fatal error: '(?P<it>[^']+)' file not found", header),
];

/// Directories of PostgreSQL's server headers. `lib`, `port` and `common` are in it too: no library was met that uses them.
const SERVER_DIRECTORIES: &[&str] = &[
    "access",
    "archive",
    "backup",
    "bootstrap",
    "catalog",
    "commands",
    "common",
    "datatype",
    "executor",
    "fe_utils",
    "foreign",
    "jit",
    "lib",
    "libpq",
    "mb",
    "nodes",
    "optimizer",
    "parser",
    "partitioning",
    "pgstat",
    "port",
    "portability",
    "postmaster",
    "regex",
    "replication",
    "rewrite",
    "snowball",
    "statistics",
    "storage",
    "tcop",
    "tsearch",
    "utils",
];

/// PostgreSQL's headers without a directory, of any major.
const SERVER_HEADERS: &[&str] = &[
    "c.h",
    "dynloader.h",
    "fmgr.h",
    "funcapi.h",
    "getaddrinfo.h",
    "getopt_long.h",
    "libpq-events.h",
    "libpq-fe.h",
    "miscadmin.h",
    "pg_config.h",
    "pg_config_ext.h",
    "pg_config_manual.h",
    "pg_config_os.h",
    "pg_getopt.h",
    "pg_trace.h",
    "pgstat.h",
    "pgtar.h",
    "pgtime.h",
    "plpgsql.h",
    "port.h",
    "postgres.h",
    "postgres_ext.h",
    "postgres_fe.h",
    "rusagestub.h",
    "varatt.h",
    "windowapi.h",
];

fn header(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let name = it(captures);
    let bare = name.trim_start_matches("../").trim_start_matches("./");
    let major = context.setting.major.number();
    if context.setting.owns(bare) {
        return Some((
            Reason::CompileError,
            format!("{name}, which the distribution holds, is not found by the compiler"),
        ));
    }
    if is_server_header(bare) {
        return Some((Reason::CompileError, format!("PostgreSQL {major} has no {name}")));
    }
    let quoted = context.next.contains(&format!("\"{name}\""));
    if bare.len() < name.len() || (quoted && is_made_from_own(bare, context)) {
        return Some((Reason::FileNotPackaged, name.to_owned()));
    }
    Some((Reason::MissingHeader, name.to_owned()))
}

fn is_server_header(name: &str) -> bool {
    match name.split_once('/') {
        Some((directory, _)) => SERVER_DIRECTORIES.contains(&directory),
        None => SERVER_HEADERS.contains(&name),
    }
}

/// Whether a header that is included with quotes is one that the distribution should hold: it bears an extension's name, or is made from
/// a grammar or a template of the distribution.
fn is_made_from_own(name: &str, context: &Context<'_>) -> bool {
    let stem = name.strip_suffix(".h").unwrap_or(name);
    let stem = stem.strip_suffix(".tab").unwrap_or(stem);
    let sources = [".y", ".l", ".h.in"].map(|ending| format!("{stem}{ending}"));
    let is_of_extension =
        |extension: &String| stem.len() > extension.len() && stem.starts_with(&format!("{extension}_"));
    sources.iter().any(|source| context.setting.owns(source)) || context.setting.provides.iter().any(is_of_extension)
}
