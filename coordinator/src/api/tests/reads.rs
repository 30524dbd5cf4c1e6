//! What everybody reads.

use super::*;
use crate::testing::{Trap, meta_path};

#[tokio::test]
async fn the_status_says_how_the_farm_stands() {
    on_both(async |farm| {
        let empty = farm.call(Call::get("/api/v1/status")).await.json();
        assert_eq!((&empty["registry"], &empty["queued"]), (&Value::Null, &json!(0)));
        let runner = with_release(&farm).await;
        let claimed = claim(&farm, &runner).await.unwrap();
        claimed.renew(&farm).await;
        let status = farm.call(Call::get("/api/v1/status")).await.json();
        let counts = ["dists", "releases", "broken", "queued", "running", "results", "runners"];
        assert_eq!(counts.map(|count| status[count].as_u64().unwrap()), [1, 1, 0, 3, 1, 0, 1]);
        assert_eq!(status["runs"][0]["phase"], "build");
        assert_eq!(status["queue"].as_array().unwrap().len(), 3);
        assert_eq!(status["targets"][0], "pg18-amd64");
        assert_eq!((&status["registry"]["lag_ms"], &status["registry"]["newest"]["stored"]), (&json!(0), &json!(true)));
    })
    .await;
}

#[tokio::test]
async fn the_lag_is_told_when_the_registry_is_away_and_when_a_release_is_not_readable() {
    let farm = Farm::start().await;
    let lag = async || farm.call(Call::get("/api/v1/status")).await.json()["registry"]["lag_ms"].as_i64().unwrap();
    farm.registry.publish("pair", "1.0.0");
    farm.registry.set_trap(&meta_path("pair", "1.0.0"), Trap::Missing);
    farm.watch().await;
    assert_eq!(lag().await, 3_600_000, "it was released an hour ago");
    farm.registry.remove_trap(&meta_path("pair", "1.0.0"));
    farm.clock.advance(MINUTE);
    farm.watch().await;
    assert_eq!(lag().await, 0);
    farm.registry.set_trap("/stats/dist.json", Trap::Status(500));
    farm.clock.advance(MINUTE * 3);
    farm.watch().await;
    assert_eq!(lag().await, 180_000, "its last good answer is three minutes old");
}

#[tokio::test]
async fn a_distribution_shows_its_releases_by_target() {
    on_both(async |farm| {
        farm.registry.publish_by("ann", ("Pair", "1.0.0"), "stable", Some("16.0.0"));
        farm.registry.publish("Pair", "1.1.0");
        farm.registry.publish("pair", "1.2.0");
        farm.registry.set_trap(&meta_path("pair", "1.2.0"), Trap::Missing);
        farm.watch().await;
        let runner = farm.runner("box").await;
        let claimed = claim_of(&farm, &runner, &["pg18-amd64"]).await.unwrap();
        claimed.report(&farm, &claimed.passed()).await.json_or_empty();
        let dist = farm.call(Call::get("/api/v1/dists/PAIR")).await.json();
        assert_eq!((&dist["name"], &dist["summary"]), (&json!("Pair"), &json!("What Pair does")));
        let versions: Vec<&str> =
            dist["releases"].as_array().unwrap().iter().map(|r| r["version"].as_str().unwrap()).collect();
        assert_eq!(versions, ["1.1.0", "1.0.0"]);
        let cell = |release: usize, target: &str| {
            let cells = dist["releases"][release]["cells"].as_array().unwrap();
            cells.iter().find(|cell| cell["target"] == target).unwrap().clone()
        };
        assert_eq!(cell(0, "pg18-amd64")["result"]["grade"], "PASS");
        assert_eq!(cell(0, "pg17-amd64")["state"], "queued");
        let excluded = cell(1, "pg15-amd64");
        assert_eq!((&excluded["state"], &excluded["result"]["grade"]), (&json!("finished"), &json!("NA")));
        assert_eq!(dist["broken"][0]["version"], "1.2.0");
        assert_eq!(farm.call(Call::get("/api/v1/broken")).await.json()[0]["dist"], "pair");
    })
    .await;
}

impl Answer {
    /// A good answer, whatever its body.
    #[track_caller]
    fn json_or_empty(&self) {
        assert!(self.status.is_success(), "{}: {}", self.status, String::from_utf8_lossy(&self.bytes));
    }
}

#[tokio::test]
async fn a_run_shows_everything_that_was_reported_and_its_files() {
    on_both(async |farm| {
        let runner = with_release(&farm).await;
        let claimed = claim(&farm, &runner).await.unwrap();
        let path = format!("/api/v1/runs/{}", claimed.run_id);
        let open = farm.call(Call::get(&path)).await.json();
        assert_eq!((&open["run"]["state"], &open["result"]), (&json!("open"), &Value::Null));
        let log = "\u{1b}[31merror\u{1b}[0m <script>\n".repeat(100).into_bytes();
        claimed.upload(&farm, "build.log", &log).await.json_or_empty();
        claimed.report(&farm, &claimed.with_log(&log)).await.json_or_empty();
        let run = farm.call(Call::get(&path)).await.json();
        assert_eq!(run["run"]["state"], "reported");
        assert_eq!(run["result"]["phases"][0]["command"], "make all");
        assert_eq!(run["result"]["sentence"], "All tests passed.");

        let file = farm.call(Call::get(&format!("{path}/files/build.log"))).await;
        assert_eq!(file.bytes, log);
        assert_eq!(
            (&file.headers["content-type"], &file.headers["x-content-type-options"]),
            (&"text/plain; charset=utf-8".parse().unwrap(), &"nosniff".parse().unwrap())
        );
        let small =
            farm.call(Call::get(&format!("{path}/files/build.log")).header("accept-encoding", "gzip, zstd")).await;
        assert_eq!(small.headers["content-encoding"], "zstd");
        assert!(small.bytes.len() < log.len() / 10);
        assert_eq!(zstd::decode_all(small.bytes.as_slice()).unwrap(), log);
    })
    .await;
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    on_both(async |farm| {
        for index in 0..5 {
            farm.registry.publish_by("ann", (&format!("dist-{index}"), "1.0.0"), "stable", Some("99.0.0"));
        }
        farm.registry.publish("free", "1.0.0");
        farm.watch().await;
        let pages = async |path: &str, list: &str| {
            let (mut sizes, mut next) = (Vec::new(), String::new());
            let mut seen = std::collections::HashSet::new();
            loop {
                let page = farm.call(Call::get(&format!("/api/v1/{path}?limit=3{next}"))).await.json();
                let items = page[list].as_array().unwrap();
                sizes.push(items.len());
                assert!(items.iter().all(|item| seen.insert(item.to_string())), "each once");
                match page["next"].as_str() {
                    Some(cursor) => next = format!("&after={cursor}"),
                    None => return sizes,
                }
            }
        };
        assert_eq!(pages("dists", "dists").await, [3, 3, 0]);
        assert_eq!(pages("queue", "jobs").await, [3, 1]);
        assert_eq!(pages("results", "results").await, [3, 3, 3, 3, 3, 3, 2], "five distributions on four majors");
        let some = farm.call(Call::get("/api/v1/dists?prefix=DIST-3")).await.json();
        assert_eq!(some["dists"][0]["latest"]["dist"], "dist-3");
        assert_eq!(some["dists"].as_array().unwrap().len(), 1);
        let queue = farm.call(Call::get("/api/v1/queue")).await.json();
        assert_eq!(
            (&queue["jobs"][0]["dist"], &queue["jobs"][0]["why"]),
            (&json!("free"), &json!("new in the registry"))
        );
    })
    .await;
}
