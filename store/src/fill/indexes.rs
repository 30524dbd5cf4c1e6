//! Takes the indexes of the two large tables away, and makes them again as they were, by the database's own words.

use sqlx::{AssertSqlSafe, Executor, Row};

use super::Progress;
use crate::{Result, Store, Tx};

/// An index by name and by the statement that makes it.
pub(super) struct Index {
    name: String,
    sql: String,
}

/// Drops every plain index of results and runs; what is unique stays.
pub(super) async fn drop(store: &Store) -> Result<Vec<Index>> {
    let mut tx = store.begin().await?;
    let indexes = list(&mut tx).await?;
    for index in &indexes {
        tx.raw().execute(AssertSqlSafe(format!("DROP INDEX {}", index.name))).await?;
    }
    tx.commit().await?;
    Ok(indexes)
}

async fn list(tx: &mut Tx) -> Result<Vec<Index>> {
    let sql = if tx.raw().backend_name() == "SQLite" {
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('results', 'runs') AND sql LIKE 'CREATE INDEX%'"
    } else {
        "SELECT CAST(indexname AS TEXT) AS name, indexdef AS sql FROM pg_indexes
         WHERE schemaname = current_schema() AND tablename IN ('results', 'runs') AND indexdef LIKE 'CREATE INDEX%'"
    };
    let rows = sqlx::query(sql).fetch_all(tx.raw()).await?;
    rows.iter().map(|row| Ok(Index { name: row.try_get("name")?, sql: row.try_get("sql")? })).collect()
}

/// Makes them again, and has the database learn what is in its tables.
pub(super) async fn make(store: &Store, indexes: &[Index], tell: &mut (dyn FnMut(Progress) + Send)) -> Result<()> {
    for index in indexes {
        tell(Progress::Index);
        let mut tx = store.begin().await?;
        tx.raw().execute(AssertSqlSafe(index.sql.clone())).await?;
        tx.commit().await?;
    }
    let mut tx = store.begin().await?;
    tx.raw().execute("ANALYZE").await?;
    tx.commit().await
}
