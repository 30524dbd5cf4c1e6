//! Which cells no farm plans by itself: of a distribution that is new to it, only the releases that the feed shows and the newest one.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use protocol::{PgMajor, Platform, Target};
use sample::debian;
use store::{Conn, Store, jobs, registry, releases};

/// Making the sample registry takes minutes, and the farm compares only then.
const PATIENCE: Duration = Duration::from_hours(1);

/// Waits until the farm in a directory has compared the registry with its store, then names what it has not planned: a line for each
/// release, as `pgxn-testers admin requeue` takes it.
pub(crate) async fn lines(dir: &Path, majors: &str) -> Result<String> {
    let majors: Vec<PgMajor> = majors
        .split(',')
        .map(|major| major.parse().with_context(|| format!("read `{major}`")))
        .collect::<Result<_>>()?;
    // It writes its address when it has taken the database; before, this program would be the one that has it.
    let address = dir.join("address");
    tests::poll::until(PATIENCE, "the farm to start", async || Ok(address.exists().then_some(()))).await?;
    let store = Store::attach(&format!("sqlite://{}", dir.join("farm.db").display())).await?;
    tests::poll::until(PATIENCE, "the farm to compare the registry with its store", async || {
        let watch = registry::current(&mut store.read().await?).await?;
        Ok(watch.and_then(|watch| watch.reconciled_at))
    })
    .await?;
    let mut conn = store.read().await?;
    let mut lines = Vec::new();
    for (dist, version) in debian::holdings(&dir.join("sample"))?.into_iter().filter_map(|held| held.release) {
        let Some(release) = releases::find(&mut conn, &dist, &version).await? else { continue };
        let targets = unplanned(&mut conn, release.id, &majors).await?;
        if !targets.is_empty() {
            lines.push(format!("{dist}@{} {}\n", version.as_str(), targets.join(" ")));
        }
    }
    Ok(lines.concat())
}

async fn unplanned(conn: &mut Conn, release: protocol::ReleaseId, majors: &[PgMajor]) -> Result<Vec<String>> {
    let planned = jobs::of_release(conn, release).await?;
    let targets = majors.iter().map(|major| Target { major: *major, platform: Platform::native() });
    let missing = targets.filter(|target| !planned.iter().any(|job| job.target == *target));
    Ok(missing.map(|target| format!("--target {target}")).collect())
}
