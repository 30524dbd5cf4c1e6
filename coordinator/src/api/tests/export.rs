//! Everything at once.

use super::*;

/// The lines of an export.
async fn lines(farm: &Farm, path: &str) -> Vec<Value> {
    let answer = farm.call(Call::get(path)).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["content-type"]), (200, &"application/zstd".parse().unwrap()));
    let text = String::from_utf8(zstd::decode_all(answer.bytes.as_slice()).unwrap()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn an_export_has_every_release_and_every_result_and_goes_on_where_it_was() {
    on_both(async |farm| {
        farm.registry.publish_by("ann", ("excluded", "1.0.0"), "stable", Some("99.0.0"));
        farm.watch().await;
        farm.clock.advance(MINUTE);
        farm.registry.publish("pair", "1.0.0");
        farm.watch().await;
        let runner = farm.runner("box").await;
        farm.clock.advance(MINUTE);
        let claimed = claim_of(&farm, &runner, &["pg18-amd64"]).await.unwrap();
        assert_eq!(claimed.report(&farm, &claimed.passed()).await.status, 200);
        farm.clock.advance(MINUTE * 2);

        let releases = lines(&farm, "/api/v1/export/releases.ndjson.zst").await;
        assert_eq!(releases.iter().map(|line| &line["dist"]).collect::<Vec<_>>(), ["excluded", "pair"]);
        assert_eq!((&releases[1]["user"], &releases[1]["summary"]), (&json!("ann"), &json!("What pair does")));
        let after = releases[0]["cursor"].as_str().unwrap();
        let rest = lines(&farm, &format!("/api/v1/export/releases.ndjson.zst?after={after}")).await;
        assert_eq!(rest, releases[1..]);

        let results = lines(&farm, "/api/v1/export/results.ndjson.zst").await;
        assert_eq!(results.len(), 5, "four majors that one excludes, and a run of the other");
        let last = results.last().unwrap();
        assert_eq!((&last["grade"], &last["runner"], &last["stands"]), (&json!("PASS"), &json!("box"), &json!(true)));
        assert_eq!(last["sha1"], releases[1]["sha1"]);
        let after = results[3]["cursor"].as_str().unwrap();
        let rest = lines(&farm, &format!("/api/v1/export/results.ndjson.zst?after={after}")).await;
        assert_eq!(rest, results[4..]);
        let after = last["cursor"].as_str().unwrap();
        assert!(lines(&farm, &format!("/api/v1/export/results.ndjson.zst?after={after}")).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_was_written_in_the_last_minute_comes_the_next_time() {
    let farm = Farm::start().await;
    farm.registry.publish_by("ann", ("excluded", "1.0.0"), "stable", Some("99.0.0"));
    farm.watch().await;
    assert!(lines(&farm, "/api/v1/export/results.ndjson.zst").await.is_empty());
    assert!(lines(&farm, "/api/v1/export/releases.ndjson.zst").await.is_empty());
}

#[tokio::test]
async fn an_export_of_several_chunks_has_each_result_once() {
    let farm = Farm::start().await;
    for tens in 0..26 {
        for one in 0..10 {
            farm.registry.publish_by("ann", (&format!("dist-{tens}-{one}"), "1.0.0"), "stable", Some("99.0.0"));
        }
        farm.watch().await;
        farm.clock.advance(MINUTE);
    }
    farm.clock.advance(MINUTE);
    let results = lines(&farm, "/api/v1/export/results.ndjson.zst").await;
    let seen: std::collections::HashSet<_> = results.iter().map(|line| line["run_id"].as_str().unwrap()).collect();
    assert_eq!((results.len(), seen.len()), (1_040, 1_040));
    assert!(results.is_sorted_by_key(|line| line["cursor"].as_str().unwrap()));
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let farm = Farm::start().await;
    for path in ["releases.ndjson.zst?after=x", "results.ndjson.zst?after=17", "results.ndjson.zst?after=17-x"] {
        let answer = farm.call(Call::get(&format!("/api/v1/export/{path}"))).await;
        assert!(answer.problem(400).contains("`cursor` of a line"), "{path}");
    }
}
