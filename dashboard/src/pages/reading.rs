//! What a distribution's and a release's page show of its documents.

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
        let (source, download) = (address::source(dist, version), address::download(dist, version));
        match leaves::of(dashboard, dist, version, &release.sha1).await {
            Ok(leaves) => {
                let link = |title: &leaves::Title| Link {
                    href: address::document(dist, version, &title.docpath),
                    text: title.docpath.clone(),
                };
                let documents = leaves.documents.iter().map(link).collect();
                let readme = leaves.readme.as_ref().map(|readme| readme.html.clone());
                Self { readme, documents, source, download, absent: None }
            }
            Err(absent) => {
                Self { readme: None, documents: Vec::new(), source, download, absent: Some(absent.sentence()) }
            }
        }
    }
}
