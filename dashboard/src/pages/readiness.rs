//! `/readiness/`: how far the registry is with each PostgreSQL major. The page of one is in `major.rs`.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::PgMajor;
use serde::Serialize;
use store::readiness::{self, Outline};

use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::grid::Column;
use crate::text::count;
use crate::{Dashboard, address};

pub(crate) mod major;

mod division;
mod list;
mod tally;

use tally::Tally;

/// Every major as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// How many distributions there are.
    pub dists: usize,
    /// The majors, the newest first.
    pub majors: Vec<Major>,
}

/// A major.
#[derive(Debug, Serialize)]
pub(crate) struct Major {
    /// Its number, and whether PostgreSQL maintains it.
    #[serde(flatten)]
    pub column: Column,
    /// Its page.
    pub href: String,
    /// The major that it is compared with.
    pub below: Option<PgMajor>,
    /// How distributions do.
    #[serde(flatten)]
    pub tally: Tally,
}

impl View {
    /// How many distributions there are, in words.
    pub(crate) fn words(&self) -> String {
        count(self.dists as u64, "distribution", "distributions")
    }
}

#[derive(Template)]
#[template(path = "readiness.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/readiness/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let all = readiness::outline(&mut dashboard.store().read().await?).await?;
    let view = View { dists: all.len(), majors: majors(&dashboard, &all) };
    ask.answer(&view, || {
        let description = "How many extensions work on each PostgreSQL major, and which broke since the one before.";
        Page {
            frame: Frame::new(dashboard.site(), "Readiness", description).with_json("/readiness/?format=json"),
            view: &view,
        }
    })
}

/// The majors of the matrix on which anything was planned.
fn majors(dashboard: &Dashboard, all: &[Outline]) -> Vec<Major> {
    let (matrix, now) = (dashboard.matrix(), dashboard.now());
    let of = |entry: &protocol::Major| {
        let below = tally::below(matrix, entry.major);
        Major {
            column: Column { major: entry.major, support: entry.support(now) },
            href: address::readiness(entry.major),
            below,
            tally: Tally::of(all.iter(), entry.major, below),
        }
    };
    let mut majors: Vec<Major> = matrix.postgresql.iter().map(of).collect();
    majors.retain(|major| major.tally.unplanned < all.len());
    majors
}
