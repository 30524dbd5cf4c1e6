//! The pages that sum up: the matrix of the registry, a maintainer's page, how far the registry is with a PostgreSQL.

use super::*;

impl Farm {
    /// With what turned this week, PostgreSQL 19, and so many further distributions.
    async fn larger(many: u32) -> Self {
        Self::with(async |store, blobs| {
            believable::more(store, blobs).await;
            if many > 0 {
                believable::many(store, many).await;
            }
        })
        .await
    }

    /// The distributions that a matrix lists.
    async fn rows(&self, query: &str) -> Vec<String> {
        names(&self.json(&format!("/matrix/?format=json&{query}")).await)
    }
}

fn names(view: &Value) -> Vec<String> {
    view["rows"].as_array().unwrap().iter().map(|row| row["dist"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_matrix_is_filtered_and_sorted_by_its_address_alone() {
    let farm = Farm::larger(0).await;
    let all = farm.rows("").await;
    assert_eq!((all.len(), all[0].as_str()), (13, "<b>x'&\""));
    for (query, expected) in [
        ("user=Theory", vec!["pgTAP", "semver"]),
        ("q=PGt", vec!["pgTAP"]),
        ("tag=TAP&q=semver", vec!["semver"]),
        ("tag=nothing", vec![]),
        ("pg=19&is=fail", vec!["ip4r", "pgTAP"]),
        ("pg=17&platform=arm64&is=fail", vec!["pgTAP"]),
        ("is=queued", vec!["hll", "orafce", "topn"]),
        ("is=env&sort=released", vec!["pgmp", "pg_qualstats"]),
        ("is=flaky", vec!["pg_flicker"]),
        ("runner=pi-in-the-attic", vec!["ip4r", "pgTAP"]),
        ("runner=pi-in-the-attic&is=untested", vec![]),
    ] {
        assert_eq!(farm.rows(query).await, expected, "{query}");
    }
    assert_eq!(farm.rows("sort=failing").await[..2], ["ip4r", "pgTAP"], "by how much fails, then by name");
    assert_eq!(farm.rows("sort=user&q=p").await.last().unwrap(), "pgTAP");
    let arm = farm.json("/matrix/?runner=pi-in-the-attic&q=pgtap&format=json").await;
    let spots: Vec<&Value> =
        arm["rows"][0]["cells"].as_array().unwrap().iter().flat_map(|cell| cell["spots"].as_array().unwrap()).collect();
    assert!(spots.len() == 2 && spots.iter().all(|spot| spot["target"].as_str().unwrap().ends_with("arm64")), "{arm}");
    let missing = farm.get("/matrix/?runner=nobody").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert!(body(missing).await.contains("no runner called “nobody”"));
}

#[tokio::test]
async fn a_matrix_is_a_file_that_no_spreadsheet_runs() {
    let farm = Farm::with(async |store, _| {
        for (number, dist) in ["=cmd|'!A0", "+1", "-1", "@SUM"].into_iter().enumerate() {
            let release = protocol::Release {
                dist: dist.parse().unwrap(),
                version: "1.0.0".parse().unwrap(),
                status: protocol::Status::Stable,
                user: "=evil".parse().unwrap(),
                sha1: "0".repeat(40),
                released_at: believable::NOW,
            };
            let new = store::releases::NewRelease { release: &release, summary: "", meta: &serde_json::json!({}) };
            let mut tx = store.begin().await.unwrap();
            let id = format!("01KAN{number:021}").parse().unwrap();
            store::releases::insert(&mut tx, id, &new, believable::NOW).await.unwrap();
            tx.commit().await.unwrap();
        }
    })
    .await;
    let response = farm.get("/matrix/?format=csv").await;
    assert_eq!(header(&response, "content-type"), "text/csv; charset=utf-8");
    assert_eq!(header(&response, "content-disposition"), "attachment; filename=\"matrix.csv\"");
    let text = body(response).await;
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("\"distribution\",\"version\",\"status\",\"user\",\"released\",\"pg18-amd64\""),
        "{text}"
    );
    for dist in ["\"'=cmd|'!A0\"", "\"'+1\"", "\"'-1\"", "\"'@SUM\""] {
        let line = lines.iter().find(|line| line.starts_with(dist)).unwrap_or_else(|| panic!("{dist}: {text}"));
        assert!(line.contains(",\"'=evil\","), "{line}");
    }
    let pgtap = lines.iter().find(|line| line.starts_with("\"pgTAP\",\"1.3.4\"")).unwrap();
    assert!(pgtap.contains("\"fail (installcheck)\""), "{pgtap}");
    let dist = farm.text("/dist/pgtap/matrix.csv").await;
    assert_eq!(dist.lines().count(), 6, "{dist}");
    assert!(
        dist.lines().nth(2).unwrap().starts_with("\"pgTAP\",\"1.3.4\",\"stable\",\"2026-11-18T22:00:00Z\",\"pass\""),
        "{dist}"
    );
}

#[tokio::test]
async fn sixty_rows_are_a_page_below_a_hundred_kilobytes_and_every_page_has_an_address() {
    let farm = Farm::larger(110).await;
    let first = farm.json("/matrix/?q=crowd&format=json").await;
    assert_eq!((names(&first).len(), &first["total"], &first["pages"]), (60, &110.into(), &2.into()));
    assert_eq!(first["next"], "/matrix/?q=crowd&page=2");
    let second = farm.json("/matrix/?q=crowd&format=json&page=2").await;
    assert_eq!((names(&second).len(), &second["next"]), (50, &Value::Null));
    assert_eq!(names(&second)[0], "crowd_0060");
    assert_eq!(farm.get("/matrix/?q=crowd&page=3").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(farm.text("/matrix/?q=crowd&format=csv").await.lines().count(), 111, "a file is one piece");
    let html = farm.text("/matrix/?q=crowd").await;
    assert!(html.contains("href=\"/matrix/?q=crowd&#38;page=2\""), "{html}");
    let whole = farm.text("/matrix/").await;
    assert!(whole.len() < 100_000, "{} bytes", whole.len());

    let veteran = farm.json("/dist/pg_veteran/matrix.json").await;
    let rows = veteran["grid"]["rows"].as_array().unwrap();
    assert_eq!((rows.len(), rows[0]["cells"].as_array().unwrap().len(), &veteran["parts"]), (12, 7, &5.into()));
    assert_eq!(farm.text("/dist/pg_veteran/matrix.csv").await.lines().count(), 61, "a file is one piece");
    let html = farm.text("/dist/pg_veteran/").await;
    assert!(html.len() < 100_000, "{} bytes", html.len());
}

#[tokio::test]
async fn a_maintainer_sees_first_what_turned_red() {
    let farm = Farm::larger(0).await;
    let view = farm.json("/user/citus/?format=json").await;
    let groups: Vec<(&str, u64)> = view["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["urgency"].as_str().unwrap(), group["total"].as_u64().unwrap()))
        .collect();
    assert_eq!(groups, [("newly-red", 1), ("still-red", 3), ("waiting", 4), ("newly-green", 1), ("stuck", 3)]);
    let newly: Vec<&str> =
        view["tasks"][0]["tasks"].as_array().unwrap().iter().map(|task| task["on"].as_str().unwrap()).collect();
    assert_eq!(newly, ["PostgreSQL 16, arm64"]);
    let html = farm.text("/user/citus/").await;
    assert!(html.contains("1 newly red, 3 still red"), "{html}");
    assert!(html.contains(
        "[![PostgreSQL](https://testers.example.org/badge/ip4r.svg)](https://testers.example.org/dist/ip4r/)"
    ));
    assert!(html.contains("href=\"/badge/ip4r/\""), "{html}");
    assert!(!html.contains("<script"), "{html}");
}

#[tokio::test]
async fn a_major_says_what_broke_and_why_and_for_whom_it_matters() {
    let farm = Farm::larger(0).await;
    let view = farm.json("/readiness/19/?format=json").await;
    assert_eq!(view["sentence"], "Of 4 distributions tested on PostgreSQL 19 devel, 50 % work; 2 broke since 18.");
    assert_eq!((&view["below"], &view["tally"]["waiting"]), (&18.into(), &1.into()));
    let cluster = &view["clusters"][0];
    assert_eq!((&cluster["dists"], &cluster["example"]), (&2.into(), &"pgTAP".into()), "{view}");
    let first = &view["rows"][0];
    assert_eq!((&first["dist"], &first["needed_by"]), (&"semver".into(), &4.into()), "what most need comes first");
    for (query, expected) in [
        ("is=broke".to_owned(), vec!["pgTAP", "ip4r"]),
        ("is=broke&sort=name".to_owned(), vec!["ip4r", "pgTAP"]),
        ("is=mended".to_owned(), vec![]),
        ("is=untested".to_owned(), vec!["pg_partman"]),
        ("is=queued".to_owned(), vec!["hll"]),
        ("with=19beta1&is=pass".to_owned(), vec!["semver"]),
        ("with=19beta2".to_owned(), vec![]),
        (format!("symptom={}", cluster["signature"].as_str().unwrap()), vec!["pgTAP", "ip4r"]),
    ] {
        let view = farm.json(&format!("/readiness/19/?format=json&{query}")).await;
        assert_eq!(names(&view), expected, "{query}");
    }
    let all = farm.json("/readiness/?format=json").await;
    let majors: Vec<u64> = all["majors"].as_array().unwrap().iter().map(|it| it["major"].as_u64().unwrap()).collect();
    assert_eq!(majors, [19, 18, 17, 16, 15, 14, 13]);
    assert_eq!(header(&farm.get("/readiness/19beta1/").await, "location"), "/readiness/19/?with=19beta1");
    for path in ["/readiness/9/", "/readiness/99/", "/readiness/x/", "/readiness/19/?page=2"] {
        assert_eq!(farm.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
