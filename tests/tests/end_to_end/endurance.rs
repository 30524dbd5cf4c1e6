//! Runners and coordinators are killed at the worst moments; each job ends with exactly one result.

use anyhow::{Context, Result, ensure};
use protocol::{Grade, Phase, Reason};
use tests::engine::Socket;
use tests::farm::{Farm, LONG_PATIENCE, PATIENCE};
use tests::{containers, database, fixtures, poll, turn};

/// A lease that a killed runner's job is free again after, and which a machine that stalls for ten seconds does not lose.
const SHORT_LEASE: [&str; 2] = ["--lease", "15"];

/// The build of `talks-forever` goes on until its limit, so that there is a middle to kill somebody in.
const FATE: &str = "talks-forever";

#[tokio::test]
async fn a_killed_runner_s_job_is_finished_by_another_once_with_sqlite() -> Result<()> {
    a_killed_runner_s_job_is_finished_by_another_once(Farm::new()?).await
}

#[tokio::test]
async fn a_killed_runner_s_job_is_finished_by_another_once_with_postgresql() -> Result<()> {
    a_killed_runner_s_job_is_finished_by_another_once(Farm::new()?.with_database(&database::new().await?)).await
}

async fn a_killed_runner_s_job_is_finished_by_another_once(farm: Farm) -> Result<()> {
    let _turn = turn::take().await;
    fixtures::publish(&mut farm.mirror()?, &[FATE])?;
    let _coordinator = farm.coordinator("17", &SHORT_LEASE).await?;
    let victim = farm.runner("victim", "17", &[])?;
    let lost = farm.running(Phase::Build, PATIENCE).await?;
    victim.kill()?;
    ensure!(containers::of_run(&lost).await?.len() == 1, "the killed runner's container goes on");

    let _heir = farm.runner("heir", "17", &["--phase-timeout", "4"])?;
    farm.idle(1, PATIENCE).await?;
    let results = farm.results().await?;
    ensure!(results.len() == 2, "exactly one result, and one that confirms it: {results:?}");
    let verdict = farm.verdicts(FATE).await?.into_values().next().context("a verdict")?;
    ensure!(verdict.reason == Reason::TimedOut && verdict.run_id != lost, "{verdict:?}");
    let (run, lost_run) = (farm.run(&verdict.run_id).await?, farm.run(&lost).await?);
    ensure!(run["run"]["attempt"] == 2 && run["run"]["runner"] == "heir", "{run}");
    ensure!(lost_run["run"]["state"] == "expired" && lost_run["result"].is_null(), "{lost_run}");

    let _again = farm.runner("victim", "17", &[])?;
    poll::until(PATIENCE, "the dead runner's container to be removed", async || {
        Ok(containers::of_run(&lost).await?.is_empty().then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_run_outlives_its_coordinator_with_sqlite() -> Result<()> {
    a_run_outlives_its_coordinator(Farm::new()?).await
}

#[tokio::test]
async fn a_run_outlives_its_coordinator_with_postgresql() -> Result<()> {
    a_run_outlives_its_coordinator(Farm::new()?.with_database(&database::new().await?)).await
}

/// The coordinator is killed during a run, and comes back when the run is over and its report waits.
async fn a_run_outlives_its_coordinator(farm: Farm) -> Result<()> {
    let _turn = turn::take().await;
    fixtures::publish(&mut farm.mirror()?, &[FATE, "has-no-tests"])?;
    let lease = ["--lease", "60"];
    let coordinator = farm.coordinator("17", &lease).await?;
    let _runner = farm.runner("ada", "17", &["--phase-timeout", "30"])?;
    let run = farm.running(Phase::Build, PATIENCE).await?;
    let (address, listen) = (farm.address()?, farm.listen()?);
    coordinator.kill()?;
    poll::until(PATIENCE, "the run to end without a coordinator", async || {
        Ok(containers::of_run(&run).await?.is_empty().then_some(()))
    })
    .await
    .with_context(|| farm.logs())?;

    let _coordinator = farm.coordinator("17", &[&lease[..], &["--listen", &listen]].concat()).await?;
    ensure!(farm.address()? == address);
    farm.idle(2, PATIENCE).await?;
    let verdict = farm.verdicts(FATE).await?.into_values().next().context("the report was taken")?;
    ensure!(verdict.run_id == run && verdict.reason == Reason::TimedOut, "{verdict:?}");
    let results = farm.results().await?;
    ensure!(results.len() == 3, "one result for each of both, and one that confirms the failure: {results:?}");
    let files = farm.run(&run).await?["result"]["files"].clone();
    ensure!(files.as_array().is_some_and(|files| !files.is_empty()), "its logs are there: {files}");
    Ok(())
}

#[tokio::test]
async fn an_engine_that_goes_away_in_mid_run_is_the_farm_s_fault_and_waited_for() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    fixtures::publish(&mut farm.mirror()?, &[FATE])?;
    let _coordinator = farm.coordinator("17", &[&SHORT_LEASE[..], &["--retry-pause", "1"]].concat()).await?;
    let socket = Socket::open(&farm.path("engine.sock"))?;
    let host = socket.host();
    let mut runner = farm.runner_with("ada", "17", &["--phase-timeout", "20"], &[("DOCKER_HOST", &host)])?;
    let run = farm.running(Phase::Build, PATIENCE).await?;
    drop(socket);
    poll::until(PATIENCE, "the report", async || {
        Ok((farm.run(&run).await?["result"]["grade"] == "ERROR").then_some(()))
    })
    .await
    .with_context(|| farm.logs())?;
    ensure!(farm.results().await?.is_empty(), "what the farm itself failed at is tried again silently");
    runner.prints("runner   no container engine answers at", PATIENCE).await?;
    runner.prints("left a container behind", PATIENCE).await?;
    ensure!(containers::of_run(&run).await?.len() == 1, "the container of the run that was lost goes on");

    let _socket = Socket::open(&farm.path("engine.sock"))?;
    runner.prints("all is well again", PATIENCE).await?;
    fixtures::publish(&mut farm.mirror()?, &["has-no-tests"])?;
    farm.idle(2, LONG_PATIENCE).await?;
    let verdict = farm.verdicts(FATE).await?.into_values().next().context("a verdict")?;
    ensure!(verdict.reason == Reason::TimedOut && verdict.run_id != run, "{verdict:?}");
    let next = farm.verdicts("has-no-tests").await?.into_values().next().context("a verdict")?;
    ensure!(next.grade == Grade::Untested, "{next:?}");

    ensure!(containers::of_run(&run).await?.is_empty(), "it was removed before anything else was done");
    Ok(())
}
