//! What maintainers' own CI sends in.

use std::time::Duration;

use super::*;
use crate::pre_releases;

async fn operator(farm: &Farm, method: Method, path: &str, body: &Value) -> Answer {
    let call = Call::new(method, path).header("content-type", "application/json").body(body.to_string());
    farm.call(call.bearer(farm.coordinator.config.admin_token.expose())).await
}

/// A token for something, and its id.
async fn grant(farm: &Farm, of: Value) -> (String, String) {
    let granted = operator(farm, Method::POST, "/api/v1/upload-tokens", &of).await;
    assert_eq!(granted.status, 201);
    let granted = granted.json();
    (granted["token"].as_str().unwrap().to_owned(), granted["id"].as_str().unwrap().to_owned())
}

fn report(dist: &str, target: &str) -> Value {
    json!({
        "dist": dist, "version": "1.1.0", "commit": "0123456789abcdef0123456789abcdef01234567", "ref": "refs/heads/main",
        "source_sha256": "ab".repeat(32),
        "results": [{"target": target, "verdict": {"phase": "installcheck", "reason": "tests-passed"}, "postgresql": "17.11"}],
    })
}

async fn send(farm: &Farm, token: &str, report: &Value) -> Answer {
    farm.call(Call::post("/api/v1/pre-releases", report).bearer(token)).await
}

/// How many results there are of a distribution.
async fn kept(farm: &Farm, dist: &str) -> usize {
    let mut conn = farm.coordinator.store.read().await.unwrap();
    let kept = store::pre_releases::of_dist(&mut conn, &dist.parse().unwrap(), farm.now()).await.unwrap();
    kept.iter().map(|one| one.results.len()).sum()
}

#[tokio::test]
async fn what_is_sent_by_a_token_is_taken_once() {
    on_both(async |farm| {
        let (token, _) = grant(&farm, json!({"dist": "pair"})).await;
        let first = send(&farm, &token, &report("Pair", "pg17-amd64")).await;
        assert_eq!(first.status, 201);
        let again = send(&farm, &token, &report("Pair", "pg17-amd64")).await;
        assert_eq!(again.status, 200);
        let (first, again) = (first.json(), again.json());
        assert_eq!((&first["id"], &first["is_new"], &again["is_new"]), (&again["id"], &json!(true), &json!(false)));
        let other = send(&farm, &token, &report("Pair", "pg18-amd64")).await.json();
        assert_eq!((&other["id"], kept(&farm, "pair").await), (&first["id"], 2), "of another job of the same workflow");
    })
    .await;
}

#[tokio::test]
async fn a_token_is_for_one_distribution_or_for_one_user_s() {
    let farm = Farm::start().await;
    with_release(&farm).await;
    farm.registry.publish_by("bob", ("other", "1.0.0"), "stable", None);
    farm.watch().await;
    let (dist, _) = grant(&farm, json!({"dist": "pair"})).await;
    let (user, _) = grant(&farm, json!({"user": "ann"})).await;
    assert_eq!(send(&farm, &dist, &report("pair", "pg17-amd64")).await.status, 201);
    assert_eq!(send(&farm, &user, &report("pair", "pg18-amd64")).await.status, 201);
    let refused = send(&farm, &dist, &report("other", "pg17-amd64")).await.problem(403);
    assert_eq!(
        refused,
        "this token is not for `other`, but for `pair`; an operator makes one for it by `admin uploads grant`"
    );
    for dist in ["other", "unknown"] {
        let refused = send(&farm, &user, &report(dist, "pg17-amd64")).await.problem(403);
        assert!(refused.contains("whose latest release on this farm is by ann"), "{refused}");
    }
    assert_eq!((kept(&farm, "pair").await, kept(&farm, "other").await), (2, 0));
    for scope in [json!({}), json!({"dist": "pair", "user": "ann"}), json!({"dist": "../x"})] {
        operator(&farm, Method::POST, "/api/v1/upload-tokens", &scope).await.problem(422);
    }
}

#[tokio::test]
async fn a_token_that_ended_was_revoked_or_never_was_takes_nothing() {
    let farm = Farm::start().await;
    let runner = farm.runner("box").await;
    let body = report("pair", "pg17-amd64");
    for token in ["guess", &runner, farm.coordinator.config.admin_token.expose()] {
        let refused = send(&farm, token, &body).await.problem(401);
        assert!(refused.contains("admin uploads grant"), "{refused}");
    }
    farm.call(Call::post("/api/v1/pre-releases", &body)).await.problem(401);
    let (token, id) = grant(&farm, json!({"dist": "pair"})).await;
    let (other, other_id) = grant(&farm, json!({"dist": "pair"})).await;
    let listed = operator(&farm, Method::GET, "/api/v1/upload-tokens", &json!({})).await.json();
    assert_eq!((listed[0]["dist"].as_str(), listed[0]["used_at"].as_i64()), (Some("pair"), None));
    assert!(!listed.to_string().contains(&token), "it is told once");
    send(&farm, &token, &body).await.json();
    send(&farm, &other, &report("pair", "pg18-amd64")).await.json();
    let path = format!("/api/v1/upload-tokens/{id}");
    let revoked = operator(&farm, Method::DELETE, &path, &json!({})).await.json();
    assert_eq!((revoked["removed"].as_u64(), kept(&farm, "pair").await), (Some(1), 1), "with what came by it");
    operator(&farm, Method::DELETE, &path, &json!({})).await.problem(404);
    let refused = send(&farm, &token, &body).await.problem(401);
    assert!(refused.contains("is not good any more since"), "{refused}");
    let path = format!("/api/v1/upload-tokens/{other_id}?keep_reports=true");
    let revoked = operator(&farm, Method::DELETE, &path, &json!({})).await.json();
    assert_eq!((revoked["removed"].as_u64(), kept(&farm, "pair").await), (Some(0), 1));

    let (token, _) = grant(&farm, json!({"dist": "pair"})).await;
    farm.clock.advance(pre_releases::LASTS.saturating_sub(MINUTE));
    assert_eq!(send(&farm, &token, &body).await.status, 201);
    farm.clock.advance(MINUTE);
    send(&farm, &token, &body).await.problem(401);
    assert_eq!(operator(&farm, Method::GET, "/api/v1/upload-tokens", &json!({})).await.json(), json!([]));
    for call in [
        Call::post("/api/v1/upload-tokens", &json!({"dist": "pair"})),
        Call::get("/api/v1/upload-tokens"),
        Call::new(Method::DELETE, &path),
    ] {
        farm.call(call.bearer(&runner)).await.problem(401);
    }
}

#[tokio::test]
async fn what_is_sent_is_bounded_and_makes_sense() {
    let farm = Farm::start().await;
    let (token, _) = grant(&farm, json!({"dist": "pair"})).await;
    let with = |pointer: &str, value: Value| {
        let mut report = report("pair", "pg17-amd64");
        *report.pointer_mut(pointer).unwrap() = value;
        report
    };
    for (body, said) in [
        (with("/dist", json!("a/b")), "is not a name"),
        (with("/version", json!("")), "is not a version"),
        (with("/commit", json!("main; reboot")), "`commit`"),
        (with("/ref", json!("a\nb")), "`ref`"),
        (with("/source_sha256", json!("")), "`source_sha256`"),
        (with("/results", json!([])), "0 results"),
        (with("/results/0/target", json!("pg99-amd64")), "pg99"),
        (
            with("/results/0/verdict", json!({"phase": "build", "reason": "tests-passed"})),
            "cannot be found in the phase",
        ),
        (with("/results/0/verdict", json!({"phase": "verify", "reason": "digest-mismatch"})), "ERROR"),
        (with("/results/0/postgresql", json!("17\u{0}")), "`postgresql`"),
    ] {
        let refused = send(&farm, &token, &body).await.problem(422);
        assert!(refused.contains(said), "{refused} does not say {said}");
    }
    send(&farm, &token, &with("/dist", json!("x".repeat(256 * 1024)))).await.problem(413);
    send(&farm, "guess", &with("/dist", json!("x".repeat(256 * 1024)))).await.problem(401);
    assert_eq!(kept(&farm, "pair").await, 0);
}

#[tokio::test]
async fn a_token_cannot_flood_a_farm_and_what_is_old_goes() {
    let farm = Farm::start().await;
    let (token, _) = grant(&farm, json!({"dist": "pair"})).await;
    let of = |number: u32| {
        let mut report = report("pair", "pg17-amd64");
        report["commit"] = json!(format!("{number:040x}"));
        report
    };
    for number in 0..store::upload_tokens::A_DAY {
        assert_eq!(send(&farm, &token, &of(number)).await.status, 201);
        farm.clock.advance(Duration::from_millis(1));
    }
    let refused = send(&farm, &token, &of(1_000)).await.problem(429);
    assert!(refused.contains("240 reports within a day"), "{refused}");
    assert_eq!(send(&farm, &token, &of(239)).await.status, 200, "what is there costs nothing");
    assert_eq!(kept(&farm, "pair").await, 20);
    farm.clock.advance(Duration::from_hours(24));
    assert_eq!(send(&farm, &token, &of(1_000)).await.status, 201);
    farm.clock.advance(Duration::from_hours(89 * 24));
    assert_eq!(pre_releases::tick(&farm.coordinator, farm.now()).await.unwrap(), Tick::Worked);
    assert_eq!(
        (kept(&farm, "pair").await, pre_releases::tick(&farm.coordinator, farm.now()).await.unwrap()),
        (1, Tick::Idle)
    );
}

/// What the API tells everybody of a farm.
async fn told(farm: &Farm) -> Vec<(&'static str, Vec<u8>)> {
    let mut told = Vec::new();
    for path in [
        "/api/v1/status",
        "/api/v1/dists",
        "/api/v1/dists/pair",
        "/api/v1/results",
        "/api/v1/queue",
        "/api/v1/symptoms",
        "/api/v1/broken",
        "/api/v1/export/releases.ndjson.zst",
        "/api/v1/export/results.ndjson.zst",
    ] {
        let answer = farm.call(Call::get(path)).await;
        assert_eq!(answer.status, 200, "{path}");
        told.push((path, answer.bytes));
    }
    told
}

#[tokio::test]
async fn nothing_that_the_farm_found_is_changed_by_what_is_sent_in() {
    on_both(async |mut farm| {
        let runner = with_release(&farm).await;
        let claimed = claim_of(&farm, &runner, &["pg17-amd64"]).await.unwrap();
        assert_eq!(claimed.report(&farm, &claimed.passed()).await.status, 200);
        farm.clock.advance(MINUTE * 2);
        let (token, _) = grant(&farm, json!({"dist": "pair"})).await;
        farm.happened();
        let before = told(&farm).await;
        let mut failing = report("pair", "pg17-amd64");
        failing["version"] = json!("1.0.0");
        failing["results"][0]["verdict"] = json!({"phase": "build", "reason": "compile-error", "detail": "no `x`"});
        assert_eq!(send(&farm, &token, &failing).await.status, 201);
        for tick in [
            crate::confirm::tick(&farm.coordinator, farm.now()).await,
            expire::tick(&farm.coordinator, farm.now()).await,
        ] {
            assert_eq!(tick.unwrap(), Tick::Idle);
        }
        assert_eq!(told(&farm).await, before);
        assert!(farm.happened().is_empty(), "nobody is told");
    })
    .await;
}
