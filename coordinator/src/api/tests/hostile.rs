//! Runners that are let in and mean harm; those that lie are in `confirm.rs` and `signed.rs`.

use std::num::NonZeroU32;

use super::*;

async fn self_of(farm: &Farm, runner: &str) -> Answer {
    farm.call(Call::get("/api/v1/runners/self").bearer(runner)).await
}

#[tokio::test]
async fn a_runner_that_claims_everything_and_reports_nothing_is_held_and_told_why() {
    on_both(async |farm| {
        for patch in 0..8 {
            farm.registry.publish("many", &format!("1.0.{patch}"));
        }
        farm.watch().await;
        let runner = farm.runner("box").await;
        for _ in 0..3 {
            claim(&farm, &runner).await.unwrap();
            farm.clock.advance(MINUTE * 6);
            expire(&farm).await;
        }
        has_key(&farm, &runner).await;
        let body = json!({"targets": ["pg17-amd64"], "version": "0.1.0"});
        let detail = farm.call(Call::post("/api/v1/claim", &body).bearer(&runner)).await.problem(429);
        assert!(detail.contains("3 times in a row") && detail.contains("it gets the next one at 20"), "{detail}");
        let away = json!({"targets": [], "version": "0.1.0", "away": {"why": "paused"}});
        assert_eq!(
            farm.call(Call::post("/api/v1/claim", &away).bearer(&runner)).await.status,
            204,
            "it may still say so"
        );

        let admin = farm.call(Call::get("/api/v1/runners").bearer(farm.coordinator.config.admin_token.expose())).await;
        assert_eq!(admin.json()[0]["lost"], 3);
        assert!(admin.json()[0]["held_until"].is_i64());

        farm.clock.advance(MINUTE);
        let one = claim(&farm, &runner).await.unwrap();
        assert!(claim(&farm, &runner).await.is_none(), "one at a time");
        assert_eq!(one.report(&farm, &one.passed()).await.status, 200);
        let two = [claim(&farm, &runner).await, claim(&farm, &runner).await];
        assert!(two.iter().all(Option::is_some), "it reports, and is as good as any");
    })
    .await;
}

#[tokio::test]
async fn a_runner_that_floods_is_told_to_wait_and_others_are_served() {
    let farm = Farm::with(|config| config.calls_per_second = NonZeroU32::new(1)).await;
    let (flood, other) = (farm.runner("flood").await, farm.runner("other").await);
    let mut refused = None;
    for _ in 0..40 {
        refused = Some(self_of(&farm, &flood).await).filter(|answer| answer.status == 429).or(refused);
    }
    let detail = refused.expect("forty calls at once are too many").problem(429);
    assert!(detail.contains("flood") && detail.contains("too often"), "{detail}");
    assert_eq!(self_of(&farm, &other).await.status, 200);
}

#[tokio::test]
async fn a_report_that_is_replayed_counts_once_and_for_its_run_alone() {
    on_both(async |farm| {
        let runner = with_release(&farm).await;
        let [first, second] = [claim(&farm, &runner).await.unwrap(), claim(&farm, &runner).await.unwrap()];
        let (report, seal) = (first.passed(), first.sealed(&first.passed()));
        assert_eq!(second.report_as(&farm, &report, &seal).await.status, 422, "it is about another run");
        let renamed = Report { run_id: second.run_id.parse().unwrap(), ..report.clone() };
        assert_eq!(second.report_as(&farm, &renamed, &seal).await.status, 422, "the signature is of another run");
        for _ in 0..3 {
            assert_eq!(first.report_as(&farm, &report, &seal).await.status, 200);
        }
        let thief = Claimed { runner: farm.runner("thief").await, ..second };
        thief.report_as(&farm, &renamed, &seal).await.problem(409);
        let status = farm.call(Call::get("/api/v1/status")).await.json();
        assert_eq!(status["results"], 1, "{status}");
    })
    .await;
}

#[tokio::test]
async fn a_token_of_another_farm_opens_nothing() {
    let (here, there) = (Farm::start().await, Farm::start().await);
    let token = with_release(&there).await;
    let claimed = claim(&there, &token).await.unwrap();
    self_of(&here, &token).await.problem(401);
    here.call(Call::post("/api/v1/claim", &json!({"targets": [], "version": "0"})).bearer(&token)).await.problem(401);
    claimed.post(&here, "renew", &json!({})).await.problem(401);
    let known = Claimed { runner: here.runner("box").await, ..claimed };
    known.post(&here, "renew", &json!({})).await.problem(404);
    let admin = there.coordinator.config.admin_token.expose();
    here.call(Call::get("/api/v1/runners").bearer(admin)).await.problem(401);
}
