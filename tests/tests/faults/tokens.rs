//! Two runners with one token: a volunteer who copied it to another machine, or started the same one twice.

use anyhow::Result;
use tests::farm::Farm;
use tests::ground::{Ground, HASTE};

use crate::table::{Cost, Fault};

const TWINS: Fault = Fault {
    name: "two runners with one token",
    how: "both run at the same time, with one data directory and with two, of which the one with the farm's key works; one of them is killed, and \
          started again",
    farms: 2,
    moments: 2,
    cost: Cost::Runs(1),
};

#[tokio::test(flavor = "multi_thread")]
async fn two_runners_with_one_token_do_each_job_once() -> Result<()> {
    tokio::try_join!(twins("ada"), twins("eve"))?;
    TWINS.shown()
}

/// The second runner has the token of `ada`; where it is called so, too, it has the same data directory.
async fn twins(second: &str) -> Result<()> {
    let mut ground = Ground::of(Farm::new()?, HASTE)?;
    let _coordinator = ground.coordinator().await?;
    let token = ground.farm.admit("ada")?;
    if second != "ada" {
        std::fs::copy(token, ground.farm.path(&format!("{second}.token")))?;
    }
    let mut first = ground.runner("ada")?;
    let _second = ground.runner(second)?;
    for _ in 0..TWINS.moments {
        ground.wave().await?;
        first.kill()?;
        first = ground.runner("ada")?;
        ground.settled(TWINS.cost.runs()).await?;
    }
    Ok(())
}
