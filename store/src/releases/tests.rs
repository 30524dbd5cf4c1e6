use super::*;
use crate::testing::{at, insert, name, on_both, pair, release, version};
use crate::{jobs, registry};

fn with_sha1_of(release: Release, digit: &str) -> Release {
    Release { sha1: digit.repeat(40), ..release }
}

#[tokio::test]
async fn a_release_reads_back_as_it_was_inserted() {
    on_both(async |store| {
        let release = release("Pair", "1.0.0b3");
        let id = insert(&store, &release).await.id();
        let mut conn = store.read().await.unwrap();
        let expected = StoredRelease { id, release, summary: "A pair".into(), seen_at: at(0), superseded_at: None };
        assert_eq!(by_id(&mut conn, id).await.unwrap(), Some(expected.clone()));
        assert_eq!(find(&mut conn, &name("pair"), &version("1.0.0b3")).await.unwrap(), Some(expected));
        assert_eq!(find(&mut conn, &name("pair"), &version("1.0.0")).await.unwrap(), None);
        assert_eq!(meta(&mut conn, id).await.unwrap(), Some(serde_json::json!({ "name": "Pair" })));
        assert_eq!(meta(&mut conn, ReleaseId::new(at(9))).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_same_release_twice_is_one_release() {
    on_both(async |store| {
        let first = insert(&store, &release("pair", "1.0.0")).await;
        assert!(matches!(first, Inserted::New(_)));
        assert_eq!(insert(&store, &release("PAIR", "1.0.0")).await, Inserted::Known(first.id()));
        assert_eq!(all(&mut store.read().await.unwrap()).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn another_archive_of_the_same_version_supersedes_the_first_and_withdraws_what_waits_for_it() {
    on_both(async |store| {
        let (old, job) = pair(&store).await;
        let new = insert(&store, &with_sha1_of(release("pair", "1.0.0"), "b")).await;
        assert!(matches!(new, Inserted::New(_)));
        let mut conn = store.read().await.unwrap();
        assert_eq!(by_id(&mut conn, old).await.unwrap().unwrap().superseded_at, Some(at(0)));
        assert_eq!(jobs::get(&mut conn, job).await.unwrap().unwrap().state, JobState::Withdrawn);
        let ids: Vec<ReleaseId> = of_dist(&mut conn, &name("pair")).await.unwrap().iter().map(|r| r.id).collect();
        assert_eq!(ids, [new.id()]);
        drop(conn);

        assert_eq!(insert(&store, &release("pair", "1.0.0")).await, Inserted::Restored(old));
        let found = find(&mut store.read().await.unwrap(), &name("pair"), &version("1.0.0")).await.unwrap();
        assert_eq!(found.unwrap().id, old);
    })
    .await;
}

#[tokio::test]
async fn releases_are_listed_by_version_and_by_date() {
    on_both(async |store| {
        for (text, minute) in [("1.9.0", -3), ("1.10.0", -5), ("1.10.0-beta1", -1)] {
            insert(&store, &Release { released_at: at(minute), ..release("pair", text) }).await;
        }
        let mut conn = store.read().await.unwrap();
        let texts = |found: Vec<StoredRelease>| {
            found.into_iter().map(|stored| stored.release.version.to_string()).collect::<Vec<_>>()
        };
        let by_version = texts(of_dist(&mut conn, &name("pair")).await.unwrap());
        assert_eq!(by_version, ["1.10.0", "1.10.0-beta1", "1.9.0"]);
        assert_eq!(texts(latest(&mut conn, 2).await.unwrap()), ["1.10.0-beta1", "1.9.0"]);
    })
    .await;
}

#[tokio::test]
async fn a_release_and_the_cursor_that_passes_it_are_stored_together_or_not_at_all() {
    on_both(async |store| {
        let url: url::Url = "http://127.0.0.1/".parse().unwrap();
        let mut tx = store.begin().await.unwrap();
        let (release, meta) = (release("pair", "1.0.0"), serde_json::json!({}));
        let new = NewRelease { release: &release, summary: "", meta: &meta };
        super::insert(&mut tx, ReleaseId::new(at(0)), &new, at(0)).await.unwrap();
        let poll = registry::Poll { cursor: "1", validators: "", newest: None };
        registry::polled(&mut tx, &url, &poll, at(0)).await.unwrap();
        drop(tx);
        let mut tx = store.begin().await.unwrap();
        assert_eq!(all(&mut tx).await.unwrap(), []);
        assert_eq!(registry::get(&mut tx, &url).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn uploaders_are_listed_by_letter_once_and_by_an_index() {
    on_both(async |store| {
        for (dist, user) in [("pair", "Theory"), ("pear", "theory"), ("fig", "tom"), ("plum", "ann"), ("nut", "ünal")]
        {
            insert(&store, &Release { user: name(user), ..release(dist, "1.0.0") }).await;
        }
        let mut conn = store.read().await.unwrap();
        let mut found = async |letter, limit| -> Vec<String> {
            let users = uploaders(&mut conn, letter, limit).await.unwrap();
            users.iter().map(Name::key).collect()
        };
        assert_eq!(found('t', 10).await, ["theory", "tom"]);
        assert_eq!(found('t', 1).await, ["theory"]);
        assert_eq!(found('ü', 10).await, ["ünal"]);
        assert_eq!(found('x', 10).await, [""; 0]);
        let plan = crate::testing::explain(&mut conn, &UPLOADERS.replace("$1", "'t'").replace("$2", "9")).await;
        assert_eq!(crate::testing::full_scans(&plan), [""; 0], "{plan}");
    })
    .await;
}

#[tokio::test]
async fn texts_with_a_null_character_are_stored_on_both_engines() {
    on_both(async |store| {
        let mut tx = store.begin().await.unwrap();
        let (release, meta) = (release("pair", "1.0.0"), serde_json::json!({ "abstract": "a\0b" }));
        let new = NewRelease { release: &release, summary: "a\0b", meta: &meta };
        let id = super::insert(&mut tx, ReleaseId::new(at(0)), &new, at(0)).await.unwrap().id();
        assert_eq!(by_id(&mut tx, id).await.unwrap().unwrap().summary, "a\u{fffd}b");
        assert_eq!(super::meta(&mut tx, id).await.unwrap(), Some(meta));
    })
    .await;
}

#[test]
fn a_release_is_read_without_its_meta_json() {
    assert!(columns!().split(',').all(|column| !column.contains("meta") && !column.contains('*')));
}

#[tokio::test]
async fn a_corrupt_row_is_named_by_table_column_and_row() {
    on_both(async |store| {
        let id = insert(&store, &release("pair", "1.0.0")).await.id();
        let mut tx = store.begin().await.unwrap();
        crate::testing::run_sql(&mut tx, "UPDATE releases SET status = 'odd'").await;
        let error = by_id(&mut tx, id).await.unwrap_err().to_string();
        let expected = format!("column `status` of `releases` row `{id}` is corrupt: `odd` is not a release status");
        assert_eq!(error, expected);
    })
    .await;
}
