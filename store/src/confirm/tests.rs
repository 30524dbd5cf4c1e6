use protocol::{Grade, JobState, LimitFacts, Name, Phase, Reason, ReleaseId};
use tokio::task::JoinSet;

use super::*;
use crate::jobs::{self, Claimed, Plan, Requeue};
use crate::results::Acceptance;
use crate::runs::LeaseState;
use crate::testing::{
    at, claim, explain, insert, key, name, on_both, pair, plan, plan_as, plan_for, release, report, runner, target,
    token,
};
use crate::withdrawal::{self, Done};
use crate::{Store, farm, matrix, queue, runners, runs, verdicts};

const PG17: &str = "pg17-amd64";
const RETRIES: Retries = Retries { most: 2, pause: Duration::from_mins(1) };

/// How many distributions pass on the target.
async fn share(conn: &mut Conn) -> Option<farm::Share> {
    farm::shares(conn).await.unwrap().remove(&target(PG17))
}

/// A runner that is there for a target as of a minute.
async fn there(store: &Store, called: &str, minute: i64) -> RunnerId {
    let id = runner(store, called).await;
    seen(store, id, minute).await;
    id
}

async fn seen(store: &Store, id: RunnerId, minute: i64) {
    let mut tx = store.begin().await.unwrap();
    runners::touch(&mut tx, id, "0.1.0", &[target(PG17)], at(minute)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn say(
    store: &Store,
    runner: RunnerId,
    claimed: &Claimed,
    (phase, reason): (Phase, Reason),
    minute: i64,
) -> Acceptance {
    let (token, mut report) = (token(), report(claimed, reason));
    report.verdict.phase = phase;
    let mut tx = store.begin().await.unwrap();
    let accepted =
        crate::testing::accept_one(&mut tx, &key(claimed, runner, &token), &report, RETRIES, at(minute)).await.unwrap();
    tx.commit().await.unwrap();
    accepted
}

/// Claims what is next for a runner, and reports that; none where nothing is.
async fn work(store: &Store, runner: RunnerId, verdict: (Phase, Reason), minute: i64) -> Option<RunId> {
    let claimed = claim(store, runner, &[PG17], at(minute)).await?;
    say(store, runner, &claimed, verdict, minute).await;
    Some(claimed.run_id)
}

async fn tended(store: &Store, minute: i64) -> Tended {
    let due = is_due(&mut store.read().await.unwrap(), at(minute)).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let done = tend(&mut tx, at(minute), 100).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(due, done.queued() > 0, "{done:?}");
    done
}

/// Where the only job of a release is, and what stands: the run, its grade, and whether it is in doubt.
async fn stands(store: &Store, release: ReleaseId) -> (JobState, Option<(RunId, Grade, Option<Flag>)>) {
    let mut conn = store.read().await.unwrap();
    let cell = matrix::cell(&mut conn, release, target(PG17)).await.unwrap().unwrap();
    let job = jobs::get(&mut conn, cell.job_id).await.unwrap().unwrap();
    let doubts = |flag: &&Flag| matches!(flag, Flag::Unconfirmed | Flag::Flaky);
    let result = cell.result.map(|result| (result.run_id, result.grade, result.flags.iter().find(doubts).copied()));
    assert_eq!(result.and_then(|(_, _, doubt)| doubt), job.doubt);
    (cell.state, result)
}

/// Plans a distribution by an owner of its own.
async fn dist(store: &Store, called: &str, minute: i64) -> ReleaseId {
    let id = insert(store, &release(called, "1.0.0")).await.id();
    plan(store, id, PG17, called, at(minute)).await;
    id
}

const FAILS: (Phase, Reason) = (Phase::Installcheck, Reason::TestsFailed);
const PASSES: (Phase, Reason) = (Phase::Installcheck, Reason::TestsPassed);
const LATE: (Phase, Reason) = (Phase::Build, Reason::TimedOut);
const BROKEN: (Phase, Reason) = (Phase::Build, Reason::EngineFailed);
const LACKS: (Phase, Reason) = (Phase::Build, Reason::MissingHeader);

#[tokio::test]
async fn a_first_failure_waits_for_another_runner_and_counts_once_that_agrees() {
    on_both(async |store| {
        let (release, job) = pair(&store).await;
        let (attic, cellar) = (there(&store, "attic", 1).await, there(&store, "cellar", 1).await);
        let first = work(&store, attic, FAILS, 1).await.unwrap();
        assert_eq!(
            stands(&store, release).await,
            (JobState::Queued, Some((first, Grade::Fail, Some(Flag::Unconfirmed))))
        );
        let queued = jobs::get(&mut store.read().await.unwrap(), job).await.unwrap().unwrap();
        assert_eq!((queued.priority, queued.attempts, queued.queued_at), (Priority::Confirmation, 0, at(1)));
        assert_eq!(share(&mut store.read().await.unwrap()).await, None);

        assert_eq!(claim(&store, attic, &[PG17], at(2)).await, None, "it has said what it has to say");
        let second = work(&store, cellar, FAILS, 3).await.unwrap();
        assert_eq!(stands(&store, release).await, (JobState::Finished, Some((first, Grade::Fail, None))));
        let mut conn = store.read().await.unwrap();
        assert_eq!(jobs::get(&mut conn, job).await.unwrap().unwrap().confirmed_by, Some(second));
        assert_eq!(share(&mut conn).await, Some(farm::Share { passing: 0, judged: 1 }));
        let flags = runs::detail(&mut conn, first).await.unwrap().unwrap().result.unwrap().verdict.flags;
        assert_eq!(flags, [Flag::Crash, Flag::Warnings]);
    })
    .await;
}

#[tokio::test]
async fn the_only_runner_confirms_at_once_what_it_found_itself() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let attic = there(&store, "attic", 1).await;
        let (elsewhere, gone) = (runner(&store, "elsewhere").await, there(&store, "gone", -60).await);
        let mut tx = store.begin().await.unwrap();
        runners::touch(&mut tx, elsewhere, "0.1.0", &[target("pg16-amd64")], at(1)).await.unwrap();
        tx.commit().await.unwrap();
        assert_ne!(gone, attic);
        let first = work(&store, attic, FAILS, 1).await.unwrap();
        work(&store, attic, FAILS, 1).await.unwrap();
        assert_eq!(stands(&store, release).await, (JobState::Finished, Some((first, Grade::Fail, None))));
    })
    .await;
}

#[tokio::test]
async fn runs_that_disagree_are_flaky_on_every_page_and_count_for_nobody() {
    on_both(async |store| {
        let (release, job) = pair(&store).await;
        let (attic, cellar) = (there(&store, "attic", 1).await, there(&store, "cellar", 1).await);
        let first = work(&store, attic, FAILS, 1).await.unwrap();
        let second = work(&store, cellar, PASSES, 2).await.unwrap();
        assert_eq!(stands(&store, release).await, (JobState::Finished, Some((second, Grade::Pass, Some(Flag::Flaky)))));
        let mut conn = store.read().await.unwrap();
        for id in [first, second] {
            let flags = runs::detail(&mut conn, id).await.unwrap().unwrap().result.unwrap().verdict.flags;
            assert!(flags.contains(&Flag::Flaky), "{flags:?}");
        }
        let lines = verdicts::of_job(&mut conn, job, 100).await.unwrap();
        assert!(lines.iter().all(|line| line.summary.flags.contains(&Flag::Flaky)));
        assert_eq!(share(&mut conn).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_job_does_not_wait_for_a_runner_that_has_gone() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let (attic, cellar) = (there(&store, "attic", 1).await, there(&store, "cellar", 1).await);
        work(&store, attic, FAILS, 1).await.unwrap();
        assert_eq!(tended(&store, 6).await, Tended::default());
        assert_eq!(claim(&store, attic, &[PG17], at(6)).await, None);
        seen(&store, attic, 7).await;
        assert_eq!(tended(&store, 7).await, Tended { rescued: 1, ..Tended::default() });
        work(&store, attic, FAILS, 8).await.unwrap();
        assert_eq!(stands(&store, release).await.0, JobState::Finished);
        assert_eq!(claim(&store, cellar, &[PG17], at(9)).await, None);
    })
    .await;
}

#[tokio::test]
async fn so_many_stranded_jobs_are_rescued_at_a_time_and_those_that_wait_for_somebody_are_not() {
    on_both(async |store| {
        let (attic, cellar) = (there(&store, "attic", 1).await, there(&store, "cellar", 1).await);
        for number in 0..3 {
            dist(&store, &format!("dist-{number}"), 0).await;
            work(&store, attic, FAILS, 1).await.unwrap();
        }
        dist(&store, "other", 0).await;
        work(&store, cellar, FAILS, 1).await.unwrap();
        assert_eq!(tended(&store, 2).await, Tended::default());
        seen(&store, attic, 7).await;
        for rescued in [2, 1] {
            let mut tx = store.begin().await.unwrap();
            assert_eq!(tend(&mut tx, at(7), 2).await.unwrap(), Tended { rescued, ..Tended::default() });
            tx.commit().await.unwrap();
        }
        assert_eq!(tended(&store, 7).await, Tended::default(), "the fourth waits for attic, which is there");
        for _ in 0..4 {
            assert!(claim(&store, attic, &[PG17], at(8)).await.is_some());
        }
    })
    .await;
}

#[tokio::test]
async fn a_runner_that_let_its_lease_expire_is_not_waited_for_until_it_is_heard_of_again() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let (attic, cellar) = (there(&store, "attic", 0).await, there(&store, "cellar", 0).await);
        claim(&store, cellar, &[PG17], at(0)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        runs::expire(&mut tx, at(5), 10).await.unwrap();
        tx.commit().await.unwrap();
        seen(&store, attic, 5).await;
        work(&store, attic, FAILS, 5).await.unwrap();
        work(&store, attic, FAILS, 5).await.unwrap();
        assert_eq!(stands(&store, release).await.0, JobState::Finished);

        let other = dist(&store, "other", 5).await;
        seen(&store, cellar, 6).await;
        work(&store, attic, FAILS, 6).await.unwrap();
        assert_eq!(claim(&store, attic, &[PG17], at(6)).await, None);
        work(&store, cellar, FAILS, 6).await.unwrap();
        assert_eq!(stands(&store, other).await.0, JobState::Finished);
    })
    .await;
}

#[tokio::test]
async fn a_runner_that_is_silent_is_found_by_an_index_and_however_long_its_run_was() {
    on_both(async |store| {
        let plan = explain(&mut store.read().await.unwrap(), super::avoid::SILENT).await;
        assert!(plan.contains("runs_expired"), "{plan}");

        let (release, _) = pair(&store).await;
        let (attic, cellar) = (there(&store, "attic", 0).await, there(&store, "cellar", 0).await);
        let claimed = claim(&store, cellar, &[PG17], at(0)).await.unwrap();
        let days = 2 * 24 * 60;
        let mut tx = store.begin().await.unwrap();
        let token = token();
        let key = key(&claimed, cellar, &token);
        runs::renew(&mut tx, &key, None, crate::testing::LEASE, at(days)).await.unwrap();
        tx.commit().await.unwrap();
        seen(&store, cellar, days).await;
        let mut tx = store.begin().await.unwrap();
        assert_eq!(runs::expire(&mut tx, at(days + 5), 10).await.unwrap().len(), 1);
        tx.commit().await.unwrap();
        seen(&store, attic, days + 5).await;
        work(&store, attic, FAILS, days + 5).await.unwrap();
        work(&store, attic, FAILS, days + 5).await.unwrap();
        assert_eq!(stands(&store, release).await.0, JobState::Finished);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_avoids_a_runner_holds_up_no_other_of_its_lane() {
    on_both(async |store| {
        let (attic, _cellar) = (there(&store, "attic", 1).await, there(&store, "cellar", 1).await);
        let owner = name("theory");
        let mut releases = Vec::new();
        for number in 0..6 {
            let id = insert(&store, &release("pair", &format!("1.0.{number}"))).await.id();
            let priority = if number < 3 { Priority::NewRelease } else { Priority::Confirmation };
            plan_as(&store, &Plan { priority, ..plan_for(id, PG17, &owner) }, at(number)).await;
            releases.push(id);
        }
        for _ in 0..3 {
            work(&store, attic, FAILS, 2).await.unwrap();
        }
        let mut claimed = Vec::new();
        while let Some(next) = claim(&store, attic, &[PG17], at(9)).await {
            claimed.push(next.release_id);
        }
        assert_eq!(claimed, releases[3..]);
        let waiting = queue::counts(&mut store.read().await.unwrap()).await.unwrap();
        assert_eq!((waiting.len(), waiting[0].priority, waiting[0].waiting), (1, Priority::Confirmation, 3));
    })
    .await;
}

#[tokio::test]
async fn what_was_too_slow_is_confirmed_with_twice_the_time() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let attic = there(&store, "attic", 1).await;
        let claimed = claim(&store, attic, &[PG17], at(1)).await.unwrap();
        assert_eq!(claimed.time_factor, 1);
        say(&store, attic, &claimed, LATE, 2).await;
        let again = claim(&store, attic, &[PG17], at(3)).await.unwrap();
        assert_eq!(again.time_factor, 2);
        say(&store, attic, &again, LATE, 4).await;
        assert_eq!(stands(&store, release).await.1, Some((claimed.run_id, Grade::Fail, None)));
        let dist = name("pair");
        let wish = Requeue { dist: &dist, version: None, target: None, priority: Priority::Asked };
        let mut tx = store.begin().await.unwrap();
        jobs::requeue(&mut tx, &wish, at(5)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claim(&store, attic, &[PG17], at(6)).await.unwrap().time_factor, 1);
    })
    .await;
}

/// A late result of a runner that gives a phase so many minutes, whatever it is asked for.
async fn is_late_within(store: &Store, runner: RunnerId, minutes: u64, minute: i64) -> Option<RunId> {
    let claimed = claim(store, runner, &[PG17], at(minute)).await?;
    let (token, mut report) = (token(), report(&claimed, LATE.1));
    report.verdict.phase = LATE.0;
    let (phase_ms, run_ms) = (minutes * 60_000, 3 * minutes * 60_000);
    let limits = LimitFacts { memory_bytes: 0, cpus: 1, processes: 1, phase_ms, run_ms, silence_ms: 0, log_bytes: 0 };
    report.circumstances.limits = Some(limits);
    let mut tx = store.begin().await.unwrap();
    crate::testing::accept_one(&mut tx, &key(&claimed, runner, &token), &report, RETRIES, at(minute)).await.unwrap();
    tx.commit().await.unwrap();
    Some(claimed.run_id)
}

#[tokio::test]
async fn what_was_too_slow_stays_unconfirmed_where_no_runner_gives_it_more_time() {
    on_both(async |store| {
        let (release, job) = pair(&store).await;
        let attic = there(&store, "attic", 1).await;
        let first = is_late_within(&store, attic, 15, 1).await.unwrap();
        let unsure = Some((first, Grade::Fail, Some(Flag::Unconfirmed)));
        assert_eq!(stands(&store, release).await, (JobState::Queued, unsure));
        is_late_within(&store, attic, 15, 2).await.unwrap();
        assert_eq!(stands(&store, release).await, (JobState::Finished, unsure), "it is not run for ever");
        let past = history::of_target(&mut store.read().await.unwrap(), &name("pair"), target(PG17), job, None).await;
        assert!(past.unwrap().iter().all(|one| one.flags.contains(&Flag::Unconfirmed)));
    })
    .await;
}

#[tokio::test]
async fn what_was_too_slow_is_tried_where_there_may_be_more_time() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let (attic, cellar) = (there(&store, "attic", 1).await, there(&store, "cellar", 1).await);
        let shed = there(&store, "shed", 1).await;
        let first = is_late_within(&store, attic, 15, 1).await.unwrap();
        is_late_within(&store, cellar, 15, 2).await.unwrap();
        assert_eq!(stands(&store, release).await.0, JobState::Queued, "somebody else is there");
        assert!(claim(&store, attic, &[PG17], at(3)).await.is_none(), "it had its part");
        is_late_within(&store, shed, 30, 3).await.unwrap();
        assert_eq!(stands(&store, release).await, (JobState::Finished, Some((first, Grade::Fail, None))));
    })
    .await;
}

#[tokio::test]
async fn what_passes_with_twice_the_time_is_not_flaky() {
    on_both(async |store| {
        let (release, job) = pair(&store).await;
        let (attic, cellar) = (there(&store, "attic", 1).await, there(&store, "cellar", 1).await);
        let late = work(&store, attic, LATE, 1).await.unwrap();
        let passed = work(&store, cellar, PASSES, 2).await.unwrap();
        assert_eq!(stands(&store, release).await, (JobState::Finished, Some((passed, Grade::Pass, None))));
        let mut conn = store.read().await.unwrap();
        assert_eq!(share(&mut conn).await, Some(farm::Share { passing: 1, judged: 1 }));
        for line in verdicts::of_job(&mut conn, job, 100).await.unwrap() {
            let detail = runs::detail(&mut conn, line.summary.run_id).await.unwrap().unwrap();
            assert_eq!(detail.result.unwrap().verdict.flags, line.summary.flags);
            let is_unconfirmed = line.summary.flags.contains(&Flag::Unconfirmed);
            assert_eq!(is_unconfirmed, line.summary.run_id == late, "nobody agreed with it");
        }
    })
    .await;
}

#[tokio::test]
async fn the_farm_s_own_failure_is_tried_again_later_and_nobody_but_operators_sees_it() {
    on_both(async |store| {
        let (release, job) = pair(&store).await;
        let attic = there(&store, "attic", 0).await;
        let mut last = None;
        for (minute, pause) in [(0, Some(1)), (1, Some(4)), (5, None)] {
            last = work(&store, attic, BROKEN, minute).await;
            let mut conn = store.read().await.unwrap();
            let shown = verdicts::latest(&mut conn, None, 10).await.unwrap().len();
            assert_eq!(shown, usize::from(pause.is_none()));
            assert_eq!(
                verdicts::of_job(&mut conn, job, 100).await.unwrap().len(),
                if minute == 5 { 3 } else { 1 + usize::from(minute == 1) }
            );
            drop(conn);
            let Some(pause) = pause else { break };
            assert_eq!(stands(&store, release).await, (JobState::Queued, None));
            let waiting = queue::counts(&mut store.read().await.unwrap()).await.unwrap();
            assert_eq!((waiting.len(), waiting[0].waiting, waiting[0].priority), (1, 1, Priority::NewRelease));
            assert_eq!(farm::counts(&mut store.read().await.unwrap(), at(0)).await.unwrap().queued, 1);
            assert_eq!(claim(&store, attic, &[PG17], at(minute)).await, None);
            assert_eq!(tended(&store, minute + pause - 1).await, Tended::default());
            assert_eq!(tended(&store, minute + pause).await, Tended { woken: 1, ..Tended::default() });
        }
        assert_eq!(stands(&store, release).await, (JobState::Finished, Some((last.unwrap(), Grade::Error, None))));
    })
    .await;
}

#[tokio::test]
async fn a_failure_of_the_farm_leaves_what_stood_before_until_it_is_the_last() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let (attic, cellar) = (there(&store, "attic", 0).await, there(&store, "cellar", 0).await);
        let first = work(&store, attic, FAILS, 0).await.unwrap();
        let unconfirmed = Some((first, Grade::Fail, Some(Flag::Unconfirmed)));
        for minute in [0, 1, 5] {
            work(&store, cellar, BROKEN, minute).await.unwrap();
            assert_eq!(stands(&store, release).await.1, unconfirmed);
            seen(&store, cellar, minute).await;
            tended(&store, minute + 4).await;
        }
        assert_eq!(stands(&store, release).await, (JobState::Finished, unconfirmed));
    })
    .await;
}

#[tokio::test]
async fn a_failure_of_the_farm_in_a_later_round_leaves_the_verdict_of_an_older_one() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let attic = there(&store, "attic", 0).await;
        let passed = work(&store, attic, PASSES, 0).await.unwrap();
        requeue_pair(&store, 1).await;
        for minute in [1, 2, 6] {
            seen(&store, attic, minute).await;
            tended(&store, minute).await;
            work(&store, attic, BROKEN, minute).await.unwrap();
        }
        assert_eq!(stands(&store, release).await, (JobState::Finished, Some((passed, Grade::Pass, None))));
        requeue_pair(&store, 7).await;
        let failed = work(&store, attic, LACKS, 8).await.unwrap();
        assert_eq!(stands(&store, release).await.1, Some((failed, Grade::Env, None)));
    })
    .await;
}

/// Begins a new round of everything that is called `pair`.
async fn requeue_pair(store: &Store, minute: i64) {
    let dist = name("pair");
    let wish = Requeue { dist: &dist, version: None, target: None, priority: Priority::Asked };
    let mut tx = store.begin().await.unwrap();
    jobs::requeue(&mut tx, &wish, at(minute)).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_failed_run_is_tried_by_a_runner_that_has_not_failed_at_it() {
    on_both(async |store| {
        pair(&store).await;
        let (attic, cellar) = (there(&store, "attic", 0).await, there(&store, "cellar", 0).await);
        work(&store, attic, BROKEN, 0).await.unwrap();
        tended(&store, 1).await;
        assert_eq!(claim(&store, attic, &[PG17], at(1)).await, None);
        assert!(claim(&store, cellar, &[PG17], at(1)).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_agree_is_tried_elsewhere_and_leaves_the_first_unconfirmed_in_the_end() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let attic = there(&store, "attic", 0).await;
        let first = work(&store, attic, FAILS, 0).await.unwrap();
        for _ in 0..3 {
            work(&store, attic, LACKS, 1).await.unwrap();
        }
        let unconfirmed = Some((first, Grade::Fail, Some(Flag::Unconfirmed)));
        assert_eq!(stands(&store, release).await, (JobState::Finished, unconfirmed));
        assert_eq!(work(&store, attic, LACKS, 2).await, None);
    })
    .await;
}

#[tokio::test]
async fn an_operator_s_requeue_begins_anew_whatever_the_job_waits_for() {
    on_both(async |store| {
        let (release, job) = pair(&store).await;
        let (attic, _cellar) = (there(&store, "attic", 0).await, there(&store, "cellar", 0).await);
        let dist = name("pair");
        for verdict in [FAILS, BROKEN] {
            let first = work(&store, attic, verdict, 0).await.unwrap();
            let wish = Requeue { dist: &dist, version: None, target: None, priority: Priority::Asked };
            let mut tx = store.begin().await.unwrap();
            assert_eq!(jobs::requeue(&mut tx, &wish, at(1)).await.unwrap(), [job]);
            tx.commit().await.unwrap();
            let again = work(&store, attic, PASSES, 2).await.unwrap();
            assert_eq!(stands(&store, release).await, (JobState::Finished, Some((again, Grade::Pass, None))));
            let detail = runs::detail(&mut store.read().await.unwrap(), first).await.unwrap().unwrap();
            let doubted = detail.result.unwrap().verdict.flags.contains(&Flag::Unconfirmed);
            assert_eq!(doubted, verdict == FAILS, "nobody ever agreed with it");
            let mut tx = store.begin().await.unwrap();
            jobs::requeue(&mut tx, &wish, at(3)).await.unwrap();
            tx.commit().await.unwrap();
        }
        let counts = queue::counts(&mut store.read().await.unwrap()).await.unwrap();
        assert_eq!(counts.iter().map(|count| count.waiting).sum::<u64>(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_was_in_doubt_in_an_older_round_is_so_in_every_list() {
    on_both(async |store| {
        let (_, job) = pair(&store).await;
        let (attic, cellar) = (there(&store, "attic", 0).await, there(&store, "cellar", 0).await);
        let flaky = [work(&store, attic, FAILS, 0).await.unwrap(), work(&store, cellar, PASSES, 0).await.unwrap()];
        requeue_pair(&store, 1).await;
        let unconfirmed = work(&store, attic, FAILS, 1).await.unwrap();
        requeue_pair(&store, 2).await;
        let listed = async || {
            let mut conn = store.read().await.unwrap();
            let lines = verdicts::of_job(&mut conn, job, 100).await.unwrap();
            assert_eq!(verdicts::latest(&mut conn, None, 10).await.unwrap(), lines);
            let doubts = |flag: &&Flag| matches!(flag, Flag::Unconfirmed | Flag::Flaky);
            let of =
                |line: verdicts::VerdictLine| (line.summary.run_id, line.summary.flags.iter().find(doubts).copied());
            lines.into_iter().map(of).collect::<std::collections::BTreeMap<_, _>>()
        };
        let older =
            [(flaky[0], Some(Flag::Flaky)), (flaky[1], Some(Flag::Flaky)), (unconfirmed, Some(Flag::Unconfirmed))];
        assert_eq!(listed().await, older.into());
        let passed = work(&store, attic, PASSES, 3).await.unwrap();
        let all: Vec<_> = older.into_iter().chain([(passed, None)]).collect();
        assert_eq!(listed().await, all.into_iter().collect());
    })
    .await;
}

#[tokio::test]
async fn a_release_that_was_replaced_needs_no_confirmation() {
    on_both(async |store| {
        let (old, _) = pair(&store).await;
        let attic = there(&store, "attic", 0).await;
        let claimed = claim(&store, attic, &[PG17], at(0)).await.unwrap();
        let replaced = protocol::Release { sha1: "f".repeat(40), ..release("pair", "1.0.0") };
        insert(&store, &replaced).await;
        say(&store, attic, &claimed, FAILS, 1).await;
        let unconfirmed = Some((claimed.run_id, Grade::Fail, Some(Flag::Unconfirmed)));
        assert_eq!(stands(&store, old).await, (JobState::Finished, unconfirmed));

        // Where it has its place back, it needs one again.
        assert_eq!(insert(&store, &release("pair", "1.0.0")).await, crate::releases::Inserted::Restored(old));
        assert_eq!(stands(&store, old).await, (JobState::Queued, unconfirmed));
        let passed = work(&store, attic, PASSES, 1).await.unwrap();
        assert_eq!(stands(&store, old).await, (JobState::Finished, Some((passed, Grade::Pass, None))));

        // One that waits for its confirmation, or for another try, is withdrawn with the rest.
        for (text, verdict) in [("2.0.0", FAILS), ("3.0.0", BROKEN)] {
            let id = insert(&store, &release("pair", text)).await.id();
            plan(&store, id, PG17, "theory", at(2)).await;
            work(&store, attic, verdict, 2).await.unwrap();
            insert(&store, &protocol::Release { sha1: "f".repeat(40), ..release("pair", text) }).await;
            assert_eq!(stands(&store, id).await.0, JobState::Withdrawn);
        }
        assert_eq!(tended(&store, 60).await, Tended::default());
        assert_eq!(queue::counts(&mut store.read().await.unwrap()).await.unwrap(), []);
    })
    .await;
}

/// Three runners and a distribution on which the last one is the odd one out.
async fn contradict(store: &Store, [ada, bob, eve]: [RunnerId; 3], called: &str, minute: i64) -> ReleaseId {
    let id = dist(store, called, minute).await;
    for runner in [ada, bob, eve] {
        seen(store, runner, minute).await;
    }
    work(store, eve, FAILS, minute).await.unwrap();
    work(store, ada, PASSES, minute).await.unwrap();
    work(store, bob, PASSES, minute).await.unwrap();
    id
}

async fn three(store: &Store) -> [RunnerId; 3] {
    [there(store, "ada", 0).await, there(store, "bob", 0).await, there(store, "eve", 0).await]
}

async fn quarantined(store: &Store) -> Vec<String> {
    let all = runners::list(&mut store.read().await.unwrap()).await.unwrap();
    all.into_iter().filter(|runner| runner.quarantined_at.is_some()).map(|runner| runner.name).collect()
}

#[tokio::test]
async fn a_runner_that_is_the_odd_one_out_too_often_gets_no_work_and_what_it_found_is_run_elsewhere() {
    on_both(async |store| {
        let all = three(&store).await;
        let [ada, bob, eve] = all;
        let good = dist(&store, "good", 0).await;
        work(&store, eve, PASSES, 0).await.unwrap();
        let agreed = dist(&store, "agreed", 0).await;
        work(&store, eve, FAILS, 0).await.unwrap();
        let agreed_with = work(&store, ada, FAILS, 0).await.unwrap();
        let bystander = dist(&store, "bystander", 0).await;
        work(&store, bob, PASSES, 0).await.unwrap();
        let mut flaky = Vec::new();
        for (number, called) in ["one", "two"].into_iter().enumerate() {
            flaky.push(contradict(&store, all, called, i64::try_from(number).unwrap() + 1).await);
        }
        assert_eq!(quarantined(&store).await, [""; 0]);
        let held = dist(&store, "held", 3).await;
        let open = claim(&store, eve, &[PG17], at(3)).await.unwrap();
        assert_eq!(open.release_id, held);
        flaky.push(contradict(&store, all, "three", 3).await);
        assert_eq!(quarantined(&store).await, ["eve"]);
        let reason =
            runners::by_name(&mut store.read().await.unwrap(), "eve").await.unwrap().unwrap().quarantine_reason;
        assert_eq!(reason, "two others agreed against it on releases of 3 of the latest 4 owners");

        let waits = dist(&store, "waits", 4).await;
        assert_eq!(claim(&store, eve, &[PG17], at(4)).await, None);
        work(&store, ada, PASSES, 4).await.unwrap();
        assert_eq!(stands(&store, waits).await.0, JobState::Finished);

        assert_eq!(tended(&store, 5).await, Tended { taken: vec![open.run_id], ..Tended::default() });
        assert_eq!(tended(&store, 5).await, Tended::default());
        assert_eq!(withdrawn(&store, 5).await, Done { withdrawn: 5, restored: 0, queued: 2 });
        let token = token();
        let state = runs::check_lease(&mut store.read().await.unwrap(), &key(&open, eve, &token)).await.unwrap();
        assert_eq!(state, LeaseState::Lost(runs::Lost::Released));
        assert_eq!(stands(&store, good).await, (JobState::Queued, None));
        let alone = Some((agreed_with, Grade::Fail, Some(Flag::Unconfirmed)));
        assert_eq!(stands(&store, agreed).await, (JobState::Queued, alone));
        for id in flaky.into_iter().chain([bystander]) {
            let (state, standing) = stands(&store, id).await;
            assert_eq!((state, standing.unwrap().1, standing.unwrap().2), (JobState::Finished, Grade::Pass, None));
        }
        while work(&store, ada, PASSES, 6).await.is_some() {}
        assert_eq!(stands(&store, good).await.0, JobState::Finished);
    })
    .await;
}

#[tokio::test]
async fn a_released_runner_begins_with_a_clean_slate() {
    on_both(async |store| {
        let all = three(&store).await;
        for (minute, called) in [(1, "one"), (2, "two"), (3, "three")] {
            contradict(&store, all, called, minute).await;
        }
        assert_eq!(quarantined(&store).await, ["eve"]);
        let mut tx = store.begin().await.unwrap();
        assert!(release_runner(&mut tx, all[2], 4).await);
        assert!(!release_runner(&mut tx, all[2], 4).await);
        tx.commit().await.unwrap();
        for (minute, called) in [(5, "four"), (6, "five")] {
            contradict(&store, all, called, minute).await;
        }
        assert_eq!(quarantined(&store).await, [""; 0]);
        contradict(&store, all, "six", 7).await;
        assert_eq!(quarantined(&store).await, ["eve"]);
    })
    .await;
}

#[tokio::test]
async fn a_run_that_goes_on_while_what_it_should_confirm_is_withdrawn_stands_alone() {
    on_both(async |store| {
        let [ada, bob, eve] = three(&store).await;
        let id = dist(&store, "pair", 0).await;
        work(&store, eve, FAILS, 0).await.unwrap();
        let confirming = claim(&store, ada, &[PG17], at(0)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        assert!(quarantine(&mut tx, eve, "it smells", at(1)).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(withdrawn(&store, 2).await, Done { withdrawn: 1, restored: 0, queued: 0 });
        assert_eq!(stands(&store, id).await, (JobState::Running, None));
        for runner in [ada, bob] {
            seen(&store, runner, 3).await;
        }
        say(&store, ada, &confirming, FAILS, 3).await;
        let alone = Some((confirming.run_id, Grade::Fail, Some(Flag::Unconfirmed)));
        assert_eq!(stands(&store, id).await, (JobState::Queued, alone));
        assert_eq!(tended(&store, 3).await, Tended::default());
    })
    .await;
}

/// Withdraws all that is to be, or takes it back.
async fn withdrawn(store: &Store, minute: i64) -> Done {
    let mut tx = store.begin().await.unwrap();
    let done = withdrawal::step(&mut tx, at(minute), 100).await.unwrap();
    tx.commit().await.unwrap();
    done
}

async fn release_runner(tx: &mut Tx, id: RunnerId, minute: i64) -> bool {
    super::release(tx, id, at(minute)).await.unwrap()
}

#[tokio::test]
async fn one_flaky_distribution_quarantines_nobody_however_often_it_is_run() {
    on_both(async |store| {
        let [ada, bob, eve] = three(&store).await;
        let id = dist(&store, "flaky", 0).await;
        let name: Name = name("flaky");
        for minute in 1..8 {
            for (runner, verdict) in [(eve, FAILS), (ada, PASSES), (bob, PASSES)] {
                seen(&store, runner, minute).await;
                work(&store, runner, verdict, minute).await.unwrap();
            }
            let wish = Requeue { dist: &name, version: None, target: None, priority: Priority::Asked };
            let mut tx = store.begin().await.unwrap();
            jobs::requeue(&mut tx, &wish, at(minute)).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(quarantined(&store).await, [""; 0]);
        assert_eq!(stands(&store, id).await.1.unwrap().2, Some(Flag::Flaky));
    })
    .await;
}

#[tokio::test]
async fn one_author_quarantines_nobody_by_however_many_distributions() {
    on_both(async |store| {
        let all = three(&store).await;
        for minute in 1..6 {
            let id = insert(&store, &release(&format!("dist-{minute}"), "1.0.0")).await.id();
            plan(&store, id, PG17, "mallory", at(minute)).await;
            for runner in all {
                seen(&store, runner, minute).await;
            }
            for (runner, verdict) in [(all[2], FAILS), (all[0], PASSES), (all[1], PASSES)] {
                work(&store, runner, verdict, minute).await.unwrap();
            }
        }
        assert_eq!(quarantined(&store).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn of_two_runners_that_disagree_nobody_is_blamed() {
    on_both(async |store| {
        let (ada, eve) = (there(&store, "ada", 0).await, there(&store, "eve", 0).await);
        for minute in 0..8 {
            let id = dist(&store, &format!("dist-{minute}"), minute).await;
            seen(&store, ada, minute).await;
            seen(&store, eve, minute).await;
            work(&store, eve, FAILS, minute).await.unwrap();
            work(&store, ada, PASSES, minute).await.unwrap();
            assert_eq!(stands(&store, id).await.0, JobState::Finished);
        }
        assert_eq!(quarantined(&store).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn an_operator_may_quarantine_a_runner_once_and_not_one_that_is_revoked() {
    on_both(async |store| {
        let [ada, _, eve] = three(&store).await;
        let mut tx = store.begin().await.unwrap();
        assert!(quarantine(&mut tx, eve, "it smells", at(1)).await.unwrap());
        assert!(!quarantine(&mut tx, eve, "it smells more", at(2)).await.unwrap());
        runners::revoke(&mut tx, ada, at(1)).await.unwrap();
        assert!(!quarantine(&mut tx, ada, "", at(2)).await.unwrap());
        let eve = runners::by_name(&mut tx, "eve").await.unwrap().unwrap();
        assert_eq!((eve.quarantined_at, eve.quarantine_reason.as_str()), (Some(at(1)), "it smells"));
        assert!(!eve.works_on(target(PG17), at(1)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reports_claims_and_tending_at_the_same_time_leave_every_job_with_its_verdict() {
    on_both(async |store| {
        let all = three(&store).await;
        let mut releases = Vec::new();
        for number in 0..24 {
            releases.push(dist(&store, &format!("dist-{number}"), 0).await);
        }
        let mut workers = JoinSet::new();
        // Every runner calls what it finds by the distribution's number, so that they all agree but for one that fails everything.
        for (number, runner) in all.into_iter().chain(all).enumerate() {
            let store = store.clone();
            workers.spawn(async move {
                loop {
                    let Some(claimed) = claim(&store, runner, &[PG17], at(1)).await else {
                        let done = farm::counts(&mut store.read().await.unwrap(), at(1)).await.unwrap();
                        if done.queued + done.running == 0 {
                            return;
                        }
                        let mut tx = store.begin().await.unwrap();
                        tend(&mut tx, at(1), 10).await.unwrap();
                        tx.commit().await.unwrap();
                        continue;
                    };
                    let fails = number % 3 == 2 || claimed.release.dist.as_str().ends_with('1');
                    let accepted = say(&store, runner, &claimed, if fails { FAILS } else { PASSES }, 1).await;
                    assert!(matches!(
                        accepted,
                        Acceptance::Accepted | Acceptance::Quarantined(_) | Acceptance::Lost(_)
                    ));
                }
            });
        }
        workers.join_all().await;
        for id in releases {
            assert_eq!(stands(&store, id).await.0, JobState::Finished);
        }
        assert!(quarantined(&store).await.iter().all(|name| name == "eve"));
        assert_eq!(queue::counts(&mut store.read().await.unwrap()).await.unwrap(), []);
    })
    .await;
}

/// The same as [`work`], on an emulator.
async fn emulate(store: &Store, runner: RunnerId, verdict: (Phase, Reason), minute: i64) -> Option<RunId> {
    let claimed = claim(store, runner, &[PG17], at(minute)).await?;
    let (token, mut report) = (token(), report(&claimed, verdict.1));
    report.verdict.phase = verdict.0;
    report.circumstances.emulated = true;
    let mut tx = store.begin().await.unwrap();
    crate::testing::accept_one(&mut tx, &key(&claimed, runner, &token), &report, RETRIES, at(minute)).await.unwrap();
    tx.commit().await.unwrap();
    Some(claimed.run_id)
}

/// A runner that is there, and emulates what it offers.
async fn emulator(store: &Store, called: &str, minute: i64) -> RunnerId {
    let id = there(store, called, minute).await;
    let mut tx = store.begin().await.unwrap();
    runners::emulates(&mut tx, id, &[target(PG17).platform]).await.unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn what_fails_on_an_emulator_stays_unconfirmed_until_a_machine_has_it() {
    on_both(async |store| {
        let (release, job) = pair(&store).await;
        let (ship, boat) = (emulator(&store, "ship", 1).await, emulator(&store, "boat", 1).await);
        let first = emulate(&store, ship, FAILS, 1).await.unwrap();
        let unconfirmed = Some((first, Grade::Fail, Some(Flag::Unconfirmed)));
        assert_eq!(stands(&store, release).await, (JobState::Finished, unconfirmed), "no other emulator confirms it");
        assert_eq!(claim(&store, boat, &[PG17], at(2)).await, None);
        assert_eq!(tended(&store, 2).await, Tended::default());
        assert_eq!(share(&mut store.read().await.unwrap()).await, None);

        let attic = there(&store, "attic", 3).await;
        assert_eq!(tended(&store, 3).await, Tended { native: 1, ..Tended::default() });
        assert_eq!(stands(&store, release).await, (JobState::Queued, unconfirmed));
        assert_eq!(claim(&store, boat, &[PG17], at(3)).await, None, "a machine is there");
        let second = work(&store, attic, FAILS, 4).await.unwrap();
        assert_eq!(stands(&store, release).await, (JobState::Finished, Some((first, Grade::Fail, None))));
        let job = jobs::get(&mut store.read().await.unwrap(), job).await.unwrap().unwrap();
        assert_eq!(job.confirmed_by, Some(second));
        assert_eq!(tended(&store, 5).await, Tended::default());
    })
    .await;
}

#[tokio::test]
async fn a_machine_that_is_there_has_the_second_word_and_the_last() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let (ship, boat) = (emulator(&store, "ship", 1).await, emulator(&store, "boat", 1).await);
        let attic = there(&store, "attic", 1).await;
        let first = emulate(&store, ship, FAILS, 1).await.unwrap();
        assert_eq!(stands(&store, release).await.0, JobState::Queued);
        assert_eq!(claim(&store, boat, &[PG17], at(2)).await, None, "it is left to the machine");
        let second = work(&store, attic, PASSES, 3).await.unwrap();
        assert_eq!(stands(&store, release).await, (JobState::Finished, Some((second, Grade::Pass, None))));
        let flags = runs::detail(&mut store.read().await.unwrap(), first).await.unwrap().unwrap();
        assert!(flags.result.unwrap().verdict.flags.contains(&Flag::Unconfirmed));
        assert_eq!(tended(&store, 4).await, Tended::default());
    })
    .await;
}

#[tokio::test]
async fn a_machine_that_cannot_say_anything_is_not_asked_for_ever() {
    on_both(async |store| {
        let (release, _) = pair(&store).await;
        let ship = emulator(&store, "ship", 1).await;
        let first = emulate(&store, ship, FAILS, 1).await.unwrap();
        let attic = there(&store, "attic", 2).await;
        assert_eq!(tended(&store, 2).await.native, 1);
        for minute in 3..20 {
            if work(&store, attic, LACKS, minute).await.is_none() {
                break;
            }
        }
        let unconfirmed = Some((first, Grade::Fail, Some(Flag::Unconfirmed)));
        assert_eq!(stands(&store, release).await, (JobState::Finished, unconfirmed));
        assert_eq!(tended(&store, 21).await, Tended::default(), "it had its part");
    })
    .await;
}
