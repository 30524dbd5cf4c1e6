//! Atom feeds (RFC 4287) of what turned red or green: in a distribution, in what a user released, on a PostgreSQL major. Nothing else is in them.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use notify::Message;
use protocol::{Name, PgMajor};
use store::dists;
use store::turns::{self, Recorded};

use crate::answer::Ask;
use crate::fault::Fault;
use crate::feed::Head;
use crate::{Dashboard, address};

/// Readers ask often enough for so many.
const ENTRIES: u32 = 50;

#[derive(Template)]
#[template(path = "verdicts.xml")]
struct Feed {
    head: Head,
    entries: Vec<Message>,
}

/// `/dist/{dist}/verdicts.atom`.
pub(crate) async fn dist(
    State(dashboard): State<Dashboard>,
    Path(dist): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let mut conn = dashboard.store().read().await?;
    let name = super::dist::name(&mut conn, &dist).await?;
    let Some(found) = dists::get(&mut conn, &name).await? else {
        return Err(super::dist::missing(&mut conn, &dist).await?);
    };
    let turned = turns::of_dist(&mut conn, &name, ENTRIES).await?;
    let page = address::dist(&name);
    answer(&dashboard, &ask, (format!("{}: what turned red or green", found.name), page.clone(), page), &turned)
}

/// `/user/{user}/verdicts.atom`. The registry is asked only where nothing turned yet: who is nobody has no feed.
pub(crate) async fn user(
    State(dashboard): State<Dashboard>,
    Path(user): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let name: Name = user.parse().map_err(|_| Fault::missing("That is not a user's name."))?;
    let mut conn = dashboard.store().read().await?;
    let turned = turns::of_user(&mut conn, &name, ENTRIES).await?;
    drop(conn);
    if turned.is_empty() {
        super::frontend::user::find(&dashboard, &user).await?;
    }
    let page = address::user(name.as_str());
    answer(&dashboard, &ask, (format!("{name}: what turned red or green"), page.clone(), page), &turned)
}

/// `/pg/{major}/verdicts.atom`.
pub(crate) async fn major(
    State(dashboard): State<Dashboard>,
    Path(major): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let known = |major: &PgMajor| dashboard.matrix().postgresql.iter().any(|known| known.major == *major);
    let asked: Option<PgMajor> = major.parse().ok();
    let Some(major) = asked.filter(known) else {
        return Err(Fault::missing("The farm does not test on such a PostgreSQL major."));
    };
    let mut conn = dashboard.store().read().await?;
    let turned = turns::of_major(&mut conn, major, ENTRIES).await?;
    let title = format!("PostgreSQL {major}: what turned red or green");
    answer(&dashboard, &ask, (title, format!("/pg/{major}/"), address::readiness(major)), &turned)
}

/// A feed with its title, the folder that it is in, and the page beside it.
fn answer(
    dashboard: &Dashboard,
    ask: &Ask,
    (title, folder, page): (String, String, String),
    turned: &[Recorded],
) -> Result<Response, Fault> {
    let newest = turned.first().map(|first| first.turn.at);
    let head = Head::new(dashboard, title, (format!("{folder}verdicts.atom"), page), newest);
    let feed = Feed { head, entries: turned.iter().map(|one| Message::of(&one.turn)).collect() };
    Ok(ask.fresh("application/atom+xml", "public, max-age=300", feed.render()?))
}
