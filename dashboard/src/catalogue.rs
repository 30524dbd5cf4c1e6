//! What can be searched: an index of the latest release of every distribution, made anew in the background when there is another one.
//!
//! It lives in memory. The first one is made of what the store knows alone; READMEs and the names of users come from the registry's
//! documents, and so with the next one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::{ReleaseId, Timestamp};
use search::{Entry, Extension, Index, SearchError};
use serde_json::Value;
use store::dists::{self, Dist};
use store::releases;

use crate::Dashboard;
use crate::fault::Fault;
use crate::known::Known;

/// How often it is looked whether there is something new.
const EVERY: Duration = Duration::from_secs(10);
/// When an index is made again that lacks documents.
const AGAIN: Duration = Duration::from_mins(5);
/// So many distributions are read at a time.
const PAGE: u32 = 500;

/// The index, and what it was made of.
#[derive(Default)]
pub(crate) struct Catalogue(Mutex<Option<Made>>);

#[derive(Clone)]
struct Made {
    index: Index,
    known: Arc<Known>,
    /// The releases in it.
    of: Vec<ReleaseId>,
    /// Whether their documents could be read as well.
    whole: bool,
    at: Timestamp,
}

impl Catalogue {
    /// The index; none until it is first made.
    pub(crate) fn index(&self) -> Option<Index> {
        self.made().map(|made| made.index)
    }

    /// What the same releases say of each other; none until the first index is made.
    pub(crate) fn known(&self) -> Option<Arc<Known>> {
        self.made().map(|made| made.known)
    }

    fn made(&self) -> Option<Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, made: Made) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
    }
}

/// Keeps the index up to date, for as long as it is driven.
pub async fn keep(dashboard: &Dashboard) {
    loop {
        if let Err(fault) = tick(dashboard).await {
            tracing::error!(
                error = &fault as &dyn std::error::Error,
                "the search index could not be made; the one before stays"
            );
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Makes the index anew where there is another release, or where documents were missing. Says whether it did.
pub async fn tick(dashboard: &Dashboard) -> Result<bool, Fault> {
    let catalogue = dashboard.catalogue();
    let (mut of, mut entries) = (Vec::new(), Vec::new());
    {
        let mut conn = dashboard.store().read().await?;
        let mut after = None;
        loop {
            let page = dists::list(&mut conn, "", after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.name.clone());
            for dist in page {
                of.push(dist.latest.id);
                entries.push(dist);
            }
        }
    }
    let known = catalogue.made();
    let now = dashboard.now();
    if known.as_ref().is_some_and(|made| made.of == of && (made.whole || now.since(made.at) < AGAIN)) {
        return Ok(false);
    }
    let (mut found, mut metas) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
    for dist in &entries {
        let mut conn = dashboard.store().read().await?;
        let meta = releases::meta(&mut conn, dist.latest.id).await?.unwrap_or_default();
        found.push(entry(dist, &meta));
        metas.push(meta);
    }
    let among = Arc::new(Known::of(entries.iter().map(|dist| &dist.name).zip(&metas)));
    drop(metas);
    if known.is_none() {
        let index = build(found.clone()).await?;
        catalogue.put(Made { index, known: Arc::clone(&among), of: of.clone(), whole: false, at: now });
    }
    let mut whole = true;
    for (dist, entry) in entries.iter().zip(&mut found) {
        whole &= complete(dashboard, dist, entry).await;
    }
    catalogue.put(Made { index: build(found).await?, known: among, of, whole, at: now });
    Ok(true)
}

async fn build(entries: Vec<Entry>) -> Result<Index, Fault> {
    let built = tokio::task::spawn_blocking(move || Index::build(&entries)).await;
    match built {
        Ok(index) => Ok(index?),
        Err(panicked) => Err(Fault::Panicked { text: panicked.to_string() }),
    }
}

/// What the store knows of a distribution.
fn entry(dist: &Dist, meta: &Value) -> Entry {
    let release = &dist.latest.release;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let extension = |(name, about): (&String, &Value)| {
        let summary = text(about.get("abstract"));
        Extension {
            name: name.clone(),
            summary: if summary.is_empty() { dist.latest.summary.clone() } else { summary },
        }
    };
    Entry {
        dist: release.dist.to_string(),
        version: release.version.to_string(),
        summary: dist.latest.summary.clone(),
        description: text(meta.get("description")),
        date: release.released_at,
        user: release.user.to_string(),
        user_name: release.user.to_string(),
        tags: meta.get("tags").and_then(Value::as_array).into_iter().flatten().map(|tag| text(Some(tag))).collect(),
        extensions: meta.get("provides").and_then(Value::as_object).into_iter().flatten().map(extension).collect(),
        readme: String::new(),
    }
}

/// Adds what stands in the registry's documents; says whether they could be read.
async fn complete(dashboard: &Dashboard, dist: &Dist, entry: &mut Entry) -> bool {
    let (documents, release) = (dashboard.documents(), &dist.latest.release);
    let readme = documents.readme(&release.dist, &release.version).await;
    let user = documents.user(&release.user).await;
    if let Ok(Some(read)) = &readme {
        entry.readme.clone_from(&read.value);
    }
    if let Ok(Some(read)) = &user
        && let Some(name) = &read.value.name
    {
        entry.user_name.clone_from(name);
    }
    readme.is_ok() && user.is_ok()
}

impl From<SearchError> for Fault {
    fn from(error: SearchError) -> Self {
        Self::Search(error)
    }
}
