//! Programs that are not there, as make and shells say so.
//!
//! make and shells often go on after it, so that these are hints; `Error 127` confirms the last one.

use protocol::Reason;
use regex::Captures;

use crate::judge::table::{Context, Rule, Weight, all, cause, hint, it};
use crate::judge::unexplained;

/// Programs that could not be started.
pub(crate) const RULES: &[Rule] = &[
    // PGXS's wrapper around flex and bison.
    cause(r"[`'](?P<it>\S+)' is missing on your system", program),
    // pg_hint_plan17: `make: /usr/bin/flex: No such file or directory`, then Error 127. mysql_fdw: mysql_config in a `$(shell …)`.
    hint(r"^g?make(?:\[\d+\])?: (?P<it>[^\s:*]+): (?:No such file or directory|[Cc]ommand not found)$", program),
    hint(
        r"^(?:\S*/)?(?:ba|da|z|k)?sh(?:: line)?(?:: \d+)?: (?P<it>[^\s:]*): (?:(?:command )?not found|No such file or directory)$",
        program,
    ),
    hint(r"^\S+: (?:line )?\d+: (?P<it>[^\s:]+): (?:command )?not found$", program),
    hint(r"\benv: [‘'`]?(?P<it>[^’'`:\s]+)[’']?: No such file or directory", program),
    hint(r"(?P<it>\./\S+|/\S+\.sh): Permission denied$", not_executable),
    Rule {
        pattern: r"^g?make(?:\[\d+\])?: \*\*\* \[.*\] Error 127$",
        weight: Weight::Confirmation,
        meaning: confirmation,
    },
];

/// What a shell that is not bash takes for programs: the script's fault.
const BASHISMS: &[&str] = &["[[", "source", "function", "pushd", "popd", "declare", "let", "shopt", "typeset"];

/// Programs of other systems, for which Makefiles look in passing: that they are missing explains nothing.
const FOREIGN: &[&str] = &["xcrun", "brew", "sw_vers", "port", "fink", "lsb_release", "otool", "install_name_tool"];

/// Where an image has its programs; elsewhere a path names the author's own machine.
const SYSTEM: &[&str] = &[
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/lib/",
    "/usr/libexec/",
    "/bin/",
    "/sbin/",
    "/lib/",
    "/usr/local/bin/",
    "/opt/postgresql/",
];

/// What a program means that could not be started, by its name or path.
pub(crate) fn program(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let name = it(captures);
    let broken = unexplained(context.phase);
    let bare = name.trim_start_matches("./");
    let is_script = context.setting.owns(bare);
    if FOREIGN.contains(&name) {
        return None;
    }
    Some(match name {
        // A variable that is empty where a program's name should stand.
        "" => (broken, "a command is empty".into()),
        _ if name.starts_with('-') => (broken, format!("{name} is not a command: the variable before it is empty")),
        _ if BASHISMS.contains(&name) => (broken, format!("sh has no {name}")),
        _ if SYSTEM.iter().any(|system| name.starts_with(system)) => (Reason::MissingProgram, name.to_owned()),
        _ if name.starts_with('/') && !is_script => (broken, format!("{name} does not exist")),
        // It is there, and yet cannot be started: what its first line names is not there.
        _ if name.contains('/') && is_script => (Reason::MissingProgram, format!("the interpreter of {bare}")),
        _ if name.contains('/') => (Reason::FileNotPackaged, bare.to_owned()),
        _ if context.setting.files.iter().any(|file| file == name) => (broken, format!("{name} is not in the PATH")),
        _ => (Reason::MissingProgram, name.to_owned()),
    })
}

fn not_executable(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let name = it(captures);
    let bare = name.trim_start_matches("./");
    context.setting.owns(bare).then(|| (unexplained(context.phase), format!("{bare} is not executable")))
}

fn confirmation(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    Some((unexplained(context.phase), all(captures).to_owned()))
}
