//! What the farm has been through: which distributions there are, and how their runs ended.

use std::time::Duration;

use protocol::{Phase, Priority, Reason};
use store::registry::{Newest, Poll};
use store::runs::LeaseKey;
use store::{broken, registry, runs};

use super::fate::{Fate, compile_error, crashes, hangs, missing_header, passes, tests_fail};
use super::steps::name;
use super::{Builder, DAY, LEASE, MINUTE, NOW, REGISTRY, before, scene};

impl Builder {
    pub(super) async fn finished(&mut self) {
        self.pgtap().await;
        self.small_ones().await;
        self.unlucky_ones().await;
        self.hostile().await;
    }

    async fn pgtap(&mut self) {
        for (version, age) in [("1.3.1", 900), ("1.3.2", 700), ("1.3.3", 420), ("1.3.4", 2), ("1.4.0-b1", 1)] {
            let release = self.release("pgTAP", version, "Unit testing for PostgreSQL", age * DAY).await;
            for major in 14..=19 {
                let fate = match (version, major) {
                    ("1.3.3" | "1.3.4", 19) => compile_error(),
                    ("1.3.1", 18) => tests_fail(),
                    _ => passes(12),
                };
                self.run(&release, &format!("pg{major}-amd64"), fate).await;
            }
            if version == "1.3.4" {
                self.run(&release, "pg18-arm64", passes(12)).await;
                self.run(&release, "pg17-arm64", tests_fail()).await;
            }
        }
    }

    async fn small_ones(&mut self) {
        let semver = self.release("semver", "0.40.0", "A semantic version data type", 3 * DAY).await;
        let ip4r = self.release("ip4r", "2.4.2", "IPv4/v6 and IPv4/v6 range index type", 12 * DAY).await;
        let partman =
            self.release("pg_partman", "5.3.1", "Extension to manage partitioned tables by time or ID", 5 * DAY).await;
        for major in 15..=18 {
            let target = format!("pg{major}-amd64");
            self.run(&semver, &target, passes(7)).await;
            self.run(&ip4r, &target, Fate { circumstances: scene::warned(), ..passes(2) }).await;
            let untested = Fate::new(Phase::Installcheck, Reason::NoTests);
            self.run(&partman, &target, untested).await;
        }
    }

    async fn unlucky_ones(&mut self) {
        let pgmp = self.release("pgmp", "1.0.5", "Multiple precision arithmetic for PostgreSQL", 8 * DAY).await;
        let topn = self.release("topn", "2.7.0", "Returns the top values in a database", 20 * DAY).await;
        let stats = self.release("pg_qualstats", "2.1.2", "A statistics collector for predicates", 30 * DAY).await;
        let crash = self.release("temporal_tables", "1.2.2", "Temporal tables for PostgreSQL", 33 * DAY).await;
        for major in [18, 17] {
            let target = format!("pg{major}-amd64");
            self.run(&pgmp, &target, missing_header()).await;
            let detail = "pgmp, which it needs, does not build on this target";
            let blocked = Fate::new(Phase::Dependencies, Reason::PrerequisiteFailed);
            self.run(&topn, &target, Fate { detail, circumstances: scene::prepared(), ..blocked }).await;
            let needs = Fate { detail: "shared_preload_libraries", ..Fate::new(Phase::Create, Reason::PreloadNeeded) };
            self.run(&stats, &target, needs).await;
            self.run(&crash, &target, crashes()).await;
        }
        let detail = "the daemon answered 500";
        self.run(&topn, "pg16-amd64", Fate { detail, ..Fate::new(Phase::Fetch, Reason::EngineFailed) }).await;
        self.settle(&pgmp, "pg15-amd64").await;
        self.run(&stats, "pg16-amd64", hangs()).await;
    }

    async fn hostile(&mut self) {
        let summary = "\"><script>alert(1)</script> & friends";
        let release = self.release("<b>x'&\"", "1.0.0", summary, 40 * DAY).await;
        let text = format!(
            "plain\n\x1b[31mred <script>alert(2)</script>\x1b[0m\n\x1b]8;;javascript:alert(3)\x07click\x1b]8;;\x07\nnul \0 bell \x07\n{}\nbidi \u{202e}gnp.exe\nlast </pre><img src=x onerror=alert(4)>\n",
            "long ".repeat(4_000)
        );
        let lines = "cc -c file.c\n".repeat(4_100);
        let log = Some(("build.log", format!("{text}{lines}"), 7));
        let fate = Fate { log, detail: "<img src=x onerror=alert(5)>", ..Fate::new(Phase::Build, Reason::BuildFailed) };
        self.run(&release, "pg18-amd64", fate).await;
    }

    /// A test that passed on last week's image and fails on this week's, one that is flaky, and one that shares a symptom with pgTAP.
    pub(super) async fn turned(&mut self) {
        self.clock = before(20 * MINUTE);
        let cron = self.release("pg_cron", "1.6.5", "Periodic background jobs inside PostgreSQL", 60 * DAY).await;
        let flaky = self.release("pg_flicker", "0.2.0", "Ends now so and now so", 61 * DAY).await;
        let (target, other) = ("pg14-amd64", "pg13-amd64");
        self.run(&cron, target, Fate { old_image: true, ..passes(3) }).await;
        self.again(&cron, target).await;
        for _ in 0..2 {
            let run = self.second_id();
            self.end(run, &cron, target, compile_error()).await;
        }
        self.run(&flaky, other, Fate { unconfirmed: true, ..tests_fail() }).await;
        let run = self.second_id();
        self.end(run, &flaky, other, passes(3)).await;
    }

    pub(super) async fn unfinished(&mut self) {
        let hll = self.release("hll", "2.19.0", "Type for storing hyperloglog data", 55 * MINUTE).await;
        let orafce =
            self.release("orafce", "4.16.1", "Oracle's compatibility functions and packages", 40 * MINUTE).await;
        // A runner that was lost: its job waits again.
        self.plan(&hll, "pg16-amd64", Priority::NewRelease, before(20 * MINUTE)).await;
        self.claim("pg16-amd64", before(19 * MINUTE)).await;
        let mut tx = self.store.begin().await.unwrap();
        runs::expire(&mut tx, before(10 * MINUTE), 10).await.unwrap();
        tx.commit().await.unwrap();
        for (release, target, phase) in [(&hll, "pg18-amd64", Some(Phase::Installcheck)), (&orafce, "pg18-arm64", None)]
        {
            self.plan(release, target, Priority::NewRelease, before(150)).await;
            let (run_id, runner_id, token) = self.claim(target, before(94)).await;
            let key = LeaseKey { run_id, runner_id, token: &token };
            let mut tx = self.store.begin().await.unwrap();
            runs::renew(&mut tx, &key, phase, LEASE, before(8)).await.unwrap();
            tx.commit().await.unwrap();
        }
        for target in ["pg17-amd64", "pg15-amd64"] {
            self.plan(&hll, target, Priority::NewRelease, before(140)).await;
        }
        for major in 15..=18 {
            self.plan(&orafce, &format!("pg{major}-amd64"), Priority::NewRelease, before(130)).await;
        }
        let old = self.release("orafce", "4.16.0", "Oracle's compatibility functions and packages", 200 * DAY).await;
        for major in 15..=17 {
            self.plan(&old, &format!("pg{major}-amd64"), Priority::Backfill, before(120)).await;
        }
    }

    pub(super) async fn registry(&mut self) {
        let url = REGISTRY.parse().unwrap();
        let newest =
            Newest { dist: name("orafce"), version: "4.16.1".parse().unwrap(), released_at: before(40 * MINUTE) };
        let mut tx = self.store.begin().await.unwrap();
        registry::polled(&mut tx, &url, &Poll { cursor: "", validators: "{}", newest: Some(&newest) }, before(21))
            .await
            .unwrap();
        let next_try_at = NOW.plus(Duration::from_mins(15));
        let reason = "Its META.json is not JSON: expected value at line 1 column 1.";
        let breakage = broken::Breakage { dist: "pg_shard", version: "1.2.9", reason, next_try_at };
        broken::record(&mut tx, &breakage, before(3_600)).await.unwrap();
        tx.commit().await.unwrap();
    }
}
