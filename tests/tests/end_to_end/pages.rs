//! The pages of a small farm: over HTTP, as a maintainer's command, and in a real browser.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::browser::Browser;
use tests::farm::{Farm, PATIENCE, target};
use tests::process::{Process, binary};
use tests::{fixtures, turn};

const FATES: [&str; 5] = ["passes", "fails-tests", "warns", "prints-hostile-text", "misses-a-library"];

/// Links are followed up to this many pages; a small farm has fewer.
const PAGES: usize = 400;

struct Shown {
    farm: Farm,
    _processes: [Process; 2],
}

async fn shown() -> Result<Shown> {
    let farm = Farm::new()?;
    fixtures::publish(&mut farm.mirror()?, &FATES)?;
    let coordinator = farm.coordinator("17", &[]).await?;
    let runner = farm.runner("ada", "17", &["--jobs", "2"])?;
    farm.idle(FATES.len().try_into()?, PATIENCE).await?;
    farm.finds("hostile").await?;
    Ok(Shown { farm, _processes: [coordinator, runner] })
}

impl Shown {
    /// A page that has to be there, and hold these texts.
    async fn page(&self, path: &str, texts: &[&str]) -> Result<String> {
        let (status, body) = self.farm.page(path).await?;
        ensure!(status == 200, "{path} answers {status}");
        for text in texts {
            ensure!(body.contains(text), "{path} lacks `{text}`:\n{body}");
        }
        Ok(body)
    }

    /// The id of the run that decided a distribution's only cell.
    async fn run(&self, dist: &str) -> Result<String> {
        Ok(self.farm.verdicts(dist).await?.into_values().next().context("a verdict")?.run_id)
    }

    /// Every page that can be reached from the first by links, each of which has to be there.
    async fn reachable(&self) -> Result<BTreeSet<String>> {
        let (mut seen, mut next) = (BTreeSet::from([String::new()]), VecDeque::from([String::new()]));
        while let Some(path) = next.pop_front() {
            let (status, body) = self.farm.page(&path).await?;
            ensure!(status == 200, "/{path} answers {status}");
            for link in links(&body) {
                if seen.len() < PAGES && seen.insert(link.clone()) {
                    next.push_back(link);
                }
            }
        }
        Ok(seen)
    }
}

/// The paths that a page links to on its own site, without their leading slash.
fn links(body: &str) -> Vec<String> {
    let values = body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let own = values.filter_map(|value| value.strip_prefix('/')).filter(|path| !path.starts_with('/'));
    own.map(|path| path.split('#').next().unwrap_or_default().replace("&amp;", "&").replace("&#38;", "&")).collect()
}

#[tokio::test]
async fn every_page_answers_with_the_verdicts_and_hostile_text_stays_text() -> Result<()> {
    let _turn = turn::take().await;
    let shown = shown().await?;
    shown.page("", &["passes", "fails-tests"]).await?;
    shown.page("dist/passes/", &["passes", "17"]).await?;
    let run = shown.run("fails-tests").await?;
    let page =
        shown.page(&format!("run/{run}"), &["installcheck", "Some of its tests fail", "regression.diffs"]).await?;
    shown.page(&format!("run/{run}/installcheck.log"), &["not ok"]).await?;
    shown.page("badge/passes.svg", &["<svg", "17 passing"]).await?;
    shown.page("badge/passes.svg?pg=17", &["<svg", "PostgreSQL 17: passing"]).await?;
    shown.page("badge/passes.json", &["\"schemaVersion\":1", "17 passing"]).await?;
    shown.page("badge/passes/", &["[![PostgreSQL 17]", ".. image::", "image:", "&#60;img"]).await?;
    let (status, body) = shown.farm.page("badge/nobody-has-this.svg").await?;
    ensure!(status == 404 && body.contains("<svg") && body.contains("unknown"), "{status}: {body}");
    shown.page("charts/", &["PostgreSQL 17", "</text>", "<table class=\"numbers\">"]).await?;
    shown.page("status/", &["Lend a machine", "pgxn-testers runner --join"]).await?;
    let matrix: Value = serde_json::from_str(&shown.page("dist/passes/matrix.json", &[]).await?)?;
    ensure!(matrix.to_string().contains("\"reason\":\"tests-passed\""), "{matrix}");
    let csv = shown.page("matrix/?format=csv", &["\"pg17-", "\"fails-tests\"", "\"fail (installcheck)\""]).await?;
    ensure!(csv.lines().count() == 1 + FATES.len(), "{csv}");
    shown.page("readiness/17/", &["fails-tests", "Why they do not pass"]).await?;
    let document: Value = serde_json::from_str(&shown.page("api/v1/openapi.json", &[]).await?)?;
    for path in ["/api/v1/claim", "/api/v1/subscriptions/{token}"] {
        ensure!(document["paths"][path].is_object(), "{path} is not in {document}");
    }
    for path in ["dist/nobody-has-this/", "run/01ARZ3NDEKTSV4RRFFQ69G5FAV", "run/x", "dist/passes/9.9.9/"] {
        let (status, body) = shown.farm.page(path).await?;
        ensure!(status == 404 && body.contains("<h1"), "{path} answers {status}");
    }

    let hostile = shown.run("prints-hostile-text").await?;
    for path in [format!("run/{hostile}"), format!("run/{hostile}/build.log")] {
        // One script is the page's own.
        let body = shown.page(&path, &[]).await?.replacen("<script src=\"/static/run.", "", 1);
        ensure!(!body.contains("<script") && !body.contains("<img") && !body.contains('\x1b'), "{path}:\n{body}");
    }
    shown.page(&format!("run/{hostile}/build.log"), &["&#60;script&#62;alert(1)", "over"]).await?;

    let pages = shown.reachable().await?;
    ensure!(pages.len() > 20 && pages.len() < PAGES, "{pages:?}");
    repeats(&page)
}

/// The command on a run's page, typed as it stands there, finds the same.
fn repeats(page: &str) -> Result<()> {
    let command = page.split("<code>pgxn-testers test ").nth(1).and_then(|rest| rest.split('<').next());
    let command = command.context("the page has a command")?.replace("&#39;", "'").replace("&amp;", "&");
    let path = binary().parent().context("a directory")?.display().to_string();
    let output =
        Command::new("sh").args(["-c", &format!("PATH={path}:$PATH; pgxn-testers test {command}")]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1), "{command}: {}\n{said}", output.status);
    ensure!(said.contains(&format!("FAIL     {}   installcheck tests-failed", target(17))), "{command}: {said}");
    Ok(())
}

/// Pages that every farm has, and those of its fixtures.
const LISTED: [(&str, &str); 29] = [
    ("home", ""),
    ("dists", "dists/"),
    ("dists-narrowed", "dists/?pg=17&verdict=fail&sort=name"),
    ("dist", "dist/fails-tests/"),
    ("release", "dist/fails-tests/1.0.0/"),
    ("queue", "queue/"),
    ("status", "status/"),
    ("matrix", "matrix/"),
    ("matrix-filtered", "matrix/?user=fixtures&pg=17&is=fail"),
    ("readiness", "readiness/"),
    ("readiness-17", "readiness/17/"),
    ("charts", "charts/"),
    ("badges", "badge/fails-tests/"),
    ("design", "design/"),
    ("symptoms", "symptoms/"),
    ("vocabulary", "vocabulary/"),
    ("search", "search?q=fixture"),
    ("search-docs", "search?q=fixture&in=docs"),
    ("search-nothing", "search?q=xyzzy"),
    ("recent", "recent/"),
    ("users", "users/?c=f"),
    ("user", "user/fixtures/"),
    ("tags", "tags/"),
    ("tag", "tag/two%20words/"),
    ("mirrors", "mirrors/"),
    ("spec", "spec/"),
    ("questions", "faq/"),
    ("hostile-dist", "dist/prints-hostile-text/"),
    ("hostile-user", "matrix/?q=%3Cscript%3E&user=%22%3E%3Cscript%3E"),
];

/// Every page that is looked at, with the name of its pictures.
async fn looked_at(shown: &Shown) -> Result<Vec<(&'static str, String)>> {
    let (failed, hostile) = (shown.run("fails-tests").await?, shown.run("prints-hostile-text").await?);
    let of_runs = [
        ("run", format!("run/{failed}")),
        ("run-side-by-side", format!("run/{failed}?view=split")),
        ("log", format!("run/{failed}/installcheck.log")),
        ("log-found", format!("run/{failed}/installcheck.log?q=not+ok")),
        ("diffs-side-by-side", format!("run/{failed}/regression.diffs?view=split")),
        ("hostile-run", format!("run/{hostile}")),
        ("hostile-log", format!("run/{hostile}/build.log")),
    ];
    Ok(LISTED.map(|(name, path)| (name, path.to_owned())).into_iter().chain(of_runs).collect())
}

#[tokio::test]
async fn the_pages_hold_in_a_browser_at_every_size_and_colour_and_without_scripts() -> Result<()> {
    let _turn = turn::take().await;
    let shown = shown().await?;
    let home = shown.farm.address()?;
    let pages = looked_at(&shown).await?;
    let browser = Browser::start(true).await?;
    let mut barriers = Vec::new();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
    let axe = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("axe-core").join("axe.min.js");
    let axe = std::fs::read_to_string(&axe)
        .with_context(|| format!("read {}; `scripts/setup test` downloads it", axe.display()))?;
    for (size, scheme) in [((1280, 900), "light"), ((1280, 900), "dark"), ((390, 844), "light"), ((390, 844), "dark")] {
        browser.looks(size, scheme).await?;
        for (name, path) in &pages {
            browser.open(&format!("{home}{path}")).await?;
            let case = format!("{name} at {} in {scheme}", size.0);
            holds(&browser, &case).await?;
            barriers.extend(browser.barriers(&axe).await?.into_iter().map(|barrier| format!("{case}: {barrier}")));
            browser.picture(&pictures.join(format!("{name}-{}-{scheme}.png", size.0))).await?;
        }
    }
    ensure!(barriers.is_empty(), "pages have barriers: {barriers:#?}");
    // The narrowest phone, and a window of 1280 at twice its size.
    for size in [(360, 740), (640, 450)] {
        browser.looks(size, "light").await?;
        for (name, path) in &pages {
            browser.open(&format!("{home}{path}")).await?;
            holds(&browser, &format!("{name} at {}", size.0)).await?;
        }
    }
    drop(browser);
    let browser = Browser::start(true).await?;
    walks(&browser, &home).await?;
    keys(&browser, &home).await?;
    drop(browser);
    let plain = Browser::start(false).await?;
    plain.open("data:text/html,<title>off</title><script>document.title='on'</script>").await?;
    ensure!(plain.title().await? == "off", "scripts are off");
    walks(&plain, &home).await
}

/// Nothing is wrong with the page: no error in the console, nothing beside the window, no script that a log smuggled in.
async fn holds(browser: &Browser, case: &str) -> Result<()> {
    let console = browser.console().await?;
    ensure!(console.is_empty(), "{case}: {console:?}");
    let wide = browser.asks("[document.documentElement.scrollWidth, window.innerWidth]").await?;
    ensure!(wide[0].as_u64() <= wide[1].as_u64(), "{case} is {wide} wide");
    let foreign = "script:not([src^=\"/static/\"]), iframe, object, img:not([src^=\"/badge/\"])";
    let smuggled = browser.asks(&format!("document.querySelectorAll('{foreign}').length")).await?;
    ensure!(smuggled == 0, "{case} has {smuggled} scripts or images");
    let title = browser.title().await?;
    ensure!(title.contains("PGXN Testers"), "{case} is called {title}");
    Ok(())
}

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// From the matrix of a distribution to a run by keys alone.
async fn keys(browser: &Browser, home: &str) -> Result<()> {
    browser.open(&format!("{home}dist/fails-tests/")).await?;
    browser.types("body", TAB).await?;
    ensure!(browser.asks("document.activeElement.className").await? == "skip", "the first key leads past the header");
    browser.types("a.skip", ENTER).await?;
    ensure!(browser.asks("document.activeElement.id").await? == "main", "to the content");
    let is_shown = "getComputedStyle(document.querySelector('td .card')).visibility + getComputedStyle(document.querySelector('td .card')).display";
    let before = browser.asks(is_shown).await?;
    let at_cell = "document.activeElement.matches('td a.spot')";
    for _ in 0..200 {
        if browser.asks(at_cell).await? == true {
            break;
        }
        let here = "main :focus, main:focus";
        browser.types(here, TAB).await?;
    }
    ensure!(browser.asks(at_cell).await? == true, "a cell is reached");
    ensure!(browser.asks(is_shown).await? != before, "its card opens with it: {before}");
    browser.types("td a.spot:focus", ENTER).await?;
    browser.shows("main", "Some of its tests fail").await
}

/// From the first page to a log by clicks, and to a distribution by its name.
async fn walks(browser: &Browser, home: &str) -> Result<()> {
    browser.open(home).await?;
    browser.click("main a[href='/dist/fails-tests/']").await?;
    browser.shows("h1", "fails-tests").await?;
    ensure!(browser.address().await? == format!("{home}dist/fails-tests/"), "{}", browser.address().await?);
    browser.click("main a[href^='/run/']").await?;
    browser.shows("main", "Some of its tests fail").await?;
    browser.click("main a[href$='/installcheck.log']").await?;
    browser.shows("main", "not ok").await?;
    ensure!(browser.address().await?.ends_with("/installcheck.log"), "{}", browser.address().await?);
    browser.open(home).await?;
    browser.types("input[name='q']", &format!("hostile{ENTER}")).await?;
    browser.shows("h1", "hostile").await?;
    browser.click("main a[href='/dist/prints-hostile-text/']").await?;
    browser.shows("h1", "prints-hostile-text").await?;
    Ok(())
}
