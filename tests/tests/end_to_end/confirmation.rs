//! A failure is nobody's until a second run agrees; a runner that nobody agrees with is found out.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use protocol::{Flag, Grade, Reason};
use sample::{Tree, Upload, User};
use serde_json::Value;
use tests::farm::{Farm, LONG_PATIENCE, PATIENCE};
use tests::fixtures::{self, Fixture, PUBLISHED_AT};
use tests::{poll, turn};

/// How many releases fail by chance: that none of them ends now so and now so happens once in a thousand times.
const TOSSES: u64 = 24;

/// How many distributions of as many owners a runner has to be wrong about, at least a few of which it gets to see first.
const CROWDED: usize = 12;

/// The fixture `passes` by somebody under another name or version, with further lines in its Makefile.
pub(crate) fn like_passes(user: &str, (name, version): (&str, &str), makefile: &str, hours: u64) -> Result<Upload> {
    let mut tree = Tree::of_directory(&Fixture::named("passes")?.dir)?;
    let mut meta: Value = serde_json::from_str(&tree.text("META.json").context("META.json")?)?;
    (meta["name"], meta["version"]) = (name.into(), version.into());
    let rules = tree.text("Makefile").context("Makefile")?;
    tree.put_text("META.json", &meta.to_string())?;
    tree.put_text("Makefile", &format!("{rules}\n{makefile}\n"))?;
    let date = PUBLISHED_AT.plus(Duration::from_hours(hours));
    Ok(Upload::of_tree(&tree, User::named(user), date)?)
}

/// What the runs of each version of the coin found, in order.
async fn grades(farm: &Farm) -> Result<BTreeMap<String, Vec<Grade>>> {
    let mut grades: BTreeMap<String, Vec<Grade>> = BTreeMap::new();
    for line in farm.results().await?.iter().rev() {
        if line["dist"] != "tosses-a-coin" {
            continue;
        }
        let version = line["version"].as_str().context("a version")?.to_owned();
        grades.entry(version).or_default().push(serde_json::from_value(line["grade"].clone())?);
    }
    Ok(grades)
}

#[tokio::test]
async fn a_single_runner_confirms_a_failure_and_calls_flaky_what_ends_now_so_and_now_so() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let toss = "all: toss\ntoss:\n\ttest $$(od -An -N1 -tu1 /dev/urandom) -gt 127\n.PHONY: toss";
    let tosses =
        (0..TOSSES).map(|number| like_passes("fixtures", ("tosses-a-coin", &format!("1.{number}.0")), toss, number));
    farm.mirror()?.publish_all(tosses.collect::<Result<Vec<_>>>()?)?;
    fixtures::publish(&mut farm.mirror()?, &["fails-tests"])?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let _runner = farm.runner("ada", "17", &["--jobs", "2"])?;
    farm.idle(2, LONG_PATIENCE).await?;

    let failed = farm.verdicts("fails-tests").await?.into_values().next().context("a verdict")?;
    ensure!(failed.grade == Grade::Fail && !failed.flags.contains(&Flag::Unconfirmed), "{failed:?}");
    let found = grades(&farm).await?;
    let document = farm.get("api/v1/dists/tosses-a-coin").await?;
    let mut flaky = 0;
    for release in document["releases"].as_array().context("releases")? {
        let version = release["version"].as_str().context("a version")?;
        // Only the latest releases of many are tested.
        let Some(grades) = found.get(version) else { continue };
        let result = &release["cells"][0]["result"];
        let flags: Vec<Flag> = serde_json::from_value(result["flags"].clone())?;
        let grade: Grade = serde_json::from_value(result["grade"].clone())?;
        let (is_flaky, is_confirmed) = (flags.contains(&Flag::Flaky), !flags.contains(&Flag::Unconfirmed));
        let right = match grades.as_slice() {
            [Grade::Pass] => grade == Grade::Pass && !is_flaky,
            // It may fail in another phase the second time, and is flaky then too.
            [Grade::Fail, Grade::Fail] => grade == Grade::Fail,
            [Grade::Fail, Grade::Pass] => grade == Grade::Pass && is_flaky,
            _ => false,
        };
        flaky += usize::from(is_flaky);
        ensure!(right && is_confirmed, "{version} was run with {grades:?}: {result}");
    }
    ensure!(flaky > 0, "a coin never changed its mind: {found:?}");
    Ok(())
}

#[tokio::test]
async fn a_runner_that_is_always_wrong_is_quarantined_and_what_it_found_is_run_elsewhere() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let _good = [farm.runner("ada", "17", &[])?, farm.runner("bob", "17", &[])?];
    // It gives nothing the processes that it needs. Too little time would say nothing: the others have twice as much.
    let mut cramped = farm.runner("eve", "17", &["--processes", "64"])?;
    poll::until(PATIENCE, "three runners", async || {
        Ok((farm.get("api/v1/status").await?["runners"] == 3).then_some(()))
    })
    .await?;
    let crowd = "all: crowd\ncrowd:\n\tfor it in $$(seq 100); do sleep 3 & done; wait\n.PHONY: crowd";
    let crowds = (0..CROWDED).map(|number| {
        like_passes(&format!("author-{number}"), (&format!("draws-a-crowd-{number}"), "1.0.0"), crowd, 0)
    });
    farm.mirror()?.publish_all(crowds.collect::<Result<Vec<_>>>()?)?;
    cramped.prints("the runner eve is quarantined: two others agreed against it on", LONG_PATIENCE).await?;
    farm.idle(CROWDED.try_into()?, LONG_PATIENCE).await?;

    for number in 0..CROWDED {
        let verdicts = farm.verdicts(&format!("draws-a-crowd-{number}")).await?;
        let verdict = verdicts.into_values().next().context("a verdict")?;
        ensure!(verdict.grade == Grade::Pass && verdict.flags.is_empty(), "{number}: {verdict:?}");
        let run = farm.run(&verdict.run_id).await?;
        ensure!(run["run"]["runner"] != "eve", "{run}");
    }
    let by_eve = async || {
        let results = farm.results().await?.into_iter();
        anyhow::Ok(results.filter(|line| line["runner"] == "eve").collect::<Vec<_>>())
    };
    ensure!(by_eve().await?.is_empty(), "what it found is withdrawn");
    let (code, list, said) = farm.admin(&["runners", "list"])?;
    ensure!(code == 0 && list.contains("in quarantine: two others agreed against it on"), "{list}{said}");
    let (code, _, said) = farm.admin(&["runners", "release", "eve"])?;
    ensure!(code == 0 && said.contains("eve gets work again"), "{said}");
    let wrong = by_eve().await?;
    ensure!(wrong.iter().all(|line| line["reason"] == Reason::TooManyProcesses.as_str()), "{wrong:?}");
    ensure!(wrong.len() >= 3, "{wrong:?}");
    cramped.prints("all is well again", PATIENCE).await
}
