//! The container engine is killed, restarted, or out of room: one of the test's own, as the machine's has other users.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::dockerd::Dockerd;
use tests::farm::Farm;
use tests::ground::{Ground, LEISURE};

use crate::table::{Cost, Fault};

const KILLED: Fault = Fault {
    name: "`kill -9` of the engine",
    how: "a container engine of its own is killed, and started again",
    farms: 1,
    moments: 4,
    cost: Cost::Runs(2),
};

const RESTARTED: Fault = Fault {
    name: "engine restarted",
    how: "the same is ended as its service ends it, and started again",
    farms: 1,
    moments: 3,
    cost: Cost::Runs(2),
};

const FULL: Fault = Fault {
    name: "disk full in the engine",
    how: "the disk of its images and containers is filled, and there is room again after some seconds",
    farms: 1,
    moments: 3,
    cost: Cost::Runs(4),
};

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_fails_costs_the_time_of_runs_and_nothing_of_them_is_left_in_it() -> Result<()> {
    let mut engine = Dockerd::start().await?;
    let mut before = engine.holdings().await?;
    let mut ground = Ground::of(Farm::new()?, LEISURE)?;
    ground.engine = engine.host();
    let _coordinator = ground.coordinator().await?;
    let _runner = ground.runner("ada")?;
    for fault in [KILLED, RESTARTED, FULL] {
        for _ in 0..fault.moments {
            ground.wave().await?;
            bring_about(fault, &mut engine, &mut ground).await?;
            ground.settled(fault.cost.runs()).await?;
            let after = engine.holdings().await?;
            if fault.name != RESTARTED.name && after.layers <= before.layers + 2 {
                // It forgets the layers of a container that it could not finish making, and tells nobody of them.
                before.layers = after.layers;
            }
            ensure!(after == before, "{}: {before:?}, then {after:?}", fault.name);
        }
        fault.shown()?;
    }
    Ok(())
}

async fn bring_about(fault: Fault, engine: &mut Dockerd, ground: &mut Ground) -> Result<()> {
    let some_seconds = Duration::from_secs(3);
    if fault.name == FULL.name {
        engine.disk.fill()?;
        ground.chance.pass(some_seconds).await;
        return engine.disk.clear();
    }
    if fault.name == KILLED.name {
        engine.kill()?;
    } else {
        engine.stop()?;
    }
    ground.chance.pass(some_seconds).await;
    engine.start_again().await
}
