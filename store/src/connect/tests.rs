use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use protocol::{Flag, Grade, Timestamp};

use super::*;
use crate::standing::Standing;
use crate::testing::{at, insert, new_postgres_database, on_both, release, run_sql, sqlite_url};
use crate::{broken, dists, farm, history, matrix, queue, readiness, registry, releases, runs, trends, turns};

#[tokio::test]
async fn a_transaction_that_is_dropped_midway_leaves_nothing() {
    on_both(async |store| {
        let mut tx = store.begin().await.unwrap();
        let (release, meta) = (release("pair", "1.0.0"), serde_json::json!({}));
        let new = releases::NewRelease { release: &release, summary: "", meta: &meta };
        let id = protocol::ReleaseId::new(at(0));
        releases::insert(&mut tx, id, &new, at(0)).await.unwrap();
        assert!(releases::by_id(&mut tx, id).await.unwrap().is_some());
        drop(tx);
        let mut tx = store.begin().await.unwrap();
        assert_eq!(releases::by_id(&mut tx, id).await.unwrap(), None);
        assert_eq!(dists::count(&mut tx).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_reader_does_not_wait_for_a_writer_and_does_not_see_what_is_not_committed() {
    on_both(async |store| {
        let mut tx = store.begin().await.unwrap();
        run_sql(&mut tx, "INSERT INTO counters (name, value) VALUES ('other', 1)").await;
        let mut conn = store.read().await.unwrap();
        assert_eq!(dists::count(&mut conn).await.unwrap(), 0);
        let sql = "SELECT name FROM counters WHERE name = 'other'";
        assert!(sqlx::query(sql).fetch_optional(conn.raw()).await.unwrap().is_none());
        tx.commit().await.unwrap();
        assert!(sqlx::query(sql).fetch_optional(conn.raw()).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_sqlite_reader_cannot_write_whatever_the_statement() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::connect(&sqlite_url(&dir)).await.unwrap();
    let mut conn = store.read().await.unwrap();
    assert!(conn.raw().execute("DELETE FROM counters").await.is_err());
}

#[tokio::test]
async fn a_second_farm_on_one_sqlite_database_is_refused_with_the_process_that_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::connect(&sqlite_url(&dir)).await.unwrap();
    let refused = Store::connect(&sqlite_url(&dir)).await.unwrap_err();
    let expected = format!(
        "`{}` is already in use by process {}; stop it first, or choose another data directory",
        dir.path().join("farm.db").display(),
        std::process::id()
    );
    assert_eq!(refused.to_string(), expected);
    store.close().await;
    drop(store);
    Store::connect(&sqlite_url(&dir)).await.unwrap();
}

/// Not a test by itself: the process that the next test starts and kills.
#[tokio::test]
#[ignore = "started by a_killed_farm_loses_nothing_that_was_committed_and_frees_its_database"]
#[expect(clippy::disallowed_methods, reason = "its parent tells it where")]
async fn hold_a_database_until_killed() {
    let store = Store::connect(&std::env::var("FARM_TEST_HELD").unwrap()).await.unwrap();
    insert(&store, &release("committed", "1.0.0")).await;
    let mut tx = store.begin().await.unwrap();
    run_sql(&mut tx, "UPDATE dists SET name = 'half-made'").await;
    println!("held");
    std::io::stdout().flush().unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_farm_loses_nothing_that_was_committed_and_frees_its_database() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "connect::tests::hold_a_database_until_killed"])
        .env("FARM_TEST_HELD", sqlite_url(&dir))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(std::result::Result::ok).any(|line| line.ends_with("held")));
    let refused = Store::connect(&sqlite_url(&dir)).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("process {}", child.id())), "{refused}");

    child.kill().unwrap();
    child.wait().unwrap();
    let store = Store::connect(&sqlite_url(&dir)).await.unwrap();
    let dists = dists::list(&mut store.read().await.unwrap(), "", None, 10).await.unwrap();
    assert_eq!(dists.iter().map(|dist| dist.name.as_str()).collect::<Vec<_>>(), ["committed"]);
}

#[tokio::test]
async fn a_command_may_join_a_running_farm_of_its_own_version_only() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::connect(&sqlite_url(&dir)).await.unwrap();
    let beside = Store::attach(&sqlite_url(&dir)).await.unwrap();
    insert(&beside, &release("pair", "1.0.0")).await;
    assert_eq!(dists::count(&mut store.read().await.unwrap()).await.unwrap(), 1);
    beside.close().await;

    let mut tx = store.begin().await.unwrap();
    run_sql(&mut tx, "UPDATE _sqlx_migrations SET version = version + 1000").await;
    tx.commit().await.unwrap();
    let refused = Store::attach(&sqlite_url(&dir)).await.unwrap_err();
    assert!(matches!(refused, Error::OtherVersion { .. }), "{refused}");
}

#[tokio::test]
async fn a_command_that_comes_first_makes_the_database_itself() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::attach(&sqlite_url(&dir)).await.unwrap();
    assert_eq!(dists::count(&mut store.read().await.unwrap()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_path_with_any_character_is_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("a b%20#é");
    std::fs::create_dir(&odd).unwrap();
    let url = format!("sqlite://{}", odd.join("farm.db").display());
    Store::connect(&url).await.unwrap();
    assert!(odd.join("farm.db").is_file() && odd.join("farm.db.lock").is_file());
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_in_a_sentence() {
    for url in ["farm.db", "sqlite::memory:", "sqlite://", "sqlite:///a?mode=ro", "mysql://a/b"] {
        let refused = Store::connect(url).await.unwrap_err().to_string();
        assert!(refused.starts_with(&format!("`{url}` is not the address of a database: expected")), "{refused}");
    }
    let missing = Store::connect("sqlite:///nonexistent/farm.db").await.unwrap_err().to_string();
    assert_eq!(missing, "`/nonexistent/farm.db.lock` cannot be used");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let refused = Store::connect("postgres://farm:secret@127.0.0.1:1/farm").await.unwrap_err().to_string();
    assert_eq!(refused, "the database `postgres://farm:***@127.0.0.1:1/farm` cannot be opened");
}

/// Rows of everything that the migration of that number brought; written while it is the newest, after those of the ones before.
const ROWS: [(i64, &str); 17] = [
    (1, include_str!("rows/0001.sql")),
    (2, include_str!("rows/0002.sql")),
    (3, include_str!("rows/0003.sql")),
    (4, include_str!("rows/0004.sql")),
    (5, include_str!("rows/0005.sql")),
    (7, include_str!("rows/0007.sql")),
    (8, include_str!("rows/0008.sql")),
    (9, include_str!("rows/0009.sql")),
    (10, include_str!("rows/0010.sql")),
    (11, include_str!("rows/0011.sql")),
    (12, include_str!("rows/0012.sql")),
    (13, include_str!("rows/0013.sql")),
    (14, include_str!("rows/0014.sql")),
    (15, include_str!("rows/0015.sql")),
    (16, include_str!("rows/0016.sql")),
    (17, include_str!("rows/0017.sql")),
    (18, include_str!("rows/0018.sql")),
];

#[tokio::test]
async fn an_older_database_with_rows_is_migrated_and_keeps_them() {
    for newest in 1..=ROWS.len() {
        let dir = tempfile::tempdir().unwrap();
        let (postgres, _) = new_postgres_database().await;
        for url in [sqlite_url(&dir), postgres] {
            let older = pool(1).connect(&url.replace("farm.db", "farm.db?mode=rwc")).await.unwrap();
            for (version, rows) in &ROWS[..newest] {
                MIGRATIONS.run_to(*version, &older).await.unwrap();
                older.execute(*rows).await.unwrap();
            }
            older.close().await;
            let store = Store::connect(&url).await.unwrap();
            reads_every_row(&mut store.read().await.unwrap()).await;
            store.close().await;
        }
    }
}

#[tokio::test]
async fn what_turned_before_there_was_a_list_of_it_is_in_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let (postgres, _) = new_postgres_database().await;
    for url in [sqlite_url(&dir), postgres] {
        let older = pool(1).connect(&url.replace("farm.db", "farm.db?mode=rwc")).await.unwrap();
        for (version, rows) in ROWS.iter().filter(|(version, _)| *version < 9) {
            MIGRATIONS.run_to(*version, &older).await.unwrap();
            older.execute(*rows).await.unwrap();
        }
        older.execute("UPDATE jobs SET doubt = ''").await.unwrap();
        older.close().await;
        let store = Store::connect(&url).await.unwrap();
        let (mut conn, dist, major) = (store.read().await.unwrap(), "pair".parse().unwrap(), 17.try_into().unwrap());
        let stands = history::turned_of_dist(&mut conn, &dist, 10).await.unwrap();
        let listed = turns::of_major(&mut conn, major, 10).await.unwrap();
        assert_eq!(listed.into_iter().map(|one| (one.place, one.turn)).collect::<Vec<_>>(), [(1, stands[0].clone())]);
        drop(conn);
        store.close().await;
    }
}

#[test]
fn every_migration_has_sample_rows_for_the_one_after_it() {
    let versions: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    assert_eq!(versions, ROWS.map(|(version, _)| version));
}

async fn reads_every_row(conn: &mut Conn) {
    let (dist, run) = ("pair".parse().unwrap(), "01KAJ0000000000000000000R2".parse().unwrap());
    let detail = runs::detail(conn, run).await.unwrap().unwrap();
    let result = detail.result.unwrap();
    assert_eq!((result.phases.len(), result.tests.len(), result.files.len()), (1, 1, 1));
    assert_eq!(detail.run.unwrap().runner, "attic");
    assert_eq!(result.image.unwrap().postgresql, "17.11");
    assert_eq!(runs::running(conn, 10).await.unwrap().len(), 1);
    assert_eq!(queue::page(conn, None, 10).await.unwrap().len(), 1);
    assert_eq!(queue::counts(conn).await.unwrap()[0].waiting, 1);
    assert_eq!(matrix::of_dist(conn, &dist).await.unwrap().len(), 3);
    assert_eq!(dists::get(conn, &dist).await.unwrap().unwrap().releases, 1);
    let failed = Standing { grade: Grade::Fail, unsure: Some(Flag::Unconfirmed) };
    let stands: Vec<_> = readiness::outline(conn).await.unwrap()[0].cells.iter().map(|cell| cell.standing).collect();
    assert_eq!(stands, [None, Some(failed), None]);
    assert_eq!(releases::uploaders(conn, 't', 10).await.unwrap().len(), 1);
    assert_eq!(broken::list(conn, 10).await.unwrap().len(), 1);
    assert_eq!(registry::current(conn).await.unwrap().unwrap().cursor, "17");
    assert_eq!(farm::counts(conn, at(0)).await.unwrap().results, 1);
    // The day of all these rows is the first of 1970.
    let span = trends::Span::until(Timestamp::from_millis(6), 1, 1);
    assert_eq!(trends::results(conn, span).await.unwrap()[0].results, 1);
    assert_eq!(trends::phases(conn, span).await.unwrap()[0].duration_ms, 900);
    assert_eq!(trends::queue(conn, span).await.unwrap(), [trends::Flow { step: 0, came: 3, went: 2 }]);
    assert_eq!(trends::growth(conn, span).await.unwrap(), [trends::Size { step: 0, releases: 1, dists: 1 }]);
    assert!(turns::of_dist(conn, &dist, 10).await.unwrap().iter().all(turns::Recorded::is_red));
}

#[tokio::test]
async fn a_database_opens_again_with_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    for url in [sqlite_url(&dir), new_postgres_database().await.0] {
        let store = Store::connect(&url).await.unwrap();
        insert(&store, &release("pair", "1.0.0")).await;
        store.close().await;
        drop(store);
        let store = Store::connect(&url).await.unwrap();
        assert_eq!(dists::count(&mut store.read().await.unwrap()).await.unwrap(), 1);
        store.close().await;
    }
}

#[test]
fn a_later_migration_only_appends_and_its_required_columns_bring_a_default() {
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > 1) {
        for line in migration.sql.as_str().lines().map(str::to_uppercase) {
            // An index holds nothing that could be lost.
            let line = line.replace("DROP INDEX ", "");
            assert!(!line.contains("DROP ") && !line.contains("RENAME "), "{}: {line}", migration.version);
            let adds = line.contains("ADD COLUMN") && line.contains("NOT NULL");
            assert!(!adds || line.contains("DEFAULT"), "{}: {line}", migration.version);
        }
    }
}

#[tokio::test]
async fn a_transaction_that_sqlite_ended_by_itself_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::connect(&sqlite_url(&dir)).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    // As when the disk is full.
    run_sql(&mut tx, "ROLLBACK").await;
    tx.commit().await.unwrap_err();
    for _ in 0..2 {
        store.begin().await.unwrap().commit().await.unwrap();
    }
}
