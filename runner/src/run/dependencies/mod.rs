//! Phase dependencies: the container, what the distribution needs, and its source, in this order. The network ends here.
//!
//! What META requires and the server does not ship is looked up in the registry, fetched and checked as the distribution itself is, and then
//! built and installed under the same limits, before anything of the distribution is there. What is taken out of that container are the files
//! that they wrote into the server's directories; the distribution gets a container of its own, with these and nothing else of what
//! happened: no process, no cluster, no file elsewhere. What it gets of them is the same whether they were built for it or in an earlier run.
//!
//! All prerequisites together may take as long as a run may, and the distribution's own time begins after them.
//!
//! What cannot be had, or fails, blocks the run: its grade is BLOCKED also where it fails for want of something that the farm lacks. The
//! dependency is then ENV in its own runs, and an override for it heals all that need it at once; ENV here would send an operator to look for
//! a library that this distribution does not use. The detail says which it is. Only a language of PostgreSQL's own that the image lacks is
//! ENV, as nobody else has it.

use std::future::Future;
use std::pin::Pin;

use futures_util::future::MaybeDone;
use pgxn::Registry;
use protocol::{FileKind, Origin, Outcome, Phase, Prerequisite, Provision, Reason, Verdict};
use tokio::time::Instant;

use crate::error::Result;
use crate::prerequisites::{Halt, Need, Plan, Planned, Refusal, Root, Server, put_together};
use crate::run::phase::Bench;
use crate::run::stop::{in_phase, in_words, lacking};
use crate::run::{Book, Request, Source, Step, Stop, book, downloads, provide};
use crate::sandbox::{Image, Log, Sandbox};

mod fetch;
mod image;
mod install;
mod keep;
mod shipped;
mod vet;

pub(crate) use image::moved;

/// The name of what building prerequisites printed.
const LOG: &str = "dependencies.log";

/// Waits for the container.
pub(crate) async fn begin<S>(mut started: Pin<&mut MaybeDone<S>>, book: &mut Book<'_>) -> Step<(Image, Sandbox)>
where
    S: Future<Output = Result<(Image, Sandbox)>>,
{
    book.begin(Phase::Dependencies).await;
    started.as_mut().await;
    let (image, sandbox) =
        started.take_output().expect("it is done, and nobody else takes it").map_err(in_phase(Phase::Dependencies))?;
    book.image = Some(image.facts.clone());
    book.overhead.start_ms = book::millis(sandbox.start);
    Ok((image, sandbox))
}

/// Provides what the distribution needs, and copies its source in, with what its build would download.
///
/// Where that takes another image, and `may_move` says so, that is given back, and nothing else has happened.
pub(crate) async fn run(
    bench: &mut Bench<'_>,
    (request, may_move): (&Request, bool),
    book: &mut Book<'_>,
) -> Step<Option<Image>> {
    let preload: Vec<String> = bench.subject.meta.server_preload().map(str::to_owned).collect();
    bench.subject.provision.preload.extend(preload);
    let needs = Need::all(&bench.subject.meta, &bench.subject.provision, true);
    let mut log = Log::new(bench.site.limits.log_bytes);
    let outcome =
        if needs.is_empty() { Ok(None) } else { provide(bench, (request, may_move), (needs, &mut log), book).await };
    let outcome = match outcome {
        Ok(Some(image)) => return Ok(Some(image)),
        Ok(None) => copy_source(bench, book).await.map(|()| None),
        Err(stop) => Err(stop),
    };
    let text = log.finish();
    let kept = if text.bytes.is_empty() { None } else { book.keep(LOG, FileKind::Log, &text) };
    // What the farm could not do, its caller writes down.
    if !matches!(outcome, Err(Stop::Failed(..))) {
        book.close(|record| {
            record.log = kept;
            if let Err(Stop::Decided(verdict)) = &outcome {
                (record.outcome, record.reason) = (Outcome::Failed, Some(verdict.reason));
            }
        })
        .await;
    }
    bench.begin_own_time();
    outcome
}

async fn copy_source(bench: &mut Bench<'_>, book: &mut Book<'_>) -> Step<()> {
    let archive = bench.subject.packed.take().expect("it is packed once and copied once");
    let began = Instant::now();
    bench.sandbox.copy_in(archive, "/sandbox").await.map_err(in_phase(Phase::Dependencies))?;
    book.overhead.copy_in_ms = book::millis(began.elapsed());
    downloads::copy_in(bench, &bench.subject.provision.downloads).await?;
    provide::before_build(bench, book).await
}

/// Finds what is needed, and installs it.
async fn provide(
    bench: &mut Bench<'_>,
    (request, may_move): (&Request, bool),
    (needs, log): (Vec<Need>, &mut Log),
    book: &mut Book<'_>,
) -> Step<Option<Image>> {
    let shipped = shipped::list(&bench.sandbox, &bench.site.limits).await?;
    let meta = &bench.subject.meta;
    let provides = meta.provides.iter().map(|provided| provided.name.clone()).collect();
    let root = Root { dist: meta.name.clone(), provides, needs };
    let registry = registry(bench, request);
    let server = Server { major: request.target.major, shipped: &shipped };
    let plan = match put_together(&root, server, &bench.site.overrides, registry).await {
        Ok(plan) => plan,
        Err(Halt::Refused(refusal)) => return Err(refused(&root, &refusal, book)),
        Err(Halt::Registry(error @ pgxn::Error::Offline { .. })) => return Err(lacking(Phase::Dependencies, &error)),
        Err(Halt::Registry(error)) => {
            let verdict = Verdict::new(Phase::Dependencies, error.reason(false));
            return Err(Stop::Decided(verdict.with_detail(in_words(&error))));
        }
    };
    if may_move && let Some(image) = image::richer(bench, &plan.items, book).await? {
        return Ok(Some(image));
    }
    tell(&plan, book).await;
    bench.subject.create_first.clone_from(&plan.create);
    inherit(&mut bench.subject.provision, &plan.items);
    if plan.items.is_empty() {
        return Ok(None);
    }
    let (ready, supply) = fetch::run(bench, request, plan.items).await?;
    let installed = install::run(bench, (request.run_id, ready, supply), log, book).await?;
    vet::run(bench, (&root, &shipped), &installed).await.map(|()| None)
}

/// What a prerequisite's library needs of the server, whatever is created on top of it needs, too.
fn inherit(provision: &mut Provision, items: &[Planned]) {
    for theirs in items.iter().map(|item| &item.known.provision) {
        let new = theirs.preload.iter().filter(|library| !provision.preload.contains(library));
        let new: Vec<String> = new.cloned().collect();
        provision.preload.extend(new);
        for (name, value) in &theirs.settings {
            provision.settings.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Where to look: the registry that the release is from; for what a person has on a disk, the one that the site names.
async fn registry(bench: &Bench<'_>, request: &Request) -> pgxn::Result<Option<Registry>> {
    match (&request.source, &bench.site.registry) {
        (Source::Release(registry, _), _) => Ok(Some(registry.clone())),
        (_, Some(url)) => Registry::open(url, bench.site.client.clone()).await.map(Some),
        (_, None) => Ok(None),
    }
}

/// What cannot be had is written down, and decides.
fn refused(root: &Root, refusal: &Refusal, book: &mut Book<'_>) -> Stop {
    if let Some(wanted) = refusal.missing() {
        let range = root.needs.iter().find(|need| need.name == *wanted).map(|need| need.range.clone());
        book.circumstances.prerequisites.push(Prerequisite {
            wanted: wanted.as_str().to_owned(),
            range: range.filter(|range| !range.is_any()).map(|range| range.to_string()).unwrap_or_default(),
            dist: None,
            version: None,
            sha1: None,
            origin: Origin::Missing,
        });
    }
    Stop::Decided(Verdict::new(Phase::Dependencies, refusal.reason()).with_detail(refusal.to_string()))
}

/// The verdict where a prerequisite went well, and what it left cannot be used.
fn blocked(item: &Planned, why: &str) -> Verdict {
    let verdict = Verdict::new(Phase::Dependencies, Reason::PrerequisiteFailed);
    verdict.with_detail(format!("{} ({}): {why}", item.known.release, Phase::Install))
}

/// Writes down what the server ships, and where that is not the version that is asked for; and why prerequisites get something special.
async fn tell(plan: &Plan, book: &mut Book<'_>) {
    for served in &plan.served {
        let (name, version) = (&served.wanted, &served.version);
        let mut range = String::new();
        if !served.range.is_any() {
            range = served.range.to_string();
        }
        if !served.range.contains(version) {
            book.note(format!("{name} {range} is asked for; the server ships {name} {version}, which was taken."))
                .await;
        }
        book.circumstances.prerequisites.push(Prerequisite {
            wanted: name.as_str().to_owned(),
            range,
            dist: None,
            version: Some(version.clone()),
            sha1: None,
            origin: Origin::Server,
        });
    }
    for known in plan.items.iter().map(|item| &item.known) {
        let why = known.provision.why.iter().map(|why| format!("{}: {why}", known.release.dist));
        book.circumstances.provided.why.extend(why);
    }
}

#[cfg(test)]
mod tests;
