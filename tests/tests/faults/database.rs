//! The database goes away under the coordinator, or is busy.

use std::time::Duration;

use anyhow::Result;
use sqlx::{Connection, Executor};
use tests::farm::Farm;
use tests::ground::{Ground, LEISURE};
use tests::postgres::Postgres;

use crate::table::{Cost, Fault};

const POSTGRESQL: Fault = Fault {
    name: "`kill -9` of PostgreSQL behind the store",
    how: "the server is killed, and started again; the coordinator goes on",
    farms: 1,
    moments: 5,
    cost: Cost::Nothing,
};

const BUSY: Fault = Fault {
    name: "SQLite busy",
    how: "another program holds the write lock of the database, for up to fifteen seconds; the coordinator waits for ten",
    farms: 1,
    moments: 4,
    cost: Cost::Nothing,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_is_killed_costs_nothing() -> Result<()> {
    let mut server = Postgres::start().await?;
    let mut ground = Ground::of(Farm::new()?.with_database(&server.url()), LEISURE)?;
    let _coordinator = ground.coordinator().await?;
    let _runner = ground.runner("ada")?;
    for _ in 0..POSTGRESQL.moments {
        ground.wave().await?;
        server.kill()?;
        ground.chance.pass(Duration::from_secs(2)).await;
        server.start_again().await?;
        ground.settled(POSTGRESQL.cost.runs()).await?;
    }
    POSTGRESQL.shown()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_sqlite_is_waited_for() -> Result<()> {
    let mut ground = Ground::of(Farm::new()?, LEISURE)?;
    let _coordinator = ground.coordinator().await?;
    let _runner = ground.runner("ada")?;
    sqlx::any::install_default_drivers();
    for _ in 0..BUSY.moments {
        ground.wave().await?;
        let mut other = sqlx::AnyConnection::connect(&ground.farm.database()).await?;
        other.execute("PRAGMA busy_timeout = 60000").await?;
        other.execute("BEGIN IMMEDIATE").await?;
        ground.chance.pass(Duration::from_secs(15)).await;
        other.execute("ROLLBACK").await?;
        other.close().await?;
        ground.settled(BUSY.cost.runs()).await?;
    }
    BUSY.shown()
}
