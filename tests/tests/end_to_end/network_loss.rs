//! The network between a runner on a machine of its own and its coordinator is lost, for less than a lease and for longer.

use anyhow::{Context, Result, ensure};
use tests::farm::{Farm, PATIENCE};
use tests::machines::Network;
use tests::{containers, poll, turn};

use crate::away::counts;
use crate::network::{by_runner, coordinator, joins, only, publish};

/// Long enough that there is a middle of a run.
const NAP: &str = "all: nap\nnap:\n\tsleep 6\n.PHONY: nap";

/// The runs that go on, once each of them has its container.
async fn going(farm: &Farm) -> Result<Vec<String>> {
    let status = farm.get("api/v1/status").await?;
    let runs = status["runs"].as_array().into_iter().flatten().filter_map(|run| run["id"].as_str());
    let runs: Vec<String> = runs.map(str::to_owned).collect();
    for run in &runs {
        poll::until(PATIENCE, "the run's container", async || {
            Ok((!containers::of_run(run).await?.is_empty()).then_some(()))
        })
        .await
        .with_context(|| farm.logs())?;
    }
    Ok(runs)
}

/// Waits until nothing of a run is left on its runner's machine.
async fn is_over(farm: &Farm, run: &str) -> Result<()> {
    poll::until(PATIENCE, "the run's container to be removed", async || {
        Ok(containers::of_run(run).await?.is_empty().then_some(()))
    })
    .await
    .with_context(|| farm.logs())
}

#[tokio::test]
async fn a_run_whose_network_is_lost_for_less_than_a_lease_goes_on_and_is_reported_once() -> Result<()> {
    let _turn = turn::take().await;
    let network = Network::make()?;
    let (attic, cellar) = (network.machine()?, network.machine()?);
    let farm = Farm::new()?;
    let _coordinator = coordinator(&farm, &network, &["--lease", "60"]).await?;
    let mut ada = joins(&farm, &attic, "ada", &[]).await?;
    publish(&farm, &["naps"], NAP)?;
    counts(&farm, "running", 1).await?;
    let run = going(&farm).await?.swap_remove(0);
    attic.cut()?;
    // Another one is there, and does not get it.
    let _bob = joins(&farm, &cellar, "bob", &[]).await?;
    is_over(&farm, &run).await?;
    ensure!(farm.results().await?.is_empty() && farm.get("api/v1/status").await?["running"] == 1, "nobody knows yet");

    attic.mend()?;
    ada.prints("PASS     naps 1.0.0", PATIENCE).await?;
    farm.idle(1, PATIENCE).await?;
    let results = farm.results().await?;
    ensure!(results.len() == 1 && results[0]["run_id"] == run.as_str(), "{results:?}");
    ensure!(farm.run(&run).await?["run"]["attempt"] == 1);
    Ok(())
}

#[tokio::test]
async fn a_run_whose_network_is_lost_for_longer_than_a_lease_is_dropped_and_made_once_by_another() -> Result<()> {
    let _turn = turn::take().await;
    let network = Network::make()?;
    let (attic, cellar, shed) = (network.machine()?, network.machine()?, network.machine()?);
    let farm = Farm::new()?;
    let _coordinator = coordinator(&farm, &network, &["--lease", "15"]).await?;
    let mut ada = joins(&farm, &attic, "ada", &[]).await?;
    let mut eve = joins(&farm, &shed, "eve", &[]).await?;
    publish(&farm, &["naps", "dozes"], NAP)?;
    counts(&farm, "running", 2).await?;
    let lost = going(&farm).await?;
    attic.cut()?;
    // What eve says still arrives: she does not hear that it did.
    shed.deafen()?;
    for runner in [&mut ada, &mut eve] {
        runner.prints("the coordinator did not answer for as long as the lease lasted", PATIENCE).await?;
    }
    for run in &lost {
        is_over(&farm, run).await?;
    }
    let mut bob = joins(&farm, &cellar, "bob", &["--jobs", "2"]).await?;
    for runner in [&mut ada, &mut eve] {
        runner.prints("does not answer: ", PATIENCE).await?;
    }
    for dist in ["naps", "dozes"] {
        bob.prints(&format!("running  {dist} 1.0.0"), PATIENCE).await?;
    }
    attic.mend()?;
    shed.hear()?;
    farm.idle(2, PATIENCE).await?;
    ensure!(by_runner(&farm, &["naps", "dozes"]).await? == only("bob", 2));
    let results = farm.results().await?;
    ensure!(results.len() == 2, "each was reported once: {results:?}");
    for run in &lost {
        let run = farm.run(run).await?;
        ensure!(run["run"]["state"] == "expired" && run["result"].is_null(), "{run}");
    }
    drop(bob);
    for runner in [&mut ada, &mut eve] {
        runner.prints("all is well again", PATIENCE).await?;
    }
    publish(&farm, &["one", "two"], NAP)?;
    farm.idle(4, PATIENCE).await?;
    let shares = by_runner(&farm, &["one", "two"]).await?;
    ensure!(shares.len() == 2, "both work on: {shares:?}");
    Ok(())
}
