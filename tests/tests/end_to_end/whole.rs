//! `up`: ended by Ctrl-C or by SIGKILL, it goes on where it stopped.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use protocol::{Phase, Reason};
use tests::engine::{Fault, Socket};
use tests::farm::{Farm, PATIENCE};
use tests::process::Process;
use tests::{containers, fixtures, poll, turn};

/// One verdict comes at once, one run is in the middle of its build, and one job waits.
const FATES: [&str; 3] = ["has-no-tests", "talks-forever", "warns"];

async fn up(farm: &Farm, extra: &[&str]) -> Result<Process> {
    up_with(farm, &[&["--pg", "17"], extra].concat(), &[]).await
}

async fn up_with(farm: &Farm, extra: &[&str], environment: &[(&str, &str)]) -> Result<Process> {
    let mut process = started(farm, extra, environment)?;
    process.prints("Open http", PATIENCE).await?;
    farm.answers().await?;
    Ok(process)
}

/// An `up` that may end by itself before anybody could ask it anything.
fn started(farm: &Farm, extra: &[&str], environment: &[(&str, &str)]) -> Result<Process> {
    let _ = std::fs::remove_file(farm.path("data/address"));
    let (data, registry) = (farm.data_dir(), farm.registry().to_owned());
    let arguments = ["up", "--data-dir", &data, "--registry", &registry, "--listen", "127.0.0.1:0"];
    Process::start_with(&[&arguments, extra].concat(), environment, &farm.path("up.log"))
}

/// A farm in the middle of `talks-forever`, with that run's id.
async fn in_the_middle(farm: &Farm) -> Result<(Process, String)> {
    fixtures::publish(&mut farm.mirror()?, &FATES)?;
    let process = up(farm, &[]).await?;
    let run = poll::until(PATIENCE, "talks-forever to run", async || {
        let status = farm.get("api/v1/status").await?;
        let runs = status["runs"].as_array().cloned().unwrap_or_default();
        let run = runs.iter().find(|run| run["dist"] == "talks-forever");
        Ok(run.and_then(|run| run["id"].as_str().map(str::to_owned)))
    })
    .await
    .with_context(|| farm.logs())?;
    poll::until(PATIENCE, "its container", async || Ok(containers::of_run(&run).await?.pop())).await?;
    Ok((process, run))
}

/// What `up` has to find when it is started again: every job ends, with one result each, and what was known stays as it was.
async fn goes_on(farm: &Farm, before: &serde_json::Value) -> Result<Process> {
    let process = up(farm, &["--phase-timeout", "4"]).await?;
    farm.idle(3, PATIENCE).await?;
    let results = farm.results().await?;
    ensure!(results.len() == 4, "one result for each, and one that confirms the failure: {results:?}");
    for known in before.as_array().context("a list")? {
        ensure!(results.contains(known), "{known} is gone from {results:?}");
    }
    let verdict = farm.verdicts("talks-forever").await?.into_values().next().context("a verdict")?;
    ensure!(verdict.reason == Reason::TimedOut && verdict.phase == Phase::Build, "{verdict:?}");
    let runners = containers::instances(&farm.path("data/runner"))?;
    ensure!(containers::of_runners(&runners).await?.is_empty(), "a container is left");
    Ok(process)
}

#[tokio::test]
async fn ctrl_c_ends_up_within_ten_seconds_and_it_goes_on_where_it_stopped() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let (mut process, run) = in_the_middle(&farm).await?;
    let before = farm.results().await?.into();
    let began = Instant::now();
    process.interrupt()?;
    let status = process.ended(PATIENCE).await?;
    let took = began.elapsed();
    ensure!(status.code() == Some(0), "it ended with {status}: {}", process.output());
    ensure!(took < Duration::from_secs(10), "it took {took:?}");
    ensure!(containers::of_run(&run).await?.is_empty(), "the container is left");
    let mut process = goes_on(&farm, &before).await?;
    process.interrupt()?;
    ensure!(process.ended(PATIENCE).await?.code() == Some(0));
    Ok(())
}

#[tokio::test]
async fn a_power_cut_loses_nothing() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let (process, run) = in_the_middle(&farm).await?;
    let before = farm.results().await?.into();
    process.kill()?;
    ensure!(containers::of_run(&run).await?.len() == 1, "nobody could remove the container");
    goes_on(&farm, &before).await?;
    ensure!(containers::of_run(&run).await?.is_empty(), "the next start removes it");
    Ok(())
}

/// An engine that the image of PostgreSQL 18 cannot be asked for.
fn engine_without_18(farm: &Farm, answer: Option<&'static str>) -> Result<Socket> {
    Socket::open_but(&farm.path("engine.sock"), Some(Fault { path: "/images/pgxn-testers/pg18:", answer }))
}

#[tokio::test]
async fn the_first_image_is_enough_to_begin_and_ctrl_c_does_not_wait_for_the_others() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    fixtures::publish(&mut farm.mirror()?, &["has-no-tests"])?;
    let engine = engine_without_18(&farm, None)?;
    let host = engine.host();
    let mut process = up_with(&farm, &["--pg", "17,18"], &[("DOCKER_HOST", &host)]).await?;
    process.prints("UNTESTED has-no-tests", PATIENCE).await?;
    let verdicts = farm.verdicts("has-no-tests").await?;
    ensure!(verdicts.keys().all(|target| target.major.number() == 17) && verdicts.len() == 1, "{verdicts:?}");
    let began = Instant::now();
    process.interrupt()?;
    ensure!(process.ended(PATIENCE).await?.code() == Some(0), "{}", process.output());
    ensure!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());
    Ok(())
}

#[tokio::test]
async fn an_image_that_fails_is_told_of_once_and_the_other_major_goes_on() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    fixtures::publish(&mut farm.mirror()?, &["has-no-tests"])?;
    let answer = "HTTP/1.1 500 Broken\r\nConnection: close\r\nContent-Length: 26\r\n\r\n{\"message\":\"it is broken\"}";
    let engine = engine_without_18(&farm, Some(answer))?;
    let host = engine.host();
    let environment = [("DOCKER_HOST", host.as_str())];
    let mut process = started(&farm, &["--pg", "18,17", "--until-idle"], &environment)?;
    ensure!(process.ended(PATIENCE).await?.code() == Some(0), "{}", process.output());
    let said = process.output();
    ensure!(said.matches("it is broken").count() == 1 && said.contains("Nothing is tested on it"), "{said}");
    ensure!(said.contains("UNTESTED has-no-tests 1.0.0               pg17-"), "{said}");

    let mut process = started(&farm, &["--pg", "18"], &environment)?;
    ensure!(process.ended(PATIENCE).await?.code() == Some(3), "{}", process.output());
    ensure!(process.output().contains("there is no image to run anything in"), "{}", process.output());
    Ok(())
}
