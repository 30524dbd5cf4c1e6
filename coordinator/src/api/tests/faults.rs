//! What is wrong is said as a problem that names it.

use super::*;

#[tokio::test]
async fn an_unknown_thing_is_not_found_and_a_malformed_id_is_a_bad_request() {
    let farm = Farm::start().await;
    let unknown = RunId::new(farm.now());
    let detail = farm.call(Call::get(&format!("/api/v1/runs/{unknown}"))).await.problem(404);
    assert_eq!(detail, format!("there is no run `{unknown}`"));
    for path in ["/api/v1/runs/7", "/api/v1/runs/..%2Fetc", "/api/v1/runs/7/files/build.log"] {
        let detail = farm.call(Call::get(path)).await.problem(400);
        assert!(detail.contains("is not a run id"), "{path}: {detail}");
    }
    let detail = farm.call(Call::get(&format!("/api/v1/runs/{unknown}/files/build.log"))).await.problem(404);
    assert!(detail.contains("file `build.log`"), "{detail}");
    let detail = farm.call(Call::get("/api/v1/dists/nothing")).await.problem(404);
    assert_eq!(detail, "there is no distribution `nothing`");
    let detail = farm.call(Call::get("/api/v1/dists/a%20b")).await.problem(400);
    assert!(detail.contains("is not a name"), "{detail}");
    let runner = farm.runner("box").await;
    let call = Call::post(&format!("/api/v1/runs/{unknown}/renew"), &json!({}));
    let detail = farm.call(call.bearer(&runner).header("x-lease-token", "x")).await.problem(404);
    assert!(detail.contains(&unknown.to_string()), "{detail}");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_below_api_and_left_to_the_pages_elsewhere() {
    let farm = Farm::start().await;
    for path in ["/api", "/api/", "/api/v1", "/api/v1/nothing", "/api/v2/status"] {
        let detail = farm.call(Call::get(path)).await.problem(404);
        assert!(detail.contains(&format!("`{path}`")) && detail.contains("openapi.json"), "{detail}");
    }
    let detail = farm.call(Call::new(Method::DELETE, "/api/v1/status")).await;
    assert_eq!(detail.headers["allow"], "GET,HEAD");
    assert!(detail.problem(405).contains("`/api/v1/status` does not take DELETE"));
    // The pages' router has a fallback of its own, which merging must leave alone.
    let pages = axum::Router::new().fallback(async || "a page");
    let merged = super::super::router(farm.coordinator.clone(), super::super::OpenApi::default()).merge(pages);
    let request = axum::http::Request::builder().uri("/elsewhere").body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(merged, request).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn who_has_no_token_is_told_how_to_get_one() {
    let farm = Farm::start().await;
    let runner = with_release(&farm).await;
    let body = json!({"targets": ["pg17-amd64"], "version": "1"});
    let claim = || Call::post("/api/v1/claim", &body);
    let wrong = "0".repeat(64);
    let long = "x".repeat(10_000);
    let admin = farm.coordinator.config.admin_token.expose().to_owned();
    for call in [
        claim(),
        claim().bearer(&wrong),
        claim().bearer(&long),
        claim().bearer(&admin),
        claim().header("authorization", &runner),
        claim().header("authorization", &format!("Basic {runner}")),
    ] {
        let answer = farm.call(call).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert!(answer.problem(401).contains("admin runners add"));
    }
    let claimed = super::claim(&farm, &runner).await.unwrap();
    let path = format!("/api/v1/runs/{}/renew", claimed.run_id);
    let detail = farm.call(Call::post(&path, &json!({})).bearer(&runner)).await.problem(400);
    assert!(detail.contains("`x-lease-token` is missing"), "{detail}");
}

#[tokio::test]
async fn a_body_that_is_no_claim_says_where_it_goes_wrong() {
    let farm = Farm::start().await;
    let runner = farm.runner("box").await;
    let claim = |body: &'static str| Call::new(Method::POST, "/api/v1/claim").bearer(&runner).body(body);
    farm.call(claim("{}")).await.problem(415);
    let claim = |body| claim(body).header("content-type", "application/json");
    farm.call(claim("{")).await.problem(400);
    let detail = farm.call(claim(r#"{"version":"1"}"#)).await.problem(422);
    assert!(detail.contains("targets"), "{detail}");
    let detail = farm.call(claim(r#"{"version":"1","targets":["pg17-riscv"]}"#)).await.problem(422);
    assert!(detail.contains("riscv"), "{detail}");
}

#[tokio::test]
async fn a_page_that_is_none_is_refused() {
    let farm = Farm::start().await;
    for (path, why) in [
        ("/api/v1/dists?limit=201", "`limit` is 201; it may be from 1 to 200"),
        ("/api/v1/queue?limit=0", "`limit` is 0"),
        ("/api/v1/results?limit=many", "limit"),
        ("/api/v1/queue?after=nonsense", "`after` is not the `next` of a page"),
        ("/api/v1/results?after=1-2", "`after` is not the `next` of a page"),
        ("/api/v1/dists?after=a%2Fb", "`after`"),
    ] {
        let detail = farm.call(Call::get(path)).await.problem(400);
        assert!(detail.contains(why), "{path}: {detail}");
    }
}
