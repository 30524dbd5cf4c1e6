//! Every page on a real store, asked through the router as a browser asks.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be built should end at once")]

#[path = "../examples/gallery/believable/mod.rs"]
mod believable;
#[path = "pages/matrices.rs"]
mod matrices;
#[path = "pages/narrowed.rs"]
mod narrowed;
#[path = "pages/pre_releases.rs"]
mod pre_releases;
#[path = "pages/subscriptions.rs"]
mod subscriptions;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response, StatusCode};
use dashboard::{Dashboard, Site, Source};
use protocol::{ManualClock, Matrix};
use proxy::Proxy;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

const FAILED: &str = "/run/01KAJ000000000000000000052";
const TESTS_FAILED: &str = "/run/01KAJ000000000000000000056";
const RUNNING: &str = "/run/01KAJ000000000000000000131";
const LOST: &str = "/run/01KAJ000000000000000000129";
const HOSTILE: &str = "/run/01KAJ000000000000000000125";
const HOSTILE_DIST: &str = "/dist/%3Cb%3Ex'&%22/";

/// The farm's address and the registry of what [`believable`] makes.
fn site() -> Site {
    Site {
        registry_url: believable::REGISTRY.parse().unwrap(),
        sample: true,
        public_url: "https://testers.example.org/".parse().unwrap(),
        version: "0.1.0".into(),
    }
}

/// Pages, asked as a browser asks.
struct Pages(Router);

impl Pages {
    async fn ask(&self, request: Request<Body>) -> Response<Body> {
        self.0.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> Response<Body> {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn text(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        body(response).await
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }
}

struct Farm {
    pages: Pages,
    dashboard: Dashboard,
    store: store::Store,
    clock: ManualClock,
    live: live::Live,
    directory: TempDir,
}

impl Deref for Farm {
    type Target = Pages;

    fn deref(&self) -> &Pages {
        &self.pages
    }
}

impl Farm {
    async fn new() -> Self {
        Self::with(async |_, _| ()).await
    }

    /// With whatever else is put there.
    async fn with(more: impl AsyncFnOnce(&store::Store, &store::Blobs)) -> Self {
        Self::of(more, async |store, directory, clock| believable::documents(store, directory, clock).await).await
    }

    /// With whatever else is put there, on documents of a registry.
    async fn of(
        more: impl AsyncFnOnce(&store::Store, &store::Blobs),
        registry: impl AsyncFnOnce(&store::Store, &Path, Arc<ManualClock>) -> Proxy,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (store, blobs) = believable::build(directory.path()).await;
        more(&store, &blobs).await;
        let clock = ManualClock::at(believable::NOW);
        let shared = Arc::new(clock.clone());
        let documents = registry(&store, directory.path(), shared.clone()).await;
        let live = believable::live();
        let source = Source { store: store.clone(), blobs, documents: documents.clone(), live: live.clone() };
        let dashboard = Dashboard::new(source, Matrix::embedded(), shared, site());
        dashboard::make_index(&dashboard).await.unwrap();
        let router = proxy::before(documents, dashboard::router(dashboard.clone()), dashboard::OFFERS);
        Self { pages: Pages(router), dashboard, store, clock, live, directory }
    }

    /// The page of the run that gave a distribution's verdict on a major.
    async fn run_of(&self, dist: &str, major: u64) -> String {
        let matrix = self.json(&format!("/dist/{dist}/matrix.json")).await;
        let cells = matrix["grid"]["rows"][0]["cells"].as_array().unwrap().clone();
        let cell = cells.into_iter().find(|cell| cell["major"] == major).unwrap();
        format!("/run/{}", cell["spots"][0]["run"].as_str().unwrap())
    }

    /// Pages of runs that the first ones do not have: name and path.
    async fn more_runs(&self) -> Vec<(&'static str, String)> {
        let runs = [
            ("run-crashed", "temporal_tables", 18),
            ("run-warned", "ip4r", 18),
            ("run-blocked", "topn", 18),
            ("run-turned", "pg_cron", 14),
            ("run-unconfirmed", "pg_qualstats", 16),
            ("run-flaky", "pg_flicker", 13),
        ];
        let mut found = Vec::new();
        for (name, dist, major) in runs {
            found.push((name, self.run_of(dist, major).await));
        }
        let turned = self.json(&format!("{}.json", found[3].1)).await;
        found.push(("symptom", turned["symptom"]["href"].as_str().unwrap().to_owned()));
        found
    }
}

async fn body(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// Pages of every template.
const PAGES: [(&str, &str); 51] = [
    ("home", "/"),
    ("dists", "/dists/"),
    ("dist", "/dist/pgtap/"),
    ("dist-waiting", "/dist/hll/"),
    ("dist-hostile", HOSTILE_DIST),
    ("release", "/dist/pgtap/1.3.4/"),
    ("run-failed", FAILED),
    ("run-tests-failed", TESTS_FAILED),
    ("run-running", RUNNING),
    ("run-lost", LOST),
    ("run-hostile", HOSTILE),
    ("file", "/run/01KAJ000000000000000000052/build.log"),
    ("queue", "/queue/"),
    ("farm", "/status/"),
    ("matrix", "/matrix/"),
    ("matrix-filtered", "/matrix/?user=theory&pg=18&is=pass"),
    ("matrix-nothing", "/matrix/?pg=18&platform=arm64&is=error&tag=tap"),
    ("readiness", "/readiness/"),
    ("readiness-major", "/readiness/19/"),
    ("charts", "/charts/"),
    ("badges", "/badge/pgtap/"),
    ("design", "/design/"),
    ("symptoms", "/symptoms/"),
    ("symptoms-on-19", "/symptoms/?major=19"),
    ("vocabulary", "/vocabulary/"),
    ("search", "/search?q=unit+testing"),
    ("search-docs", "/search?q=jobs&in=docs"),
    ("search-users", "/search?q=theory&in=users"),
    ("search-tags", "/search?q=testing&in=tags"),
    ("search-nothing", "/search?q=pgta"),
    ("document", "/dist/pgtap/1.3.4/doc/guide.html"),
    ("document-readme", "/dist/pgtap/README.html"),
    ("document-rst", "/dist/pgtap/1.3.4/doc/reference.html"),
    ("document-asciidoc", "/dist/pgtap/1.3.4/doc/manual.html"),
    ("document-pod", "/dist/pgtap/1.3.4/doc/perl.html"),
    ("document-html", "/dist/pgtap/1.3.4/doc/page.html"),
    ("document-markdown", "/dist/pgtap/1.3.4/doc/tutorial.html"),
    ("document-changes", "/dist/pgtap/1.3.4/Changes.html"),
    ("source", "/src/pgtap/pgtap-1.3.4/"),
    ("source-below", "/src/pgtap/pgtap-1.3.4/doc/"),
    ("recent", "/recent/"),
    ("user", "/user/theory/"),
    ("users", "/users/?c=t"),
    ("tags", "/tags/"),
    ("tag", "/tag/unit%20testing/"),
    ("mirrors", "/mirrors/"),
    ("spec", "/spec/"),
    ("about", "/about/"),
    ("faq", "/faq/"),
    ("feedback", "/feedback/"),
    ("mirroring", "/mirroring/"),
];

/// Other ways to look at a run, each at an address of its own.
const WAYS: [(&str, &str); 3] = [
    ("run-side-by-side", "/run/01KAJ000000000000000000056?view=split"),
    ("file-side-by-side", "/run/01KAJ000000000000000000056/regression.diffs?view=split"),
    ("file-found", "/run/01KAJ000000000000000000052/build.log?q=HEAP_open"),
];

/// The page without the one script that may be on it, which is ours.
fn without_own_script(html: &str) -> String {
    let Some(start) = html.find("<script src=\"/static/run.") else { return html.to_owned() };
    let own = html[start..].split_inclusive("</script>").next().unwrap();
    assert!(own.ends_with(".js\" defer></script>") && own.len() < 80, "{own}");
    html.replacen(own, "", 1)
}

/// The style sheet's name changes with every touch of it; nothing else of a page does.
fn without_style_name(html: &str) -> String {
    let Some(start) = html.find("/static/style.") else { return html.to_owned() };
    let end = start + html[start..].find(".css").unwrap();
    format!("{}/static/style{}", &html[..start], &html[end..])
}

#[tokio::test]
async fn every_page_looks_as_it_did() {
    let farm = Farm::new().await;
    let known = PAGES.into_iter().chain(WAYS).map(|(name, path)| (name, path.to_owned()));
    for (name, path) in known.chain(farm.more_runs().await) {
        let html = without_style_name(&farm.text(&path).await);
        let main = html.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
        insta::assert_snapshot!(name, if name == "home" { &html } else { main });
    }
    let missing = farm.get("/dist/pgtapp/").await;
    insta::assert_snapshot!("fault", body(missing).await.split_once("<main").unwrap().1);
}

#[tokio::test]
async fn every_page_is_small_and_can_be_read_after_two_requests() {
    let farm = Farm::new().await;
    let known = PAGES.map(|(_, path)| path.to_owned());
    let (mut sizes, mut style) = (Vec::new(), String::new());
    for path in known.into_iter().chain(farm.more_runs().await.into_iter().map(|(_, path)| path)) {
        let html = farm.text(&path).await;
        let sheets: Vec<&str> = html.split("<link rel=\"stylesheet\" href=\"").skip(1).collect();
        assert_eq!(sheets.len(), 1, "{path}: one sheet, and nothing else to wait for");
        sheets[0].split_once('"').unwrap().0.clone_into(&mut style);
        for script in html.split("<script").skip(1) {
            let tag = script.split_once('>').unwrap().0;
            assert!(tag.contains(" defer") || tag.contains("type=\"module\""), "{path} waits for <script{tag}>");
        }
        sizes.push((html.len(), path));
    }
    sizes.push((farm.text(&style).await.len(), style));
    for (bytes, path) in sizes {
        assert!(bytes < SMALL, "{path} has {bytes} bytes");
    }
}

/// No page has more bytes, before they are compressed.
const SMALL: usize = 100_000;

#[tokio::test]
async fn a_long_log_is_read_in_small_parts() {
    let farm = Farm::new().await;
    let blobs = store::Blobs::open(farm.directory.path().join("blobs").to_str().unwrap()).unwrap();
    let run = FAILED.trim_start_matches("/run/").parse().unwrap();
    let plain =
        "gcc -Wall -O2 -g -fPIC -I. -I/usr/include/postgresql/19/server -c -o src/pgtap.o src/pgtap.c\n".repeat(5_000);
    let coloured = "\u{1b}[01;31m\u{1b}[Kerror:\u{1b}[m\u{1b}[K <a> \u{1b}[32m\u{1}\u{1b}[m & 'b' ".repeat(300) + "\n";
    for log in [plain, coloured.repeat(250), "<&\"'>".repeat(100_000), "\n".repeat(100_000)] {
        blobs.put(run, "build.log", zstd::encode_all(log.as_bytes(), 1).unwrap().into()).await.unwrap();
        let first = farm.text(&format!("{FAILED}/build.log")).await;
        assert!(first.len() < SMALL, "{} bytes of {}…", first.len(), &log[..10].escape_debug());
        let lines = log.lines().count();
        let last = farm.text(&format!("{FAILED}/build.log?part={}", lines.div_ceil(200))).await;
        assert!(last.contains(&format!("id=\"L{lines}\"")) && last.len() < SMALL);
        assert_eq!(farm.get(&format!("{FAILED}/build.log?part={}", lines.div_ceil(200) + 1)).await.status(), 404);
    }
}

#[tokio::test]
async fn crawlers_are_told_which_address_counts() {
    let farm = Farm::new().await;
    for path in ["/", "/dist/pgtap/", FAILED, "/vocabulary/"] {
        let page = farm.get(path).await;
        let canonical = format!("<https://testers.example.org{path}>; rel=\"canonical\"");
        assert_eq!((header(&page, "link"), header(&page, "x-robots-tag")), (canonical.as_str(), ""), "{path}");
    }
    for path in ["/dists/?q=pg", "/?utm_source=x", "/search?q=tap", "/symptoms/?major=19", "/status.json"] {
        let page = farm.get(path).await;
        assert_eq!((header(&page, "link"), header(&page, "x-robots-tag")), ("", "noindex"), "{path}");
    }
    let robots = farm.text("/robots.txt").await;
    for line in ["Disallow: /search\n", "Disallow: /src/\n", "Disallow: /*?part=\n", "Allow: /api/v1/export/\n"] {
        assert!(robots.contains(line), "{line}: {robots}");
    }
    let export = "https://testers.example.org/api/v1/export/results.ndjson.zst";
    for path in ["/robots.txt", "/sitemap.xml", "/about/"] {
        assert!(farm.text(path).await.contains(export), "{path}");
    }
}

#[tokio::test]
async fn every_view_is_the_pages_json() {
    let farm = Farm::new().await;
    for (name, path) in [
        ("home", "/?format=json"),
        ("matrix", "/dist/pgtap/matrix.json"),
        ("run", "/run/01KAJ000000000000000000056.json"),
        ("run-running", "/run/01KAJ000000000000000000131.json"),
        ("queue", "/queue/?format=json"),
        ("farm", "/status.json"),
        ("charts", "/charts/?span=quarter&format=json"),
        ("badges", "/badge/pgtap/?format=json"),
        ("symptoms", "/symptoms/?format=json"),
        ("vocabulary", "/vocabulary/?format=json"),
    ] {
        insta::assert_json_snapshot!(format!("json-{name}"), farm.json(path).await);
    }
}

#[tokio::test]
async fn what_a_stranger_writes_never_becomes_markup() {
    let farm = Farm::new().await;
    let file = format!("{HOSTILE}/build.log");
    let runs = farm.more_runs().await;
    let known = [
        "/",
        "/dists/",
        HOSTILE_DIST,
        HOSTILE,
        &file,
        "/dists/?q=%3Cscript%3E",
        "/symptoms/",
        "/dist/pgtap/",
        "/dist/pgtap/README.html",
        "/dist/pgtap/doc/reference.html",
        "/dist/pgtap/doc/manual.html",
        "/dist/pgtap/doc/perl.html",
        "/dist/pgtap/doc/page.html",
        "/dist/pgtap/doc/tutorial.html",
        "/dist/pgtap/Changes.html",
        "/matrix/",
        "/matrix/?q=%3Cscript%3E&user=%3Cscript%3E&tag=%22%3E%3Cscript%3E",
        "/readiness/18/?with=%3Cscript%3E",
        "/user/citus/",
        RUNNING,
        "/run/01KAJ000000000000000000125/build.log?q=%3Cscript%3E",
        "/run/01KAJ000000000000000000125/build.log?q=%22%3E%3Cscript%3E",
    ];
    for path in known.into_iter().chain(runs.iter().map(|(_, path)| path.as_str())) {
        let html = without_own_script(&farm.text(path).await);
        for tag in [
            "<script",
            "<img src=x",
            "<b>x'",
            "href=\"javascript:",
            "onclick=",
            "<iframe",
            "id=\"doc-main\" class",
            "<b>first",
        ] {
            assert!(!html.contains(tag), "{path} has {tag}");
        }
        assert!(!html.contains(" style=\"") && !html.contains(" onerror=\""), "{path}");
    }
}

#[tokio::test]
async fn every_link_of_every_page_leads_somewhere() {
    let farm = Farm::new().await;
    let mut links = BTreeSet::new();
    for (_, path) in PAGES.into_iter().chain(WAYS) {
        let html = farm.text(path).await;
        for piece in html.split("href=\"").skip(1).chain(html.split("src=\"").skip(1)) {
            let link = piece.split_once('"').unwrap().0.replace("&#38;", "&").replace("&#39;", "'");
            if link.starts_with('/') {
                links.insert(link.split_once('#').map_or(link.clone(), |(page, _)| page.to_owned()));
            }
        }
    }
    assert!(links.len() > 80, "only {} links", links.len());
    for link in links {
        let response = farm.get(&link).await;
        let to = match response.status() {
            // An extension leads to its distribution.
            // And so does a document that only another release may have.
            StatusCode::SEE_OTHER if link.starts_with("/extension/") || link.ends_with("?else=release") => {
                header(&response, "location").to_owned()
            }
            _ => link.clone(),
        };
        assert_eq!(farm.get(&to).await.status(), StatusCode::OK, "{link}");
    }
}

#[tokio::test]
async fn a_document_leads_to_itself_in_other_versions_and_else_to_their_pages() {
    let farm = Farm::new().await;
    let view = farm.json("/dist/pgtap/1.3.4/doc/tutorial.html?format=json").await;
    let href = |version: &str| {
        let one = view["versions"].as_array().unwrap().iter().find(|one| one["version"] == version).unwrap();
        one["href"].as_str().unwrap().to_owned()
    };
    assert_eq!(href("1.3.4"), "/dist/pgtap/1.3.4/doc/tutorial.html");
    let response = farm.get(&href("1.3.3")).await;
    assert_eq!((response.status(), header(&response, "location")), (StatusCode::SEE_OTHER, "/dist/pgtap/1.3.3/"));
    assert_eq!(farm.get("/dist/pgtap/1.3.3/doc/tutorial.html").await.status(), StatusCode::NOT_FOUND);
    let before = farm.json("/dist/pgtap/1.3.3/doc/guide.html?format=json").await;
    let latest = before["latest"]["href"].as_str().unwrap();
    assert!(latest.starts_with("/dist/pgtap/1.3.4/doc/guide.html"), "{latest}");
    assert_eq!(farm.get(latest).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_release_shows_where_its_changes_and_its_licence_are() {
    let farm = Farm::new().await;
    for page in ["/dist/pgtap/", "/dist/pgtap/1.3.4/"] {
        let html = farm.text(page).await;
        for link in ["README.html\">README.md", "Changes.html\">Changes", "LICENSE.html\">LICENSE"] {
            assert!(html.contains(&format!("<a href=\"/dist/pgtap/1.3.4/{link}</a>")), "{link} on {page}");
        }
    }
    assert!(farm.text("/dist/pgtap/LICENSE.html").await.contains("Do what you like."));
}

#[tokio::test]
async fn every_answer_forbids_scripts_and_guessing_of_types() {
    let farm = Farm::new().await;
    let raw = format!("{HOSTILE}/build.log?raw");
    for path in ["/", &raw, "/nowhere", "/badge/pgtap.svg", "/status.json"] {
        let response = farm.get(path).await;
        let policy = header(&response, "content-security-policy").to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
    }
    for path in [FAILED, RUNNING, &format!("{RUNNING}/events")] {
        let policy = header(&farm.get(path).await, "content-security-policy").to_owned();
        let scripted = path != format!("{RUNNING}/events");
        assert_eq!(policy.contains("script-src 'self'; connect-src 'self'"), scripted, "{path}: {policy}");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    }
    for path in [raw.as_str(), "/src/pgtap/pgtap-1.3.4/sql/install.sql"] {
        assert_eq!(header(&farm.get(path).await, "content-type"), "text/plain; charset=utf-8");
    }
}

#[tokio::test]
async fn feeds_tell_of_releases_and_where_they_work_and_machines_find_every_page() {
    let farm = Farm::new().await;
    for (path, entries) in [
        ("/recent/feed.atom", 19),
        ("/dist/pgtap/feed.atom", 5),
        ("/user/theory/feed.atom", 2),
        ("/tag/tap/feed.atom", 13),
    ] {
        let response = farm.get(path).await;
        assert_eq!(header(&response, "content-type"), "application/atom+xml", "{path}");
        let text = body(response).await;
        assert_eq!(text.matches("<entry>").count(), entries, "{path}: {text}");
        assert!(text.contains(&format!("<id>https://testers.example.org{path}</id>")), "{path}: {text}");
        assert!(!text.contains("<script") && !text.contains('\u{1}'), "{path}");
    }
    let text = farm.text("/dist/pgtap/feed.atom").await;
    assert!(text.contains("pgTAP 1.3.4 passes on PostgreSQL 15, 16 and 18"), "{text}");
    for path in ["/dist/nothing/feed.atom", "/user/nobody/feed.atom", "/tag/nothing/feed.atom"] {
        assert_eq!(farm.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let sitemap = farm.text("/sitemap.xml").await;
    assert!(
        sitemap.contains("<loc>https://testers.example.org/dist/pgtap/</loc><lastmod>2026-11-18T22:00:00Z"),
        "{sitemap}"
    );
    for address in sitemap.split("<loc>https://testers.example.org").skip(1) {
        let path = address.split_once('<').unwrap().0.replace("&#38;", "&");
        if path.starts_with("/api/") {
            continue; // The coordinator's.
        }
        assert_eq!(farm.get(&path).await.status(), StatusCode::OK, "{path}");
    }
    assert!(farm.text("/robots.txt").await.ends_with("Sitemap: https://testers.example.org/sitemap.xml\n"));
    assert!(farm.text("/opensearch.xml").await.contains("https://testers.example.org/search?q={searchTerms}"));
}

#[tokio::test]
async fn a_page_that_did_not_change_is_not_sent_again() {
    let farm = Farm::new().await;
    for path in ["/", "/dist/pgtap/", FAILED, "/badge/pgtap.svg", "/run/01KAJ000000000000000000052/build.log?raw"] {
        let tag = header(&farm.get(path).await, "etag").to_owned();
        let request = Request::get(path).header("if-none-match", &tag).body(Body::empty()).unwrap();
        let again = farm.ask(request).await;
        assert_eq!((again.status(), header(&again, "etag")), (StatusCode::NOT_MODIFIED, tag.as_str()), "{path}");
        assert_eq!(body(again).await, "");
        let other = Request::get(path).header("if-none-match", "W/\"other\"").body(Body::empty()).unwrap();
        assert_eq!(farm.ask(other).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn what_cannot_change_is_cached_for_ever_and_the_rest_is_asked_for() {
    let farm = Farm::new().await;
    let home = farm.text("/").await;
    let style =
        home.split("href=\"").find(|it| it.starts_with("/static/")).unwrap().split_once('"').unwrap().0.to_owned();
    let (raw, log) = (format!("{FAILED}/build.log?raw"), format!("{FAILED}/build.log"));
    let page = farm.text(RUNNING).await;
    let script = page.split("<script src=\"").nth(1).unwrap().split_once('"').unwrap().0.to_owned();
    for path in [style.as_str(), &raw, &log, &script] {
        assert!(header(&farm.get(path).await, "cache-control").ends_with("immutable"), "{path}");
    }
    let doubtful = format!("{}/build.log", farm.more_runs().await[4].1);
    assert_eq!(header(&farm.get(&doubtful).await, "cache-control"), "no-cache", "a second opinion may come");
    assert_eq!(header(&farm.get(&script).await, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(header(&farm.get("/static/run.0.js").await, "cache-control"), "no-cache");
    assert_eq!(header(&farm.get("/static/style.0.css").await, "cache-control"), "no-cache");
    assert_eq!(header(&farm.get("/").await, "cache-control"), "no-cache");
    assert_eq!(header(&farm.get("/badge/pgtap.svg").await, "cache-control"), "public, max-age=300");
}

#[tokio::test]
async fn head_tells_what_get_would_without_the_body() {
    let farm = Farm::new().await;
    for path in ["/", FAILED, "/badge/pgtap.svg", "/robots.txt", "/favicon.svg"] {
        let request = Request::builder().method(Method::HEAD).uri(path).body(Body::empty()).unwrap();
        let head = farm.ask(request).await;
        assert_eq!(head.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&head, "content-type"), header(&farm.get(path).await, "content-type"));
        assert_eq!(body(head).await, "");
    }
}

#[tokio::test]
async fn every_writing_of_an_address_leads_to_the_one_that_counts() {
    let farm = Farm::new().await;
    for (asked, canonical) in [
        ("/dist/pgTAP/", "/dist/pgtap/"),
        ("/dist/pgTAP", "/dist/pgtap/"),
        ("/dist/PGTAP/1.3.4/", "/dist/pgtap/1.3.4/"),
        ("/dist/pgtap/1.4.0-B1/", "/dist/pgtap/1.4.0-b1/"),
        ("/dist/pgtap/1.3.4", "/dist/pgtap/1.3.4/"),
        ("/run/01kaj000000000000000000052", FAILED),
        ("/dists/?q=semv", "/dist/semver/"),
        ("/search", "/dists/"),
        ("/search?q=*", "/dists/"),
        ("/dists", "/dists/"),
        ("/dists?q=p&after=pgmp", "/dists/?q=p&after=pgmp"),
        ("/queue", "/queue/"),
        ("/user/Theory", "/user/theory/"),
        ("/user/Theory/?part=1", "/user/theory/?part=1"),
        ("/tag/Unit%20Testing/", "/tag/unit%20testing/"),
        ("/tag/tap", "/tag/tap/"),
        ("/extension/PGTap", "/extension/pgtap/"),
        ("/extension/pgtap/", "/dist/pgtap/"),
        ("/users?c=b", "/users/?c=b"),
        ("/recent", "/recent/"),
        ("/faq", "/faq/"),
        ("/index.html", "/"),
        ("/contact.html", "/feedback/"),
        ("/contributors.html", "/donors/"),
        ("/mirroring.html", "/mirroring/"),
        ("/faq.html", "/faq/"),
        ("/meta/spec.html", "/spec/"),
        ("/status", "/status/"),
        ("/charts?span=year", "/charts/?span=year"),
        ("/badge/pgTAP", "/badge/pgtap/"),
        ("/badge/pgTAP/", "/badge/pgtap/"),
        ("/design", "/design/"),
        ("/symptoms?major=19", "/symptoms/?major=19"),
        ("/matrix?user=theory", "/matrix/?user=theory"),
        ("/readiness/18?is=broke", "/readiness/18/?is=broke"),
        ("/vocabulary?format=json", "/vocabulary/?format=json"),
        ("/dist/pgTAP/?part=2", "/dist/pgtap/?part=2"),
        ("/dist/PGTAP/1.3.4/?format=json", "/dist/pgtap/1.3.4/?format=json"),
        ("/dist/pgtap/1.3.4?format=json", "/dist/pgtap/1.3.4/?format=json"),
        ("/run/01kaj000000000000000000052.json", "/run/01KAJ000000000000000000052.json"),
    ] {
        let response = farm.get(asked).await;
        assert!(response.status().is_redirection(), "{asked}: {}", response.status());
        assert_eq!(header(&response, "location"), canonical, "{asked}");
    }
}

#[tokio::test]
async fn the_json_of_a_page_shows_the_same_part_of_it() {
    let farm = Farm::new().await;
    let run = farm.json(&format!("{FAILED}.json")).await;
    let symptom = run["symptom"]["href"].as_str().unwrap();
    for (page, json) in [
        ("/queue/?after=1.2.3&x=1", "/queue/?format=json&#38;after=1.2.3"),
        ("/dists/?q=p&after=pg_cron", "/dists/?format=json&#38;q=p&#38;after=pg_cron"),
        ("/symptoms/?major=19&from=1", "/symptoms/?format=json&#38;major=19&#38;from=1"),
        (&format!("{symptom}?from=1"), &format!("{symptom}.json?from=1")),
        ("/dist/pgtap/?part=1", "/dist/pgtap/matrix.json?part=1"),
        ("/matrix/?user=Theory&is=fail&x=1", "/matrix/?user=theory&#38;is=fail&#38;format=json"),
        ("/readiness/19/?is=broke&x=1", "/readiness/19/?format=json&#38;is=broke"),
        ("/dist/pgtap/", "/dist/pgtap/matrix.json"),
    ] {
        let html = farm.text(page).await;
        assert!(html.contains(&format!("<a href=\"{json}\">this page as JSON</a>")), "{page}: {html}");
        farm.json(&json.replace("&#38;", "&")).await;
    }
}

#[tokio::test]
async fn an_exact_name_leads_to_its_page_though_others_begin_with_it() {
    let farm = Farm::new().await;
    let release = protocol::Release {
        dist: "pgtap_core".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
        status: protocol::Status::Stable,
        user: "theory".parse().unwrap(),
        sha1: "0".repeat(40),
        released_at: believable::NOW,
    };
    let new = store::releases::NewRelease { release: &release, summary: "", meta: &serde_json::json!({}) };
    let mut tx = farm.store.begin().await.unwrap();
    store::releases::insert(&mut tx, protocol::ReleaseId::new(believable::NOW), &new, believable::NOW).await.unwrap();
    tx.commit().await.unwrap();
    for (asked, page) in
        [("pgTAP", "/dist/pgtap/"), ("pgtap_core", "/dist/pgtap_core/"), ("pgtap_", "/dist/pgtap_core/")]
    {
        assert_eq!(header(&farm.get(&format!("/dists/?q={asked}")).await, "location"), page, "{asked}");
    }
    assert_eq!(farm.json("/dists/?q=pgtap&format=json").await["recent"].as_array().unwrap().len(), 2);
    assert_eq!(farm.get("/dists/?q=pgta").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn many_broken_releases_do_not_push_the_matrix_away() {
    let farm = Farm::new().await;
    let mut tx = farm.store.begin().await.unwrap();
    let reason = "long ".repeat(200);
    for version in ["2.0.1", "2.0.2", "2.0.3", "2.0.4", "2.0.5"] {
        let breakage =
            store::broken::Breakage { dist: "pgTAP", version, reason: &reason, next_try_at: believable::NOW };
        store::broken::record(&mut tx, &breakage, believable::NOW).await.unwrap();
    }
    tx.commit().await.unwrap();
    let page = farm.text("/dist/pgtap/").await;
    assert_eq!((page.matches("cannot be tested.</b>").count(), page.matches("long ").count()), (3, 3 * 48));
    assert!(page.contains("2 more releases of it cannot be tested."), "{page}");
    let dist = farm.json("/dist/pgtap/matrix.json").await;
    assert_eq!((dist["broken"].as_array().unwrap().len(), &dist["more_broken"]), (3, &2.into()));
}

#[tokio::test]
async fn what_is_not_there_says_what_was_asked_and_what_is_near() {
    let farm = Farm::new().await;
    for (path, words, near) in [
        ("/dist/pgtapp/", "no distribution “pgtapp”", "/dist/pgtap/"),
        ("/dist/pgtap/9.9.9/", "not its version “9.9.9”", "/dist/pgtap/1.3.4/"),
        (
            "/run/01KAJ000000000000000000052/other.log",
            "no file “other.log”",
            "/run/01KAJ000000000000000000052/build.log",
        ),
        ("/run/01KAJ000000000000000000052/build.log?part=2", "no part 2", "/"),
        ("/run/x", "is not a run id", "/"),
        ("/run/01KAJ999999999999999999999", "knows no run", "/"),
        ("/dist/pg_shard/", "cannot read it: Its META.json is not JSON", "/"),
        ("/badge/pgtap.png", "ends in `.svg`", "/"),
        ("/badge/pgtap/1.3.4.png", "ends in `.svg`", "/"),
        ("/badge/pgtapp/", "no distribution “pgtapp”", "/dist/pgtap/"),
        ("/nowhere", "no page at this address", "/"),
    ] {
        let response = farm.get(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        let html = body(response).await;
        assert!(html.contains(words) && html.contains(&format!("href=\"{near}\"")), "{path}: {html}");
    }
    let problem = farm.get("/run/01KAJ999999999999999999999.json").await;
    assert_eq!(header(&problem, "content-type"), "application/problem+json");
}

#[tokio::test]
async fn a_fault_of_ours_is_owned_and_tells_nothing_of_the_inside() {
    let farm = Farm::new().await;
    farm.store.close().await;
    for path in ["/", "/dist/pgtap/", FAILED, "/badge/pgtap.svg"] {
        let response = farm.get(path).await;
        assert_eq!(
            (response.status(), header(&response, "cache-control")),
            (StatusCode::INTERNAL_SERVER_ERROR, "no-store")
        );
        let html = body(response).await;
        assert!(html.contains("The fault is ours") && !html.to_lowercase().contains("pool"), "{path}: {html}");
    }
}

#[tokio::test]
async fn a_badge_says_what_the_page_says() {
    let farm = Farm::new().await;
    for (dist, words) in [
        ("semver", "15–18 passing"),
        ("SEMVER", "15–18 passing"),
        ("pgtap", "failing on 17"),
        ("pg_partman", "builds on 15–18"),
        ("pgmp", "untested"),
    ] {
        let svg = farm.text(&format!("/badge/{dist}.svg")).await;
        assert!(svg.contains(&format!("aria-label=\"PostgreSQL: {words}\"")), "{dist}: {svg}");
    }
}

#[tokio::test]
async fn a_badge_can_be_of_one_major_one_platform_and_one_version() {
    let farm = Farm::new().await;
    for (path, words) in [
        ("pgtap.svg?pg=18", "PostgreSQL 18: passing"),
        ("pgtap.svg?pg=19", "PostgreSQL 19: failing (build)"),
        ("pgtap.svg?pg=17", "PostgreSQL 17: passing on amd64, failing (installcheck) on arm64"),
        ("pgtap.svg?platform=amd64", "PostgreSQL, amd64: 15–18 passing"),
        ("pgtap.svg?platform=arm64&pg=17", "PostgreSQL 17, arm64: failing (installcheck)"),
        ("pgtap.svg?pg=10", "PostgreSQL 10: untested"),
        ("pgTAP/1.3.1.svg", "1.3.1 on PostgreSQL: failing on 18"),
        ("pgtap/1.3.1.svg?pg=18", "1.3.1 on PostgreSQL 18: failing (installcheck)"),
        ("pgtap/1.4.0-b1.svg?pg=15", "1.4.0-b1 on PostgreSQL 15: passing"),
        ("pgmp.svg?pg=15", "PostgreSQL 15: not supported"),
    ] {
        let svg = farm.text(&format!("/badge/{path}")).await;
        assert!(svg.contains(&format!("aria-label=\"{words}\"")), "{path}: {svg}");
    }
}

#[tokio::test]
async fn a_badge_of_what_is_not_there_says_so_and_is_not_found() {
    let farm = Farm::new().await;
    for (path, words) in [
        ("nobody-knows-it.svg", "unknown"),
        ("%2e.svg", "unknown"),
        ("pgtap/9.9.9.svg", "no such release"),
        ("pgtap/latest.svg", "no such release"),
        ("pgtap.svg?pg=x", "no such major"),
        ("pgtap.svg?pg=9.6", "no such major"),
        ("pgtap.svg?platform=sparc", "no such platform"),
    ] {
        let response = farm.get(&format!("/badge/{path}")).await;
        assert_eq!(
            (response.status(), header(&response, "content-type")),
            (StatusCode::NOT_FOUND, "image/svg+xml"),
            "{path}"
        );
        let svg = body(response).await;
        assert!(svg.contains(&format!("aria-label=\"PostgreSQL: {words}\"")), "{path}: {svg}");
    }
}

#[tokio::test]
async fn a_badge_tells_shields_io_what_it_says_itself() {
    let farm = Farm::new().await;
    let told = farm.json("/badge/pgtap.json?pg=19").await;
    let expected = serde_json::json!({
        "schemaVersion": 1, "label": "PostgreSQL 19", "message": "failing (build)", "color": "#b8320b",
    });
    assert_eq!(told, expected);
    assert_eq!(farm.json("/badge/pgtap/1.3.4.json").await["label"], "1.3.4 on PostgreSQL");
    let missing = farm.get("/badge/nothing.json").await;
    assert_eq!((missing.status(), header(&missing, "content-type")), (StatusCode::NOT_FOUND, "application/json"));
    let missing: Value = serde_json::from_str(&body(missing).await).unwrap();
    assert_eq!((&missing["message"], &missing["isError"]), (&"unknown".into(), &true.into()));
}

#[tokio::test]
async fn the_page_of_badges_shows_each_as_it_looks_now_and_what_to_paste_for_it() {
    let farm = Farm::new().await;
    let page = farm.json("/badge/pgtap/?format=json").await;
    for badge in page["badges"].as_array().unwrap() {
        let path = badge["path"].as_str().unwrap();
        let svg = farm.text(path).await;
        let words = badge["words"].as_str().unwrap();
        assert!(svg.contains(&format!("aria-label=\"{words}\"")), "{path}: {svg}");
        for format in badge["formats"].as_array().unwrap() {
            let address = format!("https://testers.example.org{path}");
            let text = format[1].as_str().unwrap().replace("&amp;", "&");
            assert!(text.contains(&address) && text.contains("https://testers.example.org/dist/pgtap/"), "{text}");
        }
        let endpoint =
            badge["endpoint"].as_str().unwrap().strip_prefix("https://testers.example.org").unwrap().to_owned();
        let told = farm.json(&endpoint).await;
        assert_eq!(format!("{}: {}", told["label"].as_str().unwrap(), told["message"].as_str().unwrap()), words);
    }
}

#[tokio::test]
async fn every_chart_has_its_words_as_text_and_its_numbers_as_a_table() {
    let farm = Farm::new().await;
    for span in ["month", "quarter", "year", "nonsense"] {
        let page = farm.text(&format!("/charts/?span={span}")).await;
        let figures: Vec<&str> = page.split("<figure class=\"chart\">").skip(1).collect();
        assert!(figures.len() >= 6, "{span}: {}", figures.len());
        for figure in figures {
            let figure = figure.split_once("</figure>").unwrap().0;
            assert!(!figure.contains("fill=\"") && !figure.contains('#'), "{span}: {figure}");
            assert!(figure.contains("</text>") && figure.contains("<table class=\"numbers\">"), "{span}: {figure}");
        }
        assert!(!page.contains(" style="), "{span}");
    }
    let charts = farm.json("/charts/?format=json").await;
    let sum = |chart: &Value| -> u64 {
        let series = chart["series"].as_array().unwrap().iter();
        series.flat_map(|one| one["values"].as_array().unwrap()).map(|value| value.as_u64().unwrap()).sum()
    };
    let found: u64 = charts["verdicts"].as_array().unwrap().iter().map(sum).sum();
    let results = farm.json("/?format=json").await["counts"]["results"].as_u64().unwrap();
    assert_eq!((found, sum(&charts["farm"][0])), (results, results), "every result of the farm is in both charts");
    let waiting = charts["farm"][1]["series"][0]["values"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(waiting, farm.json("/status.json").await["counts"]["queued"]);
}

#[tokio::test]
async fn the_farms_page_says_where_it_failed_itself_and_how_to_help() {
    let farm = Farm::new().await;
    let status = farm.json("/status.json").await;
    let failures = status["failures"].as_array().unwrap();
    let header = failures.iter().find(|it| it["reason"] == "missing-header").unwrap();
    assert_eq!((&header["latest"]["release"], &header["latest"]["why"]), (&"pgmp 1.0.5".into(), &"gmp.h".into()));
    assert!(failures.iter().all(|it| ["env", "error"].contains(&it["mark"].as_str().unwrap())), "{failures:?}");
    let page = farm.text("/status/").await;
    for words in ["pgxn-testers runner --join https://testers.example.org/", "Where the farm itself failed"] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn the_design_page_shows_every_shape_in_both_themes() {
    let farm = Farm::new().await;
    let page = farm.text("/design/").await;
    for theme in ["theme-light", "theme-dark"] {
        assert!(page.matches(&format!("class=\"{theme}\"")).count() >= 8, "{theme}");
    }
    let marks = farm.json("/design/?format=json").await["marks"].as_array().unwrap().clone();
    for mark in marks {
        let symbol = format!("<svg class=\"g {}\"", mark["class"].as_str().unwrap());
        assert!(page.matches(&symbol).count() >= 2, "{symbol}");
    }
}

#[tokio::test]
async fn a_distribution_is_found_by_any_part_of_its_name_and_those_that_begin_with_it_come_first() {
    let farm = Farm::new().await;
    let found = farm.json("/dists/?q=p&format=json").await;
    let names: Vec<&str> = found["recent"].as_array().unwrap().iter().map(|it| it["dist"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["pg_cron", "pg_flicker", "pg_partman", "pg_qualstats", "pgmp", "pgTAP", "ip4r", "temporal_tables", "topn"]
    );
    assert!(farm.text("/dists/?q=zzz").await.contains("No distribution has that in its name."));
}

#[tokio::test]
async fn a_part_of_a_log_is_as_long_as_it_says() {
    let farm = Farm::new().await;
    let part = farm.text(&format!("{HOSTILE}/build.log?part=21")).await;
    assert_eq!(part.matches("class=\"l ").count(), 107);
    assert!(part.contains("id=\"L4001\"") && part.contains("id=\"L4107\"") && !part.contains("id=\"L4000\""));
}

#[tokio::test]
async fn words_are_found_in_a_log_and_linked_to_where_they_stand() {
    let farm = Farm::new().await;
    let found = farm.text(&format!("{FAILED}/build.log?q=heap_OPEN")).await;
    assert!(found.contains("2 lines have it.") && found.matches("hit\">heap_open</span>").count() == 2, "{found}");
    assert!(found.contains(&format!("<a class=\"n\" href=\"{FAILED}/build.log#L4\">4</a>")), "{found}");
    let many = farm.text(&format!("{HOSTILE}/build.log?q=CC+-c")).await;
    assert!(many.contains("4,100 lines have it; the first 500 are shown."), "{many}");
    assert_eq!(many.matches("hit\">cc -c</span>").count(), 500);
    assert!(farm.text(&format!("{FAILED}/build.log?q=nothing+of+it")).await.contains("No lines have it."));
    let json = farm.json(&format!("{FAILED}/build.log?q=heap_open&format=json")).await;
    assert_eq!((&json["search"]["total"], json["part"]["lines"].as_array().unwrap().len()), (&2.into(), 0));
}

#[tokio::test]
async fn a_failed_test_leads_to_its_differences_and_both_sides_stand_beside_each_other() {
    let farm = Farm::new().await;
    let page = farm.text(TESTS_FAILED).await;
    assert!(page.contains(&format!("<a href=\"{TESTS_FAILED}/regression.diffs#L1\">coltap</a>")), "{page}");
    for path in [format!("{TESTS_FAILED}?view=split"), format!("{TESTS_FAILED}/regression.diffs?view=split")] {
        let page = farm.text(&path).await;
        let row = "<td class=\"n\">16</td><td class=\"dr\" id=\"L9\">ok 4 - column exists</td><td class=\"n\">16</td>\
                   <td class=\"da\" id=\"L10\">not ok 4 - column exists</td>";
        assert!(page.contains(row) && page.contains(">Expected</th>"), "{path}: {page}");
    }
    assert!(!farm.text(&format!("{FAILED}/build.log?view=split")).await.contains("class=\"sides\""));
}

/// The events of a run, as they come until the connection ends.
async fn events(farm: &Farm, path: &str) -> (StatusCode, String) {
    let response = farm.get(path).await;
    let status = response.status();
    assert_eq!(header(&response, "content-type"), "text/event-stream", "{path}");
    (status, body(response).await)
}

#[tokio::test]
async fn a_run_that_goes_on_shows_what_it_printed_and_is_followed_from_there() {
    let farm = Farm::new().await;
    let page = farm.text(RUNNING).await;
    for words in [
        "It is in phase installcheck.",
        "running, 26 s",
        "48 kB are left out here",
        "# still waiting for cast",
        "&#60;script&#62;alert(9)",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let from = page.split("data-from=\"").nth(1).unwrap().split_once('"').unwrap().0.to_owned();
    let run = RUNNING.strip_prefix("/run/").unwrap().parse().unwrap();
    let live = farm.live.clone();
    let more = tokio::time::sleep(std::time::Duration::from_millis(200));
    let telling = async {
        more.await;
        let text = "ing\n\u{1b}[32mok\u{1b}[m 4\n<b>5".to_owned();
        let output = vec![protocol::Printed { phase: protocol::Phase::Installcheck, text, skipped_bytes: 0 }];
        assert!(live.push(run, &protocol::Progress { phases: Vec::new(), output }, believable::NOW));
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        live.end(run);
    };
    let address = format!("{RUNNING}/events?from={from}");
    let ((_, told), ()) = tokio::join!(events(&farm, &address), telling);
    let log: Vec<Value> = told
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .filter(|data: &Value| data["lines"].is_array())
        .collect();
    let [first, second] = log.as_slice() else { panic!("{told}") };
    assert_eq!(first["open"]["spans"][0]["text"], "# still waiting for cast");
    assert_eq!(second["lines"][0]["spans"][0]["text"], "# still waiting for casting");
    assert_eq!(second["lines"][1]["spans"][0], serde_json::json!({"class": "f2", "text": "ok"}));
    assert_eq!(second["open"]["spans"][0]["text"], "<b>5");
    assert!(told.contains("event: phases\n") && told.ends_with("event: end\ndata: {}\n\n"), "{told}");
    assert_eq!(told.matches("\nid: ").count(), 2, "{told}");
}

#[tokio::test]
async fn what_is_over_is_said_at_once_and_what_is_not_there_is_missing() {
    let farm = Farm::new().await;
    for run in [FAILED, LOST] {
        assert!(events(&farm, &format!("{run}/events")).await.1.contains("event: end"), "{run}");
    }
    let missing = farm.get("/run/01KAJ999999999999999999999/events").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(farm.get("/run/x/events").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn one_client_follows_a_few_runs_and_a_farm_that_stops_lets_all_go() {
    let farm = Farm::new().await;
    let mut going = Vec::new();
    for _ in 0..12 {
        going.push(farm.get(&format!("{RUNNING}/events")).await);
    }
    let refused = farm.get(&format!("{RUNNING}/events")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(body(refused).await.contains("You follow too many runs at a time."));
    drop(going.pop());
    going.push(farm.get(&format!("{RUNNING}/events")).await);
    assert_eq!(going.last().unwrap().status(), StatusCode::OK);
    farm.live.close();
    for response in going {
        let told = body(response).await;
        assert!(!told.contains("event: end"), "the run goes on: {told}");
    }
}

#[tokio::test]
async fn what_turned_today_is_on_the_home_page_with_what_it_did_before() {
    let farm = Farm::new().await;
    let home = farm.json("/?format=json").await;
    let turned = home["turned"].as_array().unwrap();
    let seen: Vec<String> =
        turned.iter().map(|turn| format!("{} {}", turn["comparison"], turn["release"]).replace('"', "")).collect();
    assert_eq!(seen, ["NEW-FAIL pg_cron 1.6.5"]);
    let dist = farm.json("/dist/pgtap/matrix.json").await;
    assert!(dist["turned"].as_array().unwrap().iter().any(|turn| turn["comparison"] == "FIXED"), "{dist}");
}

#[tokio::test]
async fn a_run_says_what_changed_since_it_passed_and_links_both() {
    let farm = Farm::new().await;
    let run = farm.json(&format!("{}.json", farm.run_of("pg_cron", 14).await)).await;
    let changed = &run["changed"];
    let what: Vec<&str> =
        changed["differences"].as_array().unwrap().iter().map(|it| it["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["PostgreSQL", "Image"]);
    assert_eq!((&changed["is_this"], &changed["packages"]["total"]), (&true.into(), &3.into()));
    let pgtap = farm.json(&format!("{FAILED}.json")).await;
    assert_eq!(pgtap["changed"]["passed"]["version"], "1.3.2");
    assert_eq!(pgtap["changed"]["failed"]["version"], "1.3.3");
    assert!(pgtap["changed"]["sentence"].as_str().unwrap().starts_with("Nothing but the release is different"));
}

#[tokio::test]
async fn a_symptom_that_others_show_is_counted_and_listed() {
    let farm = Farm::new().await;
    let run = farm.json(&format!("{FAILED}.json")).await;
    assert_eq!((&run["symptom"]["dists"], &run["symptom"]["majors"]), (&2.into(), &serde_json::json!([14, 19])));
    let symptom = farm.json(&format!("{}.json", run["symptom"]["href"].as_str().unwrap())).await;
    let releases: Vec<&str> =
        symptom["verdicts"].as_array().unwrap().iter().map(|it| it["release"].as_str().unwrap()).collect();
    assert_eq!(releases, ["pg_cron 1.6.5", "pgTAP 1.3.4", "pgTAP 1.3.3"]);
    let list = farm.json("/symptoms/?format=json").await;
    assert_eq!(list["symptoms"][0]["signature"], symptom["signature"], "the one that most share comes first");
    for (path, words) in [("/symptoms/0123456789abcdef", "never seen a symptom"), ("/symptoms/x", "is not a signature")]
    {
        let response = farm.get(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(body(response).await.contains(words), "{path}");
    }
}

#[tokio::test]
async fn a_failure_that_nobody_agreed_with_is_not_red_and_says_what_it_waits_for() {
    let farm = Farm::new().await;
    let page = farm.text(&farm.run_of("pg_qualstats", 16).await).await;
    assert!(page.contains("unconfirmed fail (installcheck)") && page.contains("A second run waits"), "{page}");
    assert!(!page.contains("verdict-box fail"), "{page}");
    let flaky = farm.text(&farm.run_of("pg_flicker", 13).await).await;
    assert!(flaky.contains("Another run of this test ended otherwise:"), "{flaky}");
    assert!(farm.text(FAILED).await.contains("Another run agrees:"));
}

#[tokio::test]
async fn a_failure_for_time_that_had_no_more_of_it_in_another_run_says_so() {
    let farm = Farm::with(believable::late_again).await;
    let page = farm.text(&farm.run_of("pg_qualstats", 13).await).await;
    assert!(page.contains("It was run again, with no more time than here, so that nothing is proved:"), "{page}");
    assert!(page.contains("unconfirmed fail (installcheck)"), "{page}");
}

#[tokio::test]
async fn the_vocabulary_explains_every_word_at_its_own_address() {
    let farm = Farm::new().await;
    let page = farm.text("/vocabulary/").await;
    let spoken = page.replace("<code>", "`").replace("</code>", "`");
    let words = protocol::Reason::ALL.iter().map(|it| (it.as_str(), it.sentence()));
    let flags = protocol::Flag::ALL.iter().map(|it| (it.as_str(), it.sentence()));
    let compared = protocol::Comparison::ALL.iter().map(|it| (it.as_str(), it.sentence()));
    let phases = protocol::Phase::ALL.iter().map(|it| (it.as_str(), it.sentence()));
    for (word, sentence) in words.chain(flags).chain(compared).chain(phases) {
        let sentence = sentence.replace('\'', "&#39;");
        assert!(page.contains(&format!("id=\"{word}\"")) && spoken.contains(&sentence), "{word}");
    }
    assert!(protocol::Grade::ALL.iter().all(|grade| page.contains(&format!("id=\"{grade}\""))));
}

#[tokio::test]
async fn a_signed_run_shows_by_what_and_a_withdrawn_one_why_it_counts_nowhere() {
    let mut runs = None;
    let farm = Farm::with(async |store, blobs| runs = Some(believable::lent(store, blobs).await)).await;
    let [signed, withdrawn] = runs.unwrap();
    let page = farm.text(&format!("/run/{signed}")).await;
    assert!(page.contains("pgxn-testers verify") && !page.contains("withdrawn"), "{page}");
    let page = farm.text(&format!("/run/{withdrawn}")).await;
    assert!(page.contains("withdrawn") && page.contains("the odd one out in 3 of 4"), "{page}");
    let cell = farm.text("/dist/semver/").await;
    assert!(!cell.contains(&withdrawn.to_string()), "it is in no matrix: {cell}");
    let page = farm.text("/status/").await;
    assert!(page.contains("outside its hours, until 2026-11-21 06:00 UTC"), "{page}");
}

#[tokio::test]
async fn a_quarantined_runner_is_shown_with_the_reason() {
    let farm = Farm::new().await;
    let mut tx = farm.store.begin().await.unwrap();
    let id = "01KAH000000000000000000003".parse().unwrap();
    let reason = "It was the odd one out in 3 of 4 distributions. <script>";
    assert!(store::confirm::quarantine(&mut tx, id, reason, believable::NOW).await.unwrap());
    tx.commit().await.unwrap();
    let page = farm.text("/status/").await;
    assert!(page.contains("quarantined") && page.contains("the odd one out in 3 of 4"), "{page}");
    assert!(!page.contains("<script"), "{page}");
    let runners = farm.json("/status.json").await["runners"].as_array().unwrap().clone();
    assert!(runners.iter().any(|runner| runner["state"] == "quarantined" && runner["why"] == reason), "{runners:?}");
}
