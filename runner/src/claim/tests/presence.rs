//! A runner that takes no work, is told to end, or meets a coordinator of another protocol.

use std::time::Duration;

use jiff::tz::TimeZone;
use protocol::{Away, ManualClock};

use super::*;
use crate::courtesy::Hours;
use crate::courtesy::control::{Pause, Wishes};
use crate::{State as Is, Status, work};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn says(agent: &Agent, wishes: &Wishes) {
    wishes.write(&agent.site.data_dir).unwrap();
}

fn paused() -> Wishes {
    Wishes { paused: Some(Pause { since: SystemClock.now(), until: None }), draining: Vec::new() }
}

/// Waits until something is so.
#[track_caller]
fn until<'a>(is_so: impl Fn() -> bool + 'a) -> impl Future<Output = ()> + 'a {
    let asked = std::panic::Location::caller();
    async move {
        let waiting = async {
            while !is_so() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("waited in vain at {asked}"));
    }
}

#[tokio::test]
async fn a_runner_that_is_paused_claims_nothing_and_drains_all_the_same_which_needs_an_engine() {
    let stage = stage("passes").await;
    let (agent, desk) = (&stage.agent, &stage.desk);
    desk.waits.store(true, Ordering::SeqCst);
    let assignment = desk.assignment.lock().unwrap().take();
    says(agent, &paused());
    let acting = async {
        let is = |state| move || Status::of_living(&agent.site.data_dir).unwrap().iter().any(|it| it.state == state);
        until(is(Is::Paused)).await;
        until(|| !desk.asked.lock().unwrap().is_empty()).await;
        assert!(desk.asked.lock().unwrap().iter().all(|it| it.targets.is_empty() && it.away.is_some()));
        says(agent, &Wishes::default());
        until(|| desk.asked.lock().unwrap().iter().filter(|it| it.away.is_none()).count() == 2).await;
        until(is(Is::Waiting)).await;
        // The claim that waits is broken off. What it would have got comes back with the word that no work is taken, and is given back.
        desk.waits.store(false, Ordering::SeqCst);
        *desk.assignment.lock().unwrap() = assignment;
        says(agent, &paused());
        until(|| desk.released.load(Ordering::SeqCst)).await;
        says(agent, &Wishes { draining: vec![agent.site.place.instance.clone()], ..paused() });
    };
    let working = tokio::time::timeout(PATIENCE, work(agent.clone(), 2, CancellationToken::new()));
    let (worked, ()) = tokio::join!(working, acting);
    worked.unwrap().unwrap();
    assert!(desk.report.lock().unwrap().is_none());
    let token =
        |away: bool| desk.asked.lock().unwrap().iter().rfind(|it| it.away.is_some() == away).unwrap().token.clone();
    assert!(token(true).is_some() && token(false).is_some());
    assert!(Status::of_living(&agent.site.data_dir).unwrap().is_empty(), "nothing is left of its status");
}

#[tokio::test]
async fn what_runs_goes_on_when_the_hours_are_over_or_is_given_back_as_was_said_which_needs_an_engine() {
    for (over, fate) in [(WhenOver::Finish, "talks-forever"), (WhenOver::Stop, "the runner's hours are over")] {
        let mut stage = stage("talks-forever").await;
        let clock = ManualClock::at(Timestamp::parse_rfc3339("2026-11-27T06:59:00Z").unwrap());
        stage.agent.site.clock = Arc::new(clock.clone());
        let hours = Hours::new(vec!["* 22-6 * * *".parse().unwrap()], TimeZone::UTC);
        stage.agent = stage.agent.with_courtesy(Courtesy { hours, over, ..Courtesy::default() });
        let stop = CancellationToken::new();
        let passing = async {
            until(|| stage.desk.renewals.load(Ordering::SeqCst) > 0).await;
            clock.advance(Duration::from_mins(1));
            stage.agent.look_around();
            assert_eq!(stage.agent.status().state, Is::OutsideHours);
            if over == WhenOver::Finish {
                let renewed = stage.desk.renewals.load(Ordering::SeqCst);
                until(|| stage.desk.renewals.load(Ordering::SeqCst) > renewed).await;
                assert!(stage.agent.status().runs[0].release.contains(fate), "it goes on");
                stop.cancel();
            }
        };
        let (tick, ()) = tokio::join!(stage.tick(&stop), passing);
        assert_eq!(tick, Tick::Worked);
        assert!(stage.desk.released.load(Ordering::SeqCst));
        if over == WhenOver::Stop {
            assert!(stage.dropped().unwrap().contains(fate), "{:?}", stage.dropped());
        }
        assert_eq!(stage.tick(&CancellationToken::new()).await, Tick::Idle);
        let away = stage
            .told
            .lock()
            .unwrap()
            .iter()
            .any(|it| matches!(it, AgentEvent::Presence(Some((absence, _))) if absence.why == Away::Hours));
        assert!(away);
    }
}

#[tokio::test]
async fn another_protocol_is_told_once_and_asked_for_again_slowly_which_needs_an_engine() {
    let stage = stage("passes").await;
    stage.desk.is_foreign.store(true, Ordering::SeqCst);
    let troubles = || {
        let told = stage.told.lock().unwrap();
        let troubles =
            told.iter().filter_map(|it| if let AgentEvent::Trouble(why) = it { Some(why.clone()) } else { None });
        troubles.collect::<Vec<_>>()
    };
    let acting = async {
        until(|| stage.desk.claims.lock().unwrap().len() == 2).await;
        until(|| !troubles().is_empty()).await;
        assert_eq!(stage.agent.status().state, Is::Offline);
        says(&stage.agent, &Wishes { draining: vec![stage.agent.site.place.instance.clone()], paused: None });
    };
    let (worked, ()) = tokio::join!(work(stage.agent.clone(), 2, CancellationToken::new()), acting);
    worked.unwrap();
    let troubles = troubles();
    assert_eq!(troubles.len(), 1, "two workers met it: {troubles:?}");
    let expected =
        ["speaks protocol 2.0", "speaks protocol 1.0", "update this program", "trying again every ten minutes"];
    assert!(expected.iter().all(|words| troubles[0].contains(words)), "{troubles:?}");
    let asked = stage.desk.asked.lock().unwrap();
    assert!(asked.iter().filter(|it| it.away.is_none()).count() == 2, "neither asked a second time");
    assert!(stage.desk.assignment.lock().unwrap().is_some());
}
