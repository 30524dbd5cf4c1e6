//! Runners that are there and take no work, and runners that speak another protocol.

use super::*;

fn away(token: &str) -> Value {
    json!({"targets": [], "version": "0.1.0", "token": token, "away": {"why": "paused", "until": null}})
}

#[tokio::test]
async fn a_runner_that_is_away_is_known_to_be_there_and_gets_nothing() {
    on_both(async |farm| {
        let runner = with_release(&farm).await;
        let claim = json!({"targets": ["pg15-amd64"], "version": "0.1.0"});
        let claimed = farm.call(Call::post("/api/v1/claim", &claim).bearer(&runner)).await;
        assert_eq!(claimed.status, 200);
        let token = "a".repeat(64);
        // One that names targets all the same gets nothing either, and at once.
        let mut said = away(&token);
        said["targets"] = json!(["pg17-amd64"]);
        let began = std::time::Instant::now();
        let answer = farm.call(Call::post("/api/v1/claim?wait=30", &said).bearer(&runner)).await;
        assert_eq!(answer.status, 204);
        assert!(began.elapsed() < Duration::from_secs(25), "nobody waits who wants nothing");
        let status = farm.call(Call::get("/api/v1/status")).await.json();
        assert_eq!((&status["runners"], &status["away"]), (&json!(0), &json!(1)));
        let listed = crate::operate::runners(&farm.coordinator).await.unwrap();
        assert_eq!(listed[0].runner.absence.unwrap().why, protocol::Away::Paused);
        assert_eq!(listed[0].runner.targets.len(), 1, "what it can test is still known");

        assert!(claim_of(&farm, &runner, &["pg17-amd64"]).await.is_some(), "it is back");
        let status = farm.call(Call::get("/api/v1/status")).await.json();
        assert_eq!((&status["runners"], &status["away"]), (&json!(1), &json!(0)));
    })
    .await;
}

#[tokio::test]
async fn a_runner_that_is_away_is_told_of_the_lease_that_it_does_not_know_of() {
    on_both(async |farm| {
        let runner = with_release(&farm).await;
        let token = "b".repeat(64);
        let claim = json!({"targets": ["pg17-amd64"], "version": "0.1.0", "token": token});
        let claimed = farm.call(Call::post("/api/v1/claim", &claim).bearer(&runner)).await.json();
        let answer = farm.call(Call::post("/api/v1/claim", &away(&token)).bearer(&runner)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["lease"]["run_id"]), (200, &claimed["lease"]["run_id"]));
    })
    .await;
}

#[tokio::test]
async fn a_runner_with_another_protocol_is_told_both_versions_and_what_to_do() {
    let farm = Farm::start().await;
    let runner = farm.runner("box").await;
    let claim = json!({"targets": ["pg17-amd64"], "version": "0.0.1"});
    let says = async |version: &str| {
        let call = Call::post("/api/v1/claim", &claim).bearer(&runner);
        farm.call(call.header("x-pgxn-testers-protocol", version)).await
    };
    let answer = says("0.9").await;
    assert_eq!(answer.headers["upgrade"], "pgxn-testers/1.0");
    let detail = answer.problem(426);
    assert!(detail.contains("protocol 1.0 and the runner 0.9; update the runner"), "{detail}");
    let detail = says("2.0").await.problem(426);
    assert!(detail.contains("the runner is newer"), "{detail}");
    let detail = says("seven").await.problem(426);
    assert!(detail.contains("is no version of a protocol"), "{detail}");
    let answer = says("1.9").await;
    assert_eq!((answer.status.as_u16(), answer.headers["x-pgxn-testers-protocol"].as_bytes()), (204, &b"1.0"[..]));
    assert_eq!(farm.call(Call::get("/api/v1/status")).await.headers["x-pgxn-testers-protocol"], "1.0");
}
