//! What runs tell while they go on.

use super::*;

fn says(text: &str) -> Value {
    let phases =
        json!([{"phase": "fetch", "outcome": "passed", "duration_ms": 40}, {"phase": "build", "duration_ms": 9}]);
    json!({"phases": phases, "output": [{"phase": "build", "text": text, "skipped_bytes": 0}]})
}

fn heard(farm: &Farm, claimed: &Claimed) -> Option<String> {
    let known = farm.coordinator.live().snapshot(claimed.run_id.parse().unwrap())?;
    Some(known.sections.into_iter().map(|section| section.text).collect())
}

async fn one_running(farm: &Farm) -> Claimed {
    let runner = with_release(farm).await;
    claim_of(farm, &runner, &["pg18-amd64"]).await.unwrap()
}

#[tokio::test]
async fn what_a_run_tells_is_known_while_it_goes_on_and_gone_with_its_report() {
    on_both(async |farm| {
        let claimed = one_running(&farm).await;
        assert_eq!(claimed.post(&farm, "progress", &says("gcc -c \u{1b}[31m\n")).await.status, 204);
        assert_eq!(heard(&farm, &claimed).unwrap(), "gcc -c \u{1b}[31m\n");
        farm.clock.advance(Duration::from_secs(1));
        assert_eq!(claimed.post(&farm, "progress", &says("done\n")).await.status, 204);
        assert!(heard(&farm, &claimed).unwrap().ends_with("done\n"));
        let known = farm.coordinator.live().snapshot(claimed.run_id.parse().unwrap()).unwrap();
        assert_eq!((known.phases[0].outcome, known.phases[1].outcome), (Some(Outcome::Passed), None));
        let mut follower = farm.coordinator.live().follow(claimed.run_id.parse().unwrap(), None, "a").unwrap();
        follower.next().await;
        assert_eq!(claimed.report(&farm, &claimed.passed()).await.status, 200);
        assert_eq!((heard(&farm, &claimed), follower.next().await), (None, live::Next::Ended));
        let detail = claimed.post(&farm, "progress", &says("too late\n")).await.problem(409);
        assert!(detail.contains("already reported") && heard(&farm, &claimed).is_none(), "{detail}");
    })
    .await;
}

#[tokio::test]
async fn only_who_holds_the_lease_is_heard() {
    let farm = Farm::start().await;
    let claimed = one_running(&farm).await;
    let with = |runner: &str, lease: &str| {
        let call = Call::new(Method::POST, &format!("/api/v1/runs/{}/progress", claimed.run_id)).bearer(runner);
        let call = call.header("x-lease-token", lease).header("content-type", "application/json");
        call.body(says("forged\n").to_string())
    };
    farm.call(with(&farm.runner("thief").await, &claimed.lease)).await.problem(409);
    farm.call(with(&claimed.runner, &"0".repeat(64))).await.problem(409);
    farm.call(with("nobody", &claimed.lease)).await.problem(401);
    let nowhere = Claimed { run_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".into(), ..claimed_again(&claimed) };
    nowhere.post(&farm, "progress", &says("forged\n")).await.problem(404);
    assert!(heard(&farm, &claimed).is_none());
    assert_eq!(claimed.post(&farm, "progress", &says("true\n")).await.status, 204);
    assert_eq!(heard(&farm, &claimed).unwrap(), "true\n");
}

fn claimed_again(claimed: &Claimed) -> Claimed {
    let (runner, lease) = (claimed.runner.clone(), claimed.lease.clone());
    Claimed { runner, lease, run_id: claimed.run_id.clone(), json: claimed.json.clone() }
}

#[tokio::test]
async fn a_lease_that_expires_or_is_given_back_takes_the_tail_with_it() {
    let farm = Farm::start().await;
    let claimed = one_running(&farm).await;
    assert_eq!(claimed.post(&farm, "progress", &says("half of it\n")).await.status, 204);
    farm.clock.advance(MINUTE * 4);
    assert_eq!(claimed.renew(&farm).await.status, 200);
    farm.clock.advance(MINUTE * 4);
    expire::tick(&farm.coordinator, farm.now()).await.unwrap();
    assert!(heard(&farm, &claimed).is_some(), "a run that only renews goes on as well");
    farm.clock.advance(MINUTE * 2);
    expire::tick(&farm.coordinator, farm.now()).await.unwrap();
    assert!(heard(&farm, &claimed).is_none());
    claimed.post(&farm, "progress", &says("late\n")).await.problem(409);

    let next = claim_of(&farm, &claimed.runner, &["pg18-amd64"]).await.unwrap();
    assert_eq!(next.post(&farm, "progress", &says("again\n")).await.status, 204);
    assert_eq!(next.post(&farm, "release", &json!({})).await.status, 204);
    assert!(heard(&farm, &next).is_none());
}

#[tokio::test]
async fn what_is_too_much_or_too_often_is_refused_and_ends_nothing() {
    let farm = Farm::start().await;
    let claimed = one_running(&farm).await;
    let detail = claimed.post(&farm, "progress", &says(&"x".repeat(65_537))).await.problem(422);
    assert!(detail.contains("65537 bytes"), "{detail}");
    let call = claimed.call(Method::POST, "progress").header("content-type", "application/json");
    farm.call(call.body(vec![b' '; protocol::MAX_PROGRESS_BYTES + 1])).await.problem(413);
    claimed.post(&farm, "progress", &json!({"phases": [{"phase": "no-phase"}], "output": []})).await.problem(422);
    assert_eq!(claimed.post(&farm, "progress", &says(&"\u{1}".repeat(65_536))).await.status, 204);
    let detail = claimed.post(&farm, "progress", &says("again\n")).await.problem(429);
    assert!(detail.contains("once a second"), "{detail}");
    assert!(heard(&farm, &claimed).unwrap().len() <= live::MAX_RUN_BYTES);
    assert_eq!(claimed.renew(&farm).await.status, 200, "none of it ended the run");
}
