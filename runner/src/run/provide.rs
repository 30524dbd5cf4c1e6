//! What the overrides provide for a run: packages in its image, more of a limit, settings, libraries to preload, and what has to be
//! prepared before anything is created. Which distributions come first is the phase dependencies' affair.

use std::future::Future;

use protocol::{FileKind, Name, PgMajor, Phase, Provision, Reason, Target, Version};

use crate::error::{Error, Result};
use crate::images::Lacking;
use crate::run::phase::Bench;
use crate::run::restart::{self, Change};
use crate::run::{Book, Request, SOURCE_DIR, Source, Step, preload};
use crate::sandbox::{Command, Image, WAIT_FOR_SERVER};
use crate::site::Site;

/// What a run is provided with, where it is known before its META.json is read.
pub(crate) fn known(site: &Site, request: &Request) -> Option<Provision> {
    match &request.source {
        Source::Release(_, release) => Some(of(site, &release.dist, &release.version, request.target.major)),
        Source::Zip(_) | Source::Directory(_) | Source::Nowhere(_) => None,
    }
}

/// What a release is provided with.
pub(crate) fn of(site: &Site, dist: &Name, version: &Version, major: PgMajor) -> Provision {
    site.overrides.provision(dist, version, major)
}

/// The image with the packages that are wanted, from the first source whose suite has them all.
pub(crate) async fn image<F>(site: &Site, target: Target, plain: F, provision: &Provision) -> Result<Image>
where
    F: Future<Output = Result<Image>> + Send,
{
    let mut base = plain.await?;
    if provision.packages.is_empty() {
        return Ok(base);
    }
    let mut suites = Vec::new();
    let mut missing = None;
    let mut for_now = None;
    loop {
        match site.images.with_packages((target, &base), &provision.packages, &()).await? {
            Ok(image) => return Ok(image),
            Err(Lacking::Settled(packages)) => drop(missing.get_or_insert(packages)),
            Err(Lacking::ForNow(packages)) => for_now = Some(unfit(target, &packages, &base.facts.suite)),
        }
        suites.push(base.facts.suite);
        match site.images.other(target, &|source| !suites.contains(&source.suite), &()).await? {
            Some(image) => base = image,
            None => break,
        }
    }
    // What another day may have is the farm's failure, which is tried again.
    if let Some(error) = for_now {
        return Err(error);
    }
    Err(Error::Packages { packages: missing.unwrap_or_default(), suites: suites.join(" and ") })
}

/// Packages that a suite in the making cannot install for now.
pub(crate) fn unfit(target: Target, packages: &str, suite: &str) -> Error {
    Error::Image { target, why: format!("the packages of {suite} do not fit together for now: {packages}") }
}

/// Writes down what is provided before the first command runs.
pub(crate) async fn record(image: &Image, provision: &Provision, book: &mut Book<'_>) {
    let provided = &mut book.circumstances.provided;
    provided.packages.clone_from(&image.packages);
    provided.why.extend(provision.why.iter().cloned());
    if !image.packages.is_empty() {
        book.note(format!("Added to an image of {}: {}.", image.facts.suite, image.packages.join(", "))).await;
    }
}

/// Sees to what has to be so before anything is created. Costs nothing where nothing is wanted.
pub(crate) async fn before_create(bench: &mut Bench<'_>, book: &mut Book<'_>) -> Step<()> {
    let Provision { preload: listed, settings, .. } = bench.subject.provision.clone();
    if !listed.is_empty() || !settings.is_empty() || bench.subject.preload {
        book.begin(Phase::Create).await;
        let (mut libraries, found) = if listed.is_empty() && !bench.subject.preload {
            Default::default()
        } else {
            preload::there(bench, book, &listed).await?
        };
        if bench.subject.preload && !libraries.is_empty() {
            bench.subject.preload = false;
        }
        libraries.sort();
        libraries.dedup();
        if !libraries.is_empty() || !settings.is_empty() {
            let change = Change { settings: &settings, libraries: &libraries, found: &found };
            restart::run(bench, Phase::Create, change, book).await?;
            book.note(told(&libraries, &settings.keys().cloned().collect::<Vec<_>>())).await;
        }
    }
    if !bench.subject.provision.prepare.is_empty() {
        book.begin(Phase::Create).await;
        prepare(bench, Phase::Create, book).await?;
        book.note("The farm prepared something before its tests, as its overrides say.").await;
    }
    Ok(())
}

fn told(libraries: &[String], settings: &[String]) -> String {
    let libraries = (!libraries.is_empty()).then(|| format!("with {} preloaded", libraries.join(", ")));
    let settings = (!settings.is_empty()).then(|| format!("with other settings: {}", settings.join(", ")));
    let with: Vec<String> = libraries.into_iter().chain(settings).collect();
    format!("The server was restarted {}.", with.join(", and "))
}

/// Runs the lines of preparation, within the phase that is open; one that fails is the farm's.
pub(crate) async fn prepare(bench: &mut Bench<'_>, phase: Phase, book: &mut Book<'_>) -> Step<()> {
    let failed = run_lines(bench, phase, book).await?;
    done(failed, book).await
}

/// Runs them; where they fail, what they said last.
pub(crate) async fn run_lines(bench: &mut Bench<'_>, phase: Phase, book: &mut Book<'_>) -> Step<Option<String>> {
    let lines = &bench.subject.provision.prepare;
    if lines.is_empty() {
        return Ok(None);
    }
    let command = Command { before: WAIT_FOR_SERVER.into(), ..Command::shell(SOURCE_DIR, &script(lines)) };
    run_script(bench, (phase, "prepare.log"), &command, book).await
}

/// What the farm does before the build, in its sources, within the phase that is open; the same holds for it.
pub(crate) async fn before_build(bench: &mut Bench<'_>, book: &mut Book<'_>) -> Step<()> {
    let lines = &bench.subject.provision.before_build;
    if lines.is_empty() {
        return Ok(());
    }
    let command = Command::shell(SOURCE_DIR, &script(lines));
    let failed = run_script(bench, (Phase::Dependencies, "before-build.log"), &command, book).await?;
    done(failed, book).await?;
    book.note("The farm prepared something before its build, as its overrides say.").await;
    Ok(())
}

/// What the farm prepares and cannot is no fault of the distribution.
async fn done(failed: Option<String>, book: &mut Book<'_>) -> Step<()> {
    match failed {
        None => Ok(()),
        Some(said) => {
            let detail = format!("what the farm prepares failed: {said}");
            Err(book.refuse(Reason::PreparationNeeded, detail).await)
        }
    }
}

/// Lines of shell of which the first that fails is the last.
pub(crate) fn script(lines: &[String]) -> String {
    format!("set -e\n{}\n", lines.join("\n"))
}

/// Runs a script and keeps what it said; where it fails, its last line.
async fn run_script(
    bench: &mut Bench<'_>,
    (phase, name): (Phase, &str),
    command: &Command,
    book: &mut Book<'_>,
) -> Step<Option<String>> {
    let attempt = bench.attempt(phase, command, book).await?;
    let failed = attempt.ended.exit != Some(0);
    let log = attempt.log.finish();
    if failed || !log.bytes.is_empty() {
        book.keep(name, FileKind::Log, &log);
    }
    let text = String::from_utf8_lossy(&log.bytes);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Ok(failed.then(|| last.to_owned()))
}
