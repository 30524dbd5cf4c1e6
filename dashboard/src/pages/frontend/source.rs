//! `/src/{dist}/{dist}-{version}/`: the files of a release, out of its archive.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use protocol::{Name, Version};
use serde::Serialize;
use store::releases;

use super::line;
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::leaves;
use crate::text::bytes;
use crate::{Dashboard, address};

/// A larger file is cut.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A directory as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The distribution.
    pub dist: String,
    /// Its version.
    pub version: String,
    /// The directory's path, with a slash at its end; empty for the top.
    pub path: String,
    /// The release's page.
    pub release: Link,
    /// The directories above, from the top on.
    pub above: Vec<Link>,
    /// What is in it: directories first.
    pub entries: Vec<Entry>,
}

/// One thing in a directory.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// Its address and name.
    #[serde(flatten)]
    pub link: Link,
    /// Its size; none for a directory.
    pub bytes: Option<u64>,
}

impl Entry {
    /// Its size, for people.
    fn size(&self) -> String {
        self.bytes.map(bytes).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "source.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// The top directory.
pub(crate) async fn top(
    state: State<Dashboard>,
    Path((dist, root)): Path<(String, String)>,
    ask: Ask,
) -> Result<Response, Fault> {
    show(state, Path((dist, root, String::new())), ask).await
}

/// A file or directory below it. A file is text or a picture, whatever it says it is, so that nothing of it runs in a browser (pgxn-api serves
/// `/src/` likewise).
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path((dist, root, path)): Path<(String, String, String)>,
    ask: Ask,
) -> Result<Response, Fault> {
    let missing = || Fault::missing(format!("There is no file “{}” of this release.", line(&path)));
    let name: Name = dist.parse().map_err(|_| missing())?;
    let version = root.to_lowercase().strip_prefix(&format!("{}-", name.key())).map(str::to_owned);
    let version: Version = version.and_then(|version| version.parse().ok()).ok_or_else(missing)?;
    let sha1 = {
        let mut conn = dashboard.store().read().await?;
        releases::find(&mut conn, &name, &version).await?.map(|stored| stored.release.sha1).unwrap_or_default()
    };
    let leaves = leaves::of(&dashboard, &name, &version, &sha1).await?;
    if leaves.files.iter().any(|(file, _)| *file == path) {
        let file = leaves::file(&dashboard, (&name, &version), &path, MAX_BYTES).await?;
        let file = file.ok_or_else(missing)?;
        let kind = kind(&path, &file);
        return Ok(ask.fresh(kind, "public, max-age=3600", file));
    }
    let files = address::source(&name, &version);
    let entries = entries(&files, &path, &leaves.files);
    if entries.is_empty() {
        return Err(missing());
    }
    let view = View {
        release: Link { href: address::release(&name, &version), text: format!("{name} {version}") },
        above: above(&files, &path),
        entries,
        path,
        dist,
        version: version.to_string(),
    };
    ask.answer(&view, || {
        let title = format!("{} {}: /{}", view.dist, view.version, view.path);
        let frame = Frame::new(dashboard.site(), title, "The files of a release, as its archive has them.");
        Page { frame, view: &view }
    })
}

/// What is in a directory.
fn entries(files_at: &str, path: &str, files: &[(String, u64)]) -> Vec<Entry> {
    let prefix = if path.is_empty() || path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
    let (mut directories, mut plain) = (BTreeSet::new(), Vec::new());
    for (file, size) in files {
        let Some(rest) = file.strip_prefix(&prefix) else { continue };
        match rest.split_once('/') {
            Some((directory, _)) => {
                directories.insert(directory.to_owned());
            }
            None => plain.push((rest.to_owned(), *size)),
        }
    }
    let link = |name: &str, end: &str| Link {
        href: format!("{files_at}{}{end}", address::path(&format!("{prefix}{name}"))),
        text: format!("{name}{end}"),
    };
    let directories = directories.iter().map(|name| Entry { link: link(name, "/"), bytes: None });
    let plain = plain.iter().map(|(name, size)| Entry { link: link(name, ""), bytes: Some(*size) });
    directories.chain(plain).collect()
}

fn above(files_at: &str, path: &str) -> Vec<Link> {
    let mut above = vec![Link { href: files_at.to_owned(), text: "/".to_owned() }];
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for end in 1..parts.len() {
        let href = format!("{files_at}{}/", address::path(&parts[..end].join("/")));
        above.push(Link { href, text: format!("{}/", parts[end - 1]) });
    }
    if parts.is_empty() { Vec::new() } else { above }
}

/// The type under which a file is served.
fn kind(path: &str, file: &[u8]) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end.to_lowercase()).as_deref() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        _ if std::str::from_utf8(file).is_ok() => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_lists_what_is_in_it_and_no_deeper() {
        let files: Vec<(String, u64)> =
            ["README", "doc/a b.md", "doc/img/x.png", "sql/a.sql"].map(|path| (path.to_owned(), 1)).into();
        let names = |path: &str| -> Vec<String> {
            entries("/src/a/a-1/", path, &files)
                .into_iter()
                .map(|entry| format!("{} {}", entry.link.text, entry.link.href))
                .collect()
        };
        assert_eq!(names(""), ["doc/ /src/a/a-1/doc/", "sql/ /src/a/a-1/sql/", "README /src/a/a-1/README"]);
        assert_eq!(names("doc"), names("doc/"));
        assert_eq!(names("doc/"), ["img/ /src/a/a-1/doc/img/", "a b.md /src/a/a-1/doc/a%20b.md"]);
        assert!(names("do").is_empty());
        let above: Vec<_> = above("/src/a/a-1/", "doc/img/").into_iter().map(|link| link.href).collect();
        assert_eq!(above, ["/src/a/a-1/", "/src/a/a-1/doc/"]);
    }

    #[test]
    fn no_file_is_a_page() {
        for path in ["index.html", "a.svg", "a.js", "a.xml", "x"] {
            assert_eq!(kind(path, b"<script>"), "text/plain; charset=utf-8", "{path}");
        }
        assert_eq!(kind("x", &[0xff]), "application/octet-stream");
        assert_eq!(kind("doc/x.PNG", &[0xff]), "image/png");
    }
}
