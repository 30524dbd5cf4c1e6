//! A volunteer's word to a runner: pause, resume, drain; what the runner, the farm and the pages say meanwhile.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::farm::{Farm, PATIENCE};
use tests::process::run;
use tests::{fixtures, poll, turn};

/// A command beside the runner ada; its exit code and all that it printed.
fn says(farm: &Farm, command: &[&str]) -> Result<(i32, String)> {
    let data = farm.path("ada-data").display().to_string();
    let (code, out, said) = run(&[&["runner"], command, &["--data-dir", &data]].concat())?;
    Ok((code, format!("{out}{said}")))
}

/// Waits until the runner is in that state; its status.
async fn is(farm: &Farm, state: &str) -> Result<Value> {
    poll::until(PATIENCE, &format!("the runner to be {state}"), async || {
        let said: Value = serde_json::from_str(&says(farm, &["status", "--json"])?.1)?;
        Ok(Some(said["runners"][0].clone()).filter(|runner| runner["state"] == state))
    })
    .await
    .with_context(|| farm.logs())
}

/// Waits until the farm says so many of something.
pub(crate) async fn counts(farm: &Farm, what: &str, count: u64) -> Result<()> {
    poll::until(PATIENCE, &format!("{count} {what}"), async || {
        Ok(farm.get("api/v1/status").await.ok().filter(|status| status[what] == count).map(drop))
    })
    .await
    .with_context(|| farm.logs())
}

#[tokio::test]
async fn a_runner_is_paused_over_a_restart_resumes_loses_its_coordinator_and_drains() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let coordinator = farm.coordinator("17", &[]).await?;
    let flags = ["--phase-timeout", "12", "--max-cores", "50%", "--max-disk", "100%"];
    let mut runner = farm.runner("ada", "17", &flags)?;
    let status = is(&farm, "waiting").await?;
    ensure!(status["disk"]["budget_bytes"].as_u64() > Some(4 << 30), "{status}");
    let (code, said) = says(&farm, &["pause", "--for", "2h"])?;
    ensure!(code == 0 && said.contains("Paused until") && said.contains("goes on to its end"), "{said}");
    is(&farm, "paused").await?;
    counts(&farm, "away", 1).await?;
    let (_, page) = farm.page("status/").await?;
    ensure!(page.contains("paused by its volunteer, until"), "{page}");

    runner.interrupt()?;
    ensure!(runner.ended(PATIENCE).await?.code() == Some(0), "{}", runner.output());
    let (code, said) = says(&farm, &["status"])?;
    ensure!(code == 1 && said.contains("No runner works in") && said.contains("It is paused until"), "{said}");
    fixtures::publish(&mut farm.mirror()?, &["passes"])?;
    counts(&farm, "queued", 1).await?;
    let mut runner = farm.runner("ada", "17", &flags)?;
    runner.prints("takes no work until", PATIENCE).await?;
    is(&farm, "paused").await?;
    ensure!(farm.results().await?.is_empty() && farm.get("api/v1/status").await?["queued"] == 1, "it waits");

    let (code, said) = says(&farm, &["resume"])?;
    ensure!(code == 0 && said.contains("takes work again"), "{said}");
    farm.idle(1, PATIENCE).await?;
    let status = is(&farm, "waiting").await?;
    ensure!(status["results"]["PASS"] == 1 && status["contact_at"].is_i64(), "{status}");
    let (code, said) = says(&farm, &["status"])?;
    ensure!(code == 0 && said.contains("waiting for work") && said.contains(": 1 PASS"), "{said}");

    let listen = farm.listen()?;
    coordinator.kill()?;
    let status = is(&farm, "offline").await?;
    ensure!(status["why"].as_str().is_some_and(|why| why.contains(&listen)), "{status}");
    let _coordinator = farm.coordinator("17", &["--listen", &listen]).await?;
    is(&farm, "waiting").await?;

    fixtures::publish(&mut farm.mirror()?, &["talks-forever"])?;
    counts(&farm, "running", 1).await?;
    fixtures::publish(&mut farm.mirror()?, &["warns"])?;
    counts(&farm, "queued", 1).await?;
    let (code, said) = says(&farm, &["drain", "--wait"])?;
    ensure!(code == 0 && said.contains("It has ended"), "{said}");
    ensure!(runner.ended(PATIENCE).await?.code() == Some(0), "{}", runner.output());
    ensure!(runner.output().contains("ends once what runs is done"), "{}", runner.output());
    let results = farm.results().await?;
    ensure!(results.len() == 2, "what ran was reported, and nothing else was begun: {results:?}");
    ensure!(farm.get("api/v1/status").await?["running"] == 0);
    Ok(())
}

#[test]
fn a_word_to_no_runner_says_so_and_what_cannot_work_is_refused() -> Result<()> {
    let farm = Farm::new()?;
    let (code, said) = says(&farm, &["status"])?;
    ensure!(code == 1 && said.contains("No runner works in"), "{said}");
    let (code, said) = says(&farm, &["drain", "--wait"])?;
    ensure!(code == 0 && said.contains("No runner works in"), "{said}");
    let (code, said) = says(&farm, &["pause"])?;
    ensure!(
        code == 0 && said.contains("One that is started takes no work until `pgxn-testers runner resume`"),
        "{said}"
    );
    let (_, said) = says(&farm, &["status", "--json"])?;
    let said: Value = serde_json::from_str(&said)?;
    ensure!(said["paused"]["since"].is_i64() && said["runners"] == Value::Array(Vec::new()), "{said}");
    let (_, said) = says(&farm, &["resume"])?;
    ensure!(said.contains("One that is started takes work."), "{said}");

    for (flags, code, remedy) in [
        (["--when", "* 25 * * *"], 2, "the hour `25` is not from 0 to 23"),
        (["--max-cores", "1000000"], 3, "write from 1 to"),
        (["--max-memory", "100M"], 3, "write from 512M to"),
        (["--max-disk", "1G"], 3, "the least is 4G"),
    ] {
        let (ended, said) = says(&farm, &flags)?;
        ensure!(ended == code && said.contains(remedy), "{flags:?}: {ended} {said}");
    }
    Ok(())
}
