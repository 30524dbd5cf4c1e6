//! Lists and searches narrowed down by verdicts and META, and what the farm makes for a registry that has little.

use std::time::Duration;

use super::*;

/// The documents of a registry that has nothing but what every mirror must have.
fn bare(directory: &Path, clock: Arc<ManualClock>) -> Proxy {
    let mirror = directory.join("bare");
    std::fs::create_dir_all(&mirror).unwrap();
    let index = serde_json::json!({
        "download": "/dist/{dist}/{version}/{dist}-{version}.zip", "readme": "/dist/{dist}/{version}/README.txt",
        "meta": "/dist/{dist}/{version}/META.json", "dist": "/dist/{dist}.json", "user": "/user/{user}.json",
    });
    std::fs::write(mirror.join("index.json"), index.to_string()).unwrap();
    let url = url::Url::from_file_path(&mirror).unwrap();
    Proxy::open(proxy::Config::new(url, directory.join("registry")), clock).unwrap()
}

impl Farm {
    /// On a registry that has nothing but what every mirror must have.
    async fn bare() -> Self {
        Self::of(async |_, _| (), async |_, directory, clock| bare(directory, clock)).await
    }

    /// The distributions of a list, in its order.
    async fn names(&self, path: &str) -> Vec<String> {
        let list = self.json(&format!("{path}&format=json")).await;
        list["recent"].as_array().unwrap().iter().map(|row| row["dist"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn lists_and_searches_are_narrowed_down_alike_by_the_verdicts_that_the_rows_show() {
    let farm = Farm::new().await;
    for (choice, names) in [
        ("pg=18&verdict=pass", &["ip4r", "pgTAP", "semver"][..]),
        ("pg=18", &["ip4r", "pg_partman", "pgTAP", "semver"]),
        ("pg=17&verdict=pass", &["ip4r", "semver"]),
        ("pg=17&platform=amd64&verdict=pass", &["ip4r", "pgTAP", "semver"]),
        ("verdict=fail&pg=19", &["pgTAP"]),
        ("tests=no", &["pg_partman"]),
        ("verdict=untested&since=1d", &["pg_partman"]),
        ("licence=postgresql&tag=tap&user=theory", &["pgTAP", "semver"]),
        ("tag=nothing", &[]),
    ] {
        assert_eq!(farm.names(&format!("/dists/?{choice}")).await, names, "{choice}");
        let mut found = farm.names(&format!("/search?q=testing&{choice}")).await;
        found.sort_by_key(|name| name.to_lowercase());
        assert_eq!(found, names, "{choice}");
    }
}

#[tokio::test]
async fn a_list_can_be_sorted_and_leads_on_where_it_is_longer_than_a_page() {
    let farm = Farm::new().await;
    let all = farm.names("/dists/?sort=recent").await;
    assert_eq!(all[0], "orafce");
    let best = farm.names("/dists/?sort=health").await;
    assert_eq!(best.len(), all.len());
    // Of six targets, pgTAP passes on five, semver and ip4r on four; pg_partman builds on four.
    assert_eq!(best[..4], ["pgTAP", "semver", "ip4r", "pg_partman"]);
    let page = farm.text("/dists/?sort=health").await;
    assert!(page.contains("Health is the share") && page.contains("works on 5 of 6 · 83 %"), "{page}");
    let part = farm.json("/dists/?sort=recent&o=3&format=json").await;
    assert_eq!(part["recent"][0]["dist"].as_str().unwrap(), all[3]);
    assert_eq!(part["previous"], "/dists/?sort=recent");
}

#[tokio::test]
async fn the_api_answers_in_its_own_shape_by_the_same_choice() {
    let farm = Farm::new().await;
    let answer = farm.json("/search/dists/?q=testing&pg=18&verdict=pass&sort=name").await;
    let hits: Vec<&str> = answer["hits"].as_array().unwrap().iter().map(|hit| hit["dist"].as_str().unwrap()).collect();
    assert_eq!(hits, ["ip4r", "pgTAP", "semver"]);
    let mut keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["count", "hits", "limit", "offset", "query"]);
    assert_eq!(farm.json("/search/extensions/?q=testing&verdict=pass&pg=18").await["count"], 3);
    let refused = farm.get("/search/dists/?q=testing&verdict=good").await;
    assert_eq!((refused.status(), header(&refused, "access-control-allow-origin")), (StatusCode::BAD_REQUEST, "*"));
    assert!(body(refused).await.contains("`verdict` cannot be `good`"));
    assert_eq!(proxy::NARROWED, search::Choice::KEYS, "none of them is left to a registry that does not know it");
}

#[tokio::test]
async fn what_no_key_can_have_is_refused_and_said() {
    let farm = Farm::new().await;
    for (path, words) in [
        ("/search?q=a&pg=abc", "`pg` cannot be `abc`"),
        ("/dists/?verdict=PASS", "`verdict` cannot be `PASS`"),
        ("/dists/?platform=%3Cscript%3E", "`platform` cannot be `&#60;script&#62;`"),
        ("/dists/?since=yesterday", "`since` cannot be `yesterday`"),
        (&format!("/dists/?tag={}", "x".repeat(129)), "it has at most 128 characters"),
    ] {
        let response = farm.get(path).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        let html = body(response).await;
        assert!(html.contains(words) && !html.contains("<script"), "{path}: {html}");
    }
    let problem = farm.get("/dists/?sort=x&format=json").await;
    assert_eq!(header(&problem, "content-type"), "application/problem+json");
    for path in ["/search?q=a&in=users&tag=x", "/search?q=theory&in=users&verdict=pass"] {
        assert!(farm.text(path).await.contains("left aside"), "{path}");
    }
}

#[tokio::test]
async fn what_a_stranger_chooses_never_becomes_markup() {
    let farm = Farm::new().await;
    let attack = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for path in
        [format!("/dists/?tag={attack}&licence={attack}&user={attack}"), format!("/search?q={attack}&tag={attack}")]
    {
        let html = farm.text(&path).await;
        assert!(!html.contains("<script") && html.contains("&#60;script&#62;"), "{path}: {html}");
    }
}

#[tokio::test]
async fn a_form_leads_to_the_shortest_address_that_says_the_same() {
    let farm = Farm::new().await;
    let nothing = "&platform=&since=&tests=&licence=&tag=&user=&sort=";
    for (asked, short) in [
        (format!("/search?q=a+b&in=dists&verdict=pass&pg=18{nothing}"), "/search?q=a%20b&in=dists&pg=18&verdict=pass"),
        (format!("/dists/?verdict=&pg={nothing}"), "/dists/"),
        (format!("/dists/?q=pg&verdict=any&pg=18{nothing}"), "/dists/?q=pg&pg=18&verdict=any"),
        ("/search?verdict=pass&pg=18".to_owned(), "/dists/?pg=18&verdict=pass"),
    ] {
        let response = farm.get(&asked).await;
        assert!(response.status().is_redirection(), "{asked}: {}", response.status());
        assert_eq!(header(&response, "location"), short, "{asked}");
    }
}

#[tokio::test]
async fn robots_are_kept_from_what_has_no_end() {
    let farm = Farm::new().await;
    for (path, out) in [
        ("/dists/", false),
        ("/dists/?after=pgmp", false),
        ("/dists/?pg=18", true),
        ("/search?q=testing", true),
        ("/search?q=testing&in=tags", true),
    ] {
        assert_eq!(
            farm.text(path).await.contains("<meta name=\"robots\" content=\"noindex, nofollow\">"),
            out,
            "{path}"
        );
    }
    let robots = farm.text("/robots.txt").await;
    for key in search::Choice::KEYS {
        assert!(robots.contains(&format!("\nDisallow: /dists/?*{key}=\n")), "{key} in {robots}");
    }
}

#[tokio::test]
async fn an_empty_list_says_what_would_fill_it() {
    let farm = Farm::new().await;
    let page = farm.text("/search?q=testing&pg=18&verdict=pass&user=nobody").await;
    assert!(
        page.contains("Nothing of what was found is like that.") && page.contains("3 without “maintainer nobody”"),
        "{page}"
    );
    let page = farm.text("/dists/?tests=no&pg=18&verdict=pass").await;
    assert!(page.contains("1 without “on PostgreSQL 18” and “passes”"), "{page}");
    let near = farm.json("/search?q=smever&format=json").await["near"].clone();
    assert_eq!(near[0]["href"], "/dist/semver/", "{near}");
}

#[tokio::test]
async fn every_count_beside_a_filter_is_what_it_finds() {
    let farm = Farm::new().await;
    let list = farm.json("/dists/?pg=18&format=json").await;
    for key in ["verdict", "pg", "platform", "tests", "licence", "tag", "user", "since"] {
        for bucket in list["filters"]["facets"][key].as_array().unwrap() {
            let value = bucket["value"].as_str().unwrap().replace(' ', "%20");
            let kept = if key == "pg" { String::new() } else { "&pg=18".to_owned() };
            let found = farm.names(&format!("/dists/?{key}={value}{kept}")).await;
            assert_eq!(found.len() as u64, bucket["count"].as_u64().unwrap(), "{key}={value}");
        }
    }
}

#[tokio::test]
async fn another_verdict_is_found_though_no_release_is_new() {
    let farm = Farm::new().await;
    assert!(!dashboard::make_index(&farm.dashboard).await.unwrap(), "nothing is new");
    assert_eq!(farm.names("/dists/?verdict=na&pg=13").await, [""; 0]);
    let now = believable::NOW;
    let name = "ip4r".parse().unwrap();
    let mut tx = farm.store.begin().await.unwrap();
    let dist = store::dists::get(&mut tx, &name).await.unwrap().unwrap();
    let owner = dist.latest.release.user.clone();
    let job = protocol::JobId::new(now);
    let target = "pg13-amd64".parse().unwrap();
    let plan = store::jobs::Plan {
        release_id: dist.latest.id,
        target,
        priority: protocol::Priority::NewRelease,
        owner: &owner,
        max_attempts: 3,
    };
    let verdict = protocol::Verdict::new(protocol::Phase::Metadata, protocol::Reason::PostgresUnsupported);
    let settlement = store::jobs::Settlement { result_id: protocol::RunId::new(now), verdict: &verdict };
    store::jobs::settle(&mut tx, job, &plan, &settlement, now).await.unwrap();
    tx.commit().await.unwrap();
    assert!(dashboard::make_index(&farm.dashboard).await.unwrap());
    assert_eq!(farm.names("/dists/?verdict=na&pg=13").await, ["ip4r"]);
    farm.clock.advance(Duration::from_mins(2));
    assert!(
        dashboard::make_index(&farm.dashboard).await.unwrap(),
        "what stands is read again now and then in any case"
    );
}

#[tokio::test]
async fn a_registry_without_lists_of_users_and_tags_has_them_here() {
    let farm = Farm::bare().await;
    let users = farm.json("/users/t.json").await;
    assert_eq!(users, serde_json::json!([{ "user": "theory", "name": "theory" }]));
    assert!(farm.text("/users/?c=t").await.contains("<a href=\"/user/theory/\">theory</a>"));
    let tag = farm.json("/tag/unit%20testing.json").await;
    assert_eq!(tag["tag"], "unit testing");
    let version = &tag["releases"]["semver"]["stable"][0];
    assert_eq!((&version["version"], version["date"].as_str().unwrap().len()), (&"0.40.0".into(), 20));
    let page = farm.json("/tag/unit%20testing/?format=json").await;
    assert_eq!(page["total"], tag["releases"].as_object().unwrap().len());
    assert!(farm.text("/tags/").await.contains("href=\"/tag/unit%20testing/\""));
    assert!(farm.text("/tag/tap/feed.atom").await.contains("semver 0.40.0"));
    for (path, status) in [
        ("/users/x.json", StatusCode::NOT_FOUND),
        ("/users/tt.json", StatusCode::NOT_FOUND),
        ("/users/t", StatusCode::NOT_FOUND),
        ("/tag/nobody.json", StatusCode::NOT_FOUND),
        ("/tag/nobody/", StatusCode::NOT_FOUND),
        ("/users/T.json", StatusCode::MOVED_PERMANENTLY),
    ] {
        assert_eq!(farm.get(path).await.status(), status, "{path}");
    }
    let index = farm.json("/index.json").await;
    assert_eq!((&index["userlist"], &index["tag"]), (&"/users/{letter}.json".into(), &"/tag/{tag}.json".into()));
    assert_eq!(header(&farm.get("/users/t.json").await, "access-control-allow-origin"), "*");
}
