//! What the server's messages mean, given what the image ships and what the distribution provides.

use protocol::{Phase, Reason};
use regex::Captures;

use crate::judge::table::{Context, all, it, said};
use crate::judge::unexplained;

type Meant = Option<(Reason, String)>;

/// Languages that come with PostgreSQL or in packages of their own.
const LANGUAGES: &[&str] = &[
    "plperl",
    "plperlu",
    "plpython3u",
    "plpythonu",
    "plpython2u",
    "pltcl",
    "pltclu",
    "plv8",
    "plcoffee",
    "plls",
    "plr",
    "pljava",
    "pljavau",
    "java",
    "javau",
    "pllua",
    "plluau",
    "plsh",
    "plrust",
    "plprql",
    "plruby",
    "plphp",
];

/// Python 2 left PostgreSQL with 15.
const PYTHON_2: &[&str] = &["plpythonu", "plpython2u"];

/// Whether a name is that of a procedural language.
pub(crate) fn is_language(name: &str) -> bool {
    LANGUAGES.contains(&name)
}

pub(crate) fn preload(captures: &Captures<'_>, _: &Context<'_>) -> Meant {
    Some((Reason::PreloadNeeded, all(captures).to_owned()))
}

/// An extension that is not there: the distribution's own, one that the image ships, or somebody else's.
pub(crate) fn extension(captures: &Captures<'_>, context: &Context<'_>) -> Meant {
    Some(absent_extension(it(captures), context))
}

/// The functions that every pgTAP test calls first.
pub(crate) fn pgtap(_: &Captures<'_>, context: &Context<'_>) -> Meant {
    (!is_own("pgtap", context)).then(|| (Reason::PrerequisiteMissing, "pgtap".into()))
}

pub(crate) fn control_file(captures: &Captures<'_>, context: &Context<'_>) -> Meant {
    let name = it(captures).rsplit('/').next()?.trim_end_matches(".control");
    Some(absent_extension(name, context))
}

/// An extension that has to be created first: the runner creates those that this distribution provides in their order.
pub(crate) fn required(captures: &Captures<'_>, context: &Context<'_>) -> Meant {
    let name = it(captures);
    if is_own(name, context) {
        return Some((Reason::PreparationNeeded, format!("the extension {name} has to be created first")));
    }
    Some(absent_extension(name, context))
}

fn absent_extension(name: &str, context: &Context<'_>) -> (Reason, String) {
    if is_own(name, context) {
        let reason =
            if context.phase == Phase::Create { Reason::ExtensionNotInstalled } else { unexplained(context.phase) };
        (reason, name.to_owned())
    } else if LANGUAGES.contains(&name) {
        absent_language(name, context)
    } else {
        (Reason::PrerequisiteMissing, name.to_owned())
    }
}

/// Whether an extension is the distribution's, by META.json or by its control file.
fn is_own(name: &str, context: &Context<'_>) -> bool {
    context.setting.provides.iter().any(|own| own == name)
        || [".control", ".control.in"].iter().any(|ending| context.setting.owns(&format!("{name}{ending}")))
}

pub(crate) fn language(captures: &Captures<'_>, context: &Context<'_>) -> Meant {
    let name = it(captures);
    let is_known = LANGUAGES.contains(&name) && !is_own(name, context);
    Some(if is_known { absent_language(name, context) } else { (unexplained(context.phase), all(captures).to_owned()) })
}

fn absent_language(name: &str, context: &Context<'_>) -> (Reason, String) {
    if PYTHON_2.contains(&name) && context.setting.major.number() >= 15 {
        (unexplained(context.phase), format!("{name}, which PostgreSQL has no more since 15"))
    } else if context.setting.shipped.contains(name) {
        (Reason::PreparationNeeded, format!("the language {name} has to be created first"))
    } else {
        (Reason::MissingLanguage, name.to_owned())
    }
}

/// A module's file that is not there; a language's is the image's to have.
pub(crate) fn module(captures: &Captures<'_>, context: &Context<'_>) -> Meant {
    let name = it(captures).rsplit('/').next()?;
    let language = match name {
        "plpython3" => "plpython3u",
        "plpython2" => "plpython2u",
        other => other,
    };
    if LANGUAGES.contains(&language) && !is_own(language, context) {
        return Some(absent_language(language, context));
    }
    Some((unexplained(context.phase), format!("the module {} is not there", it(captures))))
}

pub(crate) fn shared_library(captures: &Captures<'_>, _: &Context<'_>) -> Meant {
    Some((Reason::MissingLibrary, it(captures).to_owned()))
}

pub(crate) fn unloadable(captures: &Captures<'_>, context: &Context<'_>) -> Meant {
    Some((unexplained(context.phase), said(captures).to_owned()))
}

pub(crate) fn locale(captures: &Captures<'_>, _: &Context<'_>) -> Meant {
    Some((Reason::MissingLocale, it(captures).to_owned()))
}

pub(crate) fn setting(captures: &Captures<'_>, _: &Context<'_>) -> Meant {
    let named = it(captures);
    Some((Reason::SettingNeeded, if named.is_empty() { all(captures) } else { named }.to_owned()))
}

/// The setting that names the output plugins which the server trusts.
pub(crate) const OUTPUT_PLUGINS: &str = "output_plugin_libraries";

pub(crate) fn output_plugin(captures: &Captures<'_>, _: &Context<'_>) -> Meant {
    Some((Reason::SettingNeeded, format!("{OUTPUT_PLUGINS} with {}", it(captures))))
}

/// A parameter that only the distribution's own library would define, had the server loaded it at its start.
pub(crate) fn parameter(captures: &Captures<'_>, context: &Context<'_>) -> Meant {
    let (prefix, _) = it(captures).split_once('.')?;
    is_own(prefix, context).then(|| (Reason::PreloadNeeded, it(captures).to_owned()))
}

pub(crate) fn prepare(captures: &Captures<'_>, _: &Context<'_>) -> Meant {
    Some((Reason::PreparationNeeded, said(captures).to_owned()))
}

/// A role that somebody has to have made; the roles of a distribution's own tests are made by them.
pub(crate) fn role(captures: &Captures<'_>, _: &Context<'_>) -> Meant {
    Some((Reason::PreparationNeeded, format!("the {}", said(captures))))
}

pub(crate) fn program(captures: &Captures<'_>, _: &Context<'_>) -> Meant {
    let named = it(captures);
    Some((Reason::MissingProgram, if named.is_empty() { all(captures) } else { named }.to_owned()))
}

/// A server that does not answer, unless it is the farm's own: what became of that one, its log tells.
pub(crate) fn server(_: &Captures<'_>, context: &Context<'_>) -> Meant {
    let has = |text: &str| context.text.contains(text);
    let is_near = ["localhost", "127.0.0.1", "::1"].into_iter().any(has);
    let is_ours = has(".s.PGSQL.5432") || (has("port 5432") && is_near);
    let first = context.text.lines().next().unwrap_or_default();
    (!is_ours).then(|| (Reason::NetworkNeeded, first.to_owned()))
}

pub(crate) fn unready(captures: &Captures<'_>, _: &Context<'_>) -> Meant {
    Some((Reason::ServerNotStarted, all(captures).to_owned()))
}
