//! Charts: what was found on each major, how fast the farm works and on what, and how the registry grows.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::{PgMajor, Support, Timestamp};
use serde::Serialize;
use store::trends::{self, Found, Span};
use store::{Conn, farm};

use crate::Dashboard;
use crate::answer::Ask;
use crate::chart::{Chart, Drawn, draw};
use crate::fault::Fault;
use crate::frame::Frame;

mod range;
mod series;

pub(super) use range::Range;

/// The registry's history is shown in so many steps, whatever its length.
const STEPS_OF_HISTORY: u32 = 60;
const DAY_SECONDS: u64 = 86_400;

/// Charts as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The span of time, but for the registry's.
    pub span: Range,
    /// What was found, a chart for each major.
    pub verdicts: Vec<Chart>,
    /// How fast the farm works, what waits for it, and how long runs take.
    pub farm: Vec<Chart>,
    /// How the registry grew since its first release.
    pub registry: Vec<Chart>,
}

#[derive(Template)]
#[template(path = "charts.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
    verdicts: Vec<Drawn<'a>>,
    farm: Vec<Drawn<'a>>,
    registry: Vec<Drawn<'a>>,
}

/// `/charts/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let now = dashboard.now();
    let range = Range::of(ask.get("span"));
    let span = range.span(now);
    let mut conn = dashboard.store().read().await?;
    let found = trends::results(&mut conn, span).await?;
    let view = View {
        span: range,
        verdicts: series::verdicts(range, span, &found, &majors(&dashboard)),
        farm: of_farm(&mut conn, range, &found, now).await?,
        registry: vec![of_registry(&mut conn, now).await?],
    };
    drop(conn);
    let (verdicts, farm, registry) = (drawn(&view.verdicts)?, drawn(&view.farm)?, drawn(&view.registry)?);
    ask.answer(&view, || {
        let description =
            "What was found on each PostgreSQL major over time, how fast the farm works, and how the registry grows.";
        let json = ask.keeping("/charts/?format=json", &["span"]);
        let frame = Frame::new(dashboard.site(), "Charts", description).with_json(json);
        Page { frame, view: &view, verdicts, farm, registry }
    })
}

/// Draws charts.
pub(super) fn drawn(charts: &[Chart]) -> Result<Vec<Drawn<'_>>, Fault> {
    Ok(charts.iter().map(draw).collect::<Result<_, _>>()?)
}

/// The charts of how fast the farm works, for its own page.
pub(super) async fn of_farm_lately(conn: &mut Conn, now: Timestamp) -> Result<Vec<Chart>, Fault> {
    let found = trends::results(conn, Range::Month.span(now)).await?;
    of_farm(conn, Range::Month, &found, now).await
}

async fn of_farm(conn: &mut Conn, range: Range, found: &[Found], now: Timestamp) -> Result<Vec<Chart>, Fault> {
    let span = range.span(now);
    let waiting = farm::counts(conn, now).await?.queued;
    let flow = trends::queue(conn, span).await?;
    let spent = trends::phases(conn, span).await?;
    Ok(vec![
        series::throughput(range, span, found),
        series::waiting(range, span, &flow, waiting),
        series::durations(range, span, &spent),
    ])
}

async fn of_registry(conn: &mut Conn, now: Timestamp) -> Result<Chart, Fault> {
    let oldest = trends::oldest_release(conn).await?.unwrap_or(now);
    let days = now.since(oldest).as_secs() / DAY_SECONDS + 1;
    let days_a_step = u32::try_from(days).unwrap_or(u32::MAX).div_ceil(STEPS_OF_HISTORY);
    let span = Span::until(now, STEPS_OF_HISTORY, days_a_step);
    Ok(series::growth(span, &trends::growth(conn, span).await?))
}

/// The majors in the order in which people look for them: supported, then devel, then those past their end; each newest first.
fn majors(dashboard: &Dashboard) -> Vec<PgMajor> {
    let now = dashboard.now();
    let entries = &dashboard.matrix().postgresql;
    let mut majors: Vec<_> = entries.iter().map(|entry| (entry.support(now), entry.major)).collect();
    majors.sort_by_key(|(support, major)| {
        let group = match support {
            Support::Supported => 0,
            Support::Devel => 1,
            Support::Eol => 2,
        };
        (group, std::cmp::Reverse(*major))
    });
    majors.into_iter().map(|(_, major)| major).collect()
}
