//! What happens on the farm, a step each: a release comes, a job is planned, claimed, run, settled.

use std::time::Duration;

use protocol::{
    Grade, JobId, Name, Phase, Priority, Reason, Release, ReleaseId, RunId, RunnerId, Status, Target, Timestamp,
    Verdict,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::confirm::Retries;
use store::jobs::{self, Answer, Claim, Plan, Requeue, Settlement};
use store::results::{Acceptance, Handed};
use store::runs::LeaseKey;
use store::{TokenHash, releases, results, runners};

use super::fate::Fate;
use super::{Builder, DAY, LEASE, before};

impl Builder {
    pub(super) fn id(&mut self) -> String {
        self.ids += 1;
        format!("01KAJ{:021}", self.ids)
    }

    pub(super) async fn runners(&mut self) {
        let mut tx = self.store.begin().await.unwrap();
        for (number, name, seen) in [(1, "helios", 12), (2, "pi-in-the-attic", 40), (3, "basement", 5 * DAY)] {
            let id: RunnerId = format!("01KAH{number:021}").parse().unwrap();
            let token = TokenHash::of(name);
            runners::add(&mut tx, &runners::NewRunner { id, name, token: &token }, before(9 * DAY)).await.unwrap();
            let platform = if number == 2 { "arm64" } else { "amd64" };
            let targets: Vec<Target> =
                (13..=19).map(|major| format!("pg{major}-{platform}").parse().unwrap()).collect();
            runners::touch(&mut tx, id, "0.1.0", &targets, before(seen)).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    pub(super) async fn release(&mut self, dist: &str, version: &str, summary: &str, age: u64) -> (ReleaseId, Release) {
        let release = Release {
            dist: dist.parse().unwrap(),
            version: version.parse().unwrap(),
            status: if version.contains('-') { Status::Testing } else { Status::Stable },
            user: owner(dist),
            sha1: hex::encode(&Sha256::digest(format!("{dist} {version}"))[..20]),
            released_at: before(age),
        };
        let id = self.id().parse().unwrap();
        let meta = json!({
            "name": dist, "version": version, "abstract": summary, "license": "postgresql",
            "maintainer": ["David E. Wheeler <david@example.com>"],
            "provides": { (dist.to_lowercase()): { "file": "sql/x.sql", "version": version } },
            "tags": ["testing", "unit testing", "tap"],
            "prereqs": { "runtime": { "requires": needs(dist) } },
            "resources": {
                "homepage": "https://pgxn.example.org/", "bugtracker": { "web": "javascript:alert(1)" },
                "repository": { "web": "https://github.com/example/x", "type": "git" },
            },
        });
        let mut tx = self.store.begin().await.unwrap();
        let new = releases::NewRelease { release: &release, summary, meta: &meta };
        releases::insert(&mut tx, id, &new, before(age)).await.unwrap();
        tx.commit().await.unwrap();
        (id, release)
    }

    pub(super) async fn plan(
        &mut self,
        release: &(ReleaseId, Release),
        target: &str,
        priority: Priority,
        at: Timestamp,
    ) -> JobId {
        let id = self.id().parse().unwrap();
        let target = target.parse().unwrap();
        let plan = Plan { release_id: release.0, target, priority, owner: &release.1.user, max_attempts: 3 };
        let mut tx = self.store.begin().await.unwrap();
        jobs::plan(&mut tx, id, &plan, at).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Claims the one job that waits for a target.
    pub(super) async fn claim(&mut self, target: &str, at: Timestamp) -> (RunId, RunnerId, TokenHash) {
        let run_id: RunId = self.id().parse().unwrap();
        let (runner_id, token) = self.claim_as(run_id, target, at).await;
        (run_id, runner_id, token)
    }

    async fn claim_as(&mut self, run_id: RunId, target: &str, at: Timestamp) -> (RunnerId, TokenHash) {
        let number = if target.ends_with("arm64") { 2 } else { 1 };
        let runner_id: RunnerId = format!("01KAH{number:021}").parse().unwrap();
        let token = TokenHash::of(&run_id.to_string());
        let targets = [target.parse().unwrap()];
        let mut tx = self.store.begin().await.unwrap();
        let claim = Claim { runner_id, targets: &targets, run_id, token: &token, chosen: false, lease: LEASE };
        let answers = jobs::claim(&mut tx, &[claim], at).await.unwrap();
        assert!(matches!(answers[..], [Answer::Job(_)]), "a job waits");
        tx.commit().await.unwrap();
        (runner_id, token)
    }

    /// Runs a release on a target to its end; a failure is run a second time.
    pub(super) async fn run(&mut self, release: &(ReleaseId, Release), target: &str, fate: Fate) -> RunId {
        self.clock = self.clock.plus(Duration::from_secs(9));
        let at = self.clock;
        self.plan(release, target, Priority::NewRelease, at).await;
        let first = self.id().parse().unwrap();
        self.end(first, release, target, fate.clone()).await;
        if fate.reason.grade() == Grade::Fail && !fate.unconfirmed {
            let second = self.second_id();
            self.end(second, release, target, fate).await;
        }
        first
    }

    /// An id for a second run.
    pub(super) fn second_id(&mut self) -> RunId {
        self.seconds += 1;
        format!("01KAK{:021}", self.seconds).parse().unwrap()
    }

    /// Queues a test again, as an operator does.
    pub(super) async fn again(&mut self, release: &(ReleaseId, Release), target: &str) {
        self.clock = self.clock.plus(Duration::from_mins(1));
        let target = Some(target.parse().unwrap());
        let (dist, version) = (&release.1.dist, Some(&release.1.version));
        let wish = Requeue { dist, version, target, priority: Priority::Asked };
        let mut tx = self.store.begin().await.unwrap();
        jobs::requeue(&mut tx, &wish, self.clock).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Runs the test that waits for a target to its end.
    pub(super) async fn end(&mut self, run_id: RunId, release: &(ReleaseId, Release), target: &str, fate: Fate) {
        let at = self.clock;
        let (runner_id, token) = self.claim_as(run_id, target, at).await;
        let mut report = self.report(run_id, target, fate, at).await;
        report.archive.as_mut().unwrap().sha1.clone_from(&release.1.sha1);
        let key = LeaseKey { run_id, runner_id, token: &token };
        let mut tx = self.store.begin().await.unwrap();
        let handed = Handed { key, report: &report, seal: None };
        let accepted = results::accept(&mut tx, &[handed], Retries::default(), report.finished_at).await.unwrap();
        assert_eq!(accepted[0].acceptance, Acceptance::Accepted);
        tx.commit().await.unwrap();
    }

    /// A verdict by META alone.
    pub(super) async fn settle(&mut self, release: &(ReleaseId, Release), target: &str) {
        let (id, result_id): (JobId, RunId) = (self.id().parse().unwrap(), self.id().parse().unwrap());
        let verdict =
            Verdict::new(Phase::Metadata, Reason::PostgresUnsupported).with_detail("it asks for PostgreSQL >= 16.0.0");
        let target = target.parse().unwrap();
        let plan = Plan {
            release_id: release.0,
            target,
            priority: Priority::NewRelease,
            owner: &release.1.user,
            max_attempts: 3,
        };
        let mut tx = self.store.begin().await.unwrap();
        jobs::settle(&mut tx, id, &plan, &Settlement { result_id, verdict: &verdict }, self.clock).await.unwrap();
        tx.commit().await.unwrap();
    }
}

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// What a distribution says that it needs.
fn needs(dist: &str) -> serde_json::Value {
    match dist {
        "topn" => json!({ "pgmp": "1.0.0", "semver": "0.30.0", "PostgreSQL": "10.0.0" }),
        "pg_partman" | "pg_cron" => json!({ "pgtap": 0, "semver": "0.30.0" }),
        "temporal_tables" => json!({ "semver": "0.30.0" }),
        _ => json!({}),
    }
}

fn owner(dist: &str) -> Name {
    name(match dist {
        "pgTAP" | "semver" => "theory",
        "orafce" => "okbob",
        "pg_partman" => "keithf4",
        _ => "citus",
    })
}
