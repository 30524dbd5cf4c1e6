//! Modules of scripting languages that are not there.

use protocol::Reason;
use regex::Captures;

use crate::judge::table::{Context, Rule, cause, it};
use crate::judge::unexplained;

/// Modules that an interpreter does not find.
pub(crate) const RULES: &[Rule] = &[
    // TAP tests on a server without PostgreSQL's Perl modules, and build scripts in Perl.
    cause(r"Can't locate (?P<it>\S+\.pm) in @INC", perl),
    cause(r"(?:ModuleNotFoundError|ImportError): No module named '?(?P<it>[\w.]+)'?", python),
    cause(r"cannot load such file -- (?P<it>\S+)", other),
    cause(r"module '(?P<it>[^']+)' not found:", other),
];

fn perl(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let path = it(captures);
    let name = path.trim_end_matches(".pm").replace('/', "::");
    Some(judged(context.setting.owns(path), format!("the Perl module {name}"), context))
}

fn python(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let name = it(captures);
    let path = name.replace('.', "/");
    let own = context.setting.owns(&format!("{path}.py")) || context.setting.owns(&format!("{path}/__init__.py"));
    Some(judged(own, format!("the Python module {name}"), context))
}

fn other(captures: &Captures<'_>, context: &Context<'_>) -> Option<(Reason, String)> {
    let name = it(captures);
    let own = [".rb", ".lua"].iter().any(|ending| context.setting.owns(&format!("{name}{ending}")));
    Some(judged(own, format!("the module {name}"), context))
}

fn judged(own: bool, name: String, context: &Context<'_>) -> (Reason, String) {
    if own {
        (unexplained(context.phase), format!("{name}, which the distribution holds, is not found"))
    } else {
        (Reason::MissingLibrary, name)
    }
}
