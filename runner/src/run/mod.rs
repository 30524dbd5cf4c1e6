//! One run: from where a release comes from to what is known of it, a file per phase.
//!
//! The container is made and its server starts while the archive is fetched, verified and unpacked; the first command waits for neither
//! longer than it must. Whatever happens, there is a report: what a distribution does wrong and what the farm does wrong are both data.

mod book;
mod build;
mod collect;
mod configure;
mod contact;
mod crash;
mod create;
mod dependencies;
mod downloads;
mod fetch;
mod heal;
mod hold;
mod install;
mod installcheck;
mod lanes;
mod metadata;
mod pgtap;
mod phase;
mod plugin;
mod preload;
mod provide;
mod quote;
mod restart;
mod resume;
mod shell;
mod source;
mod stop;
mod subject;
mod sync;
mod unpack;
mod verify;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};

use futures_util::future::{MaybeDone, maybe_done};
use protocol::{Phase, Platform, Provision, Report, RunId, Target, Verdict};
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::event::Events;
use crate::run::stop::in_phase;
use crate::sandbox::{Image, Sandbox};
use crate::site::Site;

pub use book::StoredFile;
pub(crate) use book::{Book, millis};
pub(crate) use dependencies::run as provide_for;
pub use hold::{Held, Hold, Standing};
pub(crate) use phase::Bench;
pub use shell::Shell;
pub use source::Source;
pub(crate) use stop::{Step, Stop};
pub(crate) use subject::Subject;
pub(crate) use unpack::tree_of;
pub(crate) use verify::digests;

/// The version of this program, as reports and claims have it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the source lies in a container.
pub(crate) const SOURCE_DIR: &str = "/sandbox/src";

/// What to run.
#[derive(Clone, Debug)]
pub struct Request {
    /// The run's id.
    pub run_id: RunId,
    /// Where the distribution comes from.
    pub source: Source,
    /// What it is tested on.
    pub target: Target,
}

/// A run that is over.
#[derive(Clone, Debug)]
pub struct Completed {
    /// What is known of it.
    pub report: Report,
    /// The files that the report lists, compressed, in the same order.
    pub files: Vec<StoredFile>,
}

/// Runs a distribution on an image, which is looked for or built meanwhile.
///
/// Dropping the future ends the run: its container is removed by [`Site::place`]'s tasks.
///
/// # Panics
/// Never: a run pauses only where it is told to.
pub async fn run<F>(site: &Site, request: &Request, image: F, events: &Events) -> Completed
where
    F: Future<Output = Result<Image>> + Send,
{
    let over = Box::pin(run_held(site, request, image, events, Hold::default())).await;
    over.completed.expect("it pauses only where it is told to")
}

/// The same, with its container left as it was where that is wanted.
pub async fn run_held<F>(site: &Site, request: &Request, image: F, events: &Events, hold: Hold) -> Held
where
    F: Future<Output = Result<Image>> + Send,
{
    let site = &site.on(request.target.platform);
    let mut over = Box::pin(once(site, request, image, (Book::new(events, site.clock.now()), hold))).await;
    let Some(completed) = &over.completed else { return over };
    let Some(heal::Again { image, note }) = heal::elsewhere(site, request, completed).await else { return over };
    let mut book = Book::new(events, completed.report.started_at);
    if let Some(standing) = over.standing.take() {
        standing.remove().await;
    }
    book.circumstances.provided.why.push(note.clone());
    book.note(note).await;
    Box::pin(once(site, request, std::future::ready(Ok(image)), (book, hold))).await
}

async fn once<F>(site: &Site, request: &Request, image: F, (mut book, hold): (Book<'_>, Hold)) -> Held
where
    F: Future<Output = Result<Image>> + Send,
{
    book.circumstances.limits = Some(site.limit_facts());
    book.circumstances.emulated = request.target.platform != Platform::native();
    let mut over = Held::default();
    let verdict = match Box::pin(decide(site, request, image, (&mut book, hold, &mut over))).await {
        Ok(verdict) | Err(Stop::Decided(verdict)) => verdict,
        Err(Stop::Paused) => return over,
        Err(Stop::Failed(phase, error)) => {
            if let Error::Offline { .. } = error {
                over.lacks = Some(error.to_string());
            }
            book.failed(phase, &error).await
        }
    };
    over.completed = Some(book.complete(request.run_id, verdict, site.facts(), site.clock.now()));
    over
}

/// The phases in order, up to the one that decides.
async fn decide<F>(
    site: &Site,
    request: &Request,
    image: F,
    (book, hold, over): (&mut Book<'_>, Hold, &mut Held),
) -> Step<Verdict>
where
    F: Future<Output = Result<Image>> + Send,
{
    let (tell, told) = oneshot::channel();
    let mut tell = Some(tell);
    let early = provide::known(site, request);
    early.and_then(|provision| tell.take()?.send(provision).ok());
    let mut started = pin!(maybe_done(start(site, request, image, told)));
    let subject = beside(obtain(site, request, book), started.as_mut()).await?;
    let sent = hold.sent(&subject);
    tell.and_then(|tell| tell.send(subject.provision.clone()).ok());
    let site = &site.lifted(&subject.provision.limits);
    book.circumstances.limits = Some(site.limit_facts());
    let (image, sandbox) = dependencies::begin(started, book).await?;
    provide::record(&image, &subject.provision, book).await;
    let richer;
    let mut bench = Bench::new(site, &image, sandbox, subject, request.target);
    let mut provided = dependencies::run(&mut bench, (request, true), book).await;
    if let Ok(Some(image)) = provided {
        richer = image;
        bench = dependencies::moved(bench, &richer, request.run_id, book).await?;
        provided = dependencies::run(&mut bench, (request, false), book).await;
    }
    let verdict = match provided {
        Ok(_) => up_to(&mut bench, hold, book).await,
        Err(stop) => Err(stop),
    };
    if hold.is_wanted() {
        over.standing = Some(Standing::of(bench, request, sent));
    } else {
        book.overhead.cleanup_ms = book::millis(bench.sandbox.remove().await);
    }
    verdict
}

/// What happens on the runner's own machine; nothing of the distribution runs here.
pub(crate) async fn obtain(site: &Site, request: &Request, book: &mut Book<'_>) -> Step<Subject> {
    let made = std::fs::create_dir_all(&site.work_dir).and_then(|()| tempfile::tempdir_in(&site.work_dir));
    let dir = made.map_err(Error::file("make a directory in", &site.work_dir)).map_err(in_phase(Phase::Fetch))?;
    let fetched = fetch::run(site, request, dir.path(), book).await?;
    verify::run(request, fetched.as_ref(), book).await?;
    let tree = unpack::run(request, fetched, dir.path(), book).await?;
    metadata::run(site, request, tree, book).await
}

/// Runs the first to its end, and the second for as long as that takes.
async fn beside<A: Future, B: Future>(first: A, mut second: Pin<&mut MaybeDone<B>>) -> A::Output {
    let mut first = pin!(first);
    poll_fn(|context| {
        let _ = second.as_mut().poll(context);
        first.as_mut().poll(context)
    })
    .await
}

/// The phases that run in the container.
pub(crate) async fn on_bench(bench: &mut Bench<'_>, book: &mut Book<'_>) -> Step<Verdict> {
    up_to(bench, Hold::default(), book).await
}

/// The same, up to the phase after which it pauses, if there is one.
async fn up_to(bench: &mut Bench<'_>, hold: Hold, book: &mut Book<'_>) -> Step<Verdict> {
    hold.before(bench, book).await?;
    configure::run(bench, book).await?;
    hold.after(Phase::Configure)?;
    build::run(bench, book).await?;
    hold.after(Phase::Build)?;
    install::run(bench, book).await?;
    hold.after(Phase::Install)?;
    create::run(bench, book).await?;
    hold.after(Phase::Create)?;
    let verdict = installcheck::run(bench, book).await?;
    lanes::run(bench, &verdict, book).await;
    Ok(verdict)
}

/// Everything that a run does in the container, as one script that a person could type; what [`crate::bench`] compares a run with.
pub(crate) fn by_hand(bench: &Bench<'_>) -> String {
    let configure = configure::plan(&bench.subject).map(|plan| format!("{{ {}; }}", plan.script));
    let build = format!("{{ {}; }}", build::commands(bench).0);
    let install = format!(": >/run/pgxn-mark && {} && : >/run/pgxn-installed", bench.make("install"));
    let create = format!("(\n{}\n)", create::script(&bench.subject));
    let steps = [build, install, create, bench.make("installcheck")];
    configure.into_iter().chain(steps).chain(lanes::by_hand(bench)).collect::<Vec<_>>().join(" && ")
}

/// The image and a container of it, once it is known what the run is provided with.
async fn start<F>(
    site: &Site,
    request: &Request,
    image: F,
    provision: oneshot::Receiver<Provision>,
) -> Result<(Image, Sandbox)>
where
    F: Future<Output = Result<Image>> + Send,
{
    // Nobody says it where the run has ended before.
    let provision = provision.await.unwrap_or_default();
    let image = provide::image(site, request.target, image, &provision).await?;
    let limits = site.lifted(&provision.limits).limits;
    let mut sandbox = Sandbox::start(&site.place, &image, request.run_id, &limits).await?;
    sandbox.add_environment(&provision.environment);
    Ok((image, sandbox))
}

/// Seconds and minutes as people say them.
pub(crate) fn spoken(duration: std::time::Duration) -> String {
    match duration.as_secs() {
        seconds if seconds >= 120 && seconds.is_multiple_of(60) => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

/// The file that has what a phase printed.
pub(crate) fn log_name(phase: Phase) -> String {
    format!("{phase}.log")
}

/// A look around in a container after a phase that was too slow.
#[cfg(test)]
pub(crate) async fn look_around(sandbox: &Sandbox) -> Result<collect::Look> {
    collect::run(sandbox, Phase::Build, true).await
}

#[cfg(test)]
mod tests;
