//! What maintainers' own CI sent in is shown apart, and nothing else shows it.

use super::*;

const PAGE: &str = "/dist/pgtap/pre-releases/";

fn main_of(html: &str) -> &str {
    html.split_once("<main").unwrap().1.split_once("</main>").unwrap().0
}

async fn sent() -> Farm {
    Farm::with(async |store, _| believable::pre_released(store).await).await
}

#[tokio::test]
async fn a_pre_release_is_on_a_page_of_its_own_that_says_whose_it_is() {
    let farm = sent().await;
    let html = farm.text(PAGE).await;
    assert!(html.contains("Not tested by the farm.") && html.contains("content=\"noindex, nofollow\""));
    let main = main_of(&html);
    for hostile in ["<script>alert", "<img src=x", "<b>x'", "\u{202e}"] {
        assert!(!main.contains(hostile), "{hostile}");
    }
    assert_eq!(main.matches("U+202E").count(), 3, "what turns text around is shown as what it is");
    let json = farm.json("/dist/pgtap/pre-releases.json").await;
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("pages__pre-releases", main);
        insta::assert_json_snapshot!("pages__json-pre-releases", json);
    });
    let response = farm.get("/dist/PgTAP/pre-releases").await;
    assert_eq!(header(&response, "location"), PAGE);
    assert_eq!(farm.get("/dist/hll/pre-releases/").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(main_of(&farm.text(&format!("{PAGE}?part=99")).await), main, "there is no further part");
}

#[tokio::test]
async fn nothing_but_the_link_to_them_is_another_page_for_what_was_sent_in() {
    let farm = Farm::new().await;
    let more = [
        "/badge/pgtap.svg",
        "/badge/pgtap.svg?pg=18",
        "/badge/pgtap/1.3.4",
        "/badge/pgtap/?format=json",
        "/dist/pgtap/matrix.json",
        "/dist/pgtap/matrix.csv",
        "/dist/pgtap/feed.atom",
        "/dist/pgtap/verdicts.atom",
        "/user/theory/verdicts.atom",
        "/user/theory/feed.atom",
        "/recent/feed.atom",
        "/pg/18/verdicts.atom",
        "/readiness/18/",
        "/symptoms/?format=json",
        "/status.json",
        "/?format=json",
        "/matrix/?format=json",
        "/queue/?format=json",
        "/charts/?format=json",
        "/sitemap.xml",
        "/dist/pgtap.json",
    ];
    let paths: Vec<&str> = PAGES.into_iter().map(|(_, path)| path).chain(more).collect();
    let mut before = Vec::new();
    for path in &paths {
        let response = farm.get(path).await;
        before.push((response.status(), body(response).await));
    }
    believable::pre_released(&farm.store).await;
    for (path, (status, was)) in paths.iter().zip(before) {
        let response = farm.get(path).await;
        assert_eq!(response.status(), status, "{path}");
        let mut now = body(response).await;
        if *path == "/dist/pgtap/" {
            let (start, end) = ("<section aria-labelledby=\"pre-releases\">", "</section>\n");
            let (head, rest) = now.split_once(start).unwrap();
            let (link, tail) = rest.split_once(end).unwrap();
            assert!(link.contains(PAGE) && link.contains("Not tested by the farm"), "{link}");
            now = format!("{head}{tail}");
        }
        assert!(now == was, "{path} is another page");
    }
}

#[tokio::test]
async fn a_page_of_pre_releases_stays_small_however_much_was_sent_in() {
    let farm = sent().await;
    let mut tx = farm.store.begin().await.unwrap();
    let scope = store::upload_tokens::Scope::Dist("crowd".parse().unwrap());
    let (token, hash) = (protocol::UploadTokenId::new(believable::NOW), store::TokenHash::of("crowd"));
    let lasts = std::time::Duration::from_hours(1);
    store::upload_tokens::grant(&mut tx, token, (&scope, &hash, lasts), believable::NOW).await.unwrap();
    for number in 0..25 {
        let excerpt = protocol::Excerpt { file: "build.log".into(), lines: vec!["<".repeat(100); 40] };
        let verdict = protocol::Verdict::new(protocol::Phase::Build, protocol::Reason::CompileError);
        let result = |target: String| protocol::PreReleaseResult {
            target: target.parse().unwrap(),
            verdict: verdict.clone().with_detail("<".repeat(1_000)),
            postgresql: String::new(),
            excerpt: Some(excerpt.clone()),
        };
        let targets = (13..=19).flat_map(|major| ["amd64", "arm64"].map(|platform| format!("pg{major}-{platform}")));
        let sent = protocol::PreRelease {
            dist: "crowd".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            commit: Some(format!("{number:040x}")),
            git_ref: None,
            source_sha256: "ab".repeat(32),
            results: targets.map(result).collect(),
        };
        sent.check().unwrap();
        let id = protocol::PreReleaseId::new(believable::NOW);
        store::pre_releases::put(&mut tx, id, (token, &sent), believable::NOW).await.unwrap();
    }
    tx.commit().await.unwrap();
    let html = farm.text("/dist/crowd/pre-releases/").await;
    assert!(html.contains("?part=4") && !html.contains("?part=5"), "twenty are kept, five are on a page");
    assert!(!html.contains("href=\"/dist/crowd/\""), "the farm does not know it");
    // Half of these bytes are `&#60;` for `<`: as hostile as it gets.
    assert!(html.len() < 20 * SMALL, "{} bytes", html.len());
}
