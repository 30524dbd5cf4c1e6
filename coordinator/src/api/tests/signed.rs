//! What is signed, by whom, and what becomes of what is not.

use protocol::{KeyProof, PublicKey, SignedReport, rotation};
use store::runs;
use store::signatures::{self, Registered};

use super::*;

fn admin(farm: &Farm) -> String {
    farm.coordinator.config.admin_token.expose().to_owned()
}

async fn key(farm: &Farm, token: &str, wish: &Value) -> Answer {
    let call = Call::new(Method::PUT, "/api/v1/runners/self/key").header("content-type", "application/json");
    farm.call(call.bearer(token).body(wish.to_string())).await
}

fn public(secret: &SigningKey) -> PublicKey {
    secret.verifying_key().into()
}

/// What a secret key says of the one that takes its place.
fn wish(from: &SigningKey, to: &SigningKey) -> Value {
    let proof = KeyProof::from(from.sign(&rotation(&public(from), &public(to))));
    json!({"key": public(to), "proof": proof})
}

async fn signed(farm: &Farm, run: &str) -> SignedReport {
    let mut conn = farm.coordinator.store.read().await.unwrap();
    let detail = runs::detail(&mut conn, run.parse().unwrap()).await.unwrap().unwrap();
    signatures::signed(&mut conn, &detail).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_report_is_stored_as_it_was_signed_and_verifies_without_the_farm() {
    on_both(async |farm| {
        let runner = with_release(&farm).await;
        let claimed = claim(&farm, &runner).await.unwrap();
        let log = b"gcc -c pair.c\n";
        assert_eq!(claimed.upload(&farm, "build.log", log).await.status, 204);
        let report = claimed.with_log(log);
        assert_eq!(claimed.report(&farm, &report).await.status, 200);
        assert_eq!(claimed.report(&farm, &report).await.status, 200, "the same again is taken again");
        let signed = signed(&farm, &claimed.run_id).await;
        assert_eq!(signed.statement, Statement::of(&report, &claimed.subject()));
        assert_eq!(signed.key, public(&secret_of(&runner)));
        signed.verify().unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_report_that_is_not_signed_as_it_should_be_is_refused_and_costs_the_lease_nothing() {
    on_both(async |farm| {
        let (runner, other) = (with_release(&farm).await, farm.runner("other").await);
        let (claimed, second) = (claim(&farm, &runner).await.unwrap(), claim(&farm, &runner).await.unwrap());
        has_key(&farm, &other).await;
        let log = b"gcc -c pair.c\n";
        assert_eq!(claimed.upload(&farm, "build.log", log).await.status, 204);
        let report = claimed.with_log(log);
        let seal = claimed.sealed(&report);

        let missing = claimed.report_as(&farm, &report, "").await.problem(400);
        assert!(missing.contains(&claimed.run_id) && missing.contains("`x-report-signature` is missing"), "{missing}");
        assert!(missing.contains("update pgxn-testers"), "{missing}");
        let garbage = claimed.report_as(&farm, &report, &seal[1..]).await.problem(400);
        assert!(garbage.contains("is not a public key"), "{garbage}");

        let statement = Statement::of(&report, &claimed.subject());
        let stranger = claimed.report_as(&farm, &report, &seal_by(&secret_of(&other), &statement)).await.problem(422);
        assert!(stranger.contains("is none of the runner box"), "{stranger}");
        // What one run was signed with says nothing of another.
        let replayed = second.report_as(&farm, &second.passed(), &claimed.sealed(&claimed.passed())).await.problem(422);
        assert!(replayed.contains("was changed after it was signed") && replayed.contains("another run"), "{replayed}");

        let mut better = report.clone();
        better.verdict.detail = "all 2 tests passed".into();
        let changed = claimed.report_as(&farm, &better, &seal).await.problem(422);
        assert!(changed.contains(&claimed.run_id) && changed.contains("was changed after it was signed"), "{changed}");
        let mut other_log = report.clone();
        other_log.files[0].sha256 = hex::encode(Sha256::digest("all is well"));
        claimed.report_as(&farm, &other_log, &seal).await.problem(422);
        // A log that was replaced on its way is not the one that is signed.
        assert_eq!(claimed.upload(&farm, "build.log", b"all is well").await.status, 204);
        let late = claimed.report_as(&farm, &report, &seal).await.problem(422);
        assert!(late.contains("SHA-256 of its file `build.log`"), "{late}");

        assert_eq!(claimed.upload(&farm, "build.log", log).await.status, 204);
        assert_eq!(claimed.report_as(&farm, &report, &seal).await.status, 200, "the lease was held all the time");
        assert_eq!(second.report(&farm, &second.passed()).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_runner_without_a_key_gets_no_work_and_is_told_what_to_do() {
    let farm = Farm::start().await;
    with_release(&farm).await;
    let runner = farm.keyless_runner("old").await;
    let body = json!({"targets": ["pg17-amd64"], "version": "0.0.9"});
    let refused = farm.call(Call::post("/api/v1/claim", &body).bearer(&runner)).await.problem(403);
    assert!(refused.contains("old has no key") && refused.contains("update pgxn-testers"), "{refused}");
    assert!(claim(&farm, &runner).await.is_some(), "with a key it does");
}

#[tokio::test]
async fn the_first_key_stays_until_it_signs_the_next_one() {
    on_both(async |farm| {
        let runner = with_release(&farm).await;
        let (first, next) = (secret_of(&runner), SigningKey::from_bytes(&[9; 32]));
        assert_eq!(key(&farm, &runner, &json!({"key": public(&first)})).await.status, 204);
        assert_eq!(key(&farm, &runner, &json!({"key": public(&first)})).await.status, 204, "said again");
        let refused = key(&farm, &runner, &json!({"key": public(&next)})).await.problem(409);
        let prints = [public(&first), public(&next)].map(|key| key.fingerprint().to_string());
        assert!(prints.iter().all(|print| refused.contains(print)), "{refused}");
        assert!(refused.contains("admin runners revoke box --keep-results"), "{refused}");
        key(&farm, &runner, &wish(&next, &next)).await.problem(409);

        let [begun, late] = [claim(&farm, &runner).await.unwrap(), claim(&farm, &runner).await.unwrap()];
        let (sealed, too_late) = (begun.sealed(&begun.passed()), late.sealed(&late.passed()));
        assert_eq!(key(&farm, &runner, &wish(&first, &next)).await.status, 204);
        assert_eq!(key(&farm, &runner, &wish(&first, &next)).await.status, 204, "where the answer was lost");
        key(&farm, &runner, &json!({"key": public(&first)})).await.problem(409);
        let own = farm.call(Call::get("/api/v1/runners/self").bearer(&runner)).await.json();
        assert_eq!(own["key"], public(&next).to_string());
        farm.clock.advance(MINUTE * 4);
        assert_eq!(begun.report_as(&farm, &begun.passed(), &sealed).await.status, 200, "it had begun with the old key");
        for _ in 0..15 {
            assert_eq!(late.renew(&farm).await.status, 200);
            farm.clock.advance(MINUTE * 4);
        }
        let refused = late.report_as(&farm, &late.passed(), &too_late).await.problem(422);
        assert!(refused.contains("which the runner box replaced at"), "{refused}");
        let by_next = seal_by(&next, &Statement::of(&late.passed(), &late.subject()));
        assert_eq!(late.report_as(&farm, &late.passed(), &by_next).await.status, 200);
        signed(&farm, &begun.run_id).await.verify().unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_operator_sees_the_key_of_who_asks_and_of_who_is_in() {
    on_both(async |farm| {
        let secret = SigningKey::from_bytes(&[3; 32]);
        let body = json!({"name": "cellar", "request": "hello", "key": public(&secret)});
        let asked = farm.call(Call::post("/api/v1/runners/join", &body)).await.json();
        let listed = farm.call(Call::get("/api/v1/join-requests").bearer(&admin(&farm))).await.json();
        let print = public(&secret).fingerprint().to_string();
        assert_eq!(listed[0]["key"], print);
        let approve = Call::new(Method::PUT, &format!("/api/v1/join-requests/{}", asked["id"].as_str().unwrap()));
        assert_eq!(farm.call(approve.bearer(&admin(&farm))).await.status, 200);
        let listed = farm.call(Call::get("/api/v1/runners").bearer(&admin(&farm))).await.json();
        assert_eq!((&listed[0]["name"], &listed[0]["key"]), (&json!("cellar"), &json!(print)));
        let token = asked["token"].as_str().unwrap();
        assert_eq!(key(&farm, token, &json!({"key": public(&secret)})).await.status, 204, "it is the same");
    })
    .await;
}

#[tokio::test]
async fn what_a_quarantined_runner_found_is_nowhere_until_it_is_released() {
    on_both(async |farm| {
        let runner = with_release(&farm).await;
        let claimed = claim_of(&farm, &runner, &["pg17-amd64"]).await.unwrap();
        assert_eq!(claimed.report(&farm, &claimed.passed()).await.status, 200);
        let listed = async || farm.call(Call::get("/api/v1/results")).await.json()["results"].as_array().unwrap().len();
        assert_eq!(listed().await, 1);
        let call = |method, body: Value| {
            let call = Call::new(method, "/api/v1/runners/box/quarantine").header("content-type", "application/json");
            farm.call(call.bearer(&admin(&farm)).body(body.to_string()))
        };
        assert_eq!(call(Method::PUT, json!({"reason": "a bad disk"})).await.status, 204);
        assert_eq!(listed().await, 0);
        let runners = farm.call(Call::get("/api/v1/runners").bearer(&admin(&farm))).await.json();
        assert_eq!((&runners[0]["withdrawn"], &runners[0]["withdrawal_left"]), (&json!(1), &json!(0)));
        let other = farm.runner("other").await;
        assert!(claim_of(&farm, &other, &["pg17-amd64"]).await.is_some(), "another runner tests it");
        assert_eq!(call(Method::DELETE, json!({})).await.status, 204);
        assert_eq!(crate::withdraw::tick(&farm.coordinator, farm.now()).await.unwrap(), Tick::Worked);
        assert_eq!(crate::withdraw::tick(&farm.coordinator, farm.now()).await.unwrap(), Tick::Idle);
        assert_eq!(listed().await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_revoked_runner_takes_its_results_along_unless_they_are_kept() {
    let farm = Farm::start().await;
    let runner = with_release(&farm).await;
    let claimed = claim(&farm, &runner).await.unwrap();
    assert_eq!(claimed.report(&farm, &claimed.passed()).await.status, 200);
    let revoke = |query: &str| {
        let call = Call::new(Method::DELETE, &format!("/api/v1/runners/box{query}"));
        farm.call(call.bearer(&admin(&farm)))
    };
    let listed = async || farm.call(Call::get("/api/v1/results")).await.json()["results"].as_array().unwrap().len();
    assert_eq!(revoke("?keep_results=true").await.status, 204);
    assert_eq!(listed().await, 1);
    assert_eq!(revoke("").await.status, 204, "an operator may change their mind");
    assert_eq!(listed().await, 0);
    revoke("").await.problem(404);
    let mut tx = farm.coordinator.store.begin().await.unwrap();
    let key = public(&SigningKey::from_bytes(&[1; 32]));
    let id = store::runners::by_name(&mut tx, "box").await.unwrap().unwrap().id;
    let registered = signatures::register(&mut tx, id, (&key, None), farm.now()).await.unwrap();
    assert!(matches!(registered, Registered::Other(_)), "{registered:?}");
}
