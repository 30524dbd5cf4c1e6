//! Where the image, and not the release, was found to lack something, a run may be made again on an image of another source.

use protocol::{Reason, SourceKind, Verdict};

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
    let what = lacks(&report.verdict).filter(|_| used.source == SourceKind::Portable)?;
    let other = site.images.other(request.target, &|source| source.kind != used.source, &()).await;
    let image = other.inspect_err(|error| tracing::debug!(%error, "no other source could be tried")).ok().flatten()?;
    let note = format!(
        "PostgreSQL {} from {} lacks {what}, so that the run was made again on {} from {}.",
        used.postgresql, used.source, image.facts.postgresql, image.facts.source
    );
    Some(Again { image, note })
}

/// A part of PostgreSQL that a run missed, in words.
fn lacks(verdict: &Verdict) -> Option<String> {
    match verdict.reason {
        // A log names it alone, and where META asks for it, who does so comes first.
        Reason::MissingLanguage => {
            let named = verdict.detail.rsplit(' ').next().unwrap_or_default().to_lowercase();
            Some(named).filter(|named| LANGUAGES.contains(&named.as_str()))
        }
        Reason::MissingLocale => Some(format!("the collation {}", verdict.detail)),
        Reason::MissingLibrary if verdict.detail == SERVER_WITHOUT_ICU => Some("ICU".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use protocol::Phase;

    use super::*;
    use crate::prerequisites::Refusal;

    #[test]
    fn a_language_is_lacking_whether_a_log_or_meta_names_it() {
        let lacks = |detail: &str| lacks(&Verdict::new(Phase::Create, Reason::MissingLanguage).with_detail(detail));
        assert_eq!(lacks("plperl").as_deref(), Some("plperl"));
        let refusal = Refusal::Language { name: "PLPython3u".parse().unwrap(), by: "widget".parse().unwrap() };
        assert_eq!(refusal.reason(), Reason::MissingLanguage);
        assert_eq!(lacks(&refusal.to_string()).as_deref(), Some("plpython3u"));
        assert_eq!(lacks("plmoon"), None);
    }
}
