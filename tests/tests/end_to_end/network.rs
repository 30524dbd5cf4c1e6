//! Runners on machines with addresses of their own: joined, shut out, paused, kept to their hours.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use protocol::Grade;
use serde_json::Value;
use tests::farm::{Farm, PATIENCE};
use tests::machines::{Machine, Network};
use tests::process::{Process, run};
use tests::wall::Wall;
use tests::{fixtures, poll, turn};

use crate::away::counts;
use crate::confirmation::like_passes;
use crate::join::{approve, invite};

/// A coordinator that the machines of a network find at its address.
pub(crate) async fn coordinator(farm: &Farm, network: &Network, extra: &[&str]) -> Result<Process> {
    farm.coordinator("17", &[&["--listen", &network.listen()], extra].concat()).await
}

/// A runner on a machine that joins by an invitation, and is ready to work.
pub(crate) async fn joins(farm: &Farm, machine: &Machine, name: &str, extra: &[&str]) -> Result<Process> {
    let mut runner = runner(farm, machine, (name, &invite(farm, &[name])?), extra, &[])?;
    runner.prints("is ready", PATIENCE).await?;
    Ok(runner)
}

/// A runner on a machine that asks to join, and is ready to work as an operator has approved it.
async fn asks(farm: &Farm, machine: &Machine, name: &str) -> Result<Process> {
    let mut runner = runner(farm, machine, (name, &farm.address()?), &[], &[])?;
    approve(farm, &mut runner).await?;
    runner.prints("is ready", PATIENCE).await?;
    Ok(runner)
}

/// Starts a runner on a machine, which joins at that address.
fn runner(
    farm: &Farm,
    machine: &Machine,
    (name, link): (&str, &str),
    extra: &[&str],
    environment: &[(&str, &str)],
) -> Result<Process> {
    let data = farm.path(&format!("{name}-data")).display().to_string();
    let arguments = [
        "runner",
        "--data-dir",
        &data,
        "--registry",
        farm.registry(),
        "--pg",
        "17",
        "--lanes",
        "none",
        "--name",
        name,
        "--join",
        link,
    ];
    machine.start(&[&arguments, extra].concat(), environment, &farm.path(&format!("{name}.log")))
}

/// A volunteer's word to the runner of that name.
fn says(farm: &Farm, name: &str, command: &str) -> Result<()> {
    let data = farm.path(&format!("{name}-data")).display().to_string();
    let (code, out, said) = run(&["runner", command, "--data-dir", &data])?;
    ensure!(code == 0, "{command}: {out}{said}");
    Ok(())
}

/// Publishes distributions of as many owners that pass, each under its name.
pub(crate) fn publish(farm: &Farm, names: &[&str], makefile: &str) -> Result<()> {
    let uploads = names.iter().map(|name| like_passes(name, (name, "1.0.0"), makefile, 0));
    farm.mirror()?.publish_all(uploads.collect::<Result<Vec<_>>>()?)?;
    Ok(())
}

/// How many of the verdicts of these distributions each runner found, once all have one that passes.
pub(crate) async fn by_runner(farm: &Farm, dists: &[&str]) -> Result<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::new();
    for dist in dists {
        let what = format!("a verdict on {dist}");
        let verdict = poll::until(PATIENCE, &what, async || Ok(farm.verdicts(dist).await?.into_values().next()));
        let verdict = verdict.await.with_context(|| farm.logs())?;
        ensure!(verdict.grade == Grade::Pass && verdict.flags.is_empty(), "{dist}: {verdict:?}");
        let run = farm.run(&verdict.run_id).await?;
        *counts.entry(run["run"]["runner"].as_str().context("a runner")?.to_owned()).or_default() += 1;
    }
    Ok(counts)
}

/// That a runner found so many of them, and nobody else any.
pub(crate) fn only(name: &str, count: usize) -> BTreeMap<String, usize> {
    BTreeMap::from([(name.to_owned(), count)])
}

#[tokio::test]
async fn runners_at_their_own_addresses_share_the_work_and_what_one_that_is_shut_out_found_is_run_by_the_other()
-> Result<()> {
    const DISTS: [&str; 3] = ["one", "two", "three"];
    let _turn = turn::take().await;
    let network = Network::make()?;
    let (attic, cellar) = (network.machine()?, network.machine()?);
    let farm = Farm::new()?;
    let _coordinator = coordinator(&farm, &network, &["--retry-pause", "1"]).await?;
    let mut ada = joins(&farm, &attic, "ada", &[]).await?;
    let mut bob = asks(&farm, &cellar, "bob").await?;
    counts(&farm, "runners", 2).await?;
    publish(&farm, &DISTS, "")?;
    farm.idle(3, PATIENCE).await?;
    let shares = by_runner(&farm, &DISTS).await?;
    ensure!(shares.len() == 2, "both got work: {shares:?}");
    let (_, list, _) = farm.admin(&["runners", "list"])?;
    ensure!(list.contains("ada ") && list.contains("bob ") && !list.contains("key none"), "{list}");

    let (code, _, said) = farm.admin(&["runners", "quarantine", "bob", "--reason", "a bad disk"])?;
    ensure!(code == 0 && said.contains("withdrawn"), "{said}");
    bob.prints("the runner bob is quarantined: a bad disk", PATIENCE).await?;
    ensure!(bob.output().contains("(HTTP 403)"), "{}", bob.output());
    ensure!(by_runner(&farm, &DISTS).await? == only("ada", 3), "ada ran again what bob had found");
    let (code, _, said) = farm.admin(&["runners", "release", "bob"])?;
    ensure!(code == 0, "{said}");
    bob.prints("all is well again", PATIENCE).await?;

    let (code, _, said) = farm.admin(&["runners", "revoke", "ada"])?;
    ensure!(code == 0 && said.contains("withdrawn"), "{said}");
    ada.prints("(HTTP 401)", PATIENCE).await?;
    ensure!(by_runner(&farm, &DISTS).await? == only("bob", 3), "bob ran again what ada had found");
    farm.idle(3, PATIENCE).await?;
    let results = farm.results().await?;
    ensure!(results.iter().all(|result| result["runner"] == "bob"), "nothing of ada counts: {results:?}");
    let (_, list, _) = farm.admin(&["runners", "list"])?;
    ensure!(list.lines().any(|line| line.starts_with("ada ") && line.contains("revoked")), "{list}");
    Ok(())
}

#[tokio::test]
async fn a_runner_that_is_paused_gets_nothing_while_another_goes_on() -> Result<()> {
    let _turn = turn::take().await;
    let network = Network::make()?;
    let (attic, cellar) = (network.machine()?, network.machine()?);
    let farm = Farm::new()?;
    let _coordinator = coordinator(&farm, &network, &[]).await?;
    let _runners = [joins(&farm, &attic, "ada", &[]).await?, joins(&farm, &cellar, "bob", &[]).await?];
    says(&farm, "ada", "pause")?;
    counts(&farm, "away", 1).await?;
    publish(&farm, &["one", "two"], "")?;
    farm.idle(2, PATIENCE).await?;
    ensure!(by_runner(&farm, &["one", "two"]).await? == only("bob", 2));

    says(&farm, "bob", "pause")?;
    counts(&farm, "away", 2).await?;
    publish(&farm, &["three"], "")?;
    counts(&farm, "queued", 1).await?;
    says(&farm, "ada", "resume")?;
    farm.idle(3, PATIENCE).await?;
    ensure!(by_runner(&farm, &["three"]).await? == only("ada", 1));
    Ok(())
}

#[tokio::test]
async fn a_runner_takes_work_when_its_own_clock_enters_its_hours_and_none_once_they_are_over() -> Result<()> {
    let _turn = turn::take().await;
    let network = Network::make()?;
    let attic = network.machine()?;
    let farm = Farm::new()?;
    let _coordinator = coordinator(&farm, &network, &[]).await?;
    let wall = Wall::at(&farm.path("clock"), "2027-03-01T12:00:00Z")?;
    let (link, extra) = (invite(&farm, &["ada"])?, ["--when", "* 22-6 * * *", "--phase-timeout", "8"]);
    let mut ada = runner(&farm, &attic, ("ada", &link), &extra, &wall.environment()?)?;
    ada.prints("takes no work until 2027-03-01 22:00: it works at * 22-6 * * *", PATIENCE).await?;
    publish(&farm, &["one"], "")?;
    counts(&farm, "queued", 1).await?;
    counts(&farm, "away", 1).await?;

    wall.turn("2027-03-01T22:00:00Z")?;
    ada.prints("takes work again", PATIENCE).await?;
    farm.idle(1, PATIENCE).await?;
    ensure!(by_runner(&farm, &["one"]).await? == only("ada", 1));

    wall.turn("2027-03-02T06:59:30Z")?;
    fixtures::publish(&mut farm.mirror()?, &["talks-forever"])?;
    counts(&farm, "running", 1).await?;
    wall.turn("2027-03-02T07:00:00Z")?;
    ada.prints("takes no work until 2027-03-02 22:00", PATIENCE).await?;
    counts(&farm, "running", 0).await?;
    let results = farm.results().await?;
    ensure!(results.len() == 2 && results[0]["reason"] == "timed-out", "what ran went on to its end: {results:?}");
    let status: Value = farm.get("api/v1/status").await?;
    ensure!(status["queued"] == 1 && status["away"] == 1, "what would confirm it waits: {status}");
    Ok(())
}
