//! What changed since it last passed: of the same test, or of the releases before on the same target. Pure, but for what it is given.

use std::collections::BTreeMap;

use protocol::{Circumstances, Grade, ImageFacts, Origin, Prerequisite, RunId, RunnerFacts, Timestamp, Version};
use serde::Serialize;
use store::history::{Conditions, Past};

use crate::address;
use crate::text::{When, bytes, count, duration};

/// A list of packages longer than this is not read to its end.
const MAX_PACKAGES: usize = 20_000;
/// At most this many packages of a kind are shown.
const SHOWN_PACKAGES: usize = 30;
const MAX_CHARS: usize = 120;

/// The last verdict that was good, and the first one after it that was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn<'a> {
    pub passed: &'a Past,
    pub failed: &'a Past,
}

/// Finds where a failing run's target turned; the past stands latest first. None where the run is good, or nothing before it was.
pub(crate) fn turn(past: &[Past], run: RunId) -> Option<Turn<'_>> {
    let this = past.iter().find(|one| one.run_id == run).filter(|one| is_bad(one))?;
    let own: Vec<&Past> =
        past.iter().filter(|one| one.job_id == this.job_id && one.accepted_at <= this.accepted_at).collect();
    let first_bad = |those: &[&'_ Past]| those.iter().rposition(|one| is_bad(one));
    if let Some(at) = own.iter().position(|one| is_good(one)) {
        return Some(Turn { passed: own[at], failed: own[first_bad(&own[..at])?] });
    }
    let mut latest: Vec<&Past> = past.iter().filter(|one| one.is_latest && one.version < this.version).collect();
    latest.sort_by(|left, right| right.version.cmp(&left.version));
    let at = latest.iter().position(|one| is_good(one))?;
    let failed = first_bad(&latest[..at]).map(|index| latest[index]);
    Some(Turn { passed: latest[at], failed: failed.unwrap_or(own[first_bad(&own)?]) })
}

fn is_good(one: &Past) -> bool {
    one.judged().fails() == Some(false)
}

/// Whether somebody wants to know since when: what the farm lacks now and had before, too.
fn is_bad(one: &Past) -> bool {
    matches!(one.grade, Grade::Fail | Grade::Env | Grade::Blocked)
}

/// What changed, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Changed {
    /// What is different, in a sentence.
    pub sentence: String,
    /// The last run that passed.
    pub passed: Mention,
    /// The first one that did not.
    pub failed: Mention,
    /// Whether that is the run of this page.
    pub is_this: bool,
    /// What is different, one thing each.
    pub differences: Vec<Difference>,
    /// How the image's packages differ; none where they do not, or a list is gone.
    pub packages: Option<Packages>,
}

/// A run that is mentioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Mention {
    pub run: RunId,
    pub href: String,
    pub version: Version,
    pub at: When,
}

/// Something that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// What.
    pub what: &'static str,
    /// As it was when it passed; empty where it was not there.
    pub before: String,
    /// As it was when it failed; empty where it was not there.
    pub after: String,
}

/// Packages that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Packages {
    /// How many differ in all.
    pub total: usize,
    /// Those with another version, with both.
    pub changed: Vec<(String, String, String)>,
    /// Those that are new, with their version.
    pub added: Vec<(String, String)>,
    /// Those that are gone, with the version that they had.
    pub removed: Vec<(String, String)>,
}

impl Packages {
    /// How many are not shown, in words; empty where all are.
    pub(crate) fn more(&self) -> String {
        let hidden = self.total - self.changed.len() - self.added.len() - self.removed.len();
        if hidden == 0 { String::new() } else { format!("and {}", count(hidden as u64, "other", "others")) }
    }
}

impl Changed {
    /// Compares the conditions of two runs; `packages` are the lists of both.
    pub(crate) fn new(
        [passed, failed]: [&Conditions; 2],
        packages: Option<[&str; 2]>,
        this: RunId,
        now: Timestamp,
    ) -> Self {
        let differences = differences(passed, failed);
        let packages = packages.map(|[before, after]| differing(before, after)).filter(|packages| packages.total > 0);
        let mention = |of: &Conditions| Mention {
            run: of.run_id,
            href: address::run(of.run_id),
            version: of.version.clone(),
            at: When::new(of.accepted_at, now),
        };
        Self {
            sentence: sentence(&differences, packages.is_some()).to_owned(),
            passed: mention(passed),
            failed: mention(failed),
            is_this: failed.run_id == this,
            differences,
            packages,
        }
    }
}

fn sentence(differences: &[Difference], packages: bool) -> &'static str {
    let only_release = differences.iter().all(|difference| difference.what == RELEASE);
    match (differences.is_empty(), only_release, packages) {
        (true, _, false) => {
            "Nothing that the farm records is different: neither the release, nor the server, the image, its packages or the \
             machine. It may not end the same way every time."
        }
        (false, true, false) => {
            "Nothing but the release is different: the server, the image, its packages and the machine are the same."
        }
        (_, true, true) => "Packages of the image are different.",
        (_, false, _) => "These are different:",
    }
}

const RELEASE: &str = "Release";

/// Everything that differs between the conditions of two runs.
pub(crate) fn differences(before: &Conditions, after: &Conditions) -> Vec<Difference> {
    let mut pairs: Vec<(&'static str, String, String)> = Vec::new();
    let mut add = |what, of: &dyn Fn(&Conditions) -> String| pairs.push((what, of(before), of(after)));
    add(RELEASE, &|it| it.version.to_string());
    if before.version == after.version {
        add("Archive", &|it| it.sha1.clone());
    }
    let image = |it: &Conditions, of: fn(&ImageFacts) -> String| it.image.as_ref().map(of).unwrap_or_default();
    add("PostgreSQL", &|it| image(it, |image| image.postgresql_full.clone()));
    add("Image's source", &|it| image(it, |image| format!("{}, Debian {}", image.source, image.suite)));
    add("Image's recipe", &|it| image(it, |image| image.recipe.clone()));
    add("Image", &|it| image(it, |image| image.digest.clone()));
    add("Platform", &|it| image(it, |image| if image.emulated { "emulated".into() } else { String::new() }));
    let machine = |it: &Conditions, of: fn(&RunnerFacts) -> String| it.runner.as_ref().map(of).unwrap_or_default();
    add("Runner", &|it| it.runner_name.clone().unwrap_or_default());
    add("Runner's version", &|it| machine(it, |runner| runner.version.clone()));
    add("Container engine", &|it| machine(it, |runner| runner.engine.clone()));
    add("Kernel", &|it| machine(it, |runner| runner.kernel.clone()));
    add("Processors", &|it| machine(it, |runner| runner.cpus.to_string()));
    add("Memory", &|it| machine(it, |runner| bytes(runner.memory_bytes)));
    add("Limits", &|it| limits(&it.circumstances));
    add("Preloaded", &|it| it.circumstances.provided.preload.join(", "));
    add("Settings", &|it| settings(&it.circumstances));
    add("Packages added", &|it| it.circumstances.provided.packages.join(", "));
    add("Prerequisites", &|it| prerequisites(&it.circumstances.prerequisites));
    let shorten = |text: String| text.chars().take(MAX_CHARS).collect();
    let differing = pairs.into_iter().filter(|(_, before, after)| before != after);
    differing.map(|(what, before, after)| Difference { what, before: shorten(before), after: shorten(after) }).collect()
}

fn limits(circumstances: &Circumstances) -> String {
    let Some(limits) = circumstances.limits else { return String::new() };
    let (memory, phase, silence) = (bytes(limits.memory_bytes), duration(limits.phase_ms), duration(limits.silence_ms));
    format!(
        "{memory}, {} processors, {phase} a phase, {silence} of silence, {} processes",
        limits.cpus, limits.processes
    )
}

fn settings(circumstances: &Circumstances) -> String {
    let all = circumstances.provided.settings.iter().map(|(name, value)| format!("{name} = {value}"));
    all.collect::<Vec<_>>().join(", ")
}

fn prerequisites(list: &[Prerequisite]) -> String {
    let one = |it: &Prerequisite| match (&it.version, it.origin) {
        (_, Origin::Missing) => format!("{} (missing)", it.wanted),
        (Some(version), _) => format!("{} {version}", it.wanted),
        (None, _) => it.wanted.clone(),
    };
    list.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// How two lists of packages differ, a package with its version on each line.
pub(crate) fn differing(before: &str, after: &str) -> Packages {
    let (before, after) = (packages(before), packages(after));
    let owned = |(name, version): (&&str, &&str)| ((*name).to_owned(), (*version).to_owned());
    let mut found = Packages::default();
    for (name, version) in &after {
        match before.get(name) {
            None => found.added.push(owned((name, version))),
            Some(old) if old != version => {
                let (name, version) = owned((name, version));
                found.changed.push((name, (*old).to_owned(), version));
            }
            Some(_) => {}
        }
    }
    found.removed = before.iter().filter(|(name, _)| !after.contains_key(*name)).map(owned).collect();
    found.total = found.changed.len() + found.added.len() + found.removed.len();
    found.changed.truncate(SHOWN_PACKAGES);
    found.added.truncate(SHOWN_PACKAGES);
    found.removed.truncate(SHOWN_PACKAGES);
    found
}

fn packages(list: &str) -> BTreeMap<&str, &str> {
    list.lines()
        .take(MAX_PACKAGES)
        .filter_map(|line| line.split_once(char::is_whitespace))
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, version)| (cut(name), cut(version.trim())))
        .collect()
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_CHARS).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests;
