//! Where the image, and not the release, was found to lack something, a run may be made again on an image of another source.

use protocol::{Reason, Report, SourceKind};

use crate::judge::SERVER_WITHOUT_ICU;
use crate::run::{Completed, Request};
use crate::sandbox::Image;
use crate::site::Site;

/// Languages that the server's own packages have, and prebuilt trees have not.
const LANGUAGES: [&str; 5] = ["plperl", "plperlu", "pltcl", "pltclu", "plpython3u"];

/// A run that is worth making again.
pub(crate) struct Again {
    /// The image to make it on.
    pub(crate) image: Image,
    /// Why, as a sentence.
    pub(crate) note: String,
}

/// Another image, if this one turned out to lack what another source of the same major has.
pub(crate) async fn elsewhere(site: &Site, request: &Request, completed: &Completed) -> Option<Again> {
    let report = &completed.report;
    let used = report.image.as_ref()?;
    let what = lacks(report).filter(|_| used.source == SourceKind::Portable)?;
    let other = site.images.other(request.target, &|source| source.kind != used.source, &()).await;
    let image = other.inspect_err(|error| tracing::debug!(%error, "no other source could be tried")).ok().flatten()?;
    let note = format!(
        "PostgreSQL {} from {} lacks {what}, so that the run was made again on {} from {}.",
        used.postgresql, used.source, image.facts.postgresql, image.facts.source
    );
    Some(Again { image, note })
}

/// A part of PostgreSQL that a run missed, in words.
fn lacks(report: &Report) -> Option<String> {
    let verdict = &report.verdict;
    match verdict.reason {
        Reason::MissingLanguage if LANGUAGES.contains(&verdict.detail.as_str()) => Some(verdict.detail.clone()),
        Reason::MissingLocale => Some(format!("the collation {}", verdict.detail)),
        Reason::MissingLibrary if verdict.detail == SERVER_WITHOUT_ICU => Some("ICU".into()),
        _ => None,
    }
}
