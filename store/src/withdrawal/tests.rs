use std::time::Duration;

use protocol::{Channel, Grade, JobState, PgMajor, Reason};

use super::*;
use crate::farm;
use crate::history;
use crate::subscriptions::{self, NewSubscription};
use crate::testing::{at, claim, explain, full_scans, judge, name, on_both, one_result, runner, target, verdict};
use crate::trends::{self, Span};
use crate::{Store, confirm, deliveries, export, jobs, latest, matrix, releases, runners, symptoms, turns, verdicts};

const PG17: &str = "pg17-amd64";

async fn quarantine(store: &Store, id: RunnerId, since: i64, minute: i64) {
    let mut tx = store.begin().await.unwrap();
    assert!(confirm::quarantine_since(&mut tx, id, ("its disk", at(since)), at(minute)).await.unwrap());
    tx.commit().await.unwrap();
}

async fn release(store: &Store, id: RunnerId, minute: i64) {
    let mut tx = store.begin().await.unwrap();
    assert!(confirm::release(&mut tx, id, at(minute)).await.unwrap());
    tx.commit().await.unwrap();
}

async fn stepped(store: &Store, limit: u32, minute: i64) -> Done {
    let due = is_due(&mut store.read().await.unwrap()).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let done = step(&mut tx, at(minute), limit).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(due, done.is_any());
    done
}

/// All that pages, feeds, badges and numbers read, as text, so that before and after can be compared.
async fn everything(store: &Store) -> String {
    let mut conn = store.read().await.unwrap();
    let (dist, major) = (name("pair"), PgMajor::try_from(17).unwrap());
    let until = at(100_000);
    let span = Span::until(at(0), 400, 1);
    let cells = matrix::of_dist(&mut conn, &dist).await.unwrap();
    let results: Vec<_> = cells.iter().map(|cell| (cell.release_id, cell.result.clone())).collect();
    let compared: Vec<_> = cells.iter().map(|cell| format!("{:?}", cell.comparison)).collect();
    let mut counts = farm::counts(&mut conn, at(0)).await.unwrap();
    counts.queued = 0;
    let symptoms = symptoms::list(&mut conn, symptoms::Page { major: None, offset: 0, limit: 10 }).await.unwrap();
    format!(
        "{results:#?}{compared:?}{counts:?}{:?}{:#?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{symptoms:?}",
        farm::shares(&mut conn).await.unwrap(),
        verdicts::latest(&mut conn, None, 50).await.unwrap(),
        latest::verdicts(&mut conn, None, 50).await.unwrap(),
        turns::of_dist(&mut conn, &dist, 50).await.unwrap(),
        turns::of_user(&mut conn, &name("theory"), 50).await.unwrap(),
        turns::of_major(&mut conn, major, 50).await.unwrap(),
        export::results(&mut conn, None, until, 50).await.unwrap().iter().map(|row| &row.line).collect::<Vec<_>>(),
        trends::results(&mut conn, span).await.unwrap(),
        trends::phases(&mut conn, span).await.unwrap(),
        history::turned_of_dist(&mut conn, &dist, 50)
            .await
            .unwrap()
            .iter()
            .map(|turn| (&turn.line, turn.before))
            .collect::<Vec<_>>(),
    )
}

/// Two good verdicts by `ada`, then what only `eve` saw: a failure that is told, and that it is mended.
async fn story(store: &Store) -> (RunnerId, RunnerId) {
    let (ada, eve) = (runner(store, "ada").await, runner(store, "eve").await);
    verdict(store, ada, "1.0.0", Reason::TestsPassed, 1).await;
    verdict(store, eve, "1.1.0", Reason::CompileError, 2).await;
    verdict(store, eve, "1.2.0", Reason::TestsPassed, 3).await;
    (ada, eve)
}

#[tokio::test]
async fn withdrawn_results_are_nowhere_and_once_released_everything_is_as_it_was() {
    on_both(async |store| {
        let (_, eve) = story(&store).await;
        let before = everything(&store).await;
        assert!(before.contains("CompileError") && before.contains("1.2.0"));
        quarantine(&store, eve, 0, 10).await;
        assert_eq!(stepped(&store, 100, 10).await, Done { withdrawn: 3, restored: 0, queued: 2 });
        assert_eq!(stepped(&store, 100, 10).await, Done::default());
        let gone = everything(&store).await;
        for trace in ["CompileError", "eve", "1.2.0", "NewFail", "Fixed", "Fail"] {
            assert!(!gone.contains(trace), "{trace} is in {gone}");
        }
        assert!(gone.contains("1.0.0") && gone.contains("Pass"), "what ada found stays: {gone}");
        let mut conn = store.read().await.unwrap();
        assert_eq!(progress(&mut conn, eve).await.unwrap(), Progress { withdrawn: 3, left: 0 });
        let mended = release_of(&mut conn, "1.1.0").await;
        let job = jobs::of_cell(&mut conn, mended, target(PG17)).await.unwrap().unwrap();
        assert_eq!((job.state, job.priority), (JobState::Queued, protocol::Priority::Confirmation));
        assert_eq!((job.result_id, job.round, job.reported), (None, 1, 0));
        drop(conn);

        release(&store, eve, 20).await;
        assert_eq!(stepped(&store, 100, 20).await, Done { withdrawn: 0, restored: 3, queued: 0 });
        assert_eq!(everything(&store).await, before);
    })
    .await;
}

async fn release_of(conn: &mut Conn, version: &str) -> protocol::ReleaseId {
    releases::find(conn, &name("pair"), &version.parse().unwrap()).await.unwrap().unwrap().id
}

#[tokio::test]
async fn a_withdrawal_is_done_in_steps_and_goes_on_where_it_was_cut_off() {
    on_both(async |store| {
        let (_, eve) = story(&store).await;
        quarantine(&store, eve, 0, 10).await;
        assert_eq!(stepped(&store, 1, 10).await.withdrawn, 1);
        // A farm that is killed in the middle of a step has not done it.
        let mut tx = store.begin().await.unwrap();
        assert_eq!(step(&mut tx, at(10), 1).await.unwrap().withdrawn, 1);
        drop(tx);
        let mut conn = store.read().await.unwrap();
        assert_eq!(progress(&mut conn, eve).await.unwrap(), Progress { withdrawn: 1, left: 2 });
        drop(conn);
        assert_eq!(stepped(&store, 1, 11).await.withdrawn, 1);
        // The operator thinks better of it halfway, and of that again.
        release(&store, eve, 12).await;
        assert_eq!(stepped(&store, 1, 12).await, Done { withdrawn: 0, restored: 1, queued: 0 });
        quarantine(&store, eve, 0, 13).await;
        while stepped(&store, 1, 13).await.is_any() {}
        let mut conn = store.read().await.unwrap();
        assert_eq!(progress(&mut conn, eve).await.unwrap(), Progress { withdrawn: 3, left: 0 });
        assert_eq!(farm::counts(&mut conn, at(0)).await.unwrap().results, 1);
    })
    .await;
}

#[tokio::test]
async fn only_what_was_begun_since_a_time_is_withdrawn_and_more_of_it_may_be_later() {
    on_both(async |store| {
        let (_, eve) = story(&store).await;
        quarantine(&store, eve, 3, 10).await;
        assert_eq!(stepped(&store, 100, 10).await, Done { withdrawn: 1, restored: 0, queued: 1 });
        let mut tx = store.begin().await.unwrap();
        assert!(!want(&mut tx, eve, at(4)).await.unwrap(), "less is asked for by a release alone");
        assert!(want(&mut tx, eve, at(2)).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(stepped(&store, 100, 11).await.withdrawn, 2);
    })
    .await;
}

#[tokio::test]
async fn what_somebody_else_said_of_the_same_test_stands_alone_or_is_confirmed_anew() {
    on_both(async |store| {
        let (ada, eve) = (runner(&store, "ada").await, runner(&store, "eve").await);
        for (version, by_eve, by_ada) in
            [("1.0.0", Reason::TestsFailed, Reason::TestsFailed), ("1.1.0", Reason::TestsFailed, Reason::TestsPassed)]
        {
            let id = crate::testing::insert(&store, &crate::testing::release("pair", version)).await.id();
            crate::testing::plan(&store, id, PG17, "theory", at(1)).await;
            one_result(&store, eve, by_eve, 1).await;
            one_result(&store, ada, by_ada, 2).await;
        }
        quarantine(&store, eve, 0, 10).await;
        assert_eq!(stepped(&store, 100, 10).await, Done { withdrawn: 2, restored: 0, queued: 1 });
        let mut conn = store.read().await.unwrap();
        let mut stands = Vec::new();
        for version in ["1.0.0", "1.1.0"] {
            let id = release_of(&mut conn, version).await;
            let cell = matrix::cell(&mut conn, id, target(PG17)).await.unwrap().unwrap();
            let result = cell.result.unwrap();
            stands.push((
                cell.state,
                result.grade,
                result.flags.into_iter().map(protocol::Flag::as_str).collect::<Vec<_>>().join(" "),
            ));
        }
        assert_eq!(stands[0], (JobState::Queued, Grade::Fail, "UNCONFIRMED".into()));
        assert_eq!(stands[1], (JobState::Finished, Grade::Pass, String::new()));
    })
    .await;
}

/// Subscribes somebody to `pair`, who is told at once.
async fn subscribed(store: &Store) -> protocol::SubscriptionId {
    let id = protocol::SubscriptionId::new(at(0));
    let mut tx = store.begin().await.unwrap();
    let new = NewSubscription {
        id,
        dist: &name("pair"),
        channel: Channel::Webhook,
        proof: protocol::Proof::File,
        target_key: "t",
        address: "a",
        shown: "s",
        hold: Duration::ZERO,
    };
    subscriptions::start(&mut tx, &new, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn told(store: &Store, id: protocol::SubscriptionId) -> Vec<(String, protocol::Comparison)> {
    let owed = deliveries::waiting(&mut store.read().await.unwrap(), id, 100).await.unwrap();
    owed.into_iter().map(|owed| (owed.recorded.turn.line.version.to_string(), owed.recorded.turn.comparison)).collect()
}

#[tokio::test]
async fn a_withdrawal_tells_maintainers_nothing_and_takes_back_what_was_not_told_yet() {
    on_both(async |store| {
        let subscription = subscribed(&store).await;
        let (_, eve) = story(&store).await;
        let news = told(&store, subscription).await;
        assert_eq!(news.iter().map(|(version, _)| version.as_str()).collect::<Vec<_>>(), ["1.1.0", "1.2.0"]);
        quarantine(&store, eve, 0, 10).await;
        stepped(&store, 100, 10).await;
        assert_eq!(told(&store, subscription).await, []);
        // Another runner finds that all is well: it is compared with what ada saw, and nothing was ever mended.
        let bob = runner(&store, "bob").await;
        for minute in [11, 12] {
            one_result(&store, bob, Reason::TestsPassed, minute).await;
        }
        assert_eq!(told(&store, subscription).await, [], "no fix of what only a bad runner saw");
        release(&store, eve, 20).await;
        stepped(&store, 100, 20).await;
        assert_eq!(told(&store, subscription).await, [], "nor is anything told when it counts again");
    })
    .await;
}

#[tokio::test]
async fn a_turn_that_another_runner_finds_again_is_the_same_turn_and_is_told_once() {
    on_both(async |store| {
        let subscription = subscribed(&store).await;
        let (ada, eve) = (runner(&store, "ada").await, runner(&store, "eve").await);
        verdict(&store, ada, "1.0.0", Reason::TestsPassed, 1).await;
        verdict(&store, eve, "1.1.0", Reason::CompileError, 2).await;
        let mut tx = store.begin().await.unwrap();
        let owed = deliveries::waiting(&mut tx, subscription, 10).await.unwrap();
        let places: Vec<i64> = owed.iter().map(|owed| owed.recorded.place).collect();
        let outcome = deliveries::Outcome { id: subscription, places: &places, said: "thanks" };
        deliveries::delivered(&mut tx, &outcome, Duration::ZERO, at(3)).await.unwrap();
        tx.commit().await.unwrap();

        quarantine(&store, eve, 0, 10).await;
        stepped(&store, 100, 10).await;
        let dist = name("pair");
        assert_eq!(turns::of_dist(&mut store.read().await.unwrap(), &dist, 10).await.unwrap(), []);
        let again = one_result(&store, ada, Reason::CompileError, 11).await;
        one_result(&store, ada, Reason::CompileError, 12).await;
        let listed = turns::of_dist(&mut store.read().await.unwrap(), &dist, 10).await.unwrap();
        let found: Vec<_> = listed.iter().map(|one| (one.place, one.turn.line.summary.run_id)).collect();
        assert_eq!(found, [(places[0], again)]);
        assert_eq!(told(&store, subscription).await, [], "it was told before");
    })
    .await;
}

#[tokio::test]
async fn a_revoked_runner_of_whom_nothing_is_kept_can_be_believed_again() {
    on_both(async |store| {
        let (_, eve) = story(&store).await;
        let mut tx = store.begin().await.unwrap();
        assert!(runners::revoke(&mut tx, eve, at(10)).await.unwrap());
        assert!(want(&mut tx, eve, at(0)).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(stepped(&store, 100, 10).await.withdrawn, 3);
        let run = runs_of(&store, eve).await;
        let why = of_run(&mut store.read().await.unwrap(), run).await.unwrap().unwrap();
        assert_eq!(why, Withdrawn { at: at(10), is_revoked: true, reason: String::new() });
        release(&store, eve, 11).await;
        assert_eq!(stepped(&store, 100, 11).await.restored, 3);
        let mut conn = store.read().await.unwrap();
        assert_eq!(of_run(&mut conn, run).await.unwrap(), None);
        assert!(runners::by_name(&mut conn, "eve").await.unwrap().unwrap().revoked_at.is_some(), "it stays shut out");
    })
    .await;
}

async fn runs_of(store: &Store, id: RunnerId) -> RunId {
    let mut conn = store.read().await.unwrap();
    let row = sqlx::query("SELECT id FROM runs WHERE runner_id = $1 ORDER BY id LIMIT 1")
        .bind(id.to_string())
        .fetch_one(conn.raw())
        .await
        .unwrap();
    Fields::of(&row, "runs", "id").parse("id").unwrap()
}

#[tokio::test]
async fn what_is_to_be_marked_is_found_by_an_index_however_much_is_marked_already() {
    on_both(async |store| {
        let mut conn = store.read().await.unwrap();
        for (sql, index) in [(TO_MARK, "runs_counting"), (TO_FREE, "runs_withdrawn")] {
            let plan = explain(&mut conn, &sql.replace("$1", "1")).await;
            assert!(plan.contains(index), "{plan}");
            let scans = full_scans(&plan);
            assert!(scans.iter().all(|scan| scan.contains("runners")), "{plan}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_result_takes_its_phases_out_of_the_charts() {
    on_both(async |store| {
        let eve = runner(&store, "eve").await;
        crate::testing::pair(&store).await;
        judge(&store, eve, PG17, Reason::TestsPassed, 1).await;
        let span = Span::until(at(0), 400, 1);
        assert_eq!(trends::phases(&mut store.read().await.unwrap(), span).await.unwrap().len(), 2);
        quarantine(&store, eve, 0, 2).await;
        stepped(&store, 100, 2).await;
        let mut conn = store.read().await.unwrap();
        assert_eq!(trends::phases(&mut conn, span).await.unwrap(), []);
        assert_eq!(trends::results(&mut conn, span).await.unwrap(), []);
        let before = latest::results(&mut conn).await.unwrap();
        drop(conn);
        release(&store, eve, 3).await;
        stepped(&store, 100, 3).await;
        let mut conn = store.read().await.unwrap();
        assert_eq!(trends::phases(&mut conn, span).await.unwrap().len(), 2);
        assert!(latest::results(&mut conn).await.unwrap() > before, "whoever keeps what stood looks again");
        assert!(claim(&store, eve, &[PG17], at(4)).await.is_some(), "what waits is tested all the same");
    })
    .await;
}
