use protocol::{JobState, Priority};
use store::jobs;

use super::*;
use crate::testing::{Farm, MINUTE, Trap, meta_path, name, on_both, version};
use crate::{Error, replan, watch};

async fn priorities(farm: &Farm, dist: &str, number: &str) -> Option<Vec<Priority>> {
    let mut conn = farm.coordinator.store.read().await.unwrap();
    let stored = releases::find(&mut conn, &name(dist), &version(number)).await.unwrap()?;
    let jobs = jobs::of_release(&mut conn, stored.id).await.unwrap();
    Some(jobs.iter().filter(|job| job.state == JobState::Queued).map(|job| job.priority).collect())
}

fn metas(farm: &Farm) -> usize {
    farm.registry.asked().iter().filter(|path| path.ends_with("META.json")).count()
}

#[tokio::test]
async fn releases_that_the_feed_never_showed_are_found() {
    on_both(async |mut farm| {
        farm.registry.cap_feed(1);
        for number in ["1.0.0", "1.1.0", "1.2.0"] {
            farm.registry.publish_by("bob", ("pair", number), "stable", None);
        }
        farm.registry.publish_by("bob", ("pair", "2.0.0"), "testing", None);
        farm.registry.publish("other", "0.1.0");
        farm.watch().await;
        let counts = sweep(&farm.coordinator, farm.now()).await.unwrap();
        let expected = Counts { listed: 5, added: 4, queued: 4, complete: true, ..Counts::default() };
        assert_eq!(counts, expected);
        assert_eq!(priorities(&farm, "pair", "1.2.0").await, Some(vec![Priority::Backfill; 4]));
        for number in ["1.0.0", "1.1.0", "2.0.0"] {
            assert_eq!(priorities(&farm, "pair", number).await, Some(Vec::new()), "{number} is recorded, not planned");
        }
        assert_eq!(priorities(&farm, "other", "0.1.0").await, Some(vec![Priority::NewRelease; 4]), "the feed had it");

        let told = farm.happened().into_iter().filter(|event| matches!(event, Event::ReleaseSeen { .. })).count();
        assert_eq!(told, 2, "what is only recorded is not told");

        let again = sweep(&farm.coordinator, farm.now()).await.unwrap();
        assert_eq!((again.added, again.queued), (0, 0));
        let mut conn = farm.coordinator.store.read().await.unwrap();
        let watch = registry::get(&mut conn, &farm.coordinator.registry_url()).await.unwrap().unwrap();
        assert_eq!(watch.reconciled_at, Some(farm.now()));
    })
    .await;
}

#[tokio::test]
async fn an_archive_replaced_behind_the_feeds_back_is_found() {
    on_both(async |farm| {
        farm.registry.publish("pair", "1.0.0");
        farm.watch().await;
        farm.registry.replace("pair", "1.0.0", &"b".repeat(40), false);
        assert_eq!(watch::tick(&farm.coordinator, farm.now()).await.unwrap(), crate::Tick::Idle);
        let counts = sweep(&farm.coordinator, farm.now()).await.unwrap();
        assert_eq!((counts.added, counts.replaced, counts.queued), (0, 1, 4));
        assert_eq!(priorities(&farm, "pair", "1.0.0").await, Some(vec![Priority::NewRelease; 4]));
    })
    .await;
}

#[tokio::test]
async fn an_interrupted_comparison_goes_on_where_it_stopped() {
    let farm = Farm::with(|config| config.client.concurrency = 1).await;
    farm.registry.cap_feed(0);
    for index in 0..12 {
        farm.registry.publish(&format!("dist-{index:02}"), "1.0.0");
    }
    // The newest come first, so the registry fails after six of them.
    for index in 0..6 {
        farm.registry.set_trap(&meta_path(&format!("dist-{index:02}"), "1.0.0"), Trap::Status(503));
    }
    let error = sweep(&farm.coordinator, farm.now()).await.unwrap_err();
    assert!(matches!(error, Error::Registry(_)), "{error}");
    assert_eq!(metas(&farm), 11, "after five failures in a row the registry is taken to be down");
    for index in 0..6 {
        farm.registry.remove_trap(&meta_path(&format!("dist-{index:02}"), "1.0.0"));
    }
    farm.clock.advance(MINUTE * 2);
    let counts = sweep(&farm.coordinator, farm.now()).await.unwrap();
    assert_eq!((counts.listed, counts.added), (12, 6));
}

#[tokio::test]
async fn older_releases_that_are_known_are_not_fetched_again() {
    let farm = Farm::start().await;
    for number in ["1.0.0", "1.1.0", "1.2.0"] {
        farm.registry.publish("pair", number);
    }
    sweep(&farm.coordinator, farm.now()).await.unwrap();
    assert_eq!(metas(&farm), 3);
    sweep(&farm.coordinator, farm.now()).await.unwrap();
    assert_eq!(metas(&farm), 1, "the newest alone, as its archive may have been replaced");
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_and_counted() {
    let farm = Farm::start().await;
    farm.registry.cap_feed(0);
    farm.registry.publish("good", "1.0.0");
    farm.registry.publish("bad", "1.0.0");
    farm.registry.set_trap(&meta_path("bad", "1.0.0"), Trap::Text("garbage"));
    let counts = sweep(&farm.coordinator, farm.now()).await.unwrap();
    assert_eq!((counts.added, counts.broken), (1, 1));
    let mut conn = farm.coordinator.store.read().await.unwrap();
    assert_eq!(broken::list(&mut conn, 10).await.unwrap()[0].dist, "bad");
}

/// Publishes what the registry refuses for good: names that no address can hold, and META.json that it does not give.
fn publish_refused(farm: &Farm) {
    for number in 0..6 {
        farm.registry.publish_by("eve", ("%2E%2E", &format!("1.0.{number}")), "stable", None);
        farm.registry.publish_by("eve", ("closed", &format!("1.0.{number}")), "stable", None);
        farm.registry.set_trap(&meta_path("closed", &format!("1.0.{number}")), Trap::Status(403));
    }
}

#[tokio::test]
async fn what_the_registry_refuses_for_good_hides_no_other_release() {
    on_both(async |farm| {
        farm.registry.cap_feed(0);
        farm.registry.publish("pair", "1.0.0");
        farm.registry.publish("pair", "1.1.0");
        publish_refused(&farm);
        let counts = sweep(&farm.coordinator, farm.now()).await.unwrap();
        assert_eq!((counts.listed, counts.added, counts.broken), (14, 2, 12));
        assert!(priorities(&farm, "pair", "1.0.0").await.is_some(), "it is read after all that is refused");
    })
    .await;
}

#[tokio::test]
async fn what_the_registry_refuses_for_good_holds_up_no_feed() {
    let farm = Farm::start().await;
    publish_refused(&farm);
    farm.registry.publish("pair", "1.0.0");
    farm.watch().await;
    assert!(priorities(&farm, "pair", "1.0.0").await.is_some());
    let mut conn = farm.coordinator.store.read().await.unwrap();
    assert_eq!(broken::list(&mut conn, 100).await.unwrap().len(), 12);
    let watch = registry::get(&mut conn, &farm.coordinator.registry_url()).await.unwrap().unwrap();
    assert_eq!(watch.error, "");
}

#[tokio::test]
async fn what_is_broken_is_not_asked_for_before_its_time() {
    let farm = Farm::start().await;
    farm.registry.cap_feed(0);
    farm.registry.publish("pair", "1.0.0");
    farm.registry.set_trap(&meta_path("pair", "1.0.0"), Trap::Text("garbage"));
    sweep(&farm.coordinator, farm.now()).await.unwrap();
    assert_eq!(metas(&farm), 1);
    let counts = sweep(&farm.coordinator, farm.now()).await.unwrap();
    assert_eq!((metas(&farm), counts.broken), (0, 1));
    farm.clock.advance(MINUTE * 60);
    farm.registry.remove_trap(&meta_path("pair", "1.0.0"));
    let counts = sweep(&farm.coordinator, farm.now()).await.unwrap();
    assert_eq!((counts.added, counts.broken), (1, 0));
}

#[tokio::test]
async fn a_registry_that_is_down_leaves_the_store_as_it_is() {
    let farm = Farm::start().await;
    farm.registry.publish("pair", "1.0.0");
    farm.registry.set_trap("/index.json", Trap::Status(500));
    let outcome = sweep(&farm.coordinator, farm.now()).await;
    assert!(outcome.is_err());
    let mut conn = farm.coordinator.store.read().await.unwrap();
    assert_eq!(releases::all(&mut conn).await.unwrap(), []);
    assert_eq!(registry::get(&mut conn, &farm.coordinator.registry_url()).await.unwrap(), None);
}

#[tokio::test]
async fn a_major_that_is_added_later_is_planned_for_what_is_known() {
    on_both(async |farm| {
        farm.registry.publish_by("ann", ("pair", "1.0.0"), "stable", Some("15.0.0"));
        farm.registry.publish("other", "1.0.0");
        farm.watch().await;
        assert_eq!(replan::latest(&farm.coordinator, farm.now()).await.unwrap(), 0);
        let wider = farm.restarted(|config| {
            config.majors = [13_u16, 18, 19].map(|major| major.try_into().unwrap()).to_vec();
        });
        assert_eq!(replan::latest(&wider, farm.now()).await.unwrap(), 3, "other on 13 and 19, pair on 19");
        assert_eq!(replan::latest(&wider, farm.now()).await.unwrap(), 0);
    })
    .await;
}
