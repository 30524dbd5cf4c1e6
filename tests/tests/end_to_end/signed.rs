//! A report is verified without the farm; what a quarantined runner found is nowhere, and tested again.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::farm::{Farm, LONG_PATIENCE, PATIENCE, target};
use tests::process::run;
use tests::{poll, turn};

use crate::confirmation::like_passes;

/// The run that stands for the latest release of a distribution; none where nothing does.
async fn standing(farm: &Farm, dist: &str) -> Result<Option<String>> {
    let document = farm.get(&format!("api/v1/dists/{dist}")).await?;
    Ok(document["releases"][0]["cells"][0]["result"]["run_id"].as_str().map(str::to_owned))
}

/// The run that stands once the feed of `turns` tells of what is new.
async fn turned(farm: &Farm, what: &str) -> Result<String> {
    let run = poll::until(LONG_PATIENCE, what, async || {
        let is_told = text(farm, "dist/turns/verdicts.atom").await?.contains("1.1.0");
        Ok(if is_told { standing(farm, "turns").await? } else { None })
    });
    run.await.with_context(|| farm.logs())
}

async fn text(farm: &Farm, path: &str) -> Result<String> {
    let (status, text) = farm.page(path).await?;
    ensure!(status == 200, "{path}: {status} {text}");
    Ok(text)
}

/// Holds a report against its key and a log: exit code and what is said.
fn verify(report: &str, extra: &[&str]) -> Result<(i32, String)> {
    let (code, out, said) = run(&[&["verify", report], extra].concat())?;
    Ok((code, out + &said))
}

/// Verifies the report of a run and a log, as they are and with changes; the path of the report, which is spoilt then.
async fn verified(farm: &Farm, red: &str) -> Result<String> {
    // The report, its key, and a log.
    let report = farm.path("report.json").display().to_string();
    let json = text(farm, &format!("run/{red}/report.json")).await?;
    std::fs::write(&report, &json)?;
    let signed: Value = serde_json::from_str(&json)?;
    let key = signed["key"].as_str().context("a key")?.to_owned();
    let log = farm.path("build.log").display().to_string();
    std::fs::write(&log, text(farm, &format!("api/v1/runs/{red}/files/build.log")).await?)?;
    let (code, said) = verify(&report, &["--key", &key, "--log", &log])?;
    ensure!(code == 0 && said.contains(&format!("turns 1.1.0 on {}: FAIL", target(17))), "{code}: {said}");
    ensure!(said.contains("as the runner uploaded it") && said.contains("does not prove"), "{said}");
    let (code, said) = verify(&report, &[])?;
    ensure!(code == 0 && said.contains("The key was taken from the report itself"), "{code}: {said}");
    let listed = farm.admin(&["runners", "list"])?.1;
    let print = listed.split_once("key ").and_then(|(_, rest)| rest.lines().next()).context("a fingerprint")?;
    ensure!(verify(&report, &["--key", print])?.0 == 0, "{listed}");
    ensure!(text(farm, &format!("run/{red}")).await?.contains(print), "the page shows who signed");

    std::fs::write(&log, "all is well\n")?;
    let (code, said) = verify(&report, &["--log", &log])?;
    ensure!(code == 1 && said.contains("has the SHA-256"), "{code}: {said}");
    std::fs::write(&report, json.replacen("verdict.phase 5:build", "verdict.phase 5:fetch", 1))?;
    let (code, said) = verify(&report, &["--key", &key])?;
    ensure!(code == 1 && said.contains("was changed after it was signed"), "{code}: {said}");
    Ok(report)
}

#[tokio::test]
async fn a_downloaded_report_verifies_and_what_its_runner_found_is_withdrawn_and_tested_again() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    farm.mirror()?.publish_all(vec![like_passes("fixtures", ("turns", "1.0.0"), "", 0)?])?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let ada = farm.runner("ada", "17", &[])?;
    farm.idle(1, LONG_PATIENCE).await?;
    farm.mirror()?.publish_all(vec![like_passes(
        "fixtures",
        ("turns", "1.1.0"),
        "all: broken\nbroken:\n\tfalse",
        1,
    )?])?;
    let red = turned(&farm, "the failure to be confirmed").await?;

    let report = verified(&farm, &red).await?;

    // Its runner is quarantined: nothing of it is anywhere.
    let badge = text(&farm, "badge/turns.svg").await?;
    let (code, _, said) = farm.admin(&["runners", "quarantine", "ada", "--reason", "a bad disk"])?;
    ensure!(code == 0 && said.contains("are withdrawn, and count nowhere"), "{said}");
    ensure!(standing(&farm, "turns").await?.is_none() && farm.results().await?.is_empty());
    ensure!(!text(&farm, "dist/turns/verdicts.atom").await?.contains("1.1.0"), "it is no news any more");
    ensure!(text(&farm, "badge/turns.svg").await? != badge, "the badge says so");
    let page = text(&farm, &format!("run/{red}")).await?;
    ensure!(page.contains("Withdrawn") && page.contains("a bad disk"), "its own page stays, and says why");
    ensure!(verify(&report, &[])?.0 == 1, "whatever the farm says");
    drop(ada);

    // Another runner tests it again.
    let _bob = farm.runner("bob", "17", &[])?;
    let again = turned(&farm, "another runner's word").await?;
    ensure!(again != red && farm.run(&again).await?["run"]["runner"] == "bob");
    let (code, _, said) = farm.admin(&["runners", "release", "ada"])?;
    ensure!(code == 0 && said.contains("None of its results is withdrawn."), "{said}");
    poll::until(PATIENCE, "what ada found to be listed again", async || {
        Ok(farm.results().await?.iter().any(|line| line["run_id"] == red.as_str()).then_some(()))
    })
    .await
}
