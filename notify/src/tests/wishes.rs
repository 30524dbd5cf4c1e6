//! Who may subscribe, by what proof, through the forms and the API.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response, StatusCode};
use protocol::{Channel, Proof, Reason, SubscriptionState};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::farm::{Farm, config};
use super::receiver::Receiver;
use crate::{Asked, Config, Desk, Form, Refusal, router};

fn form(address: &str) -> Form {
    Form {
        dist: "Pair".into(),
        channel: Channel::Webhook,
        proof: Proof::File,
        address: address.into(),
        mail: String::new(),
    }
}

async fn send(desk: &Desk, method: Method, path: &str, (kind, body): (&str, String)) -> Response<Body> {
    let request =
        Request::builder().method(method).uri(path).header("content-type", kind).body(Body::from(body)).unwrap();
    router(desk.clone()).oneshot(request).await.unwrap()
}

async fn call(desk: &Desk, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let response = send(desk, method, path, ("application/json", body.to_string())).await;
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// Where a form leads.
async fn post(desk: &Desk, path: &str, body: &str) -> String {
    let response = send(desk, Method::POST, path, ("application/x-www-form-urlencoded", body.to_owned())).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    response.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn whoever_controls_what_meta_names_subscribes_and_ends_it_by_forms() {
    let receiver = Receiver::start().await;
    let farm = Farm::new(receiver.resources()).await;
    let desk = farm.desk(config());
    let address: String = url::form_urlencoded::byte_serialize(receiver.address("/hook").as_bytes()).collect();
    let prove =
        post(&desk, "/subscribe/", &format!("dist=pair&channel=webhook&proof=file&mail=&address={address}")).await;
    let wish = prove.strip_prefix("/subscribe/").unwrap();
    let proving = desk.proving(wish).await.unwrap();
    assert_eq!(proving.places[0].address.as_str(), receiver.address("/.well-known/pgxn-testers.toml"));

    assert_eq!(post(&desk, &prove, "").await, format!("{prove}?problem=proof-missing"));
    assert_eq!(post(&desk, &prove, "").await, format!("{prove}?problem=too-often"));
    farm.wait(1);
    receiver.prove("another code");
    assert_eq!(post(&desk, &prove, "").await, format!("{prove}?problem=proof-missing"));
    farm.wait(1);
    receiver.put(&"x".repeat(100_000));
    assert_eq!(post(&desk, &prove, "").await, format!("{prove}?problem=proof-unreachable"));
    farm.wait(1);
    receiver.prove(&proving.code);
    let page = post(&desk, &prove, "").await;
    let token = page.strip_prefix("/subscriptions/").unwrap();
    assert_eq!(desk.held(token).await.unwrap().address, receiver.address("/hook"));
    farm.wait(1);
    assert_eq!(post(&desk, &prove, "").await, page, "done twice it is the same");

    assert_eq!(post(&desk, &format!("{page}/end"), "List-Unsubscribe=One-Click").await, page);
    let held = desk.held(token).await.unwrap();
    assert_eq!((held.state, held.end_reason.as_str()), (SubscriptionState::Ended, "its holder ended it"));
    farm.verdict("1.1.0", Reason::TestsFailed).await;
    farm.tell(&desk).await;
    assert_eq!(receiver.got().len(), 0);
}

#[tokio::test]
async fn the_api_does_the_same_and_says_what_is_wrong_as_a_problem() {
    let receiver = Receiver::start().await;
    let farm = Farm::new(receiver.resources()).await;
    let desk = farm.desk(config());
    let wished = json!({ "dist": "pair", "channel": "webhook", "address": receiver.address("/hook") });
    let (status, asked) = call(&desk, Method::POST, "/api/v1/subscriptions", wished).await;
    assert_eq!((status, &asked["next"]), (StatusCode::ACCEPTED, &"file".into()));
    let wish = json!({ "wish": asked["wish"] });
    let (status, problem) = call(&desk, Method::POST, "/api/v1/subscriptions/confirm", wish.clone()).await;
    assert_eq!((status, &problem["title"]), (StatusCode::CONFLICT, &"proof-missing".into()));
    receiver.prove(asked["proving"]["code"].as_str().unwrap());
    farm.wait(1);
    let (status, made) = call(&desk, Method::POST, "/api/v1/subscriptions/confirm", wish).await;
    assert_eq!((status, &made["subscription"]["dist"]), (StatusCode::CREATED, &"pair".into()));
    let path = format!("/api/v1/subscriptions/{}", made["token"].as_str().unwrap());
    let (status, ended) = call(&desk, Method::DELETE, &path, Value::Null).await;
    assert_eq!((status, &ended["state"]), (StatusCode::OK, &"ended".into()));
    let wrong = format!("{}x", &path[..path.len() - 1]);
    assert_eq!(call(&desk, Method::GET, &wrong, Value::Null).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_refused_with_its_reason() {
    let receiver = Receiver::start().await;
    let farm = Farm::new(receiver.resources()).await;
    let desk = farm.desk(config());
    let bare = Farm::new(json!({ "repository": { "url": "https://example.com/x.git" } })).await;
    let ask = async |form: Form| desk.ask(&form).await.unwrap_err();
    assert_eq!(ask(form("https://192.168.0.1/")).await, Refusal::AddressPrivate);
    assert_eq!(ask(form("http://example.org/")).await, Refusal::AddressInsecure);
    assert_eq!(
        ask(Form { dist: "nobody-knows-it".into(), ..form("https://example.org/") }).await,
        Refusal::DistUnknown
    );
    assert_eq!(ask(Form { dist: "../x".into(), ..form("https://example.org/") }).await, Refusal::DistUnknown);
    assert_eq!(ask(Form { channel: Channel::Mail, ..form("") }).await, Refusal::ChannelOff);
    assert_eq!(ask(Form { channel: Channel::Issue, ..form("") }).await, Refusal::ChannelOff);
    assert_eq!(bare.desk(config()).ask(&form("https://example.org/")).await, Err(Refusal::NoPlace));
    let off = farm.desk(Config { webhooks: false, ..config() });
    assert_eq!(
        off.ask(&form("https://example.org/")).await,
        Err(Refusal::ChannelOff),
        "it is off unless it is turned on"
    );
    let back =
        post(&desk, "/subscribe/", "dist=pair%26x&channel=webhook&address=https%3A%2F%2F10.0.0.1%2Fs3cret").await;
    assert_eq!(back, "/subscribe/?dist=pair%26x&channel=webhook&proof=file&problem=dist-unknown");
}

#[tokio::test]
async fn a_file_that_everybody_can_read_proves_the_one_wish_that_it_was_put_there_for() {
    let receiver = Receiver::start().await;
    let farm = Farm::new(receiver.resources()).await;
    let desk = farm.desk(config());
    let ask = async || match desk.ask(&form("https://example.org/")).await.unwrap() {
        Asked::Prove(wish) => wish,
        Asked::Mailed => panic!("it is proved by a file"),
    };
    let (own, strangers) = (ask().await, ask().await);
    receiver.prove(&desk.proving(&own).await.unwrap().code);
    let token = desk.confirm(&own).await.unwrap();
    farm.wait(1);
    assert_eq!(desk.confirm(&strangers).await, Err(Refusal::ProofMissing), "the same wish of somebody else");
    receiver.prove(&desk.proving(&strangers).await.unwrap().code);
    farm.wait(1);
    assert_eq!(desk.confirm(&strangers).await, Ok(token), "who controls the place has the same subscription");
}

#[tokio::test]
async fn a_wish_is_valid_for_a_week_and_only_as_it_was_sealed() {
    let receiver = Receiver::start().await;
    let farm = Farm::new(receiver.resources()).await;
    let desk = farm.desk(config());
    let Asked::Prove(wish) = desk.ask(&form("https://example.org/")).await.unwrap() else { panic!() };
    receiver.prove(&desk.proving(&wish).await.unwrap().code);
    let changed = format!("A{}", &wish[1..]);
    assert_eq!(desk.confirm(&changed).await, Err(Refusal::WishExpired));
    assert_eq!(post(&desk, "/subscribe/x", "").await, "/subscribe/?problem=wish-expired");
    farm.wait(7 * 24 * 60);
    assert_eq!(desk.confirm(&wish).await, Err(Refusal::WishExpired));
}

#[tokio::test]
async fn a_form_that_a_page_of_another_site_sends_is_refused() {
    let receiver = Receiver::start().await;
    let farm = Farm::new(receiver.resources()).await;
    let desk = farm.desk(config());
    for (site, expected) in [("cross-site", StatusCode::FORBIDDEN), ("same-origin", StatusCode::SEE_OTHER)] {
        let request = Request::post("/subscribe/").header("sec-fetch-site", site);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = router(desk.clone()).oneshot(request.body(Body::from("dist=x&channel=webhook")).unwrap()).await;
        assert_eq!(response.unwrap().status(), expected, "{site}");
    }
}
