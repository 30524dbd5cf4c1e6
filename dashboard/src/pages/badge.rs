//! Badges: what a maintainer pastes into a README. What is not there gets a badge as well, one that says so, so that no page breaks.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use protocol::{Name, PgMajor, Platform, Version};
use store::releases::StoredRelease;
use store::{Conn, dists, matrix, releases};

use crate::answer::Ask;
use crate::badge::{Badge, Endpoint};
use crate::fault::Fault;
use crate::grid::{Grid, Row, Sources};
use crate::mark::Mark;
use crate::{Dashboard, address, text};

pub(crate) mod all;

const CACHE: &str = "public, max-age=300";

/// In which form a badge is asked for.
#[derive(Clone, Copy)]
enum Form {
    Picture,
    Endpoint,
}

impl Form {
    /// The form that the end of a file's name tells, and what stands before it.
    fn of(file: &str) -> Option<(Self, &str)> {
        let picture = file.strip_suffix(".svg").map(|rest| (Self::Picture, rest));
        picture.or_else(|| file.strip_suffix(".json").map(|rest| (Self::Endpoint, rest)))
    }
}

/// What a badge is to tell of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Scope {
    /// The version, where it is not about the latest release.
    version: Option<Version>,
    /// One major alone.
    major: Option<PgMajor>,
    /// One platform alone.
    platform: Option<Platform>,
}

impl Scope {
    /// What it is about, in words: `PostgreSQL`, `1.3.4 on PostgreSQL 18, arm64`.
    fn label(&self) -> String {
        let version = self.version.as_ref().map(|version| format!("{version} on ")).unwrap_or_default();
        let major = self.major.map(|major| format!(" {major}")).unwrap_or_default();
        let platform = self.platform.map(|platform| format!(", {}", platform.as_str())).unwrap_or_default();
        format!("{version}PostgreSQL{major}{platform}")
    }

    /// Its address on this site, without the form at its end and what follows that.
    fn path(&self, dist: &Name) -> String {
        let version = self.version.as_ref().map(|version| format!("/{}", address::segment(version.as_str())));
        format!("/badge/{}{}", address::segment(&dist.key()), version.unwrap_or_default())
    }

    /// What of its address asks for a major and a platform.
    fn query(&self) -> String {
        let major = self.major.map(|major| format!("pg={major}"));
        let platform = self.platform.map(|platform| format!("platform={}", platform.as_str()));
        let asked: Vec<String> = major.into_iter().chain(platform).collect();
        if asked.is_empty() { String::new() } else { format!("?{}", asked.join("&")) }
    }

    /// The badge of a release.
    fn of(&self, dashboard: &Dashboard, stored: &StoredRelease, cells: &[matrix::Cell]) -> Badge {
        let is_asked = |cell: &&matrix::Cell| {
            self.major.is_none_or(|major| major == cell.target.major)
                && self.platform.is_none_or(|platform| platform == cell.target.platform)
        };
        let cells: Vec<matrix::Cell> = cells.iter().filter(is_asked).cloned().collect();
        let releases = std::slice::from_ref(stored);
        let (matrix, now) = (dashboard.matrix(), dashboard.now());
        let grid = Grid::build(Sources { matrix, releases, cells: &cells, waiting: &[], now });
        let on = grid.rows.first().map(Row::on_majors).unwrap_or_default();
        let (message, mark) = if self.major.is_some() { text::badge_of_major(&on) } else { text::badge(&on) };
        Badge { label: self.label(), message, mark }
    }
}

/// `/badge/{dist}.svg` and `/badge/{dist}.json`, with `?pg=18` and `?platform=arm64`; else the slash is missing of the page of badges.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(file): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    if let Some((form, dist)) = Form::of(&file) {
        return answer(&dashboard, (dist, None), form, &ask).await;
    }
    let mut conn = dashboard.store().read().await?;
    match file.parse::<Name>() {
        Ok(name) if dists::get(&mut conn, &name).await?.is_some() => {
            Ok(ask.moved(&address::badges(&name)).into_response())
        }
        _ => Err(Fault::missing("A badge's address ends in `.svg` or `.json`, such as `/badge/pgtap.svg`.")),
    }
}

/// `/badge/{dist}/{version}.svg` and `.json`.
pub(crate) async fn of_version(
    State(dashboard): State<Dashboard>,
    Path((dist, file)): Path<(String, String)>,
    ask: Ask,
) -> Result<Response, Fault> {
    match Form::of(&file) {
        Some((form, version)) => answer(&dashboard, (&dist, Some(version)), form, &ask).await,
        None => Err(Fault::missing("A badge's address ends in `.svg` or `.json`, such as `/badge/pgtap/1.3.4.svg`.")),
    }
}

async fn answer(
    dashboard: &Dashboard,
    (dist, version): (&str, Option<&str>),
    form: Form,
    ask: &Ask,
) -> Result<Response, Fault> {
    let mut conn = dashboard.store().read().await?;
    let found = find(dashboard, &mut conn, (dist, version), ask).await?;
    drop(conn);
    let (badge, is_known) = match found {
        Ok(badge) => (badge, true),
        Err(message) => (Badge { label: "PostgreSQL".to_owned(), message: message.to_owned(), mark: Mark::Na }, false),
    };
    let (kind, body) = match form {
        Form::Picture => ("image/svg+xml", badge.draw()?),
        Form::Endpoint => ("application/json", serde_json::to_string(&Endpoint::of(&badge, !is_known))?),
    };
    if is_known {
        return Ok(ask.fresh(kind, CACHE, body));
    }
    Ok((StatusCode::NOT_FOUND, [(CONTENT_TYPE, kind), (CACHE_CONTROL, CACHE)], body).into_response())
}

/// The badge that is asked for, or the words for what of it is not there.
async fn find(
    dashboard: &Dashboard,
    conn: &mut Conn,
    (dist, version): (&str, Option<&str>),
    ask: &Ask,
) -> Result<Result<Badge, &'static str>, Fault> {
    let Some(dist) = (match dist.parse::<Name>() {
        Ok(name) => dists::get(conn, &name).await?,
        Err(_) => None,
    }) else {
        return Ok(Err("unknown"));
    };
    let mut scope = Scope::default();
    match ask.get("pg").map(str::parse) {
        Some(Ok(major)) => scope.major = Some(major),
        Some(Err(_)) => return Ok(Err("no such major")),
        None => {}
    }
    match ask.get("platform").map(|asked| Platform::ALL.into_iter().find(|platform| platform.as_str() == asked)) {
        Some(None) => return Ok(Err("no such platform")),
        found => scope.platform = found.flatten(),
    }
    let stored = match version.map(str::parse::<Version>) {
        None => Some(dist.latest),
        Some(Ok(version)) => releases::find(conn, &dist.name, &version).await?,
        Some(Err(_)) => None,
    };
    let Some(stored) = stored else { return Ok(Err("no such release")) };
    scope.version = version.map(|_| stored.release.version.clone());
    let cells = matrix::of_release(conn, stored.id).await?;
    Ok(Ok(scope.of(dashboard, &stored, &cells)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_says_what_it_is_about_and_where_it_is() {
        let scope = |version: Option<&str>, major: Option<u16>, platform| Scope {
            version: version.map(|version| version.parse().unwrap()),
            major: major.map(|major| major.try_into().unwrap()),
            platform,
        };
        let name: Name = "pgTAP".parse().unwrap();
        for (scope, label, address) in [
            (Scope::default(), "PostgreSQL", "/badge/pgtap"),
            (scope(None, Some(18), None), "PostgreSQL 18", "/badge/pgtap?pg=18"),
            (scope(None, None, Some(Platform::Arm64)), "PostgreSQL, arm64", "/badge/pgtap?platform=arm64"),
            (
                scope(Some("1.3.4"), Some(18), Some(Platform::Arm64)),
                "1.3.4 on PostgreSQL 18, arm64",
                "/badge/pgtap/1.3.4?pg=18&platform=arm64",
            ),
        ] {
            assert_eq!(
                (scope.label(), format!("{}{}", scope.path(&name), scope.query())),
                (label.into(), address.into())
            );
        }
    }
}
