//! What the linker says.

use protocol::Reason;
use regex::Captures;

use crate::judge::table::{Context, Rule, cause, hint, it, said};

/// Libraries that are not found, and symbols that are in none.
pub(crate) const RULES: &[Rule] = &[
    // pg_repack 1.5.3 without libzstd-dev: `/usr/bin/ld: cannot find -lzstd: No such file or directory`.
    cause(r"cannot find -l(?P<it>[^\s:]+)", library),
    cause(r"(?:unable to find library|library not found for) -l(?P<it>[^\s:]+)", library),
    cause(r"\bld(?:\.\w+)?: cannot find (?P<it>[^\s:]+)", object),
    cause(r"(?P<it>undefined reference to .+)", symbol),
    cause(r"ld\.lld: error: (?P<it>undefined symbol: .+)", symbol),
    cause(r"(?P<it>multiple definition of [^;]+)", symbol),
    cause(r"(?P<it>relocation .+ can not be used .+)", symbol),
    hint(r"^(?P<it>collect2: (?:fatal )?error: ld .+)", symbol),
    hint(r"(?P<it>linker command failed .+)", symbol),
];

fn library(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let name = it(captures);
    let own = format!("lib{name}");
    let is_own = |part: &str| part == own || part.strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with('.'));
    if context.setting.files.iter().any(|file| file.split('/').any(is_own)) {
        return Some((Reason::LinkError, format!("{own}, which the distribution holds, is not found by the linker")));
    }
    Some((Reason::MissingLibrary, own))
}

/// A file that the linker was told to take by its path.
fn object(captures: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    let name = it(captures);
    let is_system = ["/usr/", "/lib/", "/lib64/", "/opt/postgresql/"].iter().any(|system| name.starts_with(system));
    Some((if is_system { Reason::MissingLibrary } else { Reason::LinkError }, name.to_owned()))
}

fn symbol(captures: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    Some((Reason::LinkError, said(captures).to_owned()))
}
