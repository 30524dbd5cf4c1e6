//! Second opinions, and runners that nobody agrees with.

use protocol::Flag;

use super::*;
use crate::confirm;

const PG18: [&str; 1] = ["pg18-amd64"];

impl Claimed {
    fn verdict(&self, reason: Reason) -> Report {
        let phase = if reason == Reason::TimedOut { Phase::Build } else { Phase::Installcheck };
        Report { verdict: Verdict::new(phase, reason), ..self.passed() }
    }
}

/// Claims and reports; the id of the run.
async fn work(farm: &Farm, runner: &str, reason: Reason) -> Option<String> {
    let claimed = claim_of(farm, runner, &PG18).await?;
    assert_eq!(claimed.report(farm, &claimed.verdict(reason)).await.status, 200);
    Some(claimed.run_id)
}

async fn cell(farm: &Farm, dist: &str) -> Value {
    let document = farm.call(Call::get(&format!("/api/v1/dists/{dist}"))).await.json();
    let cells = document["releases"][0]["cells"].as_array().unwrap();
    cells.iter().find(|cell| cell["target"] == PG18[0]).unwrap().clone()
}

fn admin(farm: &Farm) -> String {
    farm.coordinator.config.admin_token.expose().to_owned()
}

/// A release that waits, and runners that have asked for work and found none.
async fn with_runners<const N: usize>(farm: &Farm, names: [&str; N]) -> [String; N] {
    let mut tokens = Vec::new();
    for name in names {
        let token = farm.runner(name).await;
        assert!(claim_of(farm, &token, &PG18).await.is_none());
        tokens.push(token);
    }
    tokens.try_into().unwrap()
}

#[tokio::test]
async fn a_failure_is_told_as_unconfirmed_and_again_once_another_runner_agrees() {
    on_both(async |mut farm| {
        let [ada, bob] = with_runners(&farm, ["ada", "bob"]).await;
        farm.registry.publish("pair", "1.0.0");
        farm.watch().await;
        farm.happened();
        let first = work(&farm, &ada, Reason::TimedOut).await.unwrap();
        assert!(claim_of(&farm, &ada, &PG18).await.is_none());
        let shown = cell(&farm, "pair").await;
        assert_eq!((&shown["state"], &shown["priority"]), (&json!("queued"), &json!("confirmation")));
        assert_eq!(shown["result"]["flags"], json!(["UNCONFIRMED"]));
        let again = claim_of(&farm, &bob, &PG18).await.unwrap();
        assert_eq!(again.json["time_factor"], 2);
        assert_eq!(again.report(&farm, &again.verdict(Reason::TimedOut)).await.status, 200);
        let shown = cell(&farm, "pair").await;
        assert_eq!((&shown["state"], &shown["result"]["run_id"]), (&json!("finished"), &json!(first)));
        assert_eq!(shown["result"]["flags"], json!([]));
        let told: Vec<_> = farm
            .happened()
            .into_iter()
            .filter_map(|event| if let Event::Verdict(verdict) = event { Some(verdict.doubt) } else { None })
            .collect();
        assert_eq!(told, [Some(Flag::Unconfirmed), None]);
    })
    .await;
}

#[tokio::test]
async fn a_failure_of_the_farm_is_told_to_nobody_until_it_is_the_last() {
    on_both(async |mut farm| {
        let [ada] = with_runners(&farm, ["ada"]).await;
        farm.registry.publish("pair", "1.0.0");
        farm.watch().await;
        for pause in [1, 4, 16] {
            farm.happened();
            work(&farm, &ada, Reason::EngineFailed).await.unwrap();
            assert!(matches!(farm.happened().as_slice(), [Event::JobClaimed { .. }]));
            assert!(cell(&farm, "pair").await["result"].is_null());
            let queue = farm.call(Call::get("/api/v1/queue")).await.json();
            let waits = queue["jobs"].as_array().unwrap().iter().find(|job| job["target"] == PG18[0]).unwrap().clone();
            assert_eq!(waits["not_before"].as_i64(), Some(farm.now().plus(MINUTE * pause).as_millis()));
            assert_eq!(confirm::tick(&farm.coordinator, farm.now()).await.unwrap(), Tick::Idle);
            farm.clock.advance(MINUTE * pause);
            assert_eq!(confirm::tick(&farm.coordinator, farm.now()).await.unwrap(), Tick::Worked);
        }
        work(&farm, &ada, Reason::EngineFailed).await.unwrap();
        assert!(matches!(farm.happened().last(), Some(Event::Verdict(_))));
        assert_eq!(cell(&farm, "pair").await["result"]["grade"], "ERROR");
    })
    .await;
}

#[tokio::test]
async fn a_runner_that_nobody_agrees_with_is_told_why_it_gets_no_work_until_it_is_released() {
    on_both(async |mut farm| {
        let [ada, bob, eve] = with_runners(&farm, ["ada", "bob", "eve"]).await;
        for dist in ["one", "two", "three"] {
            farm.registry.publish_by(&format!("author-of-{dist}"), (dist, "1.0.0"), "stable", None);
            farm.watch().await;
            work(&farm, &eve, Reason::TestsFailed).await.unwrap();
            work(&farm, &ada, Reason::TestsPassed).await.unwrap();
            work(&farm, &bob, Reason::TestsPassed).await.unwrap();
        }
        let quarantined = |event: &Event| matches!(event, Event::RunnerQuarantined { name, .. } if name == "eve");
        assert_eq!(farm.happened().iter().filter(|event| quarantined(event)).count(), 1);
        let ask = || Call::post("/api/v1/claim", &json!({"targets": PG18, "version": "1"})).bearer(&eve);
        let detail = farm.call(ask()).await.problem(403);
        assert!(
            detail.starts_with("the runner eve is quarantined: two others agreed against it on releases of 3"),
            "{detail}"
        );
        assert!(detail.contains("admin runners release eve"), "{detail}");
        let list = farm.call(Call::get("/api/v1/runners").bearer(&admin(&farm))).await.json();
        let of_eve = list.as_array().unwrap().iter().find(|runner| runner["name"] == "eve").unwrap();
        assert_eq!(of_eve["quarantined_at"].as_i64(), Some(farm.now().as_millis()));
        assert_eq!(
            cell(&farm, "one").await["result"]["flags"],
            json!([]),
            "what it made flaky passes, as it is withdrawn"
        );
        assert!(work(&farm, &ada, Reason::TestsPassed).await.is_none());

        let path = "/api/v1/runners/eve/quarantine";
        let release = || Call::new(Method::DELETE, path).bearer(&admin(&farm));
        assert_eq!(farm.call(release()).await.status, 204);
        farm.call(release()).await.problem(404);
        assert_eq!(farm.call(ask()).await.status, 204);
    })
    .await;
}

#[tokio::test]
async fn an_operator_quarantines_a_runner_and_what_it_runs_goes_to_another() {
    on_both(async |farm| {
        let [ada, eve] = with_runners(&farm, ["ada", "eve"]).await;
        farm.registry.publish("pair", "1.0.0");
        farm.watch().await;
        let held = claim_of(&farm, &eve, &PG18).await.unwrap();
        assert_eq!(held.upload(&farm, "build.log", b"half of it").await.status, 204);
        let quarantine = |name: &str, token: &str| {
            let path = format!("/api/v1/runners/{name}/quarantine");
            let call = Call::new(Method::PUT, &path).header("content-type", "application/json").bearer(token);
            call.body(json!({"reason": "its disk is broken"}).to_string())
        };
        farm.call(quarantine("eve", &eve)).await.problem(401);
        assert_eq!(farm.call(quarantine("eve", &admin(&farm))).await.status, 204);
        assert_eq!(
            farm.call(quarantine("eve", &admin(&farm))).await.status,
            204,
            "for another reason, or since longer"
        );
        farm.call(quarantine("nobody", &admin(&farm))).await.problem(404);
        let detail = held.report(&farm, &held.verdict(Reason::TestsPassed)).await.problem(409);
        assert!(detail.contains("quarantined"), "{detail}");
        assert!(!held.has_file(&farm, "build.log").await);
        let taken = claim_of(&farm, &ada, &PG18).await.unwrap();
        assert_eq!(taken.json["job_id"], held.json["job_id"]);
        assert_eq!(taken.json["lease"]["attempt"], 1);
    })
    .await;
}
