//! `pgxn-testers test`: the same run as on the farm, here.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use protocol::Phase;
use serde_json::Value;
use tests::farm::{PATIENCE, target};
use tests::fixtures::{self, Fixture, PUBLISHED_AT};
use tests::process::{Process, run};
use tests::{containers, turn};

/// A registry in a directory, with two versions of `passes`.
fn registry(dir: &Path) -> Result<String> {
    let mut mirror = sample::Mirror::open(dir)?;
    fixtures::publish(&mut mirror, &["passes"])?;
    mirror.publish(Fixture::named("passes")?.upload_as("1.0.1", PUBLISHED_AT)?)?;
    Ok(format!("file://{}/", dir.display()))
}

/// The directory of a fixture's distribution.
fn directory(fate: &str) -> Result<String> {
    Ok(Fixture::named(fate)?.dir.display().to_string())
}

#[tokio::test]
async fn a_directory_a_zip_and_a_release_are_tested_alike() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let registry = registry(&dir.path().join("mirror"))?;
    let zip = dir.path().join("mirror/dist/passes/1.0.0/passes-1.0.0.zip").display().to_string();
    for what in [directory("passes")?, zip, "passes".into(), "passes@1.0.0".into()] {
        let (code, out, said) = run(&["test", &what, "--pg", "17", "--registry", &registry])?;
        ensure!(code == 0 && out.is_empty(), "{what}: {code} {out}\n{said}");
        ensure!(said.contains(&format!("PASS     {}   installcheck tests-passed", target(17))), "{what}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_matrix_ends_with_the_worst_and_json_and_files_are_kept() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let output = dir.path().join("kept").display().to_string();
    let (code, out, said) = run(&["test", &directory("fails-tests")?, "--pg", "17,18", "--json", "--output", &output])?;
    ensure!(code == 1, "{code}: {said}");
    ensure!([17, 18].iter().all(|major| said.contains(&format!("FAIL     {}", target(*major)))), "{said}");
    ensure!(said.contains("| +") && said.contains("| -"), "the diffs are shown: {said}");
    let reports: Vec<Value> = serde_json::from_str(&out).context("standard output is JSON alone")?;
    let reasons: Vec<_> = reports.iter().map(|report| &report["verdict"]["reason"]).collect();
    ensure!(reasons == ["tests-failed", "tests-failed"], "{reasons:?}");
    for (target, report) in [17, 18].map(target).iter().zip(&reports) {
        let kept = dir.path().join("kept").join(target);
        let text = std::fs::read_to_string(kept.join("report.json"))?;
        ensure!(serde_json::from_str::<Value>(&text)? == *report, "{target}");
        for file in report["files"].as_array().context("files")? {
            let name = file["name"].as_str().context("a name")?;
            ensure!(kept.join(name).exists(), "{target} lacks {name}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_exit_code_says_whose_fault_it_is() -> Result<()> {
    let _turn = turn::take().await;
    for (fate, expected) in [("has-no-tests", 0), ("fails-to-build", 1), ("misses-a-library", 3)] {
        let (code, _, said) = run(&["test", &directory(fate)?, "--pg", "17"])?;
        ensure!(code == expected, "{fate}: {code}\n{said}");
    }
    for (arguments, sentence) in [
        (&["/nowhere/at/all"][..], "`/nowhere/at/all` does not exist; name a directory with META.json"),
        (&["a b"], "`a b` is neither a file here nor the name of a distribution"),
        (&[".", "--pg", "99"], "there is no image for PostgreSQL 99; choose from 13"),
        (&[".", "--memory", "1"], "1 is not in 512"),
    ] {
        let (code, _, said) = run(&[&["test"], arguments].concat())?;
        ensure!(code == 2 && said.contains(sentence), "{arguments:?}: {code}\n{said}");
    }
    Ok(())
}

/// A `test` in the middle of `talks-forever`, with directories of its own, and the runners that it counts as.
async fn in_the_middle(dir: &Path) -> Result<(Process, Vec<String>)> {
    let (scratch, cache) = (dir.join("scratch"), dir.join("cache"));
    std::fs::create_dir_all(&scratch)?;
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path");
    let (temporary, kept) = (text(&scratch)?, text(&cache)?);
    let environment = [("TMPDIR", temporary.as_str()), ("XDG_CACHE_HOME", kept.as_str())];
    let arguments = ["test", &directory("talks-forever")?, "--pg", "17"];
    let mut process = Process::start_with(&arguments, &environment, &dir.join("test.log"))?;
    process.prints(&format!("{:<14} passed", Phase::Dependencies), PATIENCE).await?;
    let runners = containers::instances(&cache.join("pgxn-testers/test"))?;
    ensure!(containers::of_runners(&runners).await?.len() == 1, "its container runs");
    Ok((process, runners))
}

#[tokio::test]
async fn ctrl_c_leaves_no_container() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let (mut process, runners) = in_the_middle(dir.path()).await?;
    process.interrupt()?;
    let status = process.ended(PATIENCE).await?;
    ensure!(status.code() == Some(130), "{status}: {}", process.output());
    ensure!(process.output().contains("Stopped; the container is removed."), "{}", process.output());
    ensure!(containers::of_runners(&runners).await?.is_empty(), "its container is left");
    ensure!(std::fs::read_dir(dir.path().join("scratch"))?.next().is_none(), "its files are left");
    Ok(())
}

#[tokio::test]
async fn the_container_of_a_killed_test_is_removed_by_the_next() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let (process, runners) = in_the_middle(dir.path()).await?;
    process.kill()?;
    ensure!(containers::of_runners(&runners).await?.len() == 1, "nobody could remove it");
    std::fs::remove_file(dir.path().join("test.log"))?;
    let (mut next, _) = in_the_middle(dir.path()).await?;
    ensure!(containers::of_runners(&runners).await?.is_empty(), "its container is left");
    next.interrupt()?;
    next.ended(PATIENCE).await.map(drop)
}
