//! A farm that also tests on arm64, which its one runner emulates. `scripts/test-emulated` runs this, and makes what it needs.

use anyhow::{Context, Result, ensure};
use protocol::{Flag, Grade, Reason, Target};
use tests::farm::{Farm, LONG_PATIENCE};
use tests::{fixtures, turn};

use crate::confirmation::like_passes;

/// Builds on amd64 alone, like what needs a thing that an emulator has not.
const CHOOSY: &str = "all: choosy\nchoosy:\n\ttest $$(uname -m) = x86_64\n.PHONY: choosy";

#[tokio::test]
#[ignore = "its image for arm64 takes half an hour to make where there is none yet: scripts/test-emulated"]
async fn an_emulated_runner_finds_the_verdict_of_a_machine_and_what_fails_there_alone_stays_unconfirmed() -> Result<()>
{
    let _turn = turn::take().await;
    let (amd64, arm64): (Target, Target) = ("pg17-amd64".parse()?, "pg17-arm64".parse()?);
    let farm = Farm::new()?;
    fixtures::publish(&mut farm.mirror()?, &["passes"])?;
    farm.mirror()?.publish_all(vec![like_passes("fixtures", ("choosy", "1.0.0"), CHOOSY, 0)?])?;
    let _coordinator = farm.coordinator("17", &["--platform", "amd64,arm64"]).await?;
    let _runner = farm.runner("ada", "17", &["--emulate", "arm64"])?;
    farm.idle(2, LONG_PATIENCE).await?;

    let verdicts = farm.verdicts("passes").await?;
    let emulated = verdicts.get(&arm64).context("a verdict of arm64")?;
    ensure!(emulated.grade == Grade::Pass && emulated.flags.is_empty() && emulated.tests == 2, "{emulated:?}");
    ensure!(verdicts[&amd64].grade == Grade::Pass, "{verdicts:?}");
    for (target, verdict) in &verdicts {
        let run = farm.run(&verdict.run_id).await?;
        let image = &run["result"]["image"];
        ensure!(image["platform"] == target.platform.as_str(), "{target}: {image}");
        ensure!(image["emulated"] == (*target == arm64), "{target}: {image}");
        let (_, page) = farm.page(&format!("run/{}", verdict.run_id)).await?;
        ensure!(page.contains("Not by a machine of arm64") == (*target == arm64), "{target}: {page}");
    }

    let verdicts = farm.verdicts("choosy").await?;
    ensure!(verdicts[&amd64].grade == Grade::Pass && verdicts[&amd64].flags.is_empty(), "{verdicts:?}");
    let failed = verdicts.get(&arm64).context("a verdict of arm64")?;
    ensure!(failed.grade == Grade::Fail && failed.reason == Reason::BuildFailed, "{failed:?}");
    ensure!(failed.flags.contains(&Flag::Unconfirmed), "{failed:?}");
    // Where a second opinion is wanted, the report puts its job back at once.
    let results = farm.results().await?;
    ensure!(results.len() == 4, "each was run once, as no emulator is asked for a second opinion: {results:?}");
    Ok(())
}
