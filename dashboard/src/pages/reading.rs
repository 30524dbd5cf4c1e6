//! What a distribution's and a release's page show of its documents.

use markup::Role;
use serde::Serialize;
use store::releases::StoredRelease;

use crate::fault::Link;
use crate::{Dashboard, address, leaves};

/// README and documents, and how to get it all.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Reading {
    /// The README, sanitised.
    #[serde(skip)]
    pub readme: Option<String>,
    /// What everybody looks for: README, changes and licence, each on a page of its own.
    pub first: Vec<Link>,
    /// The other documents.
    pub documents: Vec<Link>,
    /// Where the files are.
    pub source: String,
    /// Where the archive is.
    pub download: String,
    /// What is said where the documents cannot be shown.
    #[serde(skip)]
    pub absent: Option<&'static str>,
}

impl Reading {
    /// Of a release. It may wait for an archive: no connection to the database is to be held meanwhile.
    pub(super) async fn of(dashboard: &Dashboard, stored: &StoredRelease) -> Self {
        let release = &stored.release;
        let (dist, version) = (&release.dist, &release.version);
        let reading = Self {
            source: address::source(dist, version),
            download: address::download(dist, version),
            ..Self::default()
        };
        let leaves = match leaves::of(dashboard, dist, version, &release.sha1).await {
            Ok(leaves) => leaves,
            Err(absent) => return Self { absent: Some(absent.sentence()), ..reading },
        };
        let link = |title: &leaves::Title, text: &str| Link {
            href: address::document(dist, version, &title.docpath),
            text: text.to_owned(),
        };
        let is_first = |title: &&leaves::Title| title.role != Role::Document;
        Self {
            readme: leaves.readme.as_ref().map(|readme| readme.document.html.clone()),
            first: leaves.documents.iter().filter(is_first).map(|title| link(title, &title.path)).collect(),
            documents: leaves
                .documents
                .iter()
                .filter(|title| !is_first(title))
                .map(|title| link(title, &title.docpath))
                .collect(),
            ..reading
        }
    }
}
