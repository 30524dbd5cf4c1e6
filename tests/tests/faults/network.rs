//! The network between a runner and its coordinator misbehaves.

use std::time::Duration;

use anyhow::{Context, Result};
use tests::farm::{Farm, PATIENCE};
use tests::ground::{Ground, HASTE, LEISURE};
use tests::poll;
use tests::wire::{Weather, Wire};

use crate::table::{Cost, Fault};

const CUT: Fault = Fault {
    name: "network cut",
    how: "every connection between runner and coordinator breaks, and no new one is made for some seconds",
    farms: 1,
    moments: 4,
    cost: Cost::Nothing,
};

const SLOW: Fault = Fault {
    name: "network slow",
    how: "requests and answers take up to a second more, each way",
    farms: 1,
    moments: 4,
    cost: Cost::Nothing,
};

const DOUBLED: Fault = Fault {
    name: "network duplicates, and a report sent twice",
    how: "every request arrives twice at the same time: claims, renewals, files, reports",
    farms: 1,
    moments: 4,
    cost: Cost::Nothing,
};

const OVERTAKEN: Fault = Fault {
    name: "network reorders",
    how: "every second request arrives a second or two after the runner gave it up, overtaken by the next ones",
    farms: 1,
    moments: 4,
    cost: Cost::Nothing,
};

const LATE: Fault = Fault {
    name: "network answers late",
    how: "requests arrive, and their answers come when the runner has given up",
    farms: 1,
    moments: 4,
    cost: Cost::Nothing,
};

const AWAY: Fault = Fault {
    name: "coordinator away for longer than a lease",
    how: "it is killed, and started again after twice as long as a lease lasts, which is ten minutes at the usual five; leases of fifteen seconds",
    farms: 1,
    moments: 2,
    cost: Cost::Runs(1),
};

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_fails_for_seconds_costs_nothing() -> Result<()> {
    tokio::try_join!(
        suffer(CUT, Weather::Cut),
        suffer(SLOW, Weather::Slow),
        suffer(DOUBLED, Weather::Doubled),
        suffer(OVERTAKEN, Weather::Overtaken),
        suffer(LATE, Weather::AnsweredLate),
    )?;
    Ok(())
}

async fn suffer(fault: Fault, weather: Weather) -> Result<()> {
    let mut ground = Ground::of(Farm::new()?, LEISURE)?;
    let _coordinator = ground.coordinator().await?;
    let wire = Wire::to(&ground.farm.address()?, ground.chance.split()).await?;
    let _runner = ground.runner_at(&wire.url, "ada")?;
    for moment in 0..fault.moments {
        // Half of the time the claims are met, too.
        if moment % 2 == 0 {
            ground.wave().await?;
        } else {
            ground.publish()?;
            ground.chance.pass(Duration::from_secs(2)).await;
        }
        let (before, meant) = (wire.met(), 1 + ground.chance.below(4));
        wire.becomes(weather);
        poll::until(PATIENCE, "the network to be used", async || Ok((wire.met() >= before + meant).then_some(())))
            .await
            .with_context(|| ground.farm.logs())?;
        wire.becomes(Weather::Fair);
        ground.settled(fault.cost.runs()).await.with_context(|| format!("{weather:?}"))?;
    }
    fault.shown()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_is_away_for_long_costs_the_time_of_a_run() -> Result<()> {
    let mut ground = Ground::of(Farm::new()?, HASTE)?;
    let mut coordinator = ground.coordinator().await?;
    let _runner = ground.runner("ada")?;
    for _ in 0..AWAY.moments {
        ground.wave().await?;
        coordinator.kill()?;
        tokio::time::sleep(2 * Duration::from_secs(HASTE.parse()?)).await;
        coordinator = ground.coordinator().await?;
        ground.settled(AWAY.cost.runs()).await?;
    }
    AWAY.shown()
}
