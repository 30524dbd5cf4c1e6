//! Both engines: a test runs on a new database of each.

use sqlx::{AssertSqlSafe, Connection, Executor};
use store::Store;

use crate::testing::Farm;

/// Runs a test on SQLite and on PostgreSQL.
pub(crate) async fn on_both(test: impl AsyncFn(Farm)) {
    test(Farm::start().await).await;
    let (url, name) = new_postgres_database().await;
    let store = Store::connect(&url).await.unwrap();
    test(Farm::on(store.clone(), |_| {}).await).await;
    store.close().await;
    postgres_admin(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

async fn new_postgres_database() -> (String, String) {
    let name = format!("farm_{}", hex::encode(rand::random::<[u8; 12]>()));
    postgres_admin(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
    let mut url = url::Url::parse(&postgres_server()).unwrap();
    url.set_path(&name);
    (url.to_string(), name)
}

#[expect(clippy::disallowed_methods, reason = "the tests' own configuration, read at this one place")]
fn postgres_server() -> String {
    std::env::var("FARM_TEST_POSTGRES").expect(
        "this test needs a PostgreSQL server: run it by `scripts/with-postgres cargo test -p coordinator`, or name one in FARM_TEST_POSTGRES",
    )
}

async fn postgres_admin(sql: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&postgres_server()).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
    connection.close().await.unwrap();
}
