//! Runners and coordinators are killed, as by a power cut.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tests::farm::{Farm, LONG_PATIENCE, PATIENCE};
use tests::ground::{Ground, HASTE, LEISURE};
use tests::{containers, database, poll};

use crate::table::{Cost, Fault};

const RUNNER: Fault = Fault {
    name: "`kill -9` of a runner",
    how: "one of two runners is killed, and started again; SQLite and PostgreSQL",
    farms: 2,
    moments: 4,
    cost: Cost::Runs(1),
};

const COORDINATOR: Fault = Fault {
    name: "`kill -9` of the coordinator",
    how: "it is killed while two runners work, and started again; SQLite and PostgreSQL",
    farms: 2,
    moments: 4,
    cost: Cost::Nothing,
};

const ORPHANS: Fault = Fault {
    name: "orphaned containers of a dead runner",
    how: "a runner is killed while its container works, which goes on; the runner's next start removes it",
    farms: 1,
    moments: 4,
    cost: Cost::Runs(1),
};

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_is_killed_costs_the_time_of_its_run() -> Result<()> {
    let postgresql = Farm::new()?.with_database(&database::new().await?);
    tokio::try_join!(kill_runners(Farm::new()?), kill_runners(postgresql))?;
    RUNNER.shown()
}

async fn kill_runners(farm: Farm) -> Result<()> {
    let mut ground = Ground::of(farm, HASTE)?;
    let _coordinator = ground.coordinator().await?;
    let names = ["ada", "bob"];
    let mut runners = names.map(|name| ground.runner(name)).into_iter().collect::<Result<Vec<_>>>()?;
    for _ in 0..RUNNER.moments {
        ground.wave().await?;
        let victim = ground.chance.below(runners.len());
        runners.remove(victim).kill()?;
        ground.chance.pass(Duration::from_secs(2)).await;
        runners.insert(victim, ground.runner(names[victim])?);
        ground.settled(RUNNER.cost.runs()).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_is_killed_costs_nothing() -> Result<()> {
    let postgresql = Farm::new()?.with_database(&database::new().await?);
    tokio::try_join!(kill_coordinators(Farm::new()?), kill_coordinators(postgresql))?;
    COORDINATOR.shown()
}

async fn kill_coordinators(farm: Farm) -> Result<()> {
    let mut ground = Ground::of(farm, LEISURE)?;
    let mut coordinator = ground.coordinator().await?;
    let _runners = [ground.runner("ada")?, ground.runner("bob")?];
    for _ in 0..COORDINATOR.moments {
        ground.wave().await?;
        coordinator.kill()?;
        ground.chance.pass(Duration::from_secs(2)).await;
        coordinator = ground.coordinator().await?;
        ground.settled(COORDINATOR.cost.runs()).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_containers_of_a_dead_runner_are_removed() -> Result<()> {
    let mut ground = Ground::of(Farm::new()?, HASTE)?;
    let _coordinator = ground.coordinator().await?;
    let mut runner = ground.runner("ada")?;
    let mut moments = 0;
    while moments < ORPHANS.moments {
        let run = a_run_with_a_container(&mut ground).await?;
        ground.chance.pass(Duration::from_millis(200)).await;
        runner.kill()?;
        let orphans = containers::of_run(&run).await?;
        ensure!(orphans.len() <= 1, "{orphans:?}");
        // Where the run was over in that moment, it was none.
        moments += orphans.len();
        ground.chance.pass(Duration::from_secs(2)).await;
        runner = ground.runner("ada")?;
        poll::until(PATIENCE, "the container of the dead runner to be removed", async || {
            Ok(containers::of_run(&run).await?.is_empty().then_some(()))
        })
        .await?;
        ground.settled(ORPHANS.cost.runs()).await?;
    }
    ORPHANS.shown()
}

/// Brings work until a run has been seen together with its container; the run.
async fn a_run_with_a_container(ground: &mut Ground) -> Result<String> {
    let deadline = Instant::now() + LONG_PATIENCE;
    ground.publish()?;
    loop {
        let status = ground.farm.get("api/v1/status").await?;
        if let Some(run) = status["runs"][0]["id"].as_str()
            && !containers::of_run(run).await?.is_empty()
        {
            return Ok(run.to_owned());
        }
        if ground.is_done(&status) {
            ground.publish()?;
        }
        ensure!(Instant::now() < deadline, "no run was seen with its container\n{}", ground.farm.logs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
