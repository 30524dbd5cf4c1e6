//! `/dist/{dist}/{version}/{path}.html`: a document of a release; without a version, of the latest.

use askama::Template;
use axum::response::{IntoResponse, Response};
use markup::{Format, Place};
use protocol::{Name, Version};
use serde::Serialize;
use store::{dists, releases};

use super::line;
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::leaves;
use crate::{Dashboard, address};

/// A document as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The distribution.
    pub dist: String,
    /// Its version.
    pub version: String,
    /// The release's page.
    pub release: Link,
    /// Its file, and where that is.
    pub file: Link,
    /// The latest release, where this is another one: the same document there.
    pub latest: Option<Link>,
    /// Sanitised HTML.
    pub html: String,
}

#[derive(Template)]
#[template(path = "document.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// Which document an address asks for: its version, if any, and its path without `.html`. Versions begin with a digit (pgxn-site).
pub(crate) fn asked<'a>(first: &'a str, rest: &'a str) -> Option<(Option<&'a str>, String)> {
    let is_version = first.starts_with(|c: char| c.is_ascii_digit());
    let path = if is_version {
        rest.to_owned()
    } else if rest.is_empty() {
        first.to_owned()
    } else {
        format!("{first}/{rest}")
    };
    let docpath = path.strip_suffix(".html")?.to_owned();
    (!docpath.is_empty()).then_some((is_version.then_some(first), docpath))
}

/// The document's page.
pub(crate) async fn show(
    dashboard: &Dashboard,
    dist: &str,
    asked: (Option<&str>, String),
    ask: &Ask,
) -> Result<Response, Fault> {
    let (version, docpath) = asked;
    let missing = || Fault::missing(format!("There is no document “{}” of {}.", line(&docpath), line(dist)));
    let name: Name = dist.parse().map_err(|_| missing())?;
    let (stored, latest) = {
        let mut conn = dashboard.store().read().await?;
        let latest = dists::get(&mut conn, &name).await?.ok_or_else(missing)?.latest;
        let stored = match version {
            None => latest.clone(),
            Some(version) => {
                let version: Version = version.parse().map_err(|_| missing())?;
                releases::find(&mut conn, &name, &version).await?.ok_or_else(missing)?
            }
        };
        (stored, latest)
    };
    let (name, version) = (&stored.release.dist, &stored.release.version);
    if dist != name.key() {
        return Ok(ask.moved(&address::document(name, version, &docpath)).into_response());
    }
    let found = leaves::of(dashboard, name, version, &stored.release.sha1).await?;
    let files = address::source(name, version);
    let readme =
        found.readme.as_ref().filter(|readme| docpath == "README" || readme.path.starts_with(&format!("{docpath}.")));
    let (path, html) = if let Some(readme) = readme {
        (readme.path.clone(), readme.html.clone())
    } else {
        let title = found.documents.iter().find(|title| title.docpath == docpath).ok_or_else(missing)?;
        let limit = markup::MAX_BYTES as u64;
        let bytes = leaves::file(dashboard, (name, version), &title.path, limit).await?;
        let place = Place { files: files.clone(), path: title.path.clone() };
        let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        (title.path.clone(), markup::render(&text, Format::of(&title.path), &place))
    };
    let other = (latest.id != stored.id).then(|| Link {
        href: address::document(name, &latest.release.version, &docpath),
        text: latest.release.version.to_string(),
    });
    let view = View {
        dist: name.to_string(),
        version: version.to_string(),
        release: Link { href: address::release(name, version), text: stored.release.to_string() },
        file: Link { href: format!("{files}{}", address::path(&path)), text: path },
        latest: other,
        html,
    };
    ask.answer(&view, || {
        let title = format!("{} of {} {}", docpath, view.dist, view.version);
        Page { frame: Frame::new(dashboard.site(), title, stored.summary.clone()), view: &view }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_begins_with_a_digit_and_a_document_ends_with_html() {
        assert_eq!(asked("1.0.0", "doc/a.html"), Some((Some("1.0.0"), "doc/a".to_owned())));
        assert_eq!(asked("doc", "a.html"), Some((None, "doc/a".to_owned())));
        assert_eq!(asked("README.html", ""), Some((None, "README".to_owned())));
        for (first, rest) in [("1.0.0", ""), ("1.0.0", "doc/a"), ("doc", ""), (".html", "")] {
            assert_eq!(asked(first, rest), None, "{first} {rest}");
        }
    }
}
