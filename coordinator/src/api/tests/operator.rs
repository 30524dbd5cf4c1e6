//! What an operator does.

use super::*;
use crate::operate;

fn admin(farm: &Farm) -> String {
    farm.coordinator.config.admin_token.expose().to_owned()
}

#[tokio::test]
async fn only_an_operator_operates() {
    let farm = Farm::start().await;
    let runner = farm.runner("box").await;
    let requeue = json!({"dist": "pair"});
    for call in [
        Call::post("/api/v1/requeue", &requeue),
        Call::post("/api/v1/requeue", &requeue).bearer(&runner),
        Call::post("/api/v1/reconcile", &json!({})).bearer(""),
        Call::get("/api/v1/reconcile"),
        Call::get("/api/v1/runners").bearer(&runner),
        Call::post("/api/v1/runners", &json!({"name": "mine"})).bearer(&runner),
        Call::new(Method::DELETE, "/api/v1/runners/box").bearer(&runner),
    ] {
        let detail = farm.call(call).await.problem(401);
        assert!(detail.contains("admin-token"), "{detail}");
    }
    assert!(super::claim(&farm, &runner).await.is_none(), "the runner still has its token");
}

#[tokio::test]
async fn tests_are_queued_again_before_everything_else() {
    on_both(async |farm| {
        let runner = with_release(&farm).await;
        farm.clock.advance(MINUTE);
        farm.registry.publish("other", "1.0.0");
        farm.watch().await;
        let claimed = claim_of(&farm, &runner, &["pg18-amd64"]).await.unwrap();
        assert_eq!(claimed.json["release"]["dist"], "pair");
        claimed.report(&farm, &claimed.passed()).await;
        let requeue = async |body: Value| farm.call(Call::post("/api/v1/requeue", &body).bearer(&admin(&farm))).await;
        let answer = requeue(json!({"dist": "PAIR", "targets": ["pg18-amd64", "pg13-amd64"]})).await.json();
        assert_eq!((&answer["version"], answer["jobs"].as_array().unwrap().len()), (&json!("1.0.0"), 2));
        let again = claim_of(&farm, &runner, &["pg18-amd64"]).await.unwrap();
        assert_eq!((&again.json["release"]["dist"], &again.json["job_id"]), (&json!("pair"), &claimed.json["job_id"]));
        assert!(claim_of(&farm, &runner, &["pg13-amd64"]).await.is_some(), "what was never planned is planned");

        let all = requeue(json!({"dist": "other", "version": "1.0.0"})).await.json();
        assert_eq!(all["jobs"].as_array().unwrap().len(), 4, "they wait already, and move to the front");
        let detail = requeue(json!({"dist": "other", "version": "9.9.9"})).await.problem(404);
        assert_eq!(detail, "there is no release `other 9.9.9`");
        let detail = requeue(json!({"dist": "other", "targets": ["pg12-amd64"]})).await.problem(422);
        assert!(detail.contains("pg12-amd64"), "{detail}");
    })
    .await;
}

#[tokio::test]
async fn runners_come_and_go_by_the_operators_word() {
    on_both(async |farm| {
        let add = async |name: &str| {
            farm.call(Call::post("/api/v1/runners", &json!({ "name": name })).bearer(&admin(&farm))).await
        };
        let added = add("attic").await;
        assert_eq!(added.status, 201);
        let token = added.json()["token"].as_str().unwrap().to_owned();
        assert!(add("attic").await.problem(409).contains("`attic`"));
        assert!(add("a/b").await.problem(422).contains("a/b"));
        assert!(super::claim(&farm, &token).await.is_none());
        let list = farm.call(Call::get("/api/v1/runners").bearer(&admin(&farm))).await.json();
        assert_eq!((&list[0]["name"], &list[0]["version"]), (&json!("attic"), &json!("0.1.0")));
        assert!(!list.to_string().contains(&token));

        let revoke = async || farm.call(Call::new(Method::DELETE, "/api/v1/runners/attic").bearer(&admin(&farm))).await;
        assert_eq!(revoke().await.status, 204);
        assert!(revoke().await.problem(404).contains("`attic`"));
        farm.call(Call::post("/api/v1/claim", &json!({"targets": [], "version": "1"})).bearer(&token))
            .await
            .problem(401);
        assert_eq!(add("attic").await.status, 201, "its name is free again");
    })
    .await;
}

#[tokio::test]
async fn the_runner_inside_the_process_gets_a_new_token_at_each_start() {
    on_both(async |farm| {
        let name = "local".parse().unwrap();
        let first = operate::own_runner(&farm.coordinator, &name).await.unwrap();
        let second = operate::own_runner(&farm.coordinator, &name).await.unwrap();
        assert_eq!(first.id, second.id);
        farm.call(Call::post("/api/v1/claim", &json!({"targets": [], "version": "1"})).bearer(&first.token))
            .await
            .problem(401);
        assert!(super::claim(&farm, &second.token).await.is_none());
        operate::revoke_runner(&farm.coordinator, &name, false).await.unwrap();
        let third = operate::own_runner(&farm.coordinator, &name).await.unwrap();
        assert_ne!(first.id, third.id);
        assert!(super::claim(&farm, &third.token).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_comparison_is_asked_for_and_watched() {
    let farm = Farm::start().await;
    let asked = farm.call(Call::post("/api/v1/reconcile", &json!({})).bearer(&admin(&farm))).await;
    assert_eq!((asked.status.as_u16(), &asked.json()["state"]), (202, &json!("asked")));
    let progress = farm.call(Call::get("/api/v1/reconcile").bearer(&admin(&farm))).await.json();
    assert_eq!(progress["state"], "asked");
}
