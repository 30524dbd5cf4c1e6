//! The coordinator's clock is stepped. A runner reads no clock that can be, but to write down when a run began.

use std::time::Duration;

use anyhow::Result;
use tests::farm::Farm;
use tests::ground::{Ground, LEISURE};
use tests::inside::{Inside, SteppedClock};
use tests::wire::{Weather, Wire};

use crate::table::{Cost, Fault};

const FORTH: Fault = Fault {
    name: "clock stepped forwards by an hour",
    how: "the clock of a coordinator inside the test; the runner is a process of its own",
    farms: 1,
    moments: 3,
    cost: Cost::Runs(1),
};

const BACK: Fault = Fault {
    name: "clock stepped back by an hour",
    how: "the clock of a coordinator inside the test; the runner is a process of its own",
    farms: 1,
    moments: 3,
    cost: Cost::Nothing,
};

const AWAY: Fault = Fault {
    name: "coordinator away for ten minutes",
    how: "it ends, its clock goes on by ten minutes, it starts again; leases of five minutes, and a runner that does not wait for real",
    farms: 1,
    moments: 3,
    cost: Cost::Runs(1),
};

const LEASE: Duration = Duration::from_mins(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_stepped_costs_the_time_of_a_run() -> Result<()> {
    tokio::try_join!(step(FORTH, 60), step(BACK, -60), away())?;
    Ok(())
}

async fn step(fault: Fault, minutes: i64) -> Result<()> {
    let mut ground = Ground::of(Farm::new()?, LEISURE)?;
    let clock = SteppedClock::default();
    let _coordinator = Inside::start(&ground.farm, &clock, LEASE).await?;
    let _runner = ground.runner("ada")?;
    for _ in 0..fault.moments {
        ground.wave().await?;
        clock.step(minutes);
        ground.settled(fault.cost.runs()).await?;
    }
    fault.shown()
}

async fn away() -> Result<()> {
    let mut ground = Ground::of(Farm::new()?, LEISURE)?;
    let clock = SteppedClock::default();
    let mut coordinator = Inside::start(&ground.farm, &clock, LEASE).await?;
    let wire = Wire::to(&ground.farm.address()?, ground.chance.split()).await?;
    let _runner = ground.runner_at(&wire.url, "ada")?;
    for _ in 0..AWAY.moments {
        ground.wave().await?;
        wire.becomes(Weather::Cut);
        coordinator.kill().await;
        clock.step(10);
        ground.chance.pass(Duration::from_secs(2)).await;
        coordinator = Inside::start(&ground.farm, &clock, LEASE).await?;
        wire.becomes(Weather::Fair);
        ground.settled(AWAY.cost.runs()).await?;
    }
    AWAY.shown()
}
