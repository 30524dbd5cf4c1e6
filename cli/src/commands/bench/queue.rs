//! `pgxn-testers bench queue`: how many claims and reports the API takes a second, by how many jobs wait and how many runners ask.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use coordinator::config::AdminToken;
use coordinator::{Config, Coordinator};
use indicatif::ProgressBar;
use protocol::{ClaimRequest, Clock, Matrix, RunnerId, SystemClock, Target};
use runner::{Keys, VERSION, fresh_token};
use store::runners::{self, NewRunner};
use store::{Store, TokenHash, fill};
use tokio::task::JoinSet;
use tokio::time::Interval;
use url::Url;

use super::fill::targets;
use crate::args::QueueArgs;
use crate::console::{Console, out};
use crate::farm::{DataDir, open_store};

pub(super) async fn run(args: &QueueArgs, console: Console) -> Result<()> {
    let dir = DataDir::open(&args.data.data_dir)?;
    let (store, blobs) = open_store(&args.data, &dir).await?;
    if !fill::is_empty(&mut store.read().await?).await? {
        bail!("there is a farm in {} already; name an empty directory or database", args.data.data_dir.display());
    }
    let mut config = Config::new("https://registry.example.org/".parse()?, AdminToken::open(&args.data.data_dir)?);
    config.calls_per_second = None;
    let coordinator = Coordinator::new(store.clone(), blobs, Matrix::embedded(), Arc::new(SystemClock), config)?;
    let listener = crate::farm::bind(([127, 0, 0, 1], 0).into()).await?;
    let at = crate::farm::address_of(&listener)?;
    let router = coordinator::api::router(coordinator, notify::described());
    let most = args.runners.iter().copied().max().unwrap_or(0);
    let keys = tempfile::tempdir().context("make a directory for the keys of runners")?;
    let crew = hire(&store, (&at, keys.path()), most).await?;
    out(&format!("{}  {}", "    jobs  runners   pairs/s", "  claim: median      99 %    report: median      99 %"))?;
    tokio::select! {
        served = async { axum::serve(listener, router).await } => served.context("serve the API")?,
        measured = Box::pin(rows(args, &store, &crew, console)) => measured?,
    }
    store.close().await;
    Ok(())
}

async fn rows(args: &QueueArgs, store: &Store, crew: &[runner::Coordinator], console: Console) -> Result<()> {
    let mut bar = None;
    for jobs in &args.jobs {
        for runners in &args.runners {
            let waiting = lengthen(store, *jobs, (console, &mut bar)).await?;
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
            let every = args.rate.map(|rate| Duration::from_secs(1) * u32::from(*runners) / rate);
            let measured = measure(&crew[..usize::from(*runners)], Duration::from_secs(args.seconds), every).await?;
            out(&measured.row(waiting, *runners))?;
        }
    }
    Ok(())
}

/// Adds jobs until so many wait.
async fn lengthen(store: &Store, jobs: u64, (console, bar): (Console, &mut Option<ProgressBar>)) -> Result<u64> {
    let tell = &mut |done| console.moves(bar, format!("Making the queue: {done} of {jobs} jobs"));
    Ok(fill::queue(store, &targets(), jobs, SystemClock.now(), tell).await?)
}

/// Makes the runners, each with a connection and a key of its own.
async fn hire(store: &Store, (at, keys): (&Url, &Path), count: u16) -> Result<Vec<runner::Coordinator>> {
    let mut tx = store.begin().await?;
    let mut crew = Vec::new();
    for number in 0..count {
        let (name, token) = (format!("runner-{number}"), fresh_token());
        let new = NewRunner { id: RunnerId::new(SystemClock.now()), name: &name, token: &TokenHash::of(&token) };
        runners::add(&mut tx, &new, SystemClock.now()).await?;
        let dir = keys.join(&name);
        std::fs::create_dir(&dir).with_context(|| format!("make {}", dir.display()))?;
        crew.push(runner::Coordinator::new(at, &token)?.signing(Keys::open(&dir)?));
    }
    tx.commit().await?;
    Ok(crew)
}

/// What some runners did.
#[derive(Default)]
struct Measured {
    claims: Vec<Duration>,
    reports: Vec<Duration>,
    took: Duration,
}

impl Measured {
    fn add(&mut self, other: Self) {
        self.claims.extend(other.claims);
        self.reports.extend(other.reports);
    }

    /// One line of the table.
    fn row(mut self, jobs: u64, runners: u16) -> String {
        let pairs = self.reports.len() as u128 * 1000 / self.took.as_millis().max(1);
        let [claim, slow_claim] = quantiles(&mut self.claims);
        let [report, slow_report] = quantiles(&mut self.reports);
        format!(
            "{jobs:>8} {runners:>8} {pairs:>9}  {claim:>12.2} ms {slow_claim:>6.2} ms  {report:>11.2} ms {slow_report:>6.2} ms"
        )
    }
}

/// The median and the 99th percentile, in milliseconds.
fn quantiles(times: &mut [Duration]) -> [f64; 2] {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    [at(50), at(99)]
}

/// Has all of them claim and report until the time is over, each as often as given, or as it can.
async fn measure(crew: &[runner::Coordinator], time: Duration, every: Option<Duration>) -> Result<Measured> {
    let start = Instant::now();
    let mut working = JoinSet::new();
    for (place, one) in (0..).zip(crew) {
        // Their turns are spread over the time between two of one.
        let turns = every.map(|every| {
            let first = start + every * place / u32::try_from(crew.len()).unwrap_or(u32::MAX);
            tokio::time::interval_at(first.into(), every)
        });
        working.spawn(toil(one.clone(), start + time, turns));
    }
    let mut all = Measured::default();
    while let Some(done) = working.join_next().await {
        all.add(done.context("a runner of the measurement")??);
    }
    all.took = start.elapsed();
    Ok(all)
}

async fn toil(coordinator: runner::Coordinator, until: Instant, mut turns: Option<Interval>) -> Result<Measured> {
    let targets: Vec<Target> = targets();
    let mut did = Measured::default();
    loop {
        let due = match &mut turns {
            Some(turns) => turns.tick().await.into_std(),
            None => Instant::now(),
        };
        if due >= until {
            return Ok(did);
        }
        let request = ClaimRequest {
            targets: targets.clone(),
            emulated: Vec::new(),
            version: VERSION.into(),
            token: Some(fresh_token()),
            away: None,
        };
        let Some(assignment) = coordinator.claim(&request, Duration::ZERO).await? else {
            bail!("the queue is empty: give --jobs more, or --seconds less")
        };
        did.claims.push(due.elapsed());
        let report = fill::report(&assignment, SystemClock.now());
        let start = Instant::now();
        coordinator.report(&assignment, &report).await?;
        did.reports.push(start.elapsed());
    }
}
