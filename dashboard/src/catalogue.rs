//! What can be searched: an index of the latest release of every distribution, made anew in the background when there is another one; and beside it
//! what stands of each, read again when there are other verdicts.
//!
//! Both live in memory. The first index is made of what the store knows alone; READMEs and the names of users come from the registry's
//! documents, and so with the next one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::{ReleaseId, Timestamp};
use search::{Choice, Entry, Extension, Health, Index, Narrow, Outcome, SearchError, Seen, Standings};
use serde_json::Value;
use store::dists::{self, Dist};
use store::{latest, releases};

use crate::Dashboard;
use crate::fault::Fault;
use crate::known::Known;

/// How often it is looked whether there is something new.
const EVERY: Duration = Duration::from_secs(10);
/// When an index is made again that lacks documents.
const AGAIN: Duration = Duration::from_mins(5);
/// When what stands is read again though no result has come: majors come and go, and operators withdraw verdicts.
const STANDING: Duration = Duration::from_mins(1);
/// So many distributions are read at a time.
const PAGE: u32 = 500;

/// The index, and what it was made of.
#[derive(Default)]
pub(crate) struct Catalogue(Mutex<Option<Arc<Made>>>);

type Places = BTreeMap<ReleaseId, usize>;

/// An index with what belongs to it, all in the order of its entries.
#[derive(Clone)]
pub(crate) struct Made {
    /// The index.
    pub(crate) index: Index,
    /// What the same releases say of each other.
    pub(crate) known: Arc<Known>,
    /// What stands of each distribution.
    pub(crate) standings: Arc<Standings>,
    /// The distributions.
    pub(crate) dists: Arc<[Dist]>,
    /// Where each release stands among them.
    places: Arc<Places>,
    /// What users are called, by their keys.
    names: Arc<BTreeMap<String, String>>,
    /// Whether the documents of all could be read.
    whole: bool,
    at: Timestamp,
    /// How many results there were when it was read what stands, and when that was.
    stood: (u64, Timestamp),
}

impl Made {
    /// What a choice is made with.
    pub(crate) fn narrow<'a>(&'a self, choice: &'a Choice, now: Timestamp) -> Narrow<'a> {
        Narrow { choice, standings: &self.standings, now }
    }

    /// What a user is called, where that is known.
    pub(crate) fn user_name(&self, key: &str) -> Option<&str> {
        self.names.get(key).map(String::as_str)
    }

    /// How well a release does, where it is the latest one of its distribution.
    pub(crate) fn health(&self, release: ReleaseId) -> Option<Health> {
        self.places.get(&release).map(|at| self.standings.health(*at))
    }

    fn is_of(&self, dists: &[Dist]) -> bool {
        self.dists.iter().map(|dist| dist.latest.id).eq(dists.iter().map(|dist| dist.latest.id))
    }
}

impl Catalogue {
    /// What there is; nothing until it is first made.
    pub(crate) fn made(&self) -> Option<Arc<Made>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, made: Made) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(made));
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

/// Makes the index anew where there is another release, or where documents were missing; else reads again what stands, where that may be something
/// else. Says whether it did either.
pub async fn tick(dashboard: &Dashboard) -> Result<bool, Fault> {
    let (dists, now) = (all(dashboard).await?, dashboard.now());
    let known = dashboard.catalogue().made();
    match &known {
        Some(made) if made.is_of(&dists) && (made.whole || now.since(made.at) < AGAIN) => stand(dashboard, made).await,
        _ => make(dashboard, dists, known.is_none()).await.map(|()| true),
    }
}

/// Every distribution, a page at a time.
async fn all(dashboard: &Dashboard) -> Result<Vec<Dist>, Fault> {
    let mut conn = dashboard.store().read().await?;
    let mut all: Vec<Dist> = Vec::new();
    loop {
        let after = all.last().map(|dist| dist.name.clone());
        let page = dists::list(&mut conn, "", after.as_ref(), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn make(dashboard: &Dashboard, dists: Vec<Dist>, is_first: bool) -> Result<(), Fault> {
    let (catalogue, at) = (dashboard.catalogue(), dashboard.now());
    let (mut entries, mut metas) = (Vec::with_capacity(dists.len()), Vec::with_capacity(dists.len()));
    for dist in &dists {
        let mut conn = dashboard.store().read().await?;
        let meta = releases::meta(&mut conn, dist.latest.id).await?.unwrap_or_default();
        entries.push(entry(dist, &meta));
        metas.push(meta);
    }
    let known = Arc::new(Known::of(dists.iter().map(|dist| &dist.name).zip(&metas)));
    drop(metas);
    let dists: Arc<[Dist]> = dists.into();
    if is_first {
        let made = put_together(dashboard, dists.clone(), known.clone(), entries.clone()).await?;
        catalogue.put(Made { whole: false, at, ..made });
    }
    let mut whole = true;
    for (dist, entry) in dists.iter().zip(&mut entries) {
        whole &= complete(dashboard, dist, entry).await;
    }
    let made = put_together(dashboard, dists, known, entries).await?;
    catalogue.put(Made { whole, at, ..made });
    Ok(())
}

async fn put_together(
    dashboard: &Dashboard,
    dists: Arc<[Dist]>,
    known: Arc<Known>,
    entries: Vec<Entry>,
) -> Result<Made, Fault> {
    let names = entries.iter().map(|entry| (entry.user.to_lowercase(), entry.user_name.clone())).collect();
    let places: Places = dists.iter().enumerate().map(|(at, dist)| (dist.latest.id, at)).collect();
    let (standings, stood) = standings(dashboard, &dists, &places).await?;
    let (standings, places, names) = (Arc::new(standings), Arc::new(places), Arc::new(names));
    let index = build(entries).await?;
    Ok(Made { index, known, standings, dists, places, names, whole: true, at: dashboard.now(), stood })
}

/// Reads again what stands, unless there is no other result since; says whether it did.
async fn stand(dashboard: &Dashboard, made: &Made) -> Result<bool, Fault> {
    let results = latest::results(&mut dashboard.store().read().await?).await?;
    let (known, at) = made.stood;
    if known == results && dashboard.now().since(at) < STANDING {
        return Ok(false);
    }
    let (standings, stood) = standings(dashboard, &made.dists, &made.places).await?;
    dashboard.catalogue().put(Made { standings: Arc::new(standings), stood, ..made.clone() });
    Ok(true)
}

/// What stands of each distribution, and as of which result and when.
async fn standings(
    dashboard: &Dashboard,
    dists: &[Dist],
    places: &Places,
) -> Result<(Standings, (u64, Timestamp)), Fault> {
    let mut of = vec![Vec::new(); dists.len()];
    let mut conn = dashboard.store().read().await?;
    let stood = (latest::results(&mut conn).await?, dashboard.now());
    for first in (0..dists.len()).step_by(PAGE as usize) {
        let after = first.checked_sub(1).and_then(|at| dists.get(at)).map(|dist| &dist.name);
        for one in latest::verdicts(&mut conn, after, PAGE).await? {
            // One that is released just now is not in the index yet.
            let Some(place) = places.get(&one.release_id) else { continue };
            let outcome = Outcome::of(one.grade, &one.flags);
            let tests = one.tests > 0 || outcome == Outcome::Pass;
            of[*place].push(Seen { target: one.target, outcome, tests, at: one.accepted_at });
        }
    }
    let supported = dashboard.matrix().supported(dashboard.now());
    Ok((Standings::new(of, &supported), stood))
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
    let facts = crate::pages::facts::read(meta);
    Entry {
        dist: release.dist.to_string(),
        version: release.version.to_string(),
        summary: dist.latest.summary.clone(),
        description: text(meta.get("description")),
        date: release.released_at,
        user: release.user.to_string(),
        user_name: release.user.to_string(),
        licences: facts.licenses,
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
