//! The composite actions, step by step as a runner of GitHub's runs them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::fixtures::{self, Fixture};
use tests::process::binary;
use tests::publisher::{Release, Server};
use tests::turn;
use tests::workflow::{Action, Job, Ran, repository};

fn actions() -> PathBuf {
    repository().join(".github/actions")
}

/// A workspace with the distribution of a fixture in a directory whose name a careless script would trip over.
fn workspace(fate: &str) -> Result<(tempfile::TempDir, String)> {
    let dir = tempfile::tempdir()?;
    let name = "an ext $(touch pwned) 'of' mine";
    let from = Fixture::named(fate)?.dir;
    let copied = std::process::Command::new("cp").arg("-r").arg(from).arg(dir.path().join(name)).status()?;
    ensure!(copied.success(), "cp");
    Ok((dir, name.to_owned()))
}

/// Runs an action by the program under test.
fn run(action: &str, root: &Path, cache: &Path, inputs: &[(&str, &str)]) -> Result<Ran> {
    let binary = binary().display().to_string();
    let job = Job::new(root, cache)?;
    job.run(&actions().join(action), &[&[("binary", binary.as_str())], inputs].concat())
}

/// Where the path of an output is a file with something in it.
fn text(ran: &Ran, output: &str) -> Result<String> {
    let path = ran.outputs.get(output).with_context(|| format!("there is no output `{output}`"))?;
    std::fs::read_to_string(path).with_context(|| format!("{output}: {path}"))
}

#[tokio::test]
async fn a_failing_extension_fails_its_step_with_all_that_a_maintainer_needs_and_images_are_kept() -> Result<()> {
    let _turn = turn::take().await;
    let cache = tempfile::tempdir()?;
    let output = tempfile::tempdir()?;
    let to = output.path().display().to_string();
    let (dir, name) = workspace("fails-tests")?;
    let inputs = [("path", name.as_str()), ("pg", "17"), ("output", &to)];
    let ran = run("test-extension", dir.path(), cache.path(), &inputs)?;
    ensure!(!ran.is_success && ran.outputs["verdict"] == "FAIL", "{ran:?}");
    let matrix: Value = serde_json::from_str(&ran.outputs["matrix"])?;
    ensure!(matrix["include"][0]["pg"] == 17 && matrix["include"][0]["reason"] == "tests-failed", "{matrix}");
    let annotation = ran.printed.lines().find(|line| line.starts_with("::error")).context("an annotation")?;
    ensure!(annotation.contains(&format!("file={name}/test/expected/wrong.out,line=")), "{annotation}");
    ensure!(ran.summary.contains("| FAIL (installcheck) |") && ran.summary.contains("+     42"), "{}", ran.summary);
    ensure!(text(&ran, "junit")?.contains("<failure"), "{ran:?}");
    let reports: Value = serde_json::from_str(&text(&ran, "reports")?)?;
    ensure!(reports[0]["verdict"]["reason"] == "tests-failed", "{reports}");
    let (artifact, files) = ran.artifacts.first_key_value().context("an artifact")?;
    ensure!(artifact.starts_with("pgxn-testers-") && artifact.ends_with("-17"), "{artifact}");
    for wanted in ["junit.xml", "reports.json", "installcheck.log", "regression.diffs"] {
        ensure!(files.iter().any(|file| file.ends_with(wanted)), "{wanted} is not among {files:?}");
    }
    ensure!(!dir.path().join("pwned").exists(), "a path was taken for code");
    ensure!(ran.outputs["cached"] == "false" && ran.steps.contains(&"Keep images".to_owned()), "{ran:?}");

    let (dir, name) = workspace("passes")?;
    let ran = run("test-extension", dir.path(), cache.path(), &[("path", &name), ("pg", "17")])?;
    ensure!(ran.is_success && ran.outputs["verdict"] == "PASS" && ran.outputs["cached"] == "true", "{ran:?}");
    ensure!(ran.printed.contains("images.tar.zst is loaded after"), "{}", ran.printed);
    ensure!(!ran.printed.contains("::error") && !ran.steps.contains(&"Keep images".to_owned()), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn settings_and_grades_to_fail_on_are_the_workflow_s() -> Result<()> {
    let _turn = turn::take().await;
    let cache = tempfile::tempdir()?;
    let (dir, name) = workspace("needs-a-setting")?;
    let test = |more: &[(&str, &str)]| {
        let usual = [("path", name.as_str()), ("pg", "17"), ("cache", "false"), ("artifact", "")];
        run("test-extension", dir.path(), cache.path(), &[&usual, more].concat())
    };
    let lacking = test(&[])?;
    ensure!(!lacking.is_success && lacking.outputs["verdict"] == "ENV" && lacking.artifacts.is_empty(), "{lacking:?}");
    let patient = test(&[("fail-on", "FAIL, UNTESTED")])?;
    ensure!(patient.is_success && patient.outputs["verdict"] == "ENV", "{patient:?}");
    let given = test(&[("settings", "wal_level = logical\n\nmax_replication_slots=5\n")])?;
    ensure!(given.is_success && given.outputs["verdict"] == "PASS", "{given:?}");
    Ok(())
}

#[tokio::test]
async fn what_an_extension_needs_comes_through_the_farm() -> Result<()> {
    let _turn = turn::take().await;
    let (cache, registry) = (tempfile::tempdir()?, tempfile::tempdir()?);
    fixtures::publish(&mut sample::Mirror::open(registry.path())?, &["passes"])?;
    let farm = format!("file://{}/", registry.path().display());
    let (dir, name) = workspace("requires-another")?;
    let inputs = [("path", name.as_str()), ("pg", "17"), ("cache", "false"), ("artifact", ""), ("farm", &farm)];
    let ran = run("test-extension", dir.path(), cache.path(), &inputs)?;
    ensure!(ran.is_success && ran.outputs["verdict"] == "PASS", "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_tested() -> Result<()> {
    let cache = tempfile::tempdir()?;
    let (dir, name) = workspace("passes")?;
    let other = if cfg!(target_arch = "aarch64") { "amd64" } else { "arm64" };
    for (inputs, said) in [
        ([("pg", "99")], "there is no image for PostgreSQL 99"),
        ([("platforms", "sparc")], "there are amd64 and arm64"),
        ([("platforms", other)], "a job tests on the platform of its runner"),
        ([("path", "pgtap")], "`path` is ./pgtap, which is not there"),
        ([("packages", "libfoo;reboot")], "`libfoo;reboot` is not the name of a Debian package"),
        ([("fail-on", "RED")], "`RED` is no grade to fail on"),
        ([("artifact", "a\n::set-env name=x::y")], "more than one line"),
    ] {
        let usual = [("path", name.as_str()), ("pg", "17"), ("cache", "false")];
        let ran = run("test-extension", dir.path(), cache.path(), &[&usual[..], &inputs].concat())?;
        ensure!(!ran.is_success && ran.printed.contains(said), "{inputs:?}: {}", ran.printed);
        ensure!(ran.outputs["verdict"].is_empty(), "{inputs:?}: {}", ran.printed);
        ensure!(!ran.printed.lines().any(|line| line.starts_with("::set-env")), "{}", ran.printed);
    }
    Ok(())
}

#[test]
fn the_majors_of_today_are_a_matrix() -> Result<()> {
    let cache = tempfile::tempdir()?;
    let (dir, name) = workspace("supports-15-to-17")?;
    let all = run("matrix", dir.path(), cache.path(), &[])?;
    let majors: Vec<String> = serde_json::from_str(&all.outputs["pg"])?;
    ensure!(majors.len() >= 4 && majors.is_sorted() && majors.contains(&"18".to_owned()), "{majors:?}");
    let admitted = run("matrix", dir.path(), cache.path(), &[("path", &name), ("all", "true")])?;
    ensure!(admitted.outputs["pg"] == r#"["15","16","17"]"#, "{admitted:?}");
    ensure!(serde_json::from_str::<Vec<String>>(&admitted.outputs["runners"])?.len() == 2, "{admitted:?}");
    Ok(())
}

#[test]
fn a_bundle_is_made_or_its_step_fails_at_the_line_of_its_meta() -> Result<()> {
    let cache = tempfile::tempdir()?;
    let (dir, name) = workspace("passes")?;
    let made = run("bundle", dir.path(), cache.path(), &[("path", &name), ("output", "out")])?;
    ensure!(made.is_success && made.outputs["bundle"] == "out/passes-1.0.0.zip", "{made:?}");
    ensure!(dir.path().join("out/passes-1.0.0.zip").exists() && made.outputs["sha1"].len() == 40, "{made:?}");
    ensure!(made.outputs["name"] == "passes" && made.outputs["version"] == "1.0.0", "{made:?}");
    let meta = dir.path().join(&name).join("META.json");
    let text = std::fs::read_to_string(&meta)?.replace("\"license\": \"postgresql\"", "\"license\": \"mine\"");
    std::fs::write(&meta, text)?;
    let refused = run("bundle", dir.path(), cache.path(), &[("path", &name)])?;
    let annotation = format!("::error title=rejected%3A license,file={name}/META.json,line=6::");
    ensure!(!refused.is_success && refused.printed.contains(&annotation), "{refused:?}");
    Ok(())
}

/// The actions as a tag has them from which releases were made: with the key of the releases.
fn tagged(release: &Release) -> Result<tempfile::TempDir> {
    let dir = tempfile::tempdir()?;
    std::fs::create_dir(dir.path().join(".github"))?;
    let copied = std::process::Command::new("cp").arg("-r").arg(actions()).arg(dir.path().join(".github")).status()?;
    ensure!(copied.success(), "cp");
    std::fs::copy(repository().join("Cargo.toml"), dir.path().join("Cargo.toml"))?;
    std::fs::copy(release.public_key(), dir.path().join(".github/actions/install/release-key.pem"))?;
    Ok(dir)
}

#[tokio::test]
async fn a_release_is_installed_only_if_it_is_the_project_s_and_whole() -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let release = Release::publish(version)?;
    let tag = tagged(&release)?;
    let server = Server::start(&release.files()).await?;
    let from = server.address().to_owned();
    let install = |root: &Path| {
        let (action, from) = (root.join(".github/actions/matrix"), from.clone());
        tokio::task::spawn_blocking(move || {
            let (workspace, cache) = (tempfile::tempdir()?, tempfile::tempdir()?);
            Job::new(workspace.path(), cache.path())?.run(&action, &[("download", &from)])
        })
    };
    let good = install(tag.path()).await??;
    ensure!(good.is_success && good.printed.contains(&format!("pgxn-testers {version}")), "{good:?}");
    ensure!(good.outputs["pg"].contains("\"18\""), "what was installed is what ran: {good:?}");
    ensure!(server.asked().len() == 3, "sums, signature, archive");

    let damage = |path: PathBuf| -> Result<(PathBuf, Vec<u8>)> {
        let bytes = std::fs::read(&path)?;
        let mut changed = bytes.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        std::fs::write(&path, changed)?;
        Ok((path, bytes))
    };
    let sums = release.files().join("SHA256SUMS");
    for (path, said, asked) in [
        (release.archive()?, "is not what SHA256SUMS says", 3),
        (sums, "is not by the key of the project", 2),
        (release.files().join("SHA256SUMS.sig"), "is not by the key of the project", 2),
    ] {
        let (path, bytes) = damage(path)?;
        let bad = install(tag.path()).await??;
        ensure!(!bad.is_success && bad.printed.contains(said), "{}: {}", path.display(), bad.printed);
        ensure!(!bad.printed.contains(&format!("pgxn-testers {version}\n")), "it was run: {}", bad.printed);
        ensure!(server.asked().len() == asked, "no more is fetched than can be trusted");
        std::fs::write(&path, bytes)?;
    }
    let other = tagged(&Release::publish(version)?)?;
    let bad = install(other.path()).await??;
    ensure!(!bad.is_success && bad.printed.contains("is not by the key of the project"), "{}", bad.printed);
    server.asked();
    let bad = install(&repository()).await??;
    ensure!(!bad.is_success && bad.printed.contains("has no key of releases"), "{}", bad.printed);
    ensure!(server.asked().is_empty(), "without a key nothing is fetched");
    Ok(())
}

#[test]
fn releases_come_by_https_from_a_repository_that_is_known() -> Result<()> {
    let (workspace, cache) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for (inputs, said) in [
        (vec![], "it is not known whose release to take"),
        (vec![("download", "http://releases.example.org")], "by https only"),
        (vec![("download", "file:///etc")], "by https only"),
        (vec![("version", "1.0; reboot")], "`version` is not one such as 0.1.0"),
        (vec![("binary", "/nowhere")], "which is no program"),
    ] {
        let ran = Job::new(workspace.path(), cache.path())?.run(&actions().join("matrix"), &inputs)?;
        ensure!(!ran.is_success && ran.printed.contains(said), "{inputs:?}: {}", ran.printed);
    }
    Ok(())
}

#[test]
fn every_action_installs_alike() -> Result<()> {
    let read = |name: &str| Action::read(&actions().join(name));
    let install = |action: &Action| format!("{:?}", action.runs.steps.first());
    let test = read("test-extension")?;
    for name in ["bundle", "matrix"] {
        let other = read(name)?;
        ensure!(install(&other) == install(&test), "{name}");
        for input in ["version", "binary", "download"] {
            ensure!(other.inputs[input].description == test.inputs[input].description, "{name}: {input}");
        }
    }
    Ok(())
}
