//! `/dist/{dist}/{version}/{path}.html`: a document of a release; without a version, of the latest.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use protocol::{Name, Version};
use serde::Serialize;
use store::releases::StoredRelease;
use store::{dists, releases};

use super::line;
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::leaves::{self, Leaf};
use crate::{Dashboard, address};

/// So many other versions are offered, the newest first.
const MOST_VERSIONS: usize = 40;

/// A document as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The distribution.
    pub dist: String,
    /// Its page.
    pub dist_href: String,
    /// Its version.
    pub version: String,
    /// The document's path without the end of its name.
    pub docpath: String,
    /// The release's page.
    pub release: Link,
    /// Its file, and where that is.
    pub file: Link,
    /// The latest release, where this is another one: the same document there.
    pub latest: Option<Link>,
    /// Its headings, where there are enough of them for a list.
    pub contents: Vec<Entry>,
    /// The distribution's releases, newest first.
    pub versions: Vec<Edition>,
    /// Whether there are more than these.
    pub more_versions: bool,
    /// Sanitised HTML.
    pub html: String,
}

/// A heading in the list of contents.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// Its id on the page.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Whether it is the lower of two levels.
    pub deeper: bool,
}

/// The same document in a release, or the release where that does not have it.
#[derive(Debug, Serialize)]
pub(crate) struct Edition {
    /// The version.
    pub version: String,
    /// Where it is.
    pub href: String,
    /// Whether it is the one that is shown.
    pub current: bool,
    /// Whether the release is known not to have the document.
    pub lacks: bool,
    /// Whether only its archive can tell, which is looked into when it is asked for.
    #[serde(skip)]
    pub maybe: bool,
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

/// The document's page. Where a release does not have it, `?else=release` leads to the release's page.
pub(crate) async fn show(
    dashboard: &Dashboard,
    dist: &str,
    asked: (Option<&str>, String),
    ask: &Ask,
) -> Result<Response, Fault> {
    let (version, docpath) = asked;
    let missing = || Fault::missing(format!("There is no document “{}” of {}.", line(&docpath), line(dist)));
    let name: Name = dist.parse().map_err(|_| missing())?;
    let (stored, latest, all) = {
        let mut conn = dashboard.store().read().await?;
        let latest = dists::get(&mut conn, &name).await?.ok_or_else(missing)?.latest;
        let stored = match version {
            None => latest.clone(),
            Some(version) => {
                let version: Version = version.parse().map_err(|_| missing())?;
                releases::find(&mut conn, &name, &version).await?.ok_or_else(missing)?
            }
        };
        (stored, latest, releases::of_dist(&mut conn, &name).await?)
    };
    let (name, version) = (&stored.release.dist, &stored.release.version);
    if dist != name.key() {
        return Ok(ask.moved(&address::document(name, version, &docpath)).into_response());
    }
    let leaf = match leaves::document(dashboard, &stored, &docpath).await {
        Ok(Some(leaf)) => leaf,
        Ok(None) if ask.get("else") == Some("release") => {
            return Ok(Redirect::to(&address::release(name, version)).into_response());
        }
        Ok(None) => return Err(missing()),
        Err(absent) => return Err(absent.into()),
    };
    let edition = |one: &StoredRelease| {
        let known = dashboard.shelf().has(&one.release.sha1, &docpath);
        edition((&one.release.dist, &one.release.version), &docpath, known, one.id == stored.id)
    };
    let other = (latest.id != stored.id).then(|| edition(&latest));
    let other = other.map(|latest| Link { href: latest.href, text: latest.version });
    let editions: Vec<Edition> = all.iter().take(MOST_VERSIONS).map(edition).collect();
    let view = View {
        dist: name.to_string(),
        dist_href: address::dist(name),
        version: version.to_string(),
        release: Link { href: address::release(name, version), text: stored.release.to_string() },
        file: Link {
            href: format!("{}{}", address::source(name, version), address::path(&leaf.path)),
            text: leaf.path.clone(),
        },
        latest: other,
        contents: contents(&leaf),
        versions: editions,
        more_versions: all.len() > MOST_VERSIONS,
        html: leaf.document.html.clone(),
        docpath,
    };
    ask.answer(&view, || {
        let title = format!("{} of {} {}", view.docpath, view.dist, view.version);
        Page { frame: Frame::new(dashboard.site(), title, stored.summary.clone()), view: &view }
    })
}

fn contents(leaf: &Leaf) -> Vec<Entry> {
    let listed = markup::contents(&leaf.document.headings);
    let highest = listed.iter().map(|heading| heading.level).min().unwrap_or_default();
    let entry =
        |heading: markup::Heading| Entry { deeper: heading.level > highest, id: heading.id, text: heading.text };
    listed.into_iter().map(entry).collect()
}

/// A document in a release, of which it may be known whether it has it.
fn edition((dist, version): (&Name, &Version), docpath: &str, known: Option<bool>, current: bool) -> Edition {
    let known = known.or(current.then_some(true));
    let href = match known {
        Some(true) => address::document(dist, version, docpath),
        Some(false) => address::release(dist, version),
        None => format!("{}?else=release", address::document(dist, version, docpath)),
    };
    Edition { version: version.to_string(), href, current, lacks: known == Some(false), maybe: known.is_none() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_is_known_not_to_have_a_document_is_linked_to_itself() {
        let (name, version) = ("pgtap".parse().unwrap(), "1.0.0".parse().unwrap());
        let edition = |known, current| edition((&name, &version), "doc/a b", known, current);
        assert_eq!(edition(Some(true), false).href, "/dist/pgtap/1.0.0/doc/a%20b.html");
        assert_eq!(edition(None, false).href, "/dist/pgtap/1.0.0/doc/a%20b.html?else=release");
        assert_eq!(edition(None, true).href, "/dist/pgtap/1.0.0/doc/a%20b.html");
        let without = edition(Some(false), false);
        assert!(without.lacks && without.href == "/dist/pgtap/1.0.0/");
    }

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
