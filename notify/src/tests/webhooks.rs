//! Webhooks, from a verdict that turns to a receiver that verifies it.

use std::process::{Command, Stdio};
use std::time::Duration;

use protocol::{Clock, DeliveryState, ManualClock, Reason, SubscriptionState, Timestamp};

use super::farm::{Farm, config, open};
use super::receiver::{Answer, Receiver};
use crate::{Desk, Held, tick};

async fn subscribed() -> (Farm, Receiver, Desk, String) {
    let receiver = Receiver::start().await;
    let farm = Farm::new(receiver.resources()).await;
    let desk = farm.desk(config());
    let token = farm.subscribed(&desk, &receiver).await;
    (farm, receiver, desk, token)
}

/// How each delivery of a subscription went, the first first.
fn log(held: &Held) -> Vec<(DeliveryState, u32, &str)> {
    held.deliveries.iter().rev().map(|one| (one.state, one.attempts, one.said.as_str())).collect()
}

#[tokio::test]
async fn what_turns_is_told_once_in_its_order_and_signed_so_that_the_receiver_can_verify_it() {
    let (farm, receiver, desk, token) = subscribed().await;
    farm.verdict("1.1.0", Reason::TestsFailed).await;
    farm.verdict("1.2.0", Reason::TestsPassed).await;
    farm.verdict("1.3.0", Reason::TestsPassed).await;
    farm.tell(&desk).await;
    farm.wait(60);
    farm.tell(&desk).await;
    assert_eq!(receiver.told(), ["NEW-FAIL 1.1.0", "FIXED 1.2.0"]);
    let held = desk.held(&token).await.unwrap();
    let (got, secret) = (receiver.got(), held.secret.clone().unwrap());
    assert!(got.iter().all(|one| one.is_signed_with(&secret)));
    assert!(!got[0].is_signed_with("whsec_AAAA"));
    assert_ne!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_eq!(got[0].header("webhook-id"), format!("{}-1", held.id));
    let told = got[0].json();
    assert_eq!((&told["type"], &told["data"]["postgresql"]), (&"verdict.turned".into(), &17.into()));
    assert_eq!(
        told["data"]["headline"],
        "pair 1.1.0 fails in installcheck on PostgreSQL 17 (amd64), and did not before"
    );
    assert_eq!(told["data"]["decisive"], "ERROR:  `@everyone` | <script>");
    assert!(told["data"]["run"].as_str().unwrap().starts_with("https://testers.example.org/run/"), "{told}");
    assert_eq!(told["matrix"], "https://testers.example.org/dist/pair/");
    let done = (DeliveryState::Delivered, 1, "200 OK");
    assert_eq!(log(&held), [done, done]);
}

#[tokio::test]
async fn nothing_is_sent_of_a_failure_of_the_farm_of_what_lacks_of_what_blocks_or_of_what_is_in_doubt() {
    let (farm, receiver, desk, _) = subscribed().await;
    for reason in [Reason::EngineFailed, Reason::MissingHeader, Reason::PrerequisiteMissing] {
        farm.again("1.0.0").await;
        farm.result("pg17-amd64", reason).await;
        farm.wait(24 * 60);
    }
    // An ERROR waits to be tried again; whoever asks anew is not kept waiting.
    farm.again("1.0.0").await;
    farm.result("pg17-amd64", Reason::TestsFailed).await;
    farm.tell(&desk).await;
    assert_eq!(receiver.got().len(), 0, "a first failure is UNCONFIRMED");
    farm.result("pg17-amd64", Reason::TestsFailed).await;
    farm.tell(&desk).await;
    assert_eq!(receiver.told(), ["NEW-FAIL 1.0.0"]);
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_with_ever_longer_pauses_under_the_same_id() {
    let (farm, receiver, desk, token) = subscribed().await;
    receiver.answer(&[Answer::Status(503), Answer::Later(600), Answer::Elsewhere, Answer::Status(204)]);
    farm.verdict("1.1.0", Reason::TestsFailed).await;
    farm.verdict("1.2.0", Reason::TestsPassed).await;
    let expected = [
        (0, "503 Service Unavailable"),
        (1, "429 Too Many Requests"),
        (10, "302 Found: redirects are not followed"),
        (30, "204 No Content"),
    ];
    for (attempt, (pause, said)) in expected.into_iter().enumerate() {
        if pause > 0 {
            farm.wait(pause - 1);
            farm.tell(&desk).await;
            assert_eq!(receiver.got().len(), attempt, "too early");
            farm.wait(1);
        }
        tick(&desk, farm.now()).await.unwrap();
        let held = desk.held(&token).await.unwrap();
        assert_eq!((log(&held)[0].1 as usize, log(&held)[0].2), (attempt + 1, said));
        assert_eq!(log(&held)[1], (DeliveryState::Waiting, 0, ""), "what comes after it waits");
    }
    farm.wait(1);
    farm.tell(&desk).await;
    assert_eq!(receiver.told()[3..], ["NEW-FAIL 1.1.0", "FIXED 1.2.0"]);
    let got = receiver.got();
    assert!(
        got[..4].iter().all(|one| one.header("webhook-id") == got[0].header("webhook-id") && one.body == got[0].body)
    );
    assert_ne!(got[0].header("webhook-timestamp"), got[3].header("webhook-timestamp"));
    let secret = desk.held(&token).await.unwrap().secret.unwrap();
    assert!(got.iter().all(|one| one.is_signed_with(&secret)), "each attempt is signed for itself");
}

#[tokio::test]
async fn what_is_never_taken_ends_the_subscription_which_says_so() {
    let (farm, receiver, desk, token) = subscribed().await;
    receiver.answer(&[Answer::Status(500); 20]);
    farm.verdict("1.1.0", Reason::TestsFailed).await;
    farm.verdict("1.2.0", Reason::TestsPassed).await;
    for _ in 0..100 {
        farm.tell(&desk).await;
        farm.wait(60);
    }
    assert_eq!(receiver.got().len(), 8);
    let held = desk.held(&token).await.unwrap();
    assert_eq!(held.state, SubscriptionState::Ended);
    let why = "what was sent was not taken 8 times in a row, the last time as: 500 Internal Server Error";
    assert_eq!(held.end_reason, why);
    assert_eq!(log(&held), [(DeliveryState::Failed, 8, "500 Internal Server Error"), (DeliveryState::Dropped, 0, "")]);
    farm.verdict("1.3.0", Reason::TestsFailed).await;
    farm.tell(&desk).await;
    assert_eq!(receiver.got().len(), 8);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_not_asked_again() {
    let (farm, receiver, desk, token) = subscribed().await;
    receiver.answer(&[Answer::Status(410)]);
    farm.verdict("1.1.0", Reason::TestsFailed).await;
    farm.tell(&desk).await;
    let held = desk.held(&token).await.unwrap();
    assert_eq!(
        (held.state, held.end_reason.as_str()),
        (SubscriptionState::Ended, "it cannot be told anything: 410 Gone")
    );
}

#[tokio::test]
async fn no_connection_is_made_to_this_machine_once_the_operator_says_so_whatever_was_stored() {
    let (farm, receiver, _, token) = subscribed().await;
    farm.verdict("1.1.0", Reason::TestsFailed).await;
    let strict = farm.desk(crate::Config { loopback: false, ..config() });
    farm.tell(&strict).await;
    assert_eq!(receiver.got().len(), 0);
    let held = strict.held(&token).await.unwrap();
    assert_eq!(log(&held), [(DeliveryState::Waiting, 1, "That address is not on the internet.")]);
}

#[tokio::test]
async fn a_copy_of_the_database_gives_no_secret_and_no_address_away() {
    let (farm, receiver, desk, token) = subscribed().await;
    let secret = desk.held(&token).await.unwrap().secret.unwrap();
    farm.store.close().await;
    let mut bytes = Vec::new();
    for file in ["farm.db", "farm.db-wal"] {
        bytes.extend(std::fs::read(farm.dir.path().join(file)).unwrap_or_default());
    }
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains(&receiver.address("/…")), "the subscription is in there");
    for hidden in ["key=secret", "/hook", token.split_once('.').unwrap().1, secret.trim_start_matches("whsec_")] {
        assert!(!text.contains(hidden), "{hidden}");
    }
}

/// Not a test by itself: the process that the next test starts and kills.
#[tokio::test]
#[ignore = "started by a_farm_that_is_killed_while_it_tells_tells_again_under_the_same_id"]
#[expect(clippy::disallowed_methods, reason = "its parent tells it where and when")]
async fn tell_until_killed() {
    let dir = std::path::PathBuf::from(std::env::var("NOTIFY_TEST_DIR").unwrap());
    let now = Timestamp::from_millis(std::env::var("NOTIFY_TEST_NOW").unwrap().parse().unwrap());
    let clock = std::sync::Arc::new(ManualClock::at(now));
    let desk = Desk::open(open(&dir).await, clock.clone(), config(), &dir).unwrap();
    tick(&desk, clock.now()).await.unwrap();
}

#[tokio::test]
async fn a_farm_that_is_killed_while_it_tells_tells_again_under_the_same_id() {
    let (mut farm, receiver, desk, token) = subscribed().await;
    farm.verdict("1.1.0", Reason::TestsFailed).await;
    receiver.answer(&[Answer::Never]);
    drop(desk);
    farm.store.close().await;
    farm.store = open(tempfile::tempdir().unwrap().path()).await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "tests::webhooks::tell_until_killed"])
        .env("NOTIFY_TEST_DIR", farm.dir.path())
        .env("NOTIFY_TEST_NOW", farm.now().as_millis().to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..400 {
        if !receiver.got().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(receiver.got().len(), 1, "it is telling");
    child.kill().unwrap();
    child.wait().unwrap();

    farm.store = open(farm.dir.path()).await;
    let desk = farm.desk(config());
    farm.tell(&desk).await;
    assert_eq!(receiver.got().len(), 1, "the lease of the one that died is not over");
    farm.wait(4);
    farm.tell(&desk).await;
    let got = receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_eq!(got[0].body, got[1].body);
    let held = desk.held(&token).await.unwrap();
    assert_eq!(log(&held), [(DeliveryState::Delivered, 1, "200 OK")]);
}
