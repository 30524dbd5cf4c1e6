//! How machines become runners, and stop being some.

use std::time::Duration;

use super::*;

const HOUR: Duration = Duration::from_hours(1);
const WEEK: Duration = Duration::from_hours(7 * 24);

async fn operator(farm: &Farm, method: Method, path: &str, body: &Value) -> Answer {
    let call = Call::new(method, path).header("content-type", "application/json").body(body.to_string());
    farm.call(call.bearer(farm.coordinator.config.admin_token.expose())).await
}

async fn invite(farm: &Farm, body: Value) -> Value {
    let made = operator(farm, Method::POST, "/api/v1/invitations", &body).await;
    assert_eq!(made.status, 201);
    made.json()
}

async fn join(farm: &Farm, body: Value) -> Answer {
    farm.call(Call::post("/api/v1/runners/join", &body)).await
}

/// Whether the token is that of a runner.
async fn is_known(farm: &Farm, token: &str) -> bool {
    farm.call(Call::get("/api/v1/runners/self").bearer(token)).await.status == 200
}

fn text<'a>(json: &'a Value, key: &str) -> &'a str {
    json[key].as_str().unwrap()
}

#[tokio::test]
async fn an_invitation_lets_one_machine_in() {
    on_both(async |farm| {
        let invitation = invite(&farm, json!({})).await;
        let secret = text(&invitation, "secret").to_owned();
        let listed = operator(&farm, Method::GET, "/api/v1/invitations", &json!({})).await.json();
        assert_eq!((listed[0]["id"].clone(), listed[0]["name"].clone()), (invitation["id"].clone(), Value::Null));
        assert!(!listed.to_string().contains(&secret), "it is told once");

        let joined = join(&farm, json!({"name": "attic", "invitation": secret})).await;
        assert_eq!(joined.status, 201);
        let joined = joined.json();
        assert_eq!((text(&joined, "name"), text(&joined, "token").len()), ("attic", 64));
        assert!(super::claim(&farm, text(&joined, "token")).await.is_none(), "it may claim");
        let again = join(&farm, json!({"name": "cellar", "invitation": secret})).await.problem(410);
        assert!(again.contains("was used at") && again.contains("admin runners invite"), "{again}");
        assert!(!again.contains(&secret));
        let listed = operator(&farm, Method::GET, "/api/v1/invitations", &json!({})).await.json();
        assert_eq!(listed, json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_machine_that_lost_the_answer_says_its_token_again_and_is_let_in() {
    let farm = Farm::start().await;
    let invitation = invite(&farm, json!({"name": "attic"})).await;
    let token = "ab".repeat(32);
    let body = json!({"name": "localhost", "invitation": text(&invitation, "secret"), "token": token});
    let (first, again) = (join(&farm, body.clone()).await.json(), join(&farm, body).await.json());
    assert_eq!((&first, text(&first, "name"), text(&first, "token")), (&again, "attic", token.as_str()));

    let body = json!({"name": "cellar", "request": "", "token": "cd".repeat(32)});
    let (first, again) = (join(&farm, body.clone()).await.json(), join(&farm, body).await.json());
    assert_eq!(first, again);
}

#[tokio::test]
async fn an_invitation_that_cannot_be_used_is_refused_with_the_reason_and_without_its_secret() {
    let farm = Farm::start().await;
    let use_it = async |secret: &str, name: &str| join(&farm, json!({"name": name, "invitation": secret})).await;
    let unknown = use_it("a guess", "attic").await.problem(404);
    assert!(unknown.contains("mistyped, withdrawn, or is of another farm") && !unknown.contains("guess"), "{unknown}");

    let invitation = invite(&farm, json!({"expires_in_ms": 3_600_000})).await;
    farm.runner("taken").await;
    let taken = use_it(text(&invitation, "secret"), "taken").await.problem(409);
    assert_eq!(taken, "there is a runner `taken` already; choose another name (`--name`)");
    let reserved = use_it(text(&invitation, "secret"), "self").await.problem(422);
    assert!(reserved.contains("no runner can be called `self`"), "{reserved}");
    farm.clock.advance(HOUR);
    let expired = use_it(text(&invitation, "secret"), "attic").await.problem(410);
    assert!(expired.contains("has expired at"), "{expired}");

    let invitation = invite(&farm, json!({})).await;
    let path = format!("/api/v1/invitations/{}", text(&invitation, "id"));
    assert_eq!(operator(&farm, Method::DELETE, &path, &json!({})).await.status, 204);
    operator(&farm, Method::DELETE, &path, &json!({})).await.problem(404);
    use_it(text(&invitation, "secret"), "attic").await.problem(404);
}

#[tokio::test]
async fn who_asks_waits_for_an_operator_and_has_the_token_already() {
    on_both(async |farm| {
        let asked = join(&farm, json!({"name": "attic", "request": "a box under the roof"})).await;
        assert_eq!(asked.status, 202);
        let asked = asked.json();
        let token = text(&asked, "token");
        let poll =
            async || farm.call(Call::get(&format!("/api/v1/runners/join/{}", text(&asked, "id"))).bearer(token)).await;
        assert_eq!(text(&poll().await.json(), "state"), "pending");
        assert!(!is_known(&farm, token).await);
        let waiting = operator(&farm, Method::GET, "/api/v1/join-requests", &json!({})).await.json();
        assert_eq!((text(&waiting[0], "name"), text(&waiting[0], "note")), ("attic", "a box under the roof"));
        assert!(!waiting.to_string().contains(token));

        let path = format!("/api/v1/join-requests/{}", text(&asked, "id"));
        assert_eq!(text(&operator(&farm, Method::PUT, &path, &json!({})).await.json(), "state"), "approved");
        assert_eq!(text(&poll().await.json(), "state"), "approved");
        assert!(is_known(&farm, token).await);
        let again = operator(&farm, Method::DELETE, &path, &json!({})).await.problem(409);
        assert!(again.contains("is approved already"), "{again}");
        farm.call(Call::get(&format!("/api/v1/runners/join/{}", text(&asked, "id"))).bearer("guess"))
            .await
            .problem(404);
    })
    .await;
}

#[tokio::test]
async fn a_wish_ends_by_a_no_by_itself_or_at_a_full_list() {
    let farm = Farm::start().await;
    let ask = async |name: String| join(&farm, json!({"name": name, "request": ""})).await;
    let poll = async |asked: &Value| {
        let path = format!("/api/v1/runners/join/{}", text(asked, "id"));
        farm.call(Call::get(&path).bearer(text(asked, "token"))).await
    };
    let refused = ask("attic".into()).await.json();
    let path = format!("/api/v1/join-requests/{}", text(&refused, "id"));
    assert_eq!(text(&operator(&farm, Method::DELETE, &path, &json!({})).await.json(), "state"), "refused");
    assert_eq!(text(&poll(&refused).await.json(), "state"), "refused");
    assert!(!is_known(&farm, text(&refused, "token")).await);

    let mut asked = Vec::new();
    for number in 0..50 {
        asked.push(ask(format!("box{number}")).await.json());
    }
    let full = ask("one-too-many".into()).await.problem(409);
    assert!(full.contains("50 machines wait") && full.contains("invitation"), "{full}");
    farm.clock.advance(WEEK);
    let late = poll(&asked[0]).await.problem(410);
    assert!(late.contains("nobody decided; ask again"), "{late}");
    let path = format!("/api/v1/join-requests/{}", text(&asked[0], "id"));
    operator(&farm, Method::PUT, &path, &json!({})).await.problem(410);
}

#[tokio::test]
async fn a_request_for_a_name_that_is_taken_waits_until_the_operator_frees_it() {
    let farm = Farm::start().await;
    farm.runner("attic").await;
    let asked = join(&farm, json!({"name": "attic", "request": ""})).await.json();
    let path = format!("/api/v1/join-requests/{}", text(&asked, "id"));
    let taken = operator(&farm, Method::PUT, &path, &json!({})).await.problem(409);
    assert!(taken.contains("admin runners revoke attic"), "{taken}");
    operator(&farm, Method::DELETE, "/api/v1/runners/attic", &json!({})).await;
    assert_eq!(operator(&farm, Method::PUT, &path, &json!({})).await.status, 200);
}

#[tokio::test]
async fn a_wish_to_join_is_bounded_and_makes_sense() {
    let farm = Farm::start().await;
    for body in [
        json!({"name": "attic"}),
        json!({"name": "attic", "invitation": "x", "request": ""}),
        json!({"name": "at tic", "request": ""}),
        json!({"name": "attic", "request": "", "token": "short"}),
    ] {
        join(&farm, body).await.problem(422);
    }
    join(&farm, json!({"name": "attic", "request": "x".repeat(16 * 1024)})).await.problem(413);
    for expires in [0, 91 * 24 * 3_600_000_u64] {
        let body = json!({"expires_in_ms": expires});
        operator(&farm, Method::POST, "/api/v1/invitations", &body).await.problem(422);
    }
    for name in ["join", "rotate", "self"] {
        operator(&farm, Method::POST, "/api/v1/runners", &json!({"name": name})).await.problem(422);
        operator(&farm, Method::POST, "/api/v1/invitations", &json!({"name": name})).await.problem(422);
    }
}

#[tokio::test]
async fn only_an_operator_invites_and_decides() {
    let farm = Farm::start().await;
    let runner = farm.runner("box").await;
    let asked = join(&farm, json!({"name": "attic", "request": ""})).await.json();
    let request = format!("/api/v1/join-requests/{}", text(&asked, "id"));
    for call in [
        Call::post("/api/v1/invitations", &json!({})),
        Call::get("/api/v1/invitations"),
        Call::get("/api/v1/join-requests"),
        Call::new(Method::PUT, &request),
        Call::new(Method::DELETE, &request),
    ] {
        farm.call(call.bearer(&runner)).await.problem(401);
    }
}

#[tokio::test]
async fn the_old_token_is_refused_once_the_new_one_is_used() {
    on_both(async |farm| {
        let old = farm.runner("box").await;
        let rotate =
            async |token: &str| farm.call(Call::post("/api/v1/runners/rotate", &json!({})).bearer(token)).await;
        let lost = rotate(&old).await.json();
        let new = rotate(&old).await.json();
        assert!(is_known(&farm, &old).await, "the answer could have been lost");
        assert!(!is_known(&farm, text(&lost, "token")).await, "the latest counts");
        assert!(is_known(&farm, text(&new, "token")).await);
        assert!(!is_known(&farm, &old).await);
        rotate(&old).await.problem(401);
    })
    .await;
}

#[tokio::test]
async fn the_old_token_goes_on_for_an_hour_at_most() {
    let farm = Farm::start().await;
    let old = farm.runner("box").await;
    let new = farm.call(Call::post("/api/v1/runners/rotate", &json!({})).bearer(&old)).await.json();
    farm.clock.advance(MINUTE * 59);
    assert!(is_known(&farm, &old).await);
    farm.clock.advance(MINUTE);
    assert!(!is_known(&farm, &old).await && is_known(&farm, text(&new, "token")).await);
}

#[tokio::test]
async fn a_runner_that_leaves_is_one_no_more_and_its_name_is_free() {
    let farm = Farm::start().await;
    let token = farm.runner("box").await;
    let leave = async || farm.call(Call::new(Method::DELETE, "/api/v1/runners/self").bearer(&token)).await;
    assert_eq!(leave().await.status, 204);
    leave().await.problem(401);
    assert!(!is_known(&farm, &token).await);
    farm.runner("box").await;
}
