//! Every fixture and every attack earns its verdict, through a coordinator and a runner.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use protocol::{SourceKind, Target, Warning};
use tests::attacks;
use tests::farm::{Farm, LONG_PATIENCE, Verdict};
use tests::fixtures::{Fixture, Verdict as Expected};
use tests::turn;

/// Fixtures print something within these seconds, and their phases end within those, or never.
const LIMITS: [&str; 6] = ["--silence", "20", "--phase-timeout", "45", "--memory", "1024"];

#[tokio::test]
async fn every_fixture_and_every_attack_earns_its_verdict_on_two_majors() -> Result<()> {
    let _turn = turn::take().await;
    let (fixtures, attacks) = (Fixture::all()?, attacks::all()?);
    let farm = Farm::new()?;
    let uploads = fixtures.iter().map(Fixture::upload).collect::<Result<Vec<_>>>()?;
    farm.mirror()?.publish_all(uploads.into_iter().chain(attacks.iter().map(|attack| attack.upload.clone())))?;
    let coordinator = farm.coordinator("17,18", &["--retry-pause", "1"]).await?;
    let runner = farm.runner("ada", "17,18", &[&LIMITS[..], &["--jobs", "2"]].concat())?;
    farm.idle((fixtures.len() + attacks.len()).try_into()?, LONG_PATIENCE).await?;

    let sources = sources(&farm).await?;
    ensure!(sources.len() == 2, "`passes` ran on {sources:?}");
    let mut wrong = Vec::new();
    for fixture in &fixtures {
        let expect = |target: Target| fixture.verdict(target.major.number(), sources[&target]);
        wrong.extend(differences(&farm, &fixture.fate, &sources, expect).await?);
        wrong.extend(other_warnings(&farm, &fixture.fate, expect).await?);
    }
    for attack in &attacks {
        wrong.extend(differences(&farm, attack.fate, &sources, |_| attack.verdict.clone()).await?);
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    drop((coordinator, runner));
    Ok(())
}

/// Where the PostgreSQL of each target came from.
async fn sources(farm: &Farm) -> Result<BTreeMap<Target, SourceKind>> {
    let mut sources = BTreeMap::new();
    for (target, verdict) in farm.verdicts("passes").await? {
        let run = farm.run(&verdict.run_id).await?;
        let source = run["result"]["image"]["source"].clone();
        sources.insert(target, serde_json::from_value(source).context("a run names its image's source")?);
    }
    Ok(sources)
}

/// A line for each target on which something else was found than what has to be.
async fn differences(
    farm: &Farm,
    dist: &str,
    targets: &BTreeMap<Target, SourceKind>,
    expect: impl Fn(Target) -> Expected,
) -> Result<Vec<String>> {
    let found = farm.verdicts(dist).await?;
    let mut lines = Vec::new();
    for target in targets.keys() {
        let expected = expect(*target);
        match found.get(target) {
            Some(verdict) if agree(verdict, &expected) => {}
            found => {
                let run = match found {
                    Some(verdict) => farm.run(&verdict.run_id).await?["result"]["verdict"].to_string(),
                    None => String::new(),
                };
                lines.push(format!("{dist} on {target}: found {found:?}, expected {expected:?}\n    {run}"));
            }
        }
    }
    Ok(lines)
}

/// A line for each target on which the lanes beyond installcheck warned of something else than what they have to.
async fn other_warnings(farm: &Farm, dist: &str, expect: impl Fn(Target) -> Expected) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for (target, verdict) in farm.verdicts(dist).await? {
        let run = farm.run(&verdict.run_id).await?;
        let found: Vec<Warning> = serde_json::from_value(run["result"]["circumstances"]["warnings"].clone())?;
        let expected = expect(target).warnings;
        let same = found.iter().zip(&expected).all(|(warning, begin)| warning.text.starts_with(begin));
        if !same || found.len() != expected.len() {
            lines.push(format!("{dist} on {target}: warned of {found:#?}, expected {expected:#?}"));
        }
    }
    Ok(lines)
}

fn agree(found: &Verdict, expected: &Expected) -> bool {
    let same = (found.grade, found.phase, found.reason) == (expected.grade, expected.phase, expected.reason);
    same && expected.flags.iter().all(|flag| found.flags.contains(flag))
}
