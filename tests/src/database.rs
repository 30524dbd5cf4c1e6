//! Databases of the PostgreSQL server that `scripts/with-postgres` starts, one for each test that wants one.

use anyhow::{Context, Result};
use protocol::{RunId, Timestamp};
use sqlx::{AssertSqlSafe, Connection, Executor};

/// An empty database; the server that it is in ends with the tests.
pub async fn new() -> Result<String> {
    let server = server();
    let name = format!("farm_{}", RunId::new(Timestamp::from_millis(0)).to_string().to_lowercase());
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&server).await.with_context(|| format!("connect to {server}"))?;
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await?;
    connection.close().await?;
    let mut url: url::Url = server.parse()?;
    url.set_path(&name);
    Ok(url.to_string())
}

#[expect(clippy::disallowed_methods, reason = "the tests' own configuration, read at this one place")]
fn server() -> String {
    std::env::var("FARM_TEST_POSTGRES").expect(
        "this test needs a PostgreSQL server: run it by `scripts/with-postgres cargo test -p tests`, or name one in FARM_TEST_POSTGRES",
    )
}
