//! What compilers say: gcc, g++, clang, bison, rustc.

use protocol::Reason;
use regex::Captures;

use crate::judge::rules::configure::declared;
use crate::judge::table::{Context, Rule, cause, hint, said};
use crate::judge::unexplained;

/// What is said where the server lacks ICU, which another source of images has.
pub(crate) const SERVER_WITHOUT_ICU: &str = "ICU, which the server was built without";

/// Sources that are refused.
pub(crate) const RULES: &[Rule] = &[
    // icu_ext 1.10.0 on a portable 16: `icu_ext.c:775:31: error: ‘union <anonymous>’ has no member named ‘icu’`.
    cause(r"^[^\s:][^:]*:\d+(?:[:.][\d.\-]+)*: error: .* no member named ['‘]icu['’]", server_without_icu),
    // amcheck 15 on 17: `verify_heapam.c:1627:26: error: ‘ShmemVariableCache’ undeclared`.
    cause(r"^(?P<file>[^\s:][^:]*):\d+(?:[:.][\d.\-]+)*: (?:fatal )?error: (?P<it>.+)", refused),
    cause(r"^(?:cc1(?:plus)?|gcc|g\+\+|cc|c\+\+|clang(?:\+\+)?): (?:fatal )?error: (?P<it>.+)", driver),
    hint(r"^(?P<it>cc1(?:plus)?: (?:all|some) warnings being treated as errors)", driver),
    hint(r"^error(?:\[E\d+\])?: (?P<it>.+)", rust),
];

/// The server's own headers have that member where the server was built with ICU, which not every source of images does.
fn server_without_icu(_: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let has_member = (10..=18).contains(&context.setting.major.number());
    has_member.then(|| (Reason::MissingLibrary, SERVER_WITHOUT_ICU.into()))
}

/// An error of the source; `#error` may say that the author does not support this PostgreSQL.
fn refused(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let text = said(captures);
    let is_directive = text.starts_with("#error") || context.next.contains("#error");
    let message = text.trim_start_matches("#error").trim().trim_matches('"');
    let declared = declared(message).filter(|(reason, _)| is_directive && *reason == Reason::PostgresUnsupported);
    Some(declared.unwrap_or_else(|| (Reason::CompileError, text.to_owned())))
}

/// An error before any source is read, such as an option that the compiler does not know.
fn driver(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    Some((unexplained(context.phase), said(captures).to_owned()))
}

fn rust(captures: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    Some((Reason::CompileError, said(captures).to_owned()))
}
