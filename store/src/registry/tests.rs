use super::*;
use crate::testing::{at, name, on_both, version};

fn url() -> Url {
    "http://127.0.0.1:8999/".parse().unwrap()
}

#[tokio::test]
async fn a_registry_that_was_never_polled_is_unknown() {
    on_both(async |store| {
        let mut conn = store.read().await.unwrap();
        assert_eq!(get(&mut conn, &url()).await.unwrap(), None);
        assert_eq!(current(&mut conn).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_answer_moves_the_cursor_and_clears_the_error() {
    on_both(async |store| {
        let mut tx = store.begin().await.unwrap();
        failed(&mut tx, &url(), "it answered 500", at(0)).await.unwrap();
        let watch = get(&mut tx, &url()).await.unwrap().unwrap();
        assert_eq!((watch.error.as_str(), watch.failed_at, watch.polled_at), ("it answered 500", Some(at(0)), None));

        let newest = Newest { dist: name("pair"), version: version("1.0.0"), released_at: at(-1) };
        let poll = Poll { cursor: "17", validators: "{\"etag\":\"x\"}", newest: Some(&newest) };
        polled(&mut tx, &url(), &poll, at(1)).await.unwrap();
        polled(&mut tx, &url(), &Poll { cursor: "18", newest: None, ..poll }, at(2)).await.unwrap();
        reconciled(&mut tx, &url(), at(3)).await.unwrap();
        tx.commit().await.unwrap();

        let expected = Watch {
            url: url().to_string(),
            cursor: "18".into(),
            validators: "{\"etag\":\"x\"}".into(),
            polled_at: Some(at(2)),
            failed_at: Some(at(0)),
            error: String::new(),
            newest: Some(newest),
            reconciled_at: Some(at(3)),
        };
        assert_eq!(get(&mut store.read().await.unwrap(), &url()).await.unwrap(), Some(expected));
    })
    .await;
}

#[tokio::test]
async fn the_current_registry_is_the_one_touched_last() {
    on_both(async |store| {
        let other: Url = "https://registry.example/".parse().unwrap();
        let mut tx = store.begin().await.unwrap();
        reconciled(&mut tx, &url(), at(0)).await.unwrap();
        failed(&mut tx, &other, "it did not answer", at(1)).await.unwrap();
        assert_eq!(current(&mut tx).await.unwrap().unwrap().url, other.as_str());
    })
    .await;
}
