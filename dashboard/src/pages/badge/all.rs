//! `/badge/{dist}/`: every badge of a distribution as it looks now, and what to paste for each.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use protocol::Name;
use serde::Serialize;
use store::matrix::Cell;
use store::releases::StoredRelease;
use store::{dists, matrix};

use super::Scope;
use crate::answer::Ask;
use crate::badge::Badge;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::pages::dist;
use crate::{Dashboard, address};

/// The badges of a distribution as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The distribution, as its author writes it.
    pub dist: String,
    /// The page that badges link to.
    pub href: String,
    /// Each badge.
    pub badges: Vec<Variant>,
}

/// One badge.
#[derive(Debug, Serialize)]
pub(crate) struct Variant {
    /// What it tells.
    pub about: String,
    /// What it says now.
    pub words: String,
    /// Its address on this site.
    pub path: String,
    /// Its address for shields.io.
    pub endpoint: String,
    /// What to paste, by the language.
    pub formats: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "badges.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/badge/{dist}/`.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(asked): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let mut conn = dashboard.store().read().await?;
    let name = dist::name(&mut conn, &asked).await?;
    if asked != name.key() {
        return Ok(ask.moved(&address::badges(&name)).into_response());
    }
    let Some(found) = dists::get(&mut conn, &name).await? else { return Err(dist::missing(&mut conn, &asked).await?) };
    let cells = matrix::of_release(&mut conn, found.latest.id).await?;
    drop(conn);
    let scopes = scopes(&dashboard, &found.latest, &cells);
    let variant = |(about, scope): &(String, Scope)| {
        Variant::new(&dashboard, &name, (about, scope), &scope.of(&dashboard, &found.latest, &cells))
    };
    let view =
        View { dist: found.name.to_string(), href: address::dist(&name), badges: scopes.iter().map(variant).collect() };
    ask.answer(&view, || {
        let description = format!("Badges that say on which PostgreSQL {} works, to paste into a README.", view.dist);
        let frame = Frame::new(dashboard.site(), format!("Badges of {}", view.dist), description);
        Page { frame: frame.with_json(format!("{}?format=json", address::badges(&name))), view: &view }
    })
}

/// What badges of a distribution can be about, the most useful first.
fn scopes(dashboard: &Dashboard, latest: &StoredRelease, cells: &[Cell]) -> Vec<(String, Scope)> {
    let version = &latest.release.version;
    let mut scopes = vec![
        ("The latest release on every supported PostgreSQL".to_owned(), Scope::default()),
        (format!("Version {version} alone, for ever"), Scope { version: Some(version.clone()), ..Scope::default() }),
    ];
    let now = dashboard.now();
    let mut majors = dashboard.matrix().supported(now);
    majors
        .extend(cells.iter().map(|cell| cell.target.major).filter(|major| !majors.contains(major)).collect::<Vec<_>>());
    majors.sort_unstable_by(|left, right| right.cmp(left));
    majors.dedup();
    for major in majors {
        scopes.push((format!("On PostgreSQL {major}"), Scope { major: Some(major), ..Scope::default() }));
    }
    for platform in dashboard.matrix().platforms.clone() {
        scopes.push((format!("On {}", platform.as_str()), Scope { platform: Some(platform), ..Scope::default() }));
    }
    scopes
}

impl Variant {
    fn new(dashboard: &Dashboard, name: &Name, (about, scope): (&str, &Scope), badge: &Badge) -> Self {
        let public = |path: &str| dist::public(&dashboard.site().public_url, path);
        let path = format!("{}.svg{}", scope.path(name), scope.query());
        let endpoint = public(&format!("{}.json{}", scope.path(name), scope.query()));
        let (picture, page) = (public(&path), public(&address::dist(name)));
        let formats = formats(&badge.label, &picture, &page);
        Self { about: about.to_owned(), words: badge.words(), path, endpoint, formats }
    }
}

/// What to paste. Labels and addresses have nothing in them that these languages would take for their own: see the test.
fn formats(label: &str, picture: &str, page: &str) -> Vec<(&'static str, String)> {
    let escaped = picture.replace('&', "&amp;");
    vec![
        ("Markdown", format!("[![{label}]({picture})]({page})")),
        ("HTML", format!("<a href=\"{page}\"><img src=\"{escaped}\" alt=\"{label}\" height=\"20\"></a>")),
        ("AsciiDoc", format!("image:{picture}[\"{label}\",link=\"{page}\"]")),
        ("reStructuredText", format!(".. image:: {picture}\n   :alt: {label}\n   :target: {page}")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_gets_what_it_reads() {
        let picture = "https://t.example/badge/pgtap.svg?pg=18&platform=arm64";
        let texts = formats("PostgreSQL 18, arm64", picture, "https://t.example/dist/pgtap/");
        insta::assert_snapshot!(
            "formats",
            texts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n\n")
        );
    }

    #[test]
    fn no_name_and_no_version_breaks_out_of_what_is_pasted() {
        let name: Name = "a)b](c)\"<d>e'`*_[".parse().unwrap();
        let scope = Scope { version: Some("1.0.0-b1.x+y".parse().unwrap()), ..Scope::default() };
        let path = format!("https://t.example{}.svg", scope.path(&name));
        for (language, text) in formats(&scope.label(), &path, &format!("https://t.example{}", address::dist(&name))) {
            let inside = text.replace(&path, "").replace(&address::dist(&name), "");
            assert!(!inside.contains("(c)") && !inside.contains("<d>"), "{language}: {text}");
        }
        assert!(!path.contains([')', ']', '"', '<', '>', ' ', '\'', '`', '*', '[', '(']), "{path}");
    }
}
