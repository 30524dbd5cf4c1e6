use protocol::{Grade, JobState, Priority, Reason, ReleaseId};
use serde_json::json;
use store::broken::BrokenRelease;
use store::jobs::Job;
use store::{jobs, matrix};

use super::*;
use crate::testing::{FakeRegistry, Farm, MINUTE, Trap, meta_path, name, on_both, version};

async fn release(farm: &Farm, dist: &str, number: &str) -> Option<ReleaseId> {
    let mut conn = farm.coordinator.store.read().await.unwrap();
    releases::find(&mut conn, &name(dist), &version(number)).await.unwrap().map(|stored| stored.id)
}

async fn jobs_of(farm: &Farm, dist: &str, number: &str) -> Vec<Job> {
    let id = release(farm, dist, number).await.unwrap();
    let mut conn = farm.coordinator.store.read().await.unwrap();
    jobs::of_release(&mut conn, id).await.unwrap()
}

async fn broken(farm: &Farm) -> Vec<BrokenRelease> {
    let mut conn = farm.coordinator.store.read().await.unwrap();
    broken::list(&mut conn, 100).await.unwrap()
}

async fn state(farm: &Farm) -> Watch {
    let mut conn = farm.coordinator.store.read().await.unwrap();
    registry::get(&mut conn, &farm.coordinator.registry_url()).await.unwrap().unwrap()
}

fn metas(registry: &FakeRegistry) -> usize {
    registry.asked().iter().filter(|path| path.ends_with("META.json")).count()
}

#[tokio::test]
async fn a_new_release_is_stored_planned_and_told() {
    on_both(async |mut farm| {
        farm.registry.publish("Pair", "1.2.0");
        assert_eq!(farm.watch().await, Tick::Worked);
        let jobs = jobs_of(&farm, "pair", "1.2.0").await;
        let targets: Vec<String> = jobs.iter().map(|job| job.target.to_string()).collect();
        assert_eq!(targets, ["pg15-amd64", "pg16-amd64", "pg17-amd64", "pg18-amd64"]);
        assert!(jobs.iter().all(|job| job.state == JobState::Queued && job.priority == Priority::NewRelease));
        let state = state(&farm).await;
        assert_eq!((state.cursor.as_str(), state.error.as_str()), ("Pair 1.2.0", ""));
        assert_eq!(state.newest.unwrap().dist, name("pair"));
        let happened = farm.happened();
        assert!(matches!(happened.as_slice(), [Event::ReleaseSeen { jobs: 4, .. }]), "{happened:?}");
    })
    .await;
}

#[tokio::test]
async fn an_unchanged_feed_is_not_read_again() {
    let farm = Farm::start().await;
    farm.registry.publish("pair", "1.2.0");
    farm.watch().await;
    assert_eq!(metas(&farm.registry), 1);
    farm.clock.advance(MINUTE);
    assert_eq!(farm.watch().await, Tick::Idle);
    assert_eq!(farm.registry.asked(), ["/stats/dist.json"]);
    assert_eq!(state(&farm).await.polled_at, Some(farm.now()));
}

#[tokio::test]
async fn a_release_that_is_not_there_yet_is_tried_again_ever_less_often() {
    on_both(async |mut farm| {
        farm.registry.publish("pair", "1.2.0");
        farm.registry.set_trap(&meta_path("pair", "1.2.0"), Trap::Missing);
        farm.watch().await;
        let waiting = broken(&farm).await;
        assert_eq!((waiting[0].attempts, waiting[0].next_try_at), (1, farm.now().plus(MINUTE)));
        assert!(waiting[0].reason.contains("does not have its META.json yet"), "{}", waiting[0].reason);
        assert!(matches!(farm.happened().as_slice(), [Event::ReleaseBroken { .. }]));

        metas(&farm.registry);
        farm.clock.advance(MINUTE / 2);
        farm.watch().await;
        assert_eq!(metas(&farm.registry), 0, "it is not due");

        farm.clock.advance(MINUTE / 2);
        farm.watch().await;
        let waiting = broken(&farm).await;
        assert_eq!((waiting[0].attempts, waiting[0].next_try_at), (2, farm.now().plus(MINUTE * 2)));
        assert_eq!(farm.happened(), [], "it is told once");

        farm.registry.remove_trap(&meta_path("pair", "1.2.0"));
        farm.clock.advance(MINUTE * 2);
        assert_eq!(farm.watch().await, Tick::Worked);
        assert_eq!(broken(&farm).await, []);
        assert_eq!(jobs_of(&farm, "pair", "1.2.0").await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_release_that_cannot_be_read_is_kept_with_its_reason_and_hides_no_other() {
    let farm = Farm::start().await;
    let traps = [
        ("not-json", Trap::Text("{"), "instead of JSON"),
        ("a-page", Trap::Text("<!DOCTYPE html><p>Welcome"), "instead of JSON"),
        ("a-list", Trap::Json(json!([])), "not a JSON object"),
        (
            "no-sha1",
            Trap::Json(json!({"name": "no-sha1", "version": "1.0.0", "user": "ann", "date": "2026-11-20T00:00:00Z"})),
            "`sha1`",
        ),
        ("another", Trap::Json(json!({"name": "other", "version": "1.0.0"})), "describes other 1.0.0"),
    ];
    for (dist, trap, _) in &traps {
        farm.registry.publish(dist, "1.0.0");
        farm.registry.set_trap(&meta_path(dist, "1.0.0"), trap.clone());
        farm.registry.publish(&format!("after-{dist}"), "1.0.0");
    }
    farm.watch().await;
    let kept = broken(&farm).await;
    for (dist, _, why) in &traps {
        let reason = &kept.iter().find(|broken| broken.dist == *dist).unwrap().reason;
        assert!(reason.contains(why), "{dist}: {reason}");
        assert!(release(&farm, &format!("after-{dist}"), "1.0.0").await.is_some(), "after {dist}");
    }
    assert_eq!(kept.len(), traps.len());
    assert!(kept.iter().all(|broken| broken.next_try_at == farm.now().plus(MINUTE * 60)));
}

#[tokio::test]
async fn an_entry_of_the_feed_that_is_no_release_is_kept_and_hides_no_other() {
    let farm = Farm::start().await;
    farm.registry.publish("pair", "1.0.0");
    let recent =
        json!([{"dist": "../etc", "version": "1.0.0"}, {"version": 7}, "x", {"dist": "pair", "version": "1.0.0"}]);
    farm.registry.set_trap("/stats/dist.json", Trap::Json(json!({ "recent": recent })));
    farm.watch().await;
    assert!(release(&farm, "pair", "1.0.0").await.is_some());
    let kept = broken(&farm).await;
    assert_eq!(kept.len(), 3);
    assert!(kept.iter().any(|broken| broken.dist == "../etc" && broken.reason.contains("cannot be read")), "{kept:?}");
    farm.clock.advance(MINUTE * 61);
    farm.watch().await;
    assert!(
        broken(&farm).await.iter().all(|broken| broken.next_try_at > farm.now()),
        "they are put off, not asked for"
    );
}

#[tokio::test]
async fn a_flood_of_entries_that_are_no_releases_is_bounded_and_delays_no_release() {
    on_both(async |farm| {
        let mut recent: Vec<_> =
            (0..300).map(|number| json!({"dist": format!("../{number}"), "version": "1"})).collect();
        recent.push(json!({"dist": "late", "version": "1.0.0"}));
        farm.registry.set_trap("/stats/dist.json", Trap::Json(json!({ "recent": recent })));
        farm.watch().await;
        let mut conn = farm.coordinator.store.read().await.unwrap();
        let kept = broken::list(&mut conn, 1_000).await.unwrap();
        assert_eq!(kept.len(), 201, "two hundred of the feed's, and the one that is not there yet");
        drop(conn);
        farm.registry.publish("late", "1.0.0");
        farm.clock.advance(MINUTE * 61);
        farm.watch().await;
        assert!(release(&farm, "late", "1.0.0").await.is_some(), "the others do not take its turn");
    })
    .await;
}

#[tokio::test]
async fn a_registry_that_misbehaves_delays_and_breaks_nothing() {
    for (trap, why) in [
        (Trap::Status(500), "HTTP status 500"),
        (Trap::Text("<html>Maintenance</html>"), "instead of JSON"),
        (Trap::Json(json!({"recent": {}})), "`recent` is not a list"),
        (Trap::Missing, "does not exist"),
        (Trap::Hang, "did not answer in full"),
    ] {
        let impatient = |config: &mut crate::Config| {
            config.client.document_timeout = std::time::Duration::from_secs(2);
            config.client.idle_timeout = std::time::Duration::from_secs(2);
        };
        let mut farm = Farm::with(impatient).await;
        farm.registry.publish("pair", "1.0.0");
        farm.watch().await;
        farm.happened();
        let before = state(&farm).await;
        farm.registry.set_trap("/stats/dist.json", trap.clone());
        farm.registry.publish("pair", "1.0.1");
        farm.clock.advance(MINUTE);
        assert_eq!(farm.watch().await, Tick::Idle);
        farm.watch().await;
        let failing = state(&farm).await;
        assert!(failing.error.contains(why), "{trap:?}: {}", failing.error);
        assert_eq!((failing.polled_at, failing.cursor), (before.polled_at, before.cursor));
        let happened = farm.happened();
        assert!(matches!(happened.as_slice(), [Event::RegistryUnreachable { .. }]), "said once: {happened:?}");

        farm.registry.remove_trap("/stats/dist.json");
        assert_eq!(farm.watch().await, Tick::Worked);
        assert!(release(&farm, "pair", "1.0.1").await.is_some());
        assert_eq!(state(&farm).await.error, "");
        assert!(farm.happened().contains(&Event::RegistryBack));
    }
}

#[tokio::test]
async fn a_registry_that_is_down_at_the_start_is_watched_when_it_comes() {
    let mut farm = Farm::start().await;
    farm.registry.publish("pair", "1.0.0");
    farm.registry.set_trap("/index.json", Trap::Status(503));
    assert_eq!(farm.watch().await, Tick::Idle);
    assert!(matches!(farm.happened().as_slice(), [Event::RegistryUnreachable { .. }]));
    farm.registry.remove_trap("/index.json");
    assert_eq!(farm.watch().await, Tick::Worked);
}

#[tokio::test]
async fn a_registry_that_fails_in_the_middle_of_a_feed_loses_no_release() {
    on_both(async |farm| {
        let dists = ["a", "b", "c", "d", "e", "f"];
        for dist in dists {
            farm.registry.publish(dist, "1.0.0");
        }
        for dist in &dists[1..] {
            farm.registry.set_trap(&meta_path(dist, "1.0.0"), Trap::Status(502));
        }
        farm.watch().await;
        let state = state(&farm).await;
        assert!(state.error.contains("502"), "{}", state.error);
        assert_eq!(state.validators, "{}", "the feed is not passed");
        assert!(release(&farm, "a", "1.0.0").await.is_some());
        assert_eq!(metas(&farm.registry), 4, "after three failures in a row the registry is taken to be down");

        for dist in dists {
            farm.registry.remove_trap(&meta_path(dist, "1.0.0"));
        }
        farm.clock.advance(MINUTE * 2);
        farm.watch().await;
        for dist in dists {
            assert_eq!(jobs_of(&farm, dist, "1.0.0").await.len(), 4, "{dist}");
        }
        assert_eq!(broken(&farm).await, []);
    })
    .await;
}

#[tokio::test]
async fn an_archive_that_was_replaced_is_a_new_release_that_supersedes_the_old() {
    on_both(async |farm| {
        farm.registry.publish("pair", "1.0.0");
        farm.watch().await;
        let old = release(&farm, "pair", "1.0.0").await.unwrap();
        farm.registry.replace("pair", "1.0.0", &"b".repeat(40), true);
        assert_eq!(farm.watch().await, Tick::Worked);
        let new = release(&farm, "pair", "1.0.0").await.unwrap();
        assert_ne!(old, new);
        let mut conn = farm.coordinator.store.read().await.unwrap();
        let superseded = releases::by_id(&mut conn, old).await.unwrap().unwrap();
        assert_eq!(superseded.superseded_at, Some(farm.now()));
        let old_jobs = jobs::of_release(&mut conn, old).await.unwrap();
        assert!(old_jobs.iter().all(|job| job.state == JobState::Withdrawn));
        drop(conn);
        let new_jobs = jobs_of(&farm, "pair", "1.0.0").await;
        assert!(new_jobs.iter().all(|job| (job.state, job.priority) == (JobState::Queued, Priority::NewRelease)));
    })
    .await;
}

#[tokio::test]
async fn what_an_operator_withdrew_stays_withdrawn_when_the_feed_is_read_again() {
    let farm = Farm::start().await;
    farm.registry.publish("pair", "1.0.0");
    farm.watch().await;
    let job = jobs_of(&farm, "pair", "1.0.0").await.remove(0);
    let mut tx = farm.coordinator.store.begin().await.unwrap();
    jobs::withdraw(&mut tx, job.id, farm.now()).await.unwrap();
    tx.commit().await.unwrap();
    farm.registry.replace("pair", "1.0.0", &"a".repeat(40), true);
    assert_eq!(farm.watch().await, Tick::Idle, "only its date in the registry changed");
    assert_eq!(jobs_of(&farm, "pair", "1.0.0").await[0].state, JobState::Withdrawn);
}

#[tokio::test]
async fn of_a_burst_of_releases_only_the_newest_is_urgent() {
    on_both(async |farm| {
        for number in ["1.0.0", "1.0.1", "1.0.10", "1.0.9"] {
            farm.registry.publish("pair", number);
        }
        farm.watch().await;
        for (number, priority) in [
            ("1.0.0", Priority::Backfill),
            ("1.0.1", Priority::Backfill),
            ("1.0.9", Priority::Backfill),
            ("1.0.10", Priority::NewRelease),
        ] {
            let jobs = jobs_of(&farm, "pair", number).await;
            assert!(jobs.iter().all(|job| job.priority == priority), "{number}: {jobs:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_major_that_meta_excludes_gets_its_verdict_without_a_run() {
    on_both(async |mut farm| {
        farm.registry.publish_by("ann", ("pair", "1.0.0"), "stable", Some(">= 15.0.0, < 17.0.0"));
        farm.watch().await;
        let id = release(&farm, "pair", "1.0.0").await.unwrap();
        let mut conn = farm.coordinator.store.read().await.unwrap();
        let cells = matrix::of_release(&mut conn, id).await.unwrap();
        let grades: Vec<_> = cells.iter().map(|cell| cell.result.as_ref().map(|result| result.grade)).collect();
        assert_eq!(grades, [None, None, Some(Grade::Na), Some(Grade::Na)]);
        let result = cells[3].result.as_ref().unwrap();
        assert_eq!(result.reason, Reason::PostgresUnsupported);
        assert!(result.detail.contains(">= 15.0.0, < 17.0.0"), "{}", result.detail);
        let verdicts = farm.happened().into_iter().filter(|event| matches!(event, Event::Verdict(_))).count();
        assert_eq!(verdicts, 2);
    })
    .await;
}

#[tokio::test]
async fn a_registry_on_disk_is_watched_as_one_on_the_network() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let templates = json!({"dist": "/dist/{dist}.json", "meta": "/dist/{dist}/{version}/META.json",
        "download": "/dist/{dist}/{version}/{dist}-{version}.zip", "stats": "/stats/{stats}.json"});
    write("index.json", &templates.to_string());
    write("stats/dist.json", r#"{"recent":[{"dist":"Pair","version":"1.0.0","date":"2026-11-01T00:00:00Z"}]}"#);
    let meta = json!({"name": "Pair", "version": "1.0.0", "user": "ann", "sha1": "a".repeat(40), "date": "2026-11-01T00:00:00Z"});
    write("dist/pair/1.0.0/META.json", &meta.to_string());
    let url = url::Url::from_directory_path(dir.path()).unwrap();
    let farm = Farm::with(|config| config.registry = url).await;
    assert_eq!(farm.watch().await, Tick::Worked);
    assert_eq!(jobs_of(&farm, "pair", "1.0.0").await.len(), 4);
}
