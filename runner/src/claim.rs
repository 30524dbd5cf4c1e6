//! The volunteer's loop: claim a job, run it under its lease, deliver what came out.
//!
//! A lease is renewed every third of its time, beside the run and beside the delivery. The runner keeps its own clock on it: as long as the
//! lease may live, a coordinator that does not answer is waited for; once it cannot, or the coordinator says that it is lost, the run is
//! dropped where it stands and its container removed. Nothing is reported without a lease, as nobody would take it.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pgxn::Registry;
use protocol::{Absence, Assignment, ClaimRequest, ImageFacts, Lease, Platform, Target, Timestamp, Verdict};
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::client::{CallError, Coordinator};
use crate::courtesy::{Courtesy, WhenOver};
use crate::error::Result;
use crate::event::Events;
use crate::journal::Journal;
use crate::run::{Completed, Request, Source, VERSION, run};
use crate::sandbox::Image;
use crate::site::Site;
use crate::status::Status;

mod away;
mod backoff;
mod deliver;
mod disk;
mod gate;
mod offer;
mod room;
mod tell;
mod term;
mod token;
mod trouble;
mod trust;
mod young;

pub(crate) use backoff::Backoff;
pub use offer::Offer;
pub use trouble::Trouble;
pub use trust::Refused;
pub use young::RenewImage;

use gate::Gate;
use term::Term;
use token::Tokens;
use trust::Registries;

/// How long an idle worker lets the coordinator wait for a job, which is the most that it does: a worker that asked all the time would cost
/// both sides a call each time, and the coordinator a turn at its database.
pub(crate) const WAIT: Duration = Duration::from_secs(30);

/// Looks for the image of a target, or builds it.
pub type EnsureImage = Arc<dyn Fn(Target) -> futures_util::future::BoxFuture<'static, Result<Image>> + Send + Sync>;

/// What an agent tells about itself, for a terminal.
#[derive(Clone, Debug)]
pub enum AgentEvent {
    /// A target is offered from now on, as its image is there.
    Ready(Target, Box<ImageFacts>),
    /// A target is not offered, as its image could not be made; that is tried again later, and not told again.
    Unready(Target, Arc<crate::Error>),
    /// A run has begun; its events come from there.
    Claimed(Box<Assignment>),
    /// A run is reported.
    Reported(Box<Assignment>, Verdict),
    /// A run was dropped: a sentence.
    Dropped(Box<Assignment>, String),
    /// No work is taken from now on, why in words, or it is again.
    Presence(Option<(Absence, String)>),
    /// Something was removed, as images and caches took too much of the disk: what it was.
    Removed(String),
    /// Something is wrong, or right again: a sentence.
    Trouble(String),
}

/// Hears what agents tell.
pub type Listener = Arc<dyn Fn(AgentEvent) + Send + Sync>;

/// Everything that a worker needs.
#[derive(Clone)]
pub struct Agent {
    /// Where runs are made.
    pub site: Site,
    /// The coordinator to work for.
    pub coordinator: Coordinator,
    /// What is offered, which begins with nothing: see [`Agent::prepare`].
    pub offer: Offer,
    /// Where images come from.
    pub images: EnsureImage,
    /// Where younger ones come from; none where they are never made anew.
    renew: Option<RenewImage>,
    /// Who is told.
    pub listener: Listener,
    registries: Registries,
    /// The registry that was used last, as jobs nearly always name the same one.
    registry: Arc<Mutex<Option<(Url, Registry)>>>,
    tokens: Tokens,
    /// When it works, and how much it takes.
    pub(crate) courtesy: Courtesy,
    pub(crate) gate: Gate,
    pub(crate) journal: Journal,
    pub(crate) started_at: Timestamp,
    /// What was last written down of how it is.
    pub(crate) told: Arc<Mutex<Option<Status>>>,
    /// Held by every run to read, and to write by who removes what runs may use.
    house: Arc<RwLock<()>>,
    is_over_budget: Arc<AtomicBool>,
}

/// What one step of the loop did.
#[derive(Clone, Debug, PartialEq)]
pub enum Tick {
    /// A job was claimed and is done with.
    Worked,
    /// Nothing waits.
    Idle,
}

/// How a run under a lease ended.
enum Fate {
    Reported(Verdict),
    Dropped(String),
    Refused(Refused),
}

impl Agent {
    /// An agent that has done nothing yet; it makes the images of its targets in this order.
    pub fn new(
        site: Site,
        coordinator: Coordinator,
        targets: Vec<Target>,
        images: EnsureImage,
        listener: Listener,
    ) -> Self {
        let courtesy = Courtesy::default();
        Self {
            registries: Registries::beside(coordinator.url()),
            coordinator,
            offer: Offer::of(targets),
            images,
            renew: None,
            listener,
            registry: Arc::default(),
            tokens: Tokens::default(),
            gate: Gate::new(&courtesy),
            courtesy,
            journal: Journal::new(site.data_dir.clone()),
            started_at: site.clock.now(),
            told: Arc::default(),
            house: Arc::default(),
            is_over_budget: Arc::default(),
            site,
        }
    }

    /// The same, which works only when it should, and takes no more than it should.
    #[must_use]
    pub fn with_courtesy(self, courtesy: Courtesy) -> Self {
        Self { gate: Gate::new(&courtesy), courtesy, ..self }
    }

    /// One step: claims a job, for which the coordinator may wait so long, and does it; or finds that nothing has come.
    ///
    /// An engine that does not answer is an error before anything is claimed, and so is a disk that is full. A job that is not one that a
    /// coordinator may ask for is given back, and is an error. When `stop` is cancelled, a
    /// job that runs is given back. While no work is taken, nothing is claimed.
    pub async fn tick(&self, wait: Duration, stop: &CancellationToken) -> Result<Tick, Trouble> {
        self.site.place.engine.check().await?;
        self.site.place.tidy().await;
        room::check(&self.site.work_dir)?;
        self.keep_budget().await;
        if self.gate.is_closed() {
            return Ok(Tick::Idle);
        }
        let targets = self.offer.ready();
        let claimed = tokio::select! {
            claimed = self.claim(targets.clone(), wait) => claimed?,
            () = self.offer.differs(&targets) => return Ok(Tick::Idle),
            () = self.gate.closes() => return Ok(Tick::Idle),
            () = stop.cancelled() => return Ok(Tick::Idle),
        };
        let Some(assignment) = claimed else { return Ok(Tick::Idle) };
        let assignment = Box::new(assignment);
        if let Err(refused) = self.check(&assignment) {
            self.release(&assignment.lease).await;
            return Err(refused.into());
        }
        (self.listener)(AgentEvent::Claimed(assignment.clone()));
        match self.work(&assignment, stop).await {
            Fate::Reported(verdict) => (self.listener)(AgentEvent::Reported(assignment, verdict)),
            Fate::Dropped(why) => (self.listener)(AgentEvent::Dropped(assignment, why)),
            Fate::Refused(refused) => {
                self.release(&assignment.lease).await;
                (self.listener)(AgentEvent::Dropped(assignment, "it is refused; the job was given back".into()));
                return Err(refused.into());
            }
        }
        Ok(Tick::Worked)
    }

    async fn claim(&self, targets: Vec<Target>, wait: Duration) -> Result<Option<Assignment>, CallError> {
        let mut said = self.tokens.say();
        let emulated = emulated(&targets);
        let (version, token) = (VERSION.to_owned(), Some(said.token.clone()));
        let request = ClaimRequest { targets, emulated, version, token, away: None };
        let claimed = self.coordinator.claim(&request, wait).await;
        said.had_a_job = matches!(claimed, Ok(Some(_)));
        claimed
    }

    /// Runs and delivers, for as long as the lease lives.
    async fn work(&self, assignment: &Assignment, stop: &CancellationToken) -> Fate {
        let lease = &assignment.lease;
        let events = Events::kept();
        let term = Mutex::new(Term::starting(lease));
        let _works = self.journal.runs(assignment, &events, self.site.clock.now());
        let _stays = tokio::select! {
            stays = self.house.read() => stays,
            why = self.keep(lease, &events, &term) => return Fate::Dropped(why),
            () = stop.cancelled() => return self.give_back(lease, "the runner stops").await,
        };
        let doing = async {
            let completed = match self.run(assignment, &events).await {
                Ok(completed) => completed,
                Err(refused) => return Fate::Refused(refused),
            };
            let verdict = completed.report.verdict.clone();
            self.remember_images();
            match self.deliver(assignment, completed, &term).await {
                Ok(()) => {
                    self.journal.found(verdict.grade(), self.site.clock.now());
                    Fate::Reported(verdict)
                }
                Err(why) => Fate::Dropped(why),
            }
        };
        tokio::select! {
            fate = doing => fate,
            why = self.keep(lease, &events, &term) => Fate::Dropped(why),
            never = self.tell(lease, &events) => match never {},
            () = stop.cancelled() => self.give_back(lease, "the runner stops").await,
            () = self.gate.hours_end(), if self.courtesy.over == WhenOver::Stop => {
                self.give_back(lease, "the runner's hours are over").await
            }
        }
    }

    async fn give_back(&self, lease: &Lease, why: &str) -> Fate {
        self.release(lease).await;
        Fate::Dropped(format!("{why}; the job was given back"))
    }

    async fn release(&self, lease: &Lease) {
        if let Err(error) = self.coordinator.release(lease).await {
            tracing::warn!(%error, run = %lease.run_id, "could not give the job back; its lease will run out");
        }
    }

    /// Keeps account of the images that runs have used.
    fn remember_images(&self) {
        let (taken, now) = (self.site.images.taken(), self.site.clock.now());
        self.journal.change(|record| record.images.extend(taken.into_iter().map(|digest| (digest, now))));
    }

    async fn run(&self, assignment: &Assignment, events: &Events) -> Result<Completed, Refused> {
        let source = match self.registry(&assignment.registry).await? {
            Ok(registry) => Source::Release(registry, Box::new(assignment.release.clone())),
            Err(error) => Source::Nowhere(Arc::new(error)),
        };
        let request = Request { run_id: assignment.lease.run_id, source, target: assignment.target };
        let mut site = self.site.clone();
        site.limits = site.limits.with_time(assignment.time_factor);
        Ok(run(&site, &request, (self.images)(assignment.target), events).await)
    }
}

/// The platforms of these targets that are not this machine's own.
fn emulated(targets: &[Target]) -> Vec<Platform> {
    let is_emulated = |platform: &Platform| {
        *platform != Platform::native() && targets.iter().any(|target| target.platform == *platform)
    };
    Platform::ALL.into_iter().filter(is_emulated).collect()
}

#[cfg(test)]
mod tests;
