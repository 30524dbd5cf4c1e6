//! Feeds of what turned, and the pages at which maintainers subscribe, on a real store with a desk.

#[path = "../../examples/gallery/watched.rs"]
mod watched;

use watched::Watched;

use super::*;

struct Farm {
    pages: Pages,
    watched: Option<Watched>,
    _directory: TempDir,
}

impl Deref for Farm {
    type Target = Pages;

    fn deref(&self) -> &Pages {
        &self.pages
    }
}

impl Farm {
    async fn new(is_watched: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (store, blobs) = believable::build(directory.path()).await;
        let clock = Arc::new(ManualClock::at(believable::NOW));
        let documents = believable::documents(&store, directory.path(), clock.clone()).await;
        let source = Source { store: store.clone(), blobs, documents, live: live::Live::default() };
        let pages = Dashboard::new(source, Matrix::embedded(), clock, site());
        if !is_watched {
            return Self { pages: Pages(dashboard::router(pages)), watched: None, _directory: directory };
        }
        let watched = watched::watch(&store, directory.path(), believable::NOW, None).await;
        let router =
            dashboard::router(pages.with_desk(watched.desk.clone())).merge(notify::router(watched.desk.clone()));
        Self { pages: Pages(router), watched: Some(watched), _directory: directory }
    }

    fn watched(&self) -> &Watched {
        self.watched.as_ref().unwrap()
    }
}

fn main_of(page: &str) -> &str {
    page.split_once("<main").unwrap().1.split_once("</main>").unwrap().0
}

#[tokio::test]
async fn feeds_tell_what_turned_by_distribution_user_and_major_and_nothing_else() {
    let farm = Farm::new(true).await;
    for (path, entries) in [
        ("/dist/watched/verdicts.atom", 2),
        ("/user/watcher/verdicts.atom", 2),
        ("/pg/13/verdicts.atom", 2),
        ("/dist/semver/verdicts.atom", 0),
        ("/user/theory/verdicts.atom", 2),
    ] {
        let response = farm.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["content-type"], "application/atom+xml", "{path}");
        let text = body(response).await;
        assert_eq!(text.matches("<entry>").count(), entries, "{path}: {text}");
        assert!(text.contains(&format!("<id>https://testers.example.org{path}</id>")), "{path}: {text}");
        let news = text.matches("term=\"NEW-FAIL\"").count() + text.matches("term=\"FIXED\"").count();
        assert_eq!(news, entries, "{path}: {text}");
        assert!(!text.contains("<script") && !text.contains('\u{1}') && !text.contains('\u{1b}'), "{path}");
    }
    let text = farm.text("/dist/watched/verdicts.atom").await;
    assert!(
        text.contains(
            "<title>watched 1.1.0 fails in installcheck on PostgreSQL 13 (arm64), and did not before</title>"
        ),
        "{text}"
    );
    assert!(text.contains("<title>watched 1.2.0 passes on PostgreSQL 13 (arm64), and failed before</title>"), "{text}");
    for path in
        ["/dist/nothing/verdicts.atom", "/user/nobody/verdicts.atom", "/pg/12345/verdicts.atom", "/pg/x/verdicts.atom"]
    {
        assert_eq!(farm.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let page = farm.text("/dist/watched/").await;
    let link = "<link rel=\"alternate\" type=\"application/atom+xml\" title=\"What turned red or green\" href=\"/dist/watched/verdicts.atom\">";
    assert!(page.contains(link), "{page}");
    assert!(farm.text("/user/theory/").await.contains("href=\"/user/theory/verdicts.atom\""));
}

#[tokio::test]
async fn where_nothing_is_turned_on_the_page_says_that_there_are_feeds() {
    let farm = Farm::new(false).await;
    let page = farm.text("/subscribe/?dist=PGTAP").await;
    assert!(
        page.contains("This farm sends no webhooks, mails or issues.") && !page.contains("method=\"post\""),
        "{page}"
    );
    assert!(
        page.contains("href=\"/dist/pgtap/verdicts.atom\"") && page.contains("href=\"/pg/18/verdicts.atom\""),
        "{page}"
    );
    for path in ["/subscribe/x", "/subscriptions/x"] {
        assert_eq!(farm.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_form_offers_what_is_turned_on_and_says_what_was_wrong() {
    let farm = Farm::new(true).await;
    let page = farm.text("/subscribe/?dist=%3Cscript%3E&channel=webhook&problem=address-private").await;
    let main = main_of(&page);
    assert!(main.contains("value=\"webhook\" checked") && !main.contains("value=\"mail\""), "{main}");
    assert!(
        main.contains("role=\"alert\"><b>That did not work.</b> That address is not on the internet.</p>"),
        "{main}"
    );
    assert!(!main.contains("<script"), "{main}");
    assert!(
        !farm.text("/subscribe/?problem=%3Cb%3Ex").await.contains("That did not work"),
        "only words of ours are shown"
    );
    let view = farm.text("/subscribe/?dist=watched&format=json").await;
    assert!(view.contains("\"channels\":[\"webhook\"]") && view.contains("\"href\":\"/dist/watched/\""), "{view}");
}

#[tokio::test]
async fn the_page_of_a_wish_says_what_to_put_where_and_no_cache_keeps_it() {
    let farm = Farm::new(true).await;
    let path = format!("/subscribe/{}", farm.watched().wish);
    let response = farm.get(&path).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    assert_eq!(response.headers()["x-robots-tag"], "noindex");
    let page = body(response).await;
    let code = farm.watched().desk.proving(&farm.watched().wish).await.unwrap().code;
    assert!(page.contains(&format!("subscriptions = [&#34;{code}&#34;]")), "{page}");
    assert!(page.contains("/.well-known/pgxn-testers.toml") && page.contains(&format!("action=\"{path}\"")), "{page}");
    assert!(!main_of(&page).contains("/other"), "where it leads is not shown");
    let sent = Request::post(&path).body(Body::empty()).unwrap();
    let answer = farm.ask(sent).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let back = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(back, format!("{path}?problem=proof-missing"));
    assert!(farm.text(&back).await.contains("did not find the line"));
}

#[tokio::test]
async fn a_subscriber_sees_what_was_told_and_ends_it_without_a_script() {
    let farm = Farm::new(true).await;
    let path = format!("/subscriptions/{}", farm.watched().token);
    let page = farm.text(&path).await;
    let main = main_of(&page);
    assert!(main.contains("watched 1.1.0 fails in installcheck on PostgreSQL 13 (arm64)"), "{main}");
    assert!(main.contains("<td class=\"k\">delivered</td><td class=\"soft\">204 No Content</td>"), "{main}");
    assert!(main.contains("<td class=\"k\">waiting</td><td class=\"soft\">502 Bad Gateway</td>"), "{main}");
    assert!(main.contains("whsec_") && main.contains(&format!("action=\"{path}/end\"")), "{main}");
    let json: serde_json::Value = serde_json::from_str(&farm.text(&format!("{path}?format=json")).await).unwrap();
    assert_eq!((&json["is_active"], &json["deliveries"][1]["attempts"]), (&true.into(), &1.into()));
    let sent = Request::post(format!("{path}/end")).body(Body::empty()).unwrap();
    let answer = farm.ask(sent).await;
    assert_eq!(
        (answer.status(), answer.headers()["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, path.as_str())
    );
    let ended = farm.text(&path).await;
    assert!(
        ended.contains("It ended just now: its holder ended it.") && !main_of(&ended).contains("<button>"),
        "{ended}"
    );
    assert!(ended.contains("<td class=\"k\">dropped</td>"), "{ended}");
    assert_eq!(farm.get("/subscriptions/01KAJ000000000000000000052.AAAA").await.status(), StatusCode::NOT_FOUND);
}
