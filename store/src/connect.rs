//! Opens the database: SQLite with one writer and a pool of readers, or a pool of PostgreSQL connections.
//!
//! SQLite runs in WAL, so that readers never wait for the writer, and with `synchronous=FULL`: each commit reaches the disk before it
//! is answered. `NORMAL` would lose nothing to `kill -9` either, but the last commits to a power cut: an accepted report whose runner
//! has already deleted its copy. The farm commits a few times a second, so that FULL costs nothing that anybody could notice.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::any::AnyPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Row, Transaction};

use crate::connect::address::{shown, sqlite_address, sqlite_path};
use crate::connect::migrations::MIGRATIONS;
use crate::lock::DatabaseLock;
use crate::{Error, Result};

mod address;
mod migrations;

/// Readers of a SQLite database; each is a thread and a page cache.
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 12;

/// The database of a farm. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Engine,
    readers: AnyPool,
    writer: AnyPool,
    commits: Arc<AtomicU64>,
    #[expect(dead_code, reason = "held, not read: the database is locked as long as a clone of this lives")]
    lock: Option<Arc<DatabaseLock>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

/// A connection to read with.
#[derive(Debug)]
pub struct Conn(Inner);

#[derive(Debug)]
enum Inner {
    Reader(PoolConnection<Any>),
    Writer(Transaction<'static, Any>),
}

/// A transaction to write in. Dropped without [`Tx::commit`], it leaves nothing behind.
///
/// It reads as a [`Conn`] does. The other way round does not compile:
/// ```compile_fail,E0308
/// async fn page(conn: &mut store::Conn, id: protocol::RunnerId, now: protocol::Timestamp) {
///     store::runners::revoke(conn, id, now).await.ok();
/// }
/// ```
/// ```
/// async fn command(tx: &mut store::Tx, id: protocol::RunnerId, now: protocol::Timestamp) {
///     store::runners::revoke(tx, id, now).await.ok();
///     store::runners::list(tx).await.ok();
/// }
/// ```
#[derive(Debug)]
pub struct Tx {
    conn: Conn,
    commits: Arc<AtomicU64>,
}

impl Store {
    /// Opens `sqlite:///path/farm.db` (made where it is missing) or `postgres://…`, and brings the schema up to date.
    ///
    /// A SQLite database belongs to one process: a second one gets [`Error::InUse`]. PostgreSQL may serve several.
    pub async fn connect(url: &str) -> Result<Self> {
        let Some(path) = sqlite_path(url)? else { return Self::connect_postgres(url).await };
        let lock = Arc::new(DatabaseLock::take(&path)?);
        let store = Self { lock: Some(lock), ..Self::open_sqlite(url, &path).await? };
        store.migrate(url).await?;
        Ok(store)
    }

    /// Opens the database beside a farm that may be running, for the commands of an operator.
    ///
    /// It never changes the schema under a running farm, so that one of another version is refused. Writing is safe: SQLite lets one
    /// process write at a time, and both wait for each other.
    pub async fn attach(url: &str) -> Result<Self> {
        match Self::connect(url).await {
            Err(Error::InUse { path, .. }) => {
                let store = Self::open_sqlite(url, &path).await?;
                store.refuse_other_version(path).await?;
                Ok(store)
            }
            connected => connected,
        }
    }

    /// A connection to read with. With SQLite it does not wait for a writer.
    pub async fn read(&self) -> Result<Conn> {
        Ok(Conn(Inner::Reader(self.readers.acquire().await?)))
    }

    /// A transaction to write in. With SQLite there is one at a time, from here to its end.
    pub async fn begin(&self) -> Result<Tx> {
        let transaction = match self.engine {
            // A transaction that began as a reader could find another process's write in its way.
            Engine::Sqlite => self.begin_sqlite().await?,
            Engine::Postgres => self.writer.begin().await?,
        };
        Ok(Tx { conn: Conn(Inner::Writer(transaction)), commits: Arc::clone(&self.commits) })
    }

    /// SQLite ends a transaction by itself when the disk is full. The driver does not learn of it, and takes its connection to be in that
    /// transaction for ever; another connection goes on.
    async fn begin_sqlite(&self) -> Result<Transaction<'static, Any>> {
        let begin = || self.writer.begin_with("BEGIN IMMEDIATE");
        match begin().await {
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                Ok(begin().await?)
            }
            opened => Ok(opened?),
        }
    }

    /// How many transactions this process has committed: what was read while it was the same is still so, as far as this process goes.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// Ends every connection, after what runs on them.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn open_sqlite(url: &str, path: &Path) -> Result<Self> {
        let failed = |source| Error::Open { url: shown(url), source };
        let address = sqlite_address(path);
        let writer = pool(1).after_connect(|conn, _| Box::pin(prepare_sqlite(conn, false)));
        let writer = writer.connect(&format!("{address}?mode=rwc")).await.map_err(failed)?;
        let readers = pool(SQLITE_READERS).after_connect(|conn, _| Box::pin(prepare_sqlite(conn, true)));
        let readers = readers.connect(&address).await.map_err(failed)?;
        Ok(Self { engine: Engine::Sqlite, readers, writer, commits: Arc::default(), lock: None })
    }

    async fn connect_postgres(url: &str) -> Result<Self> {
        let failed = |source| Error::Open { url: shown(url), source };
        let pool = pool(POSTGRES_CONNECTIONS).after_connect(|conn, _| Box::pin(prepare_postgres(conn)));
        // The pool would try again for half a minute before it says that there is no server.
        AnyConnection::connect(url).await.map_err(failed)?.close().await.map_err(failed)?;
        let pool = pool.connect(url).await.map_err(failed)?;
        let commits = Arc::default();
        let store = Self { engine: Engine::Postgres, readers: pool.clone(), writer: pool, commits, lock: None };
        store.migrate(url).await?;
        Ok(store)
    }

    async fn migrate(&self, url: &str) -> Result<()> {
        MIGRATIONS.run(&self.writer).await.map_err(|source| Error::Migrate { url: shown(url), source })
    }

    async fn refuse_other_version(&self, path: PathBuf) -> Result<()> {
        let row = sqlx::query("SELECT MAX(version) AS version FROM _sqlx_migrations").fetch_one(&self.readers).await?;
        let ours = MIGRATIONS.iter().map(|migration| migration.version).max();
        if row.try_get::<Option<i64>, _>("version")? == ours { Ok(()) } else { Err(Error::OtherVersion { path }) }
    }
}

impl Conn {
    /// Whether places of values have numbers. SQLite looks for each by its name, from the first one on: with a thousand places that takes longer than
    /// the statement.
    pub(crate) fn has_numbered_places(&self) -> bool {
        let conn: &AnyConnection = match &self.0 {
            Inner::Reader(connection) => connection,
            Inner::Writer(transaction) => transaction,
        };
        conn.backend_name() != "SQLite"
    }

    /// The driver's connection, for this crate's statements.
    pub(crate) fn raw(&mut self) -> &mut AnyConnection {
        match &mut self.0 {
            Inner::Reader(connection) => connection,
            Inner::Writer(transaction) => transaction,
        }
    }
}

impl Tx {
    /// Makes everything written in it last.
    pub async fn commit(self) -> Result<()> {
        if let Inner::Writer(transaction) = self.conn.0 {
            transaction.commit().await?;
            self.commits.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

fn pool(connections: u32) -> AnyPoolOptions {
    sqlx::any::install_default_drivers();
    AnyPoolOptions::new().max_connections(connections).max_lifetime(None).idle_timeout(None)
}

/// Every statement of the farm takes milliseconds: to start processes for it, or a compiler, takes longer.
async fn prepare_postgres(conn: &mut AnyConnection) -> sqlx::Result<()> {
    conn.execute("SET max_parallel_workers_per_gather = 0").await?;
    conn.execute("SET jit = off").await?;
    Ok(())
}

async fn prepare_sqlite(conn: &mut AnyConnection, reader: bool) -> sqlx::Result<()> {
    conn.execute("PRAGMA busy_timeout = 10000").await?;
    conn.execute("PRAGMA foreign_keys = ON").await?;
    if reader {
        conn.execute("PRAGMA query_only = ON").await?;
    } else {
        conn.execute("PRAGMA journal_mode = WAL").await?;
        conn.execute("PRAGMA synchronous = FULL").await?;
        conn.execute("PRAGMA journal_size_limit = 67108864").await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
