//! A run is watched while it goes on: over HTTP, and in a real browser with and without scripts.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::browser::Browser;
use tests::farm::{Farm, PATIENCE};
use tests::{fixtures, poll, turn};

/// Its build prints a line each second, until its phase's time is over.
const FATE: &str = "talks-forever";
const PHASE_SECONDS: &str = "12";

/// The run that goes on.
async fn running(farm: &Farm) -> Result<String> {
    poll::until(PATIENCE, "a run to begin", async || {
        let status = farm.get("api/v1/status").await?;
        Ok(status["runs"][0]["id"].as_str().map(str::to_owned))
    })
    .await
}

/// Reads events until one that fits has come; everything that came.
async fn read(response: &mut reqwest::Response, fits: impl Fn(&str) -> bool) -> Result<String> {
    let mut told = String::new();
    let reading = async {
        while !fits(&told) {
            let chunk = response.chunk().await?.context("the events ended early")?;
            told.push_str(&String::from_utf8_lossy(&chunk));
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, reading).await.with_context(|| format!("nothing that fits came: {told}"))??;
    Ok(told)
}

#[tokio::test]
async fn the_log_of_a_run_is_heard_before_its_verdict_and_the_events_end_with_the_run() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    fixtures::publish(&mut farm.mirror()?, &[FATE])?;
    let mut coordinator = farm.coordinator("17", &[]).await?;
    let _runner = farm.runner("ada", "17", &["--phase-timeout", PHASE_SECONDS])?;
    let run = running(&farm).await?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let address = format!("{}run/{run}/events", farm.address()?);
    let mut events = client.get(&address).send().await?;
    ensure!(events.status() == 200 && events.headers()["content-type"] == "text/event-stream", "{events:?}");
    let told = read(&mut events, |told| told.contains("still building, 2 s")).await?;
    ensure!(told.contains("event: phases") && told.contains("It is in phase build."), "{told}");
    ensure!(farm.results().await?.is_empty(), "nothing is decided yet");
    let (status, page) = farm.page(&format!("run/{run}")).await?;
    ensure!(status == 200 && page.contains("still building, 2 s") && page.contains("Look again"), "{page}");

    let rest = read(&mut events, |told| told.contains("event: end")).await?;
    ensure!(!rest.contains("still building, 1 s\""), "nothing is told twice: {rest}");
    let (_, page) = farm.page(&format!("run/{run}")).await?;
    ensure!(page.contains("timed-out"), "{page}");
    ensure!(!page.contains("Look again"), "the final log has taken the place of what was told: {page}");

    // A second run confirms it; a coordinator that ends does not wait for whoever follows that.
    let second = running(&farm).await?;
    let mut events = client.get(format!("{}run/{second}/events", farm.address()?)).send().await?;
    read(&mut events, |told| told.contains("still building")).await?;
    let began = Instant::now();
    coordinator.interrupt()?;
    ensure!(coordinator.ended(PATIENCE).await?.code() == Some(0), "{}", coordinator.output());
    ensure!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_browser_follows_a_run_up_to_its_verdict_and_without_scripts_it_shows_as_much() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    fixtures::publish(&mut farm.mirror()?, &[FATE])?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let _runner = farm.runner("ada", "17", &["--phase-timeout", PHASE_SECONDS])?;
    let (browser, plain) = (Browser::start(true).await?, Browser::start(false).await?);
    let page = format!("{}run/{}", farm.address()?, running(&farm).await?);
    browser.looks((1280, 900), "light").await?;
    browser.open(&page).await?;
    browser.shows("#live-logs", "still building, 3 s").await?;
    ensure!(browser.asks("document.querySelector('#live-now').getAttribute('aria-live')").await? == "polite");
    let shown = browser.asks("document.querySelector('#live-logs').textContent.split('building, 2 s').length").await?;
    ensure!(shown == 2, "each line is there once");
    plain.open(&page).await?;
    plain.shows("#live-logs", "still building, 3 s").await?;
    plain.shows("#live-note", "Look again").await?;
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
    browser.picture(&pictures.join("run-going-1280-light.png")).await?;
    browser.shows("h1", "fail").await?;
    ensure!(browser.address().await? == page, "{}", browser.address().await?);
    let console = browser.console().await?;
    ensure!(console.is_empty(), "{console:?}");
    Ok(())
}
