//! What never changes at its address: the style sheet, the script of a run's page, the icon, and what robots are told.

use std::sync::LazyLock;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::Dashboard;
use crate::fault::Fault;

const STYLE: &str = include_str!("../static/style.css");
const RUN_SCRIPT: &str = include_str!("../static/run.js");
const ICON: &str = include_str!("../static/favicon.svg");
const ROBOTS: &str = "User-agent: *\nDisallow: /*?raw\nDisallow: /*?format=json\nDisallow: /*?part=\nDisallow: /*?else=\n\
                      Disallow: /*?q=\nDisallow: /*?view=\nDisallow: /run/*/events\nDisallow: /api/\nAllow: /api/v1/export/\n\
                      Disallow: /search\nDisallow: /src/\nDisallow: /subscribe/\nDisallow: /subscriptions/\n";

/// Where the API gives everything at once.
pub(crate) const EXPORTS: [&str; 2] = ["/api/v1/export/releases.ndjson.zst", "/api/v1/export/results.ndjson.zst"];

/// The name of the style sheet: it changes with its content, so that it can be cached for ever.
static STYLE_NAME: LazyLock<String> =
    LazyLock::new(|| format!("style.{}.css", &hex::encode(Sha256::digest(STYLE))[..12]));

/// The name of the script of a run's page, made in the same way.
static RUN_SCRIPT_NAME: LazyLock<String> =
    LazyLock::new(|| format!("run.{}.js", &hex::encode(Sha256::digest(RUN_SCRIPT))[..12]));

/// The address of the script of a run's page.
pub(crate) fn run_script() -> String {
    format!("/static/{}", *RUN_SCRIPT_NAME)
}

/// The address of the style sheet.
pub(crate) fn style() -> String {
    format!("/static/{}", *STYLE_NAME)
}

/// `/static/…`: style sheet and script. An older name answers as well, so that a page that is cached somewhere keeps its looks.
pub(crate) async fn serve(Path(name): Path<String>) -> Result<Response, Fault> {
    let is_like = |start: &str, end: &str| name.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).is_some();
    let (current, kind, body) = if is_like("style.", ".css") {
        (&STYLE_NAME, "text/css; charset=utf-8", STYLE)
    } else if is_like("run.", ".js") {
        (&RUN_SCRIPT_NAME, "text/javascript; charset=utf-8", RUN_SCRIPT)
    } else {
        return Err(Fault::missing(format!("There is no `{name}` here.")));
    };
    let cache = if name == **current { "public, max-age=31536000, immutable" } else { "no-cache" };
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, cache)], body).into_response())
}

/// `/favicon.svg`.
pub(crate) async fn icon() -> Response {
    ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "public, max-age=86400")], ICON).into_response()
}

/// `/robots.txt`: pages may be read; what repeats them in other forms need not. It says where all of them are listed.
pub(crate) async fn robots(State(dashboard): State<Dashboard>) -> Response {
    let site = dashboard.site().public_url.as_str().trim_end_matches('/').to_owned();
    // Lists of which something is chosen are without end, and say nothing that the lists themselves do not say.
    let chosen = search::Choice::KEYS.map(|key| format!("Disallow: /dists/?*{key}=\n")).concat();
    let [releases, results] = EXPORTS;
    let text = format!(
        "# Everything at once, so that nobody has to crawl for it: lines of JSON, compressed; `?after=CURSOR` goes on.\n\
         # {site}{releases}\n# {site}{results}\n\n{ROBOTS}{chosen}\nSitemap: {site}/sitemap.xml\n"
    );
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "public, max-age=86400")], text).into_response()
}

#[cfg(test)]
mod tests;
