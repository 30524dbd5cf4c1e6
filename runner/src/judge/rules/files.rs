//! Files that are not there, or may not be written.

use protocol::{Phase, Reason};
use regex::Captures;

use crate::judge::table::{Context, Rule, cause, hint, it, said};
use crate::judge::unexplained;

/// Files that a Makefile names.
pub(crate) const RULES: &[Rule] = &[
    // pointcloud 1.2.5: `Makefile:2: ../config.mk`; jsquery: `Makefile:25: ../../src/Makefile.global`.
    cause(r"^[^\s:]+:\d+: (?P<it>\S+): No such file or directory$", included),
    cause(r"No rule to make target [`'](?P<it>[^']+)', needed by", needed),
    cause(r"No rule to make target [`'](?P<it>[^']+)'", target),
    cause(r"^g?make(?:\[\d+\])?: \*\*\* (?P<it>[^\s:]+): No such file or directory\.  Stop\.$", named),
    cause(r"^(?:\S*/)?(?:install|cp|mv|ln): cannot stat ['‘`](?P<it>[^'’]+)['’]", named),
    cause(r"^(?:cc1(?:plus)?|gcc|g\+\+|cc|c\+\+): (?:fatal )?error: (?P<it>[^\s:]+): No such file or directory", named),
    cause(r"^clang: error: no such file or directory: '(?P<it>[^']+)'", named),
    hint(
        r"^(?:\S*/)?(?:cat|sed|grep|awk|head|tail|perl|python3?|tar|unzip|gzip|m4|patch|sort|rm|chmod): (?:can't (?:read|open) (?:file )?|cannot (?:access|open) )?['‘]?(?P<it>[^\s'’:]+)['’]?: No such file or directory",
        named,
    ),
    // pg_regress, of a test whose script or expected output is not there.
    cause(r"^(?:test \S+\s+\.\.\. )?\S+: (?:\d+: )?cannot open (?P<it>/\S+\.(?:sql|spec)): No such file", test_file),
    cause(r"^diff: (?P<it>/\S+/expected/\S+): No such file or directory", test_file),
    // foobar 0.42.1: PGXS installs modules of which there are none. pg_rrule 0.1.0: one file named twice.
    cause(
        r"^(?:\S*/)?(?:install|cp|mv): (?P<it>(?:missing (?:destination )?file operand|will not overwrite|target ).*)",
        misused,
    ),
    hint(r"(?P<it>/[^'’:\s]+)['’]?: (?:Permission denied|Read-only file system)", denied),
];

/// A file that a Makefile includes.
fn included(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let name = it(captures);
    let is_pgxs = name.starts_with('/') && name.ends_with("/pgxs.mk");
    Some(if name.ends_with("src/Makefile.global") || name.ends_with("contrib-global.mk") {
        (
            unexplained(context.phase),
            "its Makefile works only inside PostgreSQL's source tree, even with USE_PGXS=1".into(),
        )
    } else if is_pgxs {
        (Reason::MissingProgram, name.to_owned())
    } else {
        absent(name, context)
    })
}

/// A file that something else is made of.
fn needed(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    Some(absent(it(captures), context))
}

/// A file that a command was told to take.
fn named(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let name = it(captures);
    let bare = name.trim_start_matches(['.', '/']);
    let is_product = [".so", ".o", ".bc", ".a"].iter().any(|ending| name.ends_with(ending));
    if is_product || context.setting.files.iter().any(|file| file == bare) {
        return Some((unexplained(context.phase), format!("{name} is not there")));
    }
    Some(absent(name, context))
}

/// A file of a test, which `pg_regress` names with its whole path.
fn test_file(captures: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    let mut parts = it(captures).rsplit('/');
    let (name, directory) = (parts.next()?, parts.next()?);
    Some((Reason::FileNotPackaged, format!("{directory}/{name}")))
}

/// A target that was asked for.
fn target(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let name = it(captures);
    Some(match name {
        "installcheck" if context.phase == Phase::Installcheck => (Reason::NoTests, String::new()),
        _ if name.contains(['/', '.']) => absent(name, context),
        _ => (unexplained(context.phase), format!("its Makefile has no target {name}")),
    })
}

/// A file that is not there: a library's, one that `./configure` would make if there were one, or one that was not packaged.
fn absent(name: &str, context: &Context<'_>) -> (Reason, String) {
    const SYSTEM: [&str; 5] = ["/usr/", "/lib/", "/lib64/", "/etc/", "/opt/postgresql/"];
    let bare = name.trim_start_matches(['.', '/']);
    if SYSTEM.iter().any(|system| name.starts_with(system)) {
        (Reason::MissingLibrary, name.to_owned())
    } else if context.setting.owns(&format!("{bare}.in")) && lacks_configure(context) {
        (Reason::PipelineUnsupported, format!("{bare}, which autoconf and ./configure would make"))
    } else {
        (Reason::FileNotPackaged, bare.to_owned())
    }
}

/// Whether the distribution would have to be configured by a script that it does not hold.
fn lacks_configure(context: &Context<'_>) -> bool {
    let has = |name: &str| context.setting.files.iter().any(|file| file == name);
    !has("configure") && ["configure.ac", "configure.in", "autogen.sh"].into_iter().any(has)
}

fn misused(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    Some((unexplained(context.phase), said(captures).to_owned()))
}

/// A place that may not be written. The server's own tree is writable, or should be: then the farm is wrong. Outside of it the sandbox
/// refuses what a user with sudo would be allowed, which is no fault of the author's.
fn denied(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    const OWN: [&str; 3] = ["/sandbox/", "/tmp/", "/data/"];
    let name = it(captures);
    if OWN.iter().any(|own| name.starts_with(own)) {
        return Some((unexplained(context.phase), format!("{name} may not be written or run")));
    }
    let is_server = name.contains("/postgresql") || name.contains("/pgsql");
    let reason =
        if is_server && context.phase == Phase::Install { Reason::Internal } else { Reason::PreparationNeeded };
    Some((reason, format!("{name} may not be written")))
}
