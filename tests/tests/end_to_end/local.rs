//! `pgxn-testers test`: the same run as on the farm, here.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use protocol::Phase;
use serde_json::Value;
use tests::farm::{PATIENCE, target};
use tests::fixtures::{self, Fixture, PUBLISHED_AT};
use tests::process::{Process, run, run_with};
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
async fn a_matrix_at_once_ends_with_the_worst_in_order_and_json_and_files_are_kept() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let output = dir.path().join("kept").display().to_string();
    let (code, out, said) = run(&[
        "test",
        &directory("fails-tests")?,
        "--pg",
        "17,18",
        "--jobs",
        "2",
        "--report",
        "json",
        "--output",
        &output,
    ])?;
    ensure!(code == 1, "{code}: {said}");
    ensure!([17, 18].iter().all(|major| said.contains(&format!("FAIL     {}", target(*major)))), "{said}");
    ensure!([17, 18].iter().all(|major| said.contains(&format!("{}    build", target(*major)))), "{said}");
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

/// A repository of a workflow with a fixture's distribution in a directory of it.
fn workspace(dir: &Path, fate: &str) -> Result<std::path::PathBuf> {
    let ext = dir.join("ext");
    std::fs::create_dir_all(dir.join(".git"))?;
    let status = std::process::Command::new("cp").arg("-r").arg(directory(fate)?).arg(&ext).status()?;
    ensure!(status.success(), "cp");
    Ok(ext)
}

#[tokio::test]
async fn a_workflow_gets_annotations_at_the_line_a_summary_and_outputs() -> Result<()> {
    let _turn = turn::take().await;
    for (fate, place) in [
        ("fails-to-build", "file=ext/src/fails_to_build.c,line="),
        ("fails-tests", "file=ext/test/expected/wrong.out,line="),
    ] {
        let dir = tempfile::tempdir()?;
        let ext = workspace(dir.path(), fate)?.display().to_string();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let (summary, output, root) = (path("summary.md"), path("outputs"), dir.path().display().to_string());
        let environment =
            [("GITHUB_STEP_SUMMARY", &*summary), ("GITHUB_OUTPUT", &*output), ("GITHUB_WORKSPACE", &*root)];
        let junit = format!("junit={}", path("tests.xml"));
        let arguments = ["test", &ext, "--pg", "17", "--lanes", "none", "--report", "github", "--report", &junit];
        let (code, out, said) = run_with(&arguments, &environment)?;
        ensure!(code == 1, "{fate}: {code}\n{said}");
        let [annotation] = out.lines().collect::<Vec<_>>()[..] else { anyhow::bail!("{fate}: {out}") };
        ensure!(annotation.starts_with("::error title=PostgreSQL 17%2C") && annotation.contains(place), "{annotation}");
        let outputs = std::fs::read_to_string(&output)?;
        ensure!(outputs.starts_with("verdict=FAIL\nmatrix={\"include\":[{\"grade\":\"FAIL\""), "{outputs}");
        let summary = std::fs::read_to_string(&summary)?;
        ensure!(summary.contains("| FAIL (") && summary.contains("<details>"), "{summary}");
        let xml = std::fs::read_to_string(dir.path().join("tests.xml"))?;
        ensure!(xml.contains("<failure message=") && xml.contains(".phases\""), "{xml}");
    }
    Ok(())
}

#[tokio::test]
async fn a_distribution_is_found_from_below_and_its_meta_says_on_what_to_test() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let below = workspace(dir.path(), "supports-15-to-17")?.join("sql").display().to_string();
    let (code, out, said) = run(&["test", &below, "--lanes", "none", "--report", "json"])?;
    ensure!(code == 0, "{code}\n{said}");
    let reports: Vec<Value> = serde_json::from_str(&out)?;
    let servers: Vec<&str> = reports.iter().filter_map(|report| report["image"]["postgresql"].as_str()).collect();
    ensure!(servers.len() == 2 && servers[0].starts_with("17.") && servers[1].starts_with("16."), "{servers:?}");
    Ok(())
}

#[tokio::test]
async fn a_source_without_meta_is_told_what_to_do_and_gets_one_to_begin_with() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let ext = workspace(dir.path(), "passes")?;
    std::fs::remove_file(ext.join("META.json"))?;
    let ext = ext.display().to_string();
    let (code, _, said) = run(&["test", &ext])?;
    ensure!(code == 2 && said.contains("pgxn-testers test --propose-meta"), "{code}\n{said}");
    let (code, out, said) = run(&["test", "--propose-meta", &ext])?;
    ensure!(code == 0 && said.contains("maintainer"), "{code}\n{said}");
    let proposed: Value = serde_json::from_str(&out)?;
    ensure!(proposed["name"] == "passes" && proposed["provides"]["passes"]["file"] == "sql/passes--1.0.0.sql", "{out}");
    std::fs::write(Path::new(&ext).join("META.json"), out)?;
    let _turn = turn::take().await;
    let (code, _, said) = run(&["test", &ext, "--pg", "17", "--lanes", "none"])?;
    ensure!(code == 0, "what was proposed is good enough to test: {code}\n{said}");
    Ok(())
}

#[tokio::test]
async fn what_a_test_gave_is_expected_from_now_on() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let ext = workspace(dir.path(), "fails-tests")?.display().to_string();
    let arguments = ["test", &ext, "--pg", "17", "--lanes", "none", "--update-expected"];
    let (code, _, said) = run(&arguments)?;
    ensure!(code == 1 && said.contains("updated: test/expected/wrong.out"), "{code}\n{said}");
    let (code, _, said) = run(&arguments)?;
    ensure!(code == 0 && said.contains("No expected file had to be updated."), "{code}\n{said}");
    Ok(())
}

#[test]
fn shells_and_the_manual_know_every_command() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let pages = dir.path().join("man").display().to_string();
    let (code, _, said) = run(&["man", &pages])?;
    ensure!(code == 0, "{said}");
    let page = std::fs::read_to_string(dir.path().join("man/pgxn-testers-test.1"))?;
    ensure!(page.contains("propose\\-meta"), "{page}");
    for (shell, words) in
        [("bash", "complete -F"), ("zsh", "#compdef pgxn-testers"), ("fish", "complete -c pgxn-testers")]
    {
        let (code, out, _) = run(&["completions", shell])?;
        ensure!(code == 0 && out.contains(words) && out.contains("propose-meta"), "{shell}: {code}");
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
        (&[".", "--report", "json", "--report", "junit"][..], "only one report can be printed"),
        (&[".", "--report", "xml"], "choose from json, junit, markdown, github"),
        (&["/nowhere/at/all"], "`/nowhere/at/all` does not exist; name a directory with META.json"),
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
