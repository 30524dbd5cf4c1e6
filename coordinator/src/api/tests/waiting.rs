//! Claims that wait.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{operate, run};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn waiting_claim(farm: &Farm, runner: &str) -> JoinSet<Answer> {
    let body = json!({"targets": ["pg18-amd64"], "version": "1"});
    let call = Call::post("/api/v1/claim?wait=30", &body).bearer(runner);
    let coordinator = farm.coordinator.clone();
    let mut waiting = JoinSet::new();
    waiting.spawn(async move { call.answered_by(&coordinator).await });
    waiting
}

async fn answer(waiting: &mut JoinSet<Answer>) -> Answer {
    tokio::time::timeout(PATIENCE, waiting.join_next()).await.unwrap().unwrap().unwrap()
}

/// Lets a claim get as far as it gets: its runner was heard of, and it found nothing.
async fn has_looked(farm: &Farm) {
    let heard = async || {
        operate::runners(&farm.coordinator).await.unwrap().iter().any(|listed| listed.runner.last_seen_at.is_some())
    };
    tokio::time::timeout(PATIENCE, async {
        while !heard().await {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_claim_that_waits_gets_the_job_as_soon_as_it_is_there() {
    on_both(async |farm| {
        let runner = farm.runner("box").await;
        let mut waiting = waiting_claim(&farm, &runner);
        has_looked(&farm).await;
        farm.registry.publish("pair", "1.0.0");
        let begun = std::time::Instant::now();
        farm.watch().await;
        let answer = answer(&mut waiting).await;
        assert_eq!(answer.json()["release"]["dist"], "pair");
        assert!(begun.elapsed() < Duration::from_secs(25), "it did not wait to the end");
    })
    .await;
}

#[tokio::test]
async fn a_claim_that_waits_gets_a_job_that_another_runner_lost() {
    let farm = Farm::start().await;
    let lost = with_release(&farm).await;
    claim_of(&farm, &lost, &["pg18-amd64"]).await.unwrap();
    farm.clock.advance(MINUTE * 6);
    let runner = farm.runner("second").await;
    let mut waiting = waiting_claim(&farm, &runner);
    has_looked(&farm).await;
    expire(&farm).await;
    assert_eq!(answer(&mut waiting).await.json()["lease"]["attempt"], 2);
}

#[tokio::test]
async fn a_claim_that_waits_is_answered_when_the_coordinator_ends() {
    let farm = Farm::start().await;
    let runner = farm.runner("box").await;
    let shutdown = CancellationToken::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = super::super::router(farm.coordinator.clone(), super::super::OpenApi::default());
    let mut farm_tasks = JoinSet::new();
    let ended = shutdown.clone().cancelled_owned();
    farm_tasks.spawn(async move { axum::serve(listener, app).with_graceful_shutdown(ended).await.unwrap() });
    let (coordinator, token) = (farm.coordinator.clone(), shutdown.clone());
    farm_tasks.spawn(async move { run(coordinator, token).await.unwrap() });

    let body = r#"{"targets":["pg18-amd64"],"version":"1"}"#;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /api/v1/claim?wait=30 HTTP/1.1\r\nhost: farm\r\nauthorization: Bearer {runner}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    has_looked(&farm).await;
    let begun = std::time::Instant::now();
    shutdown.cancel();
    let mut text = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    assert!(text.starts_with("HTTP/1.1 204"), "{text}");
    tokio::time::timeout(PATIENCE, farm_tasks.join_all()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "Ctrl-C ends the farm within ten seconds");
}

#[tokio::test]
async fn a_running_coordinator_watches_and_compares_by_itself_and_on_demand() {
    let mut farm = Farm::with(|config| {
        config.poll = Duration::from_millis(20);
        config.expire_every = Duration::from_millis(20);
    })
    .await;
    farm.registry.cap_feed(1);
    farm.registry.publish("old", "1.0.0");
    farm.registry.publish("new", "1.0.0");
    let shutdown = CancellationToken::new();
    let mut running = JoinSet::new();
    running.spawn(run(farm.coordinator.clone(), shutdown.clone()));
    wait_for(&mut farm, |event| matches!(event, Event::Reconciled(counts) if counts.listed == 2)).await;
    farm.registry.publish("newest", "1.0.0");
    wait_for(&mut farm, |event| matches!(event, Event::ReleaseSeen { dist, .. } if dist.as_str() == "newest")).await;
    operate::reconcile(&farm.coordinator);
    wait_for(&mut farm, |event| matches!(event, Event::Reconciled(counts) if counts.listed == 3)).await;
    shutdown.cancel();
    let ended = tokio::time::timeout(PATIENCE, running.join_next()).await.unwrap().unwrap().unwrap();
    assert!(ended.is_ok(), "{ended:?}");
}

async fn wait_for(farm: &mut Farm, wanted: impl Fn(&Event) -> bool) {
    tokio::time::timeout(PATIENCE, async { while !wanted(&farm.events.recv().await.unwrap()) {} }).await.unwrap();
}
