//! More of the farm, for the pages that sum up: what turned this week, a PostgreSQL that is not released yet, and great numbers.

use protocol::{JobId, Name, Phase, Priority, Reason, Release, ReleaseId, RunId, Status, Target, Timestamp, Verdict};
use store::jobs::{self, Plan, Settlement};
use store::{Blobs, Store, dists, releases};

use super::fate::{Fate, compile_error, hangs, passes, tests_fail};
use super::{Builder, DAY, MINUTE, before};

/// What turned, and how far four distributions are with PostgreSQL 19.
pub(crate) async fn more(store: &Store, blobs: &Blobs) {
    let clock = before(15 * MINUTE);
    // Far from the numbers of the rest of the farm, which stay as they are.
    let (store, blobs) = (store.clone(), blobs.clone());
    let mut builder = Builder { store, blobs, ids: 5_000, seconds: 5_000, clock };
    let ip4r = builder.latest("ip4r").await;
    builder.run(&ip4r, "pg16-arm64", passes(2)).await;
    builder.again(&ip4r, "pg16-arm64").await;
    for _ in 0..2 {
        let run = builder.second_id();
        builder.end(run, &ip4r, "pg16-arm64", tests_fail()).await;
    }
    let mended = builder.latest("temporal_tables").await;
    builder.again(&mended, "pg17-amd64").await;
    let run = builder.second_id();
    builder.end(run, &mended, "pg17-amd64", passes(2)).await;
    let target = "pg19-amd64";
    builder.run(&ip4r, target, compile_error()).await;
    let semver = builder.latest("semver").await;
    builder.run(&semver, target, passes(7)).await;
    let partman = builder.latest("pg_partman").await;
    builder.run(&partman, target, Fate::new(Phase::Installcheck, Reason::NoTests)).await;
    let hll = builder.latest("hll").await;
    builder.plan(&hll, target, Priority::NewRelease, clock).await;
}

/// What is late twice, the second time with no more time than the first.
pub(crate) async fn late_again(store: &Store, blobs: &Blobs) {
    let (store, blobs) = (store.clone(), blobs.clone());
    let mut builder = Builder { store, blobs, ids: 6_000, seconds: 6_000, clock: before(14 * MINUTE) };
    let (late, target) = (builder.latest("pg_qualstats").await, "pg13-amd64");
    builder.run(&late, target, hangs()).await;
    let second = builder.second_id();
    builder.end(second, &late, target, hangs()).await;
}

impl Builder {
    pub(super) async fn latest(&mut self, dist: &str) -> (ReleaseId, Release) {
        let mut conn = self.store.read().await.unwrap();
        let dist = dists::get(&mut conn, &dist.parse().unwrap()).await.unwrap().unwrap();
        (dist.latest.id, dist.latest.release)
    }
}

/// A distribution with sixty releases on fourteen targets, and `dists` others, with verdicts that needed no run.
pub(crate) async fn many(store: &Store, dists: u32) {
    let mut crowd = Crowd { ids: 0, tx: store.begin().await.unwrap() };
    let all: Vec<Target> = (13..=19)
        .flat_map(|major| ["amd64", "arm64"].map(|platform| format!("pg{major}-{platform}").parse().unwrap()))
        .collect();
    for number in 0..60_u32 {
        let version = format!("{}.{}.0", 1 + number / 20, number % 20);
        crowd.release("pg_veteran", &version, u64::from(60 - number) * 20 * DAY, &all).await;
    }
    for number in 0..dists {
        crowd.release(&format!("crowd_{number:04}"), "1.0.0", (100 + u64::from(number)) * DAY, &all[9..12]).await;
    }
    crowd.tx.commit().await.unwrap();
}

struct Crowd {
    ids: u64,
    tx: store::Tx,
}

impl Crowd {
    fn id(&mut self) -> String {
        self.ids += 1;
        format!("01KAM{:021}", self.ids)
    }

    async fn release(&mut self, dist: &str, version: &str, age: u64, targets: &[Target]) {
        let user: Name = "crowd".parse().unwrap();
        let release = Release {
            dist: dist.parse().unwrap(),
            version: version.parse().unwrap(),
            status: Status::Stable,
            user: user.clone(),
            sha1: "0".repeat(40),
            released_at: before(age),
        };
        let (id, at): (ReleaseId, Timestamp) = (self.id().parse().unwrap(), before(age));
        let meta = serde_json::json!({ "name": dist, "version": version });
        let new = releases::NewRelease { release: &release, summary: "One of many", meta: &meta };
        releases::insert(&mut self.tx, id, &new, at).await.unwrap();
        for target in targets {
            let (job, result_id): (JobId, RunId) = (self.id().parse().unwrap(), self.id().parse().unwrap());
            let plan =
                Plan { release_id: id, target: *target, priority: Priority::Backfill, owner: &user, max_attempts: 3 };
            let Some(verdict) = verdict(self.ids, age) else {
                jobs::plan(&mut self.tx, job, &plan, at).await.unwrap();
                continue;
            };
            let settlement = Settlement { result_id, verdict: &verdict };
            jobs::settle(&mut self.tx, job, &plan, &settlement, at).await.unwrap();
        }
    }
}

/// Mostly good ones, and no failure, which a run would have to confirm; of the newest release some wait.
fn verdict(number: u64, age: u64) -> Option<Verdict> {
    let (phase, reason) = match number % 23 {
        0 | 8 if age < 30 * DAY => return None,
        1 => (Phase::Dependencies, Reason::PrerequisiteFailed),
        2 => (Phase::Metadata, Reason::PostgresUnsupported),
        3 => (Phase::Build, Reason::MissingHeader),
        _ => (Phase::Installcheck, Reason::TestsPassed),
    };
    Some(Verdict::new(phase, reason))
}
