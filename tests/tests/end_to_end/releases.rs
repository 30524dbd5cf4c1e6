//! Releases come, come late, are replaced, were overlooked, and are tested again, while the farm runs.

use anyhow::{Context, Result, ensure};
use protocol::{Grade, Name, Version};
use serde_json::Value;
use tests::attacks;
use tests::farm::{Farm, PATIENCE, target};
use tests::fixtures::{self, Fixture, PUBLISHED_AT};
use tests::{hostile, poll, turn};

/// The newest release's row of the matrix, once each of its cells has a result and nothing waits.
async fn newest(farm: &Farm, dist: &str, version: &str) -> Result<Value> {
    poll::until(PATIENCE, &format!("the verdict on {dist} {version}"), async || {
        let Ok(document) = farm.get(&format!("api/v1/dists/{dist}")).await else { return Ok(None) };
        let release = document["releases"][0].clone();
        let cells = release["cells"].as_array().cloned().unwrap_or_default();
        let done = |cell: &Value| cell["state"] == "finished" && !cell["result"].is_null();
        Ok((release["version"] == version && !cells.is_empty() && cells.iter().all(done)).then_some(release))
    })
    .await
    .with_context(|| farm.logs())
}

#[tokio::test]
async fn releases_that_come_or_come_late_get_their_verdicts() -> Result<()> {
    // It takes no turn: what it waits for most is the minute after which a missing file is asked for again.
    let farm = Farm::new()?;
    let mut mirror = farm.mirror()?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let _runner = farm.runner("ada", "17", &[])?;

    let passes = Fixture::named("passes")?;
    mirror.publish(passes.upload()?)?;
    let first = newest(&farm, "passes", "1.0.0").await?;
    ensure!(first["cells"][0]["result"]["grade"] == "PASS", "{first}");

    // A later one, and one whose files are not there when the feed names it.
    let (dist, version): (Name, Version) = ("has-no-tests".parse()?, "1.0.0".parse()?);
    let late = Fixture::named("has-no-tests")?.upload()?;
    mirror.publish(late.clone())?;
    attacks::withhold(&mirror, &dist, &version)?;
    mirror.publish(passes.upload_as("1.1.0", PUBLISHED_AT.plus(std::time::Duration::from_hours(1)))?)?;
    newest(&farm, "passes", "1.1.0").await?;
    mirror.publish(late)?;
    let came = newest(&farm, "has-no-tests", "1.0.0").await?;
    ensure!(came["cells"][0]["result"]["grade"] == "UNTESTED", "{came}");
    ensure!(farm.get("api/v1/broken").await? == Value::Array(Vec::new()), "nothing is broken any more");
    Ok(())
}

#[tokio::test]
async fn a_replaced_archive_is_found_by_reconciliation_and_tested_as_another_release() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let mut mirror = farm.mirror()?;
    fixtures::publish(&mut mirror, &["passes"])?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let _runner = farm.runner("ada", "17", &[])?;
    let first = newest(&farm, "passes", "1.0.0").await?;

    // The same name and version with other files, which fail.
    let mut tree = sample::Tree::of_directory(&Fixture::named("passes")?.dir)?;
    tree.put_text("test/expected/basic.out", "something else\n")?;
    let replaced = sample::Upload::of_tree(&tree, sample::User::named("fixtures"), PUBLISHED_AT)?;
    mirror.publish(replaced)?;
    let (code, out, said) = farm.admin(&["reconcile"])?;
    ensure!(code == 0 && said.contains("The registry and the store agree now."), "{code} {out} {said}");
    let progress: Value = serde_json::from_str(&out)?;
    ensure!(progress.to_string().contains("\"replaced\":1"), "{out}");

    let second = poll::until(PATIENCE, "the verdict on the other archive", async || {
        let release = newest(&farm, "passes", "1.0.0").await?;
        Ok((release["sha1"] != first["sha1"]).then_some(release))
    })
    .await?;
    ensure!(second["cells"][0]["result"]["grade"] == "FAIL", "{second}");
    Ok(())
}

#[tokio::test]
async fn what_the_feed_does_not_name_is_found_by_reconciliation_and_tests_are_queued_again() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let _coordinator = farm.coordinator("17,18", &[]).await?;
    let feed = farm.path("mirror/stats/dist.json");
    let empty = std::fs::read_to_string(&feed)?;
    poll::until(PATIENCE, "the registry to be read", async || {
        Ok((!farm.get("api/v1/status").await?["registry"]["reconciled_at"].is_null()).then_some(()))
    })
    .await?;
    // The file that the coordinator reads never shows the release: it is written aside, and the feed put back at once.
    let hidden = farm.path("hidden");
    std::fs::create_dir(&hidden)?;
    let mut aside = sample::Mirror::open(&hidden)?;
    aside.publish(Fixture::named("has-no-tests")?.upload()?)?;
    std::fs::write(hidden.join("stats/dist.json"), empty)?;
    hostile::copy(&hidden, &farm.path("mirror"))?;
    let (code, out, said) = farm.admin(&["reconcile"])?;
    ensure!(code == 0 && out.contains("\"added\": 1"), "{code} {out} {said}");
    let _runner = farm.runner("ada", "17,18", &[])?;
    let release = newest(&farm, "has-no-tests", "1.0.0").await?;
    ensure!(farm.results().await?.len() == 2, "{release}");

    let (code, _, said) = farm.admin(&["requeue", "has-no-tests", "--target", &target(18)])?;
    ensure!(code == 0 && said.contains("has-no-tests 1.0.0: 1 tests queued."), "{code} {said}");
    poll::until(PATIENCE, "the third result", async || Ok((farm.results().await?.len() == 3).then_some(()))).await?;
    let verdicts = farm.verdicts("has-no-tests").await?;
    ensure!(verdicts.values().all(|verdict| verdict.grade == Grade::Untested), "{verdicts:?}");
    let (code, _, said) = farm.admin(&["requeue", "nobody-has-this"])?;
    ensure!(code == 3 && said.contains("nobody-has-this"), "{code} {said}");
    Ok(())
}
