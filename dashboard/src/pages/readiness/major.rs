//! `/readiness/{major}/`: what works on a PostgreSQL major, what broke since the one before, and why.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use protocol::{PgMajor, Platform, ReleaseId, Target};
use serde::Serialize;
use store::readiness::{self, Outline};
use store::{Conn, matrix};

use super::division::{Choice, Need, Server, Symptom, at_server, by_need, choices, symptom};
use super::list::{self, Asked, Majors, Row};
use super::tally::{self, Tally};
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::grid::Column;
use crate::text::count;
use crate::{Dashboard, address};

const PER_PAGE: usize = 100;
const CLUSTERS: u32 = 12;
const SERVERS: u32 = 8;

/// A major's page as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The major, and whether PostgreSQL maintains it.
    #[serde(flatten)]
    pub column: Column,
    /// The major that it is compared with.
    pub below: Option<PgMajor>,
    /// How it stands, in a sentence.
    pub sentence: String,
    /// How distributions do.
    pub tally: Tally,
    /// The same by how many others need them; empty while that is not known.
    pub by_need: Vec<Need>,
    /// With which exact versions they were tested, and how many with each.
    pub servers: Vec<Server>,
    /// Why those fail that do, by symptom.
    pub clusters: Vec<Symptom>,
    /// What the list is asked for.
    pub asked: Asked,
    /// How many distributions that leaves.
    pub total: usize,
    /// How many pages they have.
    pub pages: usize,
    /// The filters of the list.
    pub choices: Vec<Choice>,
    /// The distributions of the page.
    pub rows: Vec<Row>,
    /// The page after this one.
    pub next: Option<String>,
}

#[derive(Template)]
#[template(path = "readiness_major.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

impl Page<'_> {
    /// The filters that have no choice of their own: their words, and the address without each.
    fn without(&self) -> Vec<Link> {
        let asked = &self.view.asked;
        let mut links = Vec::new();
        if let Some(signature) = &asked.symptom {
            let rest = Asked { symptom: None, page: 1, ..asked.clone() };
            links.push(Link { href: self.address(&rest), text: format!("with the symptom {signature}") });
        }
        if !asked.with.is_empty() {
            let rest = Asked { with: String::new(), page: 1, ..asked.clone() };
            links.push(Link { href: self.address(&rest), text: format!("tested with {}", asked.with) });
        }
        links
    }

    fn by_name(&self) -> String {
        self.address(&Asked { by_name: true, page: 1, ..self.view.asked.clone() })
    }

    fn by_need(&self) -> String {
        self.address(&Asked { by_name: false, page: 1, ..self.view.asked.clone() })
    }

    fn all_pages(&self) -> Vec<(usize, String)> {
        let at = |page| (page, self.address(&Asked { page, ..self.view.asked.clone() }));
        (1..=self.view.pages).map(at).collect()
    }

    fn address(&self, asked: &Asked) -> String {
        asked.address(self.view.column.major)
    }
}

/// `/readiness/{major}/`; an exact version, such as a prerelease, leads to what was tested with it.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(path): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let digits = path.find(|c: char| !c.is_ascii_digit()).unwrap_or(path.len());
    let (number, rest) = path.split_at(digits);
    let entry = number.parse::<PgMajor>().ok().and_then(|major| dashboard.matrix().get(major));
    let Some(entry) = entry else { return Err(missing(&dashboard, &path)) };
    let asked = Asked::read(&ask);
    if !rest.is_empty() {
        let to = Asked { with: path.chars().take(40).collect(), ..asked }.address(entry.major);
        return Ok(axum::response::Redirect::permanent(&to).into_response());
    }
    let column = Column { major: entry.major, support: entry.support(dashboard.now()) };
    let mut conn = dashboard.store().read().await?;
    let view = load(&dashboard, &mut conn, column, asked).await?;
    drop(conn);
    ask.answer(&view, || {
        let title = format!("PostgreSQL {}, readiness", view.column.major);
        let json = ask.keeping(&format!("{}?format=json", address::readiness(view.column.major)), &KEYS);
        let feed = format!("/pg/{}/", view.column.major);
        let frame = Frame::new(dashboard.site(), title, &view.sentence).with_json(json).with_verdicts(&feed);
        Page { frame, view: &view }
    })
}

/// What the address can ask of the list.
const KEYS: [&str; 5] = ["is", "symptom", "with", "sort", "page"];

fn missing(dashboard: &Dashboard, asked: &str) -> Fault {
    let asked: String = asked.chars().take(40).collect();
    let link = |entry: &protocol::Major| Link {
        href: address::readiness(entry.major),
        text: format!("PostgreSQL {}", entry.major),
    };
    Fault::Missing {
        sentence: format!("The farm knows no PostgreSQL {asked}."),
        near: dashboard.matrix().postgresql.iter().map(link).collect(),
    }
}

async fn load(dashboard: &Dashboard, conn: &mut Conn, column: Column, asked: Asked) -> Result<View, Fault> {
    let majors = Majors { this: column.major, below: tally::below(dashboard.matrix(), column.major) };
    let all = readiness::outline(conn).await?;
    let known = dashboard.catalogue().made().map(|made| made.known.clone());
    let known = known.as_deref();
    let among = among(conn, majors.this, &asked).await?;
    let found = list::choose(&all, &asked, majors, among.as_ref(), known);
    let pages = found.len().div_ceil(PER_PAGE).max(1);
    if asked.page > pages {
        return Err(Fault::missing(format!("The list has no page {}.", asked.page)));
    }
    let page: Vec<&Outline> = found.iter().skip((asked.page - 1) * PER_PAGE).take(PER_PAGE).copied().collect();
    let ids: Vec<ReleaseId> = page.iter().map(|one| one.release_id).collect();
    let on = [Some(majors.this), majors.below].into_iter().flatten();
    let targets: Vec<Target> = on.flat_map(|major| Platform::ALL.map(|platform| Target { major, platform })).collect();
    let cells = matrix::of_releases_on(conn, &ids, &targets).await?;
    let servers = readiness::servers(conn, majors.this, SERVERS).await?;
    let clusters = readiness::clusters(conn, majors.this, CLUSTERS).await?;
    let tally = Tally::of(all.iter(), majors.this, majors.below);
    Ok(View {
        sentence: sentence(column, majors.below, &tally),
        by_need: known.map(|known| by_need(&all, majors, known)).unwrap_or_default(),
        servers: servers.into_iter().map(|(server, dists)| at_server(&asked, majors.this, server, dists)).collect(),
        clusters: clusters.into_iter().map(|cluster| symptom(majors.this, cluster)).collect(),
        choices: choices(&all, &asked, majors),
        total: found.len(),
        pages,
        rows: list::rows(&page, &cells, majors, known),
        next: (asked.page < pages).then(|| Asked { page: asked.page + 1, ..asked.clone() }.address(majors.this)),
        column,
        below: majors.below,
        tally,
        asked,
    })
}

/// The releases that the store names for what is asked of it.
async fn among(conn: &mut Conn, major: PgMajor, asked: &Asked) -> Result<Option<BTreeSet<ReleaseId>>, Fault> {
    let mut among: Option<BTreeSet<ReleaseId>> = None;
    if let Some(signature) = &asked.symptom {
        among = Some(readiness::showing(conn, major, signature).await?.into_iter().collect());
    }
    if !asked.with.is_empty() {
        let tested = readiness::tested_with(conn, major, &asked.with).await?.into_iter();
        among = Some(tested.filter(|id| among.as_ref().is_none_or(|among| among.contains(id))).collect());
    }
    Ok(among)
}

/// `Of 312 distributions tested on PostgreSQL 19 devel, 80 % work; 12 broke since 18, and 3 were mended.`
fn sentence(column: Column, below: Option<PgMajor>, tally: &Tally) -> String {
    let name = format!("PostgreSQL {} {}", column.major, column.remark());
    let name = name.trim_end();
    if tally.judged() == 0 {
        return format!("No distribution has a verdict on {name} yet.");
    }
    let tested = count(tally.judged() as u64, "distribution", "distributions");
    let works = tally.percent(tally.works());
    let turned = match (below, tally.broke, tally.mended) {
        (None, ..) => String::new(),
        (Some(below), 0, 0) => format!("; nothing broke since {below}"),
        (Some(below), broke, 0) => format!("; {broke} broke since {below}"),
        (Some(below), broke, mended) => format!("; {broke} broke since {below}, and {mended} fail there and not here"),
    };
    format!("Of {tested} tested on {name}, {works} % work{turned}.")
}

#[cfg(test)]
mod tests {
    use protocol::Support;

    use super::*;

    #[test]
    fn a_major_is_summed_up_in_a_sentence() {
        let column = Column { major: 19.try_into().unwrap(), support: Support::Devel };
        let below = Some(18.try_into().unwrap());
        let say = |below, tally: Tally| sentence(column, below, &tally);
        let base = Tally { passing: 6, untested: 2, failing: 2, ..Tally::default() };
        let start = "Of 10 distributions tested on PostgreSQL 19 devel, 80 % work";
        assert_eq!(say(below, Tally::default()), "No distribution has a verdict on PostgreSQL 19 devel yet.");
        assert_eq!(say(None, base), format!("{start}."));
        assert_eq!(say(below, base), format!("{start}; nothing broke since 18."));
        assert_eq!(say(below, Tally { broke: 2, ..base }), format!("{start}; 2 broke since 18."));
        let both = format!("{start}; 2 broke since 18, and 1 fail there and not here.");
        assert_eq!(say(below, Tally { broke: 2, mended: 1, ..base }), both);
    }
}
