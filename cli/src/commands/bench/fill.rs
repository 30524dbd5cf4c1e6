//! `pgxn-testers bench fill`: a farm of many years, made up, and the registry that it watched.

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use protocol::{Clock, Matrix, Platform, ReleaseId, SystemClock, Target, Timestamp};
use sample::made_up::{Size, uploads};
use sample::{Mirror, ReleaseMeta};
use store::fill::{Progress, Scale};
use store::releases::{self, NewRelease};
use store::{Store, fill};
use url::Url;

use crate::args::FillArgs;
use crate::console::{Console, out};
use crate::farm::{DataDir, open_store};

/// Where the registry is written, below the data directory.
const REGISTRY: &str = "made-up-registry";
/// So many releases are one transaction.
const RELEASES: usize = 500;

pub(super) async fn run(args: &FillArgs, console: Console) -> Result<()> {
    let dir = DataDir::open(&args.data.data_dir)?;
    let (store, blobs) = open_store(&args.data, &dir).await?;
    if !fill::is_empty(&mut store.read().await?).await? {
        bail!("there is a farm in {} already; name an empty directory or database", args.data.data_dir.display());
    }
    let now = SystemClock.now();
    let mut bar = None;
    let size = Size { dists: args.dists.into(), releases: args.releases.into() };
    console
        .moves(&mut bar, format!("Writing a registry of {} distributions and {} releases", args.dists, args.releases));
    let mirror = tokio::task::block_in_place(|| publish(&dir, size, now))?;
    console.moves(&mut bar, "Taking in its releases".into());
    take_in(&store, &mirror, now).await?;
    let targets = targets();
    let scale = Scale { targets: &targets, results: args.results, seed: args.seed };
    let made = fill::fill(&store, &blobs, scale, now, &mut |progress| say(console, &mut bar, progress)).await?;
    store.close().await;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let registry = Url::from_file_path(mirror.dir()).ok().context("write the address of the registry")?;
    console.line(&format!("Made {made} results on {} targets. Serve them by", targets.len()));
    out(&format!(
        "pgxn-testers coordinator --data-dir {} --registry {registry} --client-rate 0",
        args.data.data_dir.display()
    ))?;
    Ok(())
}

fn publish(dir: &DataDir, size: Size, now: Timestamp) -> Result<Mirror> {
    let mut mirror = Mirror::open(&dir.join(REGISTRY))?;
    let uploads: Vec<_> = uploads(size, now).collect::<Result<_, _>>()?;
    mirror.publish_all(uploads)?;
    Ok(mirror)
}

/// Stores every release of the registry, in the order of their dates.
async fn take_in(store: &Store, mirror: &Mirror, now: Timestamp) -> Result<()> {
    let mut all: Vec<&ReleaseMeta> = mirror.releases().collect();
    all.sort_by_key(|release| (release.date, release.dist.key()));
    for some in all.chunks(RELEASES) {
        let mut tx = store.begin().await?;
        for meta in some {
            let release = protocol::Release {
                dist: meta.dist.clone(),
                version: meta.version.clone(),
                status: meta.status,
                user: meta.user.clone(),
                sha1: meta.sha1.clone(),
                released_at: meta.date,
            };
            let document: serde_json::Value =
                serde_json::from_str(&meta.document()).context("read the META.json that was just written")?;
            let summary = document["abstract"].as_str().unwrap_or_default().to_owned();
            let new = NewRelease { release: &release, summary: &summary, meta: &document };
            releases::insert(&mut tx, ReleaseId::new(meta.date), &new, now).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Every major of the matrix on every platform.
pub(super) fn targets() -> Vec<Target> {
    let majors = Matrix::embedded().postgresql.into_iter().map(|entry| entry.major);
    majors.flat_map(|major| Platform::ALL.map(|platform| Target { major, platform })).collect()
}

fn say(console: Console, bar: &mut Option<ProgressBar>, progress: Progress) {
    let text = match progress {
        Progress::Present(done, of) => format!("Writing what stands: {done} of {of} jobs"),
        Progress::Past(done, of) => format!("Writing the past: {done} of about {of} results"),
        Progress::Index => "Making the indexes".to_owned(),
    };
    console.moves(bar, text);
}
