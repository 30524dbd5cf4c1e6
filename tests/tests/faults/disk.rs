//! A disk is full: the runner's, or that of the data directory.

use std::time::Duration;

use anyhow::Result;
use tests::disk::TinyDisk;
use tests::farm::Farm;
use tests::ground::{Ground, LEISURE};

use crate::table::{Cost, Fault};

const RUNNER: Fault = Fault {
    name: "disk full on the runner",
    how: "the disk of its data directory is filled, and there is room again after some seconds",
    farms: 1,
    moments: 4,
    cost: Cost::Runs(1),
};

const DATA: Fault = Fault {
    name: "disk full in the data directory",
    how: "the disk of database and logs is filled, and there is room again after some seconds",
    farms: 1,
    moments: 4,
    cost: Cost::Nothing,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_the_time_of_a_run() -> Result<()> {
    tokio::try_join!(fill(RUNNER, "ada-data"), fill(DATA, "data"))?;
    Ok(())
}

async fn fill(fault: Fault, dir: &str) -> Result<()> {
    let farm = Farm::new()?;
    let disk = TinyDisk::mount(&farm.path(dir), 8 << 20, "")?;
    let mut ground = Ground::of(farm, LEISURE)?;
    let _coordinator = ground.coordinator().await?;
    let _runner = ground.runner("ada")?;
    for _ in 0..fault.moments {
        ground.wave().await?;
        disk.fill()?;
        ground.chance.pass(Duration::from_secs(4)).await;
        disk.clear()?;
        ground.settled(fault.cost.runs()).await?;
    }
    fault.shown()
}
