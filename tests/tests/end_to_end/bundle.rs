//! `pgxn-testers bundle`: the archive of a release, and what the registry would say to it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::fixtures::Fixture;
use tests::process::run;
use tests::turn;

/// A repository with a fixture's distribution as its only commit.
fn repository(dir: &Path, fate: &str) -> Result<String> {
    let copied = Command::new("cp").arg("-r").arg(Fixture::named(fate)?.dir).arg(dir.join("ext")).status()?;
    ensure!(copied.success(), "cp");
    let ext = dir.join("ext");
    git(&ext, &["init", "-q"])?;
    git(&ext, &["add", "-A"])?;
    git(&ext, &["commit", "-q", "-m", "a"])?;
    Ok(ext.display().to_string())
}

fn git(dir: &Path, words: &[&str]) -> Result<()> {
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-C"];
    let output = Command::new("git").args(who).arg(dir).args(words).output()?;
    ensure!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[tokio::test]
async fn a_commit_gives_the_same_archive_every_time_and_the_farm_can_test_it() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let ext = repository(dir.path(), "passes")?;
    let out = |name: &str| dir.path().join(name).display().to_string();
    let (code, first, said) = run(&["bundle", &ext, "--output", &out("one")])?;
    ensure!(code == 0 && said.contains("Nothing is wrong with it"), "{code}\n{said}");
    std::fs::write(dir.path().join("ext/new.sql"), "")?;
    std::fs::write(dir.path().join("ext/README.md"), "changed")?;
    let (code, second, said) = run(&["bundle", &ext, "--output", &out("two")])?;
    ensure!(code == 0 && said.contains("(uncommitted)") && said.contains("(untracked)"), "{code}\n{said}");
    let (first, second) = (first.trim(), second.trim());
    ensure!(first.ends_with("one/passes-1.0.0.zip"), "{first}");
    ensure!(std::fs::read(first)? == std::fs::read(second)?, "one commit, one archive");
    let (code, out, said) = run(&["bundle", "--check", first, "--format", "json"])?;
    let checked: Value = serde_json::from_str(&out).with_context(|| said.clone())?;
    ensure!(code == 0 && checked["name"] == "passes" && checked["findings"] == serde_json::json!([]), "{out}");
    let _turn = turn::take().await;
    let (code, _, said) = run(&["test", first, "--pg", "17", "--lanes", "none"])?;
    ensure!(code == 0, "{code}\n{said}");
    Ok(())
}

#[test]
fn what_the_registry_would_refuse_ends_with_one_and_is_told_with_how_to_mend_it() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let ext = repository(dir.path(), "passes")?;
    let meta = dir.path().join("ext/META.json");
    let text = std::fs::read_to_string(&meta)?.replacen("\"1.0.0\"", "\"1.0\"", 1);
    std::fs::write(&meta, text)?;
    git(&dir.path().join("ext"), &["commit", "-q", "-a", "-m", "b"])?;
    let out = dir.path().display().to_string();
    let (code, _, said) = run(&["bundle", &ext, "--output", &out])?;
    ensure!(code == 1, "{code}\n{said}");
    ensure!(said.contains("rejected META.json:4: `version`: `1.0` is not a semantic version (version)"), "{said}");
    ensure!(said.contains("Write \"1.0.0\"."), "{said}");
    ensure!(said.contains("The registry would refuse it"), "{said}");
    Ok(())
}

#[test]
fn what_cannot_be_bundled_says_why() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let empty = dir.path().display().to_string();
    let text = dir.path().join("text");
    std::fs::write(&text, "text")?;
    let text = text.display().to_string();
    let outside = dir.path().join("outside");
    std::fs::create_dir(&outside)?;
    std::fs::write(outside.join("META.json"), std::fs::read(Fixture::named("passes")?.dir.join("META.json"))?)?;
    let outside = outside.display().to_string();
    for (arguments, expected, sentence) in [
        (&[empty.as_str()][..], 2, "there is no META.json in"),
        (&["--check", "/nowhere/at/all"], 2, "`/nowhere/at/all` is no file"),
        (&["--check", &text], 1, "the archive is not a readable zip"),
        (&[".", "--check", &text], 2, "cannot be used with"),
        (&[outside.as_str(), "--output", &empty], 0, "(no-git)"),
    ] {
        let (code, _, said) = run(&[&["bundle"], arguments].concat())?;
        ensure!(code == expected && said.contains(sentence), "{arguments:?}: {code}\n{said}");
    }
    Ok(())
}

#[test]
fn images_come_out_of_a_file_that_has_some() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let text = dir.path().join("text");
    std::fs::write(&text, "text")?;
    for (path, sentence) in
        [(text.display().to_string(), "could not read `"), ("/nowhere/at/all".to_owned(), "No such file")]
    {
        let (code, _, said) = run(&["images", "load", &path])?;
        ensure!(code == 3 && said.contains(sentence), "{code}\n{said}");
    }
    let (code, _, said) = run(&["images", "save", "/nowhere/at/all", "--pg", "17"])?;
    ensure!(code == 3 && said.contains("could not write `/nowhere/at/all`"), "{code}\n{said}");
    Ok(())
}
