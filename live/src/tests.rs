use protocol::{Outcome, Phase, Printed};

use super::*;

const START: Timestamp = Timestamp::from_millis(1_795_200_000_000);

fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn run(number: u64) -> RunId {
    format!("{number:026}").parse().unwrap()
}

fn says(text: &str) -> Progress {
    let phases = vec![PhaseProgress { phase: Phase::Build, outcome: None, duration_ms: 10 }];
    Progress { phases, output: vec![Printed { phase: Phase::Build, text: text.to_owned(), skipped_bytes: 0 }] }
}

async fn text(follower: &mut Follower) -> String {
    match follower.next().await {
        Next::News(news) => news.sections.into_iter().map(|section| section.text).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_follower_hears_what_it_has_not_read_and_then_that_the_run_is_over() {
    let (live, run) = (Live::default(), run(1));
    live.push(run, &says("one\n"), at(0));
    let known = live.snapshot(run).unwrap();
    assert_eq!((known.sections[0].text.as_str(), known.phases.len(), known.heard_at), ("one\n", 1, at(0)));
    let mut late = live.follow(run, Some(known.place), "a").unwrap();
    let mut early = live.follow(run, None, "a").unwrap();
    assert_eq!((text(&mut early).await, text(&mut late).await), ("one\n".into(), String::new()), "phases come first");
    live.push(run, &says("two\n"), at(1));
    assert_eq!((text(&mut early).await, text(&mut late).await), ("two\n".into(), "two\n".into()));
    live.end(run);
    assert_eq!((early.next().await, late.next().await), (Next::Ended, Next::Ended));
    assert_eq!(live.snapshot(run), None, "nothing of it is left");
}

#[tokio::test]
async fn a_run_that_has_not_been_heard_yet_can_be_waited_for_and_leaves_nothing() {
    let (live, run) = (Live::default(), run(1));
    let mut follower = live.follow(run, None, "a").unwrap();
    assert_eq!(live.snapshot(run), None);
    let (heard, _) = tokio::join!(text(&mut follower), async { live.push(run, &says("now\n"), at(0)) });
    assert_eq!(heard, "now\n");
    drop(follower);
    let waiting = live.follow(self::run(2), None, "a").unwrap();
    assert_eq!(live.lock().entries.len(), 2);
    drop(waiting);
    let runs = live.lock();
    assert_eq!((runs.entries.len(), runs.followers.len()), (1, 0));
}

#[tokio::test]
async fn a_place_of_before_a_restart_is_not_taken_for_one_after_it() {
    let (before, after, run) = (Live::default(), Live::default(), run(1));
    before.push(run, &says("a long time ago\n"), at(0));
    let place = before.snapshot(run).unwrap().place;
    after.push(run, &says("today\n"), at(60));
    let mut follower = after.follow(run, Some(place), "a").unwrap();
    let Next::News(news) = follower.next().await else { panic!() };
    assert!(news.is_anew && news.sections[0].text == "today\n", "{news:?}");
}

#[tokio::test]
async fn followers_are_bounded_in_all_and_from_one_address() {
    let (live, run) = (Live::default(), run(1));
    let greedy: Vec<Follower> = (0..12).map(|_| live.follow(run, None, "greedy").unwrap()).collect();
    assert_eq!(live.follow(run, None, "greedy").unwrap_err(), Refused::Greedy);
    let others: Vec<Follower> = (0..244).map(|number| live.follow(run, None, &number.to_string()).unwrap()).collect();
    assert_eq!(live.follow(run, None, "one more").unwrap_err(), Refused::Full);
    drop(greedy);
    live.follow(run, None, "greedy").unwrap();
    live.close();
    for mut follower in others {
        assert_eq!(follower.next().await, Next::Closed);
    }
    assert_eq!(live.follow(run, None, "a").unwrap_err(), Refused::Closed);
}

#[tokio::test]
async fn a_run_that_tells_too_often_is_not_heard() {
    let (live, run) = (Live::default(), run(1));
    assert!(live.push(run, &says("one\n"), at(10)));
    assert!(!live.push(run, &says("two\n"), at(10)));
    assert!(live.push(run, &says("three\n"), at(11)));
    assert!(live.push(run, &says("four\n"), at(2)), "a clock that was set back silences nobody");
    assert_eq!(live.snapshot(run).unwrap().sections[0].text, "one\nthree\nfour\n");
}

#[test]
fn all_runs_together_keep_within_their_bounds_and_the_latest_is_kept() {
    let live = Live::default();
    let long = says(&"x".repeat(MAX_RUN_BYTES));
    for number in 0..400 {
        live.push(run(number), &long, at(number));
    }
    let bytes: usize = live.lock().entries.values().filter_map(|entry| Some(entry.tail.as_ref()?.bytes())).sum();
    assert!(bytes <= MAX_BYTES && bytes > MAX_BYTES / 2, "{bytes}");
    assert!(live.snapshot(run(399)).is_some() && live.snapshot(run(0)).is_none());
    for number in 1_000..3_000 {
        live.push(run(number), &says(""), at(number));
    }
    assert!(live.lock().entries.len() <= MAX_RUNS);
}

#[test]
fn what_was_not_heard_for_longer_than_its_lease_is_forgotten() {
    let live = Live::default();
    live.push(run(1), &says("one\n"), at(0));
    live.push(run(2), &says("two\n"), at(0));
    live.touch(run(2), at(400));
    live.prune(at(100));
    assert!(live.snapshot(run(1)).is_none() && live.snapshot(run(2)).is_some());
}

#[tokio::test]
async fn phases_are_told_when_they_change_and_not_for_their_time() {
    let (live, run) = (Live::default(), run(1));
    let mut follower = live.follow(run, None, "a").unwrap();
    let phase = |outcome, duration_ms| Progress {
        phases: vec![PhaseProgress { phase: Phase::Build, outcome, duration_ms }],
        output: Vec::new(),
    };
    live.push(run, &phase(None, 1), at(0));
    assert!(matches!(follower.next().await, Next::News(News { phases: Some(_), .. })));
    live.push(run, &phase(None, 2), at(1));
    live.push(run, &phase(Some(Outcome::Passed), 3), at(2));
    let Next::News(news) = follower.next().await else { panic!() };
    assert_eq!(news.phases.unwrap()[0].outcome, Some(Outcome::Passed));
}
