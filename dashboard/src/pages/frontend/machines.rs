//! What only machines read: the sitemap (sitemaps.org 0.9) and how to search here (`OpenSearch` 1.1).

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::Support;
use store::dists;

use crate::answer::Ask;
use crate::fault::Fault;
use crate::{Dashboard, address, asset};

/// So many distributions are read at a time.
const PAGE: u32 = 500;
/// A sitemap has 50,000 addresses at most.
const MOST: usize = 49_000;

#[derive(Template)]
#[template(path = "sitemap.xml")]
struct Sitemap {
    site: String,
    /// Addresses, and when what is there was last released.
    pages: Vec<(String, String)>,
}

/// Pages that are not of a distribution and worth finding.
const PAGES: [&str; 13] = [
    "/",
    "/dists/",
    "/matrix/",
    "/readiness/",
    "/recent/",
    "/tags/",
    "/users/",
    "/symptoms/",
    "/vocabulary/",
    "/status/",
    "/charts/",
    "/about/",
    "/faq/",
];

/// `/sitemap.xml`: every distribution, and everything at once.
pub(crate) async fn sitemap(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let mut conn = dashboard.store().read().await?;
    let fixed = PAGES.iter().chain(&asset::EXPORTS);
    let mut pages: Vec<_> = fixed.map(|page| ((*page).to_owned(), String::new())).collect();
    let majors = dashboard.matrix().postgresql.iter().filter(|entry| entry.support(dashboard.now()) != Support::Eol);
    pages.extend(majors.map(|entry| (address::readiness(entry.major), String::new())));
    let mut after = None;
    while pages.len() < MOST {
        let found = dists::list(&mut conn, "", after.as_ref(), PAGE).await?;
        let Some(last) = found.last() else { break };
        after = Some(last.name.clone());
        pages.extend(found.iter().map(|dist| (address::dist(&dist.name), dist.latest.release.released_at.to_string())));
    }
    let sitemap = Sitemap { site: site(&dashboard), pages };
    Ok(ask.fresh("application/xml", "public, max-age=3600", sitemap.render()?))
}

#[derive(Template)]
#[template(path = "opensearch.xml")]
struct OpenSearch {
    site: String,
}

/// `/opensearch.xml`: a browser can search here from its address bar.
pub(crate) async fn open_search(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let description = OpenSearch { site: site(&dashboard) };
    Ok(ask.fresh("application/opensearchdescription+xml", "public, max-age=86400", description.render()?))
}

fn site(dashboard: &Dashboard) -> String {
    dashboard.site().public_url.as_str().trim_end_matches('/').to_owned()
}
