//! What goes wrong around a farm is told in one sentence that names the thing and what to do, and loses nothing.

use anyhow::{Context, Result, ensure};
use protocol::{Grade, Phase, Reason};
use tests::attacks;
use tests::disk::TinyDisk;
use tests::farm::{Farm, PATIENCE, host_and_port};
use tests::fixtures;
use tests::process::{Process, run, run_with};
use tests::registry::{Mood, Registry};
use tests::{poll, turn};

/// What the farm itself fails at is tried again soon, so that the last failure is not far.
const SOON_AGAIN: [&str; 2] = ["--retry-pause", "1"];

/// `up` on a data directory, which ends by itself because something is wrong.
fn up_fails(farm: &Farm, data: &str, environment: &[(&str, &str)], sentences: &[&str]) -> Result<()> {
    let arguments = ["up", "--data-dir", data, "--registry", farm.registry(), "--listen", "127.0.0.1:0", "--pg", "17"];
    let (code, _, said) = run_with(&arguments, environment)?;
    expect((code, &said), 3, sentences)
}

/// One line, with an exit code and all these words.
fn expect((code, said): (i32, &str), expected: i32, sentences: &[&str]) -> Result<()> {
    ensure!(code == expected, "exit code {code}: {said}");
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    ensure!(lines.len() == 1 && said.lines().count() == 1, "one line: {said}");
    for sentence in sentences {
        ensure!(lines[0].contains(sentence), "`{sentence}` is missing: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_registry_that_misbehaves_is_told_of_and_read_when_it_is_back() -> Result<()> {
    for (mood, sentence) in [
        (Mood::Fails, "answered with HTTP status 500"),
        (Mood::Html, "is an HTML or XML page instead of JSON"),
        (Mood::Hangs, "did not answer"),
    ] {
        let farm = Farm::new()?;
        fixtures::publish(&mut farm.mirror()?, &["passes"])?;
        let registry = Registry::start(&farm.path("mirror"), mood, None).await?;
        let farm = farm.watching(&registry.url);
        let mut coordinator = farm.coordinator("17", &[]).await?;
        told_and_read(&farm, &mut coordinator, sentence, async || {
            registry.becomes(Mood::Good);
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_registry_that_refuses_connections_is_told_of_and_read_when_it_is_back() -> Result<()> {
    let farm = Farm::new()?;
    fixtures::publish(&mut farm.mirror()?, &["passes"])?;
    let registry = Registry::start(&farm.path("mirror"), Mood::Good, None).await?;
    let url = registry.url.clone();
    drop(registry);
    let farm = farm.watching(&url);
    let mut coordinator = farm.coordinator("17", &[]).await?;
    let mut back = None;
    told_and_read(&farm, &mut coordinator, "cannot be reached; check the address and the network", async || {
        back = Some(Registry::start(&farm.path("mirror"), Mood::Good, Some(host_and_port(&url))).await?);
        Ok(())
    })
    .await
}

/// What is wrong with the registry is told and shown, and once it is mended its releases are read.
async fn told_and_read(
    farm: &Farm,
    coordinator: &mut Process,
    sentence: &str,
    mend: impl AsyncFnOnce() -> Result<()>,
) -> Result<()> {
    coordinator.prints("registry ", PATIENCE).await?;
    let said = coordinator.output();
    let line = said.lines().find(|line| line.starts_with("registry ")).context("a line")?;
    ensure!(line.contains(sentence) && line.contains(farm.registry()), "`{sentence}` is missing: {line}");
    let error = farm.get("api/v1/status").await?["registry"]["error"].clone();
    ensure!(error.as_str().is_some_and(|error| error.contains(sentence)), "{error}");
    mend().await?;
    coordinator.prints("registry answers again", PATIENCE).await?;
    poll::until(PATIENCE, "the release", async || Ok((farm.get("api/v1/status").await?["dists"] == 1).then_some(())))
        .await
}

#[tokio::test]
async fn releases_that_cannot_be_read_are_kept_with_their_reason_and_hide_no_other() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let mut mirror = farm.mirror()?;
    let fates = ["passes-pure-sql", "has-no-tests", "warns", "passes"];
    let published = fixtures::publish(&mut mirror, &fates)?;
    let release = |fate: &str| published.iter().find(|(dist, _)| dist.as_str() == fate).context("published");
    let (spoilt, withheld, lost) = (release("passes-pure-sql")?, release("has-no-tests")?, release("warns")?);
    attacks::spoil_meta(&mirror, &spoilt.0, &spoilt.1)?;
    attacks::withhold(&mirror, &withheld.0, &withheld.1)?;
    attacks::withhold_archive(&mirror, &lost.0, &lost.1)?;
    let _coordinator = farm.coordinator("17", &SOON_AGAIN).await?;
    let _runner = farm.runner("ada", "17", &[])?;
    farm.idle(2, PATIENCE).await?;

    let broken = farm.get("api/v1/broken").await?;
    let reason = |fate: &str| {
        let entry = broken.as_array()?.iter().find(|entry| entry["dist"] == fate)?;
        entry["reason"].as_str().map(str::to_owned)
    };
    let spoilt = reason("passes-pure-sql").context("kept")?;
    ensure!(spoilt.contains("META.json") && spoilt.contains("HTML or XML page instead of JSON"), "{spoilt}");
    let withheld = reason("has-no-tests").context("kept")?;
    ensure!(withheld.contains("does not have its META.json yet"), "{withheld}");

    let verdict = async |fate: &'static str| farm.verdicts(fate).await?.into_values().next().context(fate);
    let missing = verdict("warns").await?;
    ensure!((missing.grade, missing.phase) == (Grade::Error, Phase::Fetch), "{missing:?}");
    ensure!(missing.reason == Reason::ArchiveMissing, "{missing:?}");
    ensure!(verdict("passes").await?.grade == Grade::Pass);
    Ok(())
}

#[tokio::test]
async fn an_archive_with_a_wrong_digest_is_never_unpacked() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let attacks = attacks::all()?;
    let lie = attacks.into_iter().find(|attack| attack.fate == "lies-about-its-digest").context("the attack")?;
    farm.mirror()?.publish(lie.upload)?;
    let _coordinator = farm.coordinator("17", &SOON_AGAIN).await?;
    let _runner = farm.runner("ada", "17", &[])?;
    farm.idle(1, PATIENCE).await?;
    let verdict = farm.verdicts(lie.fate).await?.into_values().next().context("a verdict")?;
    ensure!(verdict.reason == Reason::DigestMismatch, "{verdict:?}");
    let result = farm.run(&verdict.run_id).await?["result"].clone();
    let phases: Vec<_> = result["phases"].as_array().into_iter().flatten().map(|phase| &phase["phase"]).collect();
    ensure!(phases == ["fetch", "verify"], "{phases:?}");
    let detail = result["verdict"]["detail"].as_str().unwrap_or_default();
    ensure!(detail.contains(&"0".repeat(40)), "it names the digest that was promised: {detail}");
    Ok(())
}

#[tokio::test]
async fn an_engine_that_is_gone_is_named_with_what_to_do() -> Result<()> {
    let farm = Farm::new()?;
    let gone = [("DOCKER_HOST", "unix:///nowhere/engine.sock")];
    let sentences =
        ["no container engine answers at unix:///nowhere/engine.sock", "Install Docker or Podman", "DOCKER_HOST"];
    up_fails(&farm, &farm.data_dir(), &gone, &sentences)?;
    let fixture = fixtures::Fixture::named("passes")?.dir.display().to_string();
    let (code, _, said) = run_with(&["test", &fixture, "--pg", "17"], &gone)?;
    expect((code, &said), 3, &sentences)?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let (token, address) = (farm.admit("ada")?.display().to_string(), farm.address()?);
    let data = farm.path("ada-data").display().to_string();
    let arguments = ["runner", "--coordinator", &address, "--token-file", &token, "--data-dir", &data];
    let (code, _, said) = run_with(&arguments, &gone)?;
    expect((code, &said), 3, &sentences)
}

#[tokio::test]
async fn a_taken_port_and_a_taken_data_directory_are_named() -> Result<()> {
    let farm = Farm::new()?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let (address, listen) = (farm.address()?, &farm.listen()?);
    let other = farm.path("other").display().to_string();
    let (code, _, said) =
        run(&["up", "--data-dir", &other, "--registry", farm.registry(), "--listen", listen, "--pg", "17"])?;
    expect((code, &said), 3, &[&format!("{listen} is taken by another program"), "--listen"])?;
    up_fails(&farm, &farm.data_dir(), &[], &["farm.db", "already in use by process", "choose another data directory"])?;
    ensure!(farm.address()? == address, "the first one's address stands");
    ensure!(farm.get("api/v1/status").await.is_ok(), "the first one goes on");
    Ok(())
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_written_is_named() -> Result<()> {
    let farm = Farm::new()?;
    std::fs::write(farm.path("file"), "")?;
    let below = farm.path("file/data").display().to_string();
    up_fails(&farm, &below, &[], &["cannot make the data directory", &below, "--data-dir"])?;
    let _disk = TinyDisk::mount(&farm.path("read-only"), 65_536, "ro")?;
    let read_only = farm.path("read-only").display().to_string();
    up_fails(&farm, &read_only, &[], &["cannot write into the data directory", &read_only, "--data-dir"])
}

#[tokio::test]
async fn a_runner_with_a_wrong_token_says_so() -> Result<()> {
    let farm = Farm::new()?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    std::fs::write(farm.path("ada.token"), "not-the-token\n")?;
    let mut runner = farm.runner("ada", "17", &[])?;
    runner.prints("runner   ", PATIENCE).await?;
    let said = runner.output();
    let line = said.lines().find(|line| line.starts_with("runner   ")).context("a line")?;
    ensure!(line.contains("token") && line.contains("admin runners add"), "{line}");
    std::fs::write(farm.path("empty.token"), "\n")?;
    let mut empty = farm.runner("empty", "17", &[])?;
    ensure!(empty.ended(PATIENCE).await?.code() == Some(3));
    ensure!(empty.output().contains("should hold one word"), "{}", empty.output());
    Ok(())
}

#[tokio::test]
async fn a_full_disk_is_told_of_at_the_start() -> Result<()> {
    let farm = Farm::new()?;
    let _disk = TinyDisk::mount(&farm.path("data"), 65_536, "")?;
    up_fails(&farm, &farm.data_dir(), &[], &["disk is full", "free some space", "--data-dir"])
}

#[tokio::test]
async fn a_coordinator_whose_disk_is_full_goes_on_when_there_is_room() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let disk = TinyDisk::mount(&farm.path("data"), 4 << 20, "")?;
    let mut coordinator = farm.coordinator("17", &[]).await?;
    let _runner = farm.runner("ada", "17", &[])?;
    disk.fill()?;
    fixtures::publish(&mut farm.mirror()?, &["passes", "has-no-tests"])?;
    coordinator.prints("disk is full: free some space", PATIENCE).await?;
    disk.clear()?;
    farm.idle(2, PATIENCE).await?;
    ensure!(farm.results().await?.len() == 2);
    Ok(())
}

#[tokio::test]
async fn a_runner_whose_disk_is_full_says_so_and_leaves_the_work_to_others_until_there_is_room() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let disk = TinyDisk::mount(&farm.path("ada-data"), 1 << 20, "")?;
    // At its first start it makes its key, without which it ends at once.
    let mut first = farm.runner("ada", "17", &[])?;
    first.prints("Working for", PATIENCE).await?;
    first.interrupt()?;
    first.ended(PATIENCE).await?;
    disk.fill()?;
    fixtures::publish(&mut farm.mirror()?, &["passes"])?;
    let mut runner = farm.runner("ada", "17", &[])?;
    runner.prints("No space left on device", PATIENCE).await?;
    let status = farm.get("api/v1/status").await?;
    ensure!(status["queued"] == 1 && farm.results().await?.is_empty(), "it was claimed: {status}");
    disk.clear()?;
    runner.prints("all is well again", PATIENCE).await?;
    farm.idle(1, PATIENCE).await?;
    let verdict = farm.verdicts("passes").await?.into_values().next().context("a verdict")?;
    ensure!(verdict.grade == Grade::Pass, "{verdict:?}");
    Ok(())
}
