//! Distributions that a document of the registry lists, each with the verdicts on its latest release.

use std::collections::BTreeSet;

use protocol::Name;
use serde::Serialize;
use store::dists;
use store::releases::StoredRelease;

use crate::Dashboard;
use crate::fault::Fault;
use crate::pages::home::Recent;
use crate::pages::rows::rows;

/// So many are shown on a page.
const PER_PAGE: usize = 100;

/// A part of a list of distributions.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Shelf {
    /// The majors of the rows.
    pub majors: Vec<u16>,
    /// The distributions, the latest release first; named as on the home page, which shows the same list.
    pub recent: Vec<Recent>,
    /// Names that the registry lists, and the farm has not read yet.
    pub unread: Vec<String>,
    /// How many there are in all.
    pub total: usize,
    /// Which part of the list this is, from 1.
    pub part: usize,
    /// How many parts there are.
    pub parts: usize,
}

impl Shelf {
    /// One part of a list, of names in any order and any number of times.
    pub(crate) async fn load(
        dashboard: &Dashboard,
        names: impl Iterator<Item = &Name>,
        part: Option<&str>,
    ) -> Result<Self, Fault> {
        let mut conn = dashboard.store().read().await?;
        let names: BTreeSet<&Name> = names.collect();
        let names: Vec<&Name> = names.into_iter().collect();
        let mut found = dists::of_names(&mut conn, &names).await?;
        let read: BTreeSet<String> = found.iter().map(|dist| dist.name.key()).collect();
        let unread = names.iter().filter(|name| !read.contains(&name.key())).take(PER_PAGE).map(ToString::to_string);
        let unread: Vec<String> = unread.collect();
        found.sort_by_key(|dist| (std::cmp::Reverse(dist.latest.release.released_at), dist.name.key()));
        let parts = found.len().div_ceil(PER_PAGE).max(1);
        let part = part.and_then(|part| part.parse().ok()).unwrap_or(1).clamp(1, parts);
        let shown = found.iter().skip((part - 1) * PER_PAGE).take(PER_PAGE);
        let releases: Vec<&StoredRelease> = shown.map(|dist| &dist.latest).collect();
        let recent = rows(dashboard, &mut conn, &releases).await?;
        let majors = dashboard.supported();
        Ok(Self { majors, recent, unread, total: names.len(), part, parts })
    }
}
