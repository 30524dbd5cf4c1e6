//! Runs without a coordinator: what `pgxn-testers test PATH|ZIP|DIST[@VERSION]` names, and where that is.

use std::path::Path;

use pgxn::{ClientOptions, Registry};
use protocol::{Name, Release, Status, Version};
use url::Url;

use crate::run::Source;

mod digest;
mod snapshot;

pub use digest::digest;
pub use snapshot::Snapshot;

/// A text that names nothing that can be tested.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// It looks like a path.
    #[error(
        "`{text}` does not exist; name a directory with META.json, a zip archive, or a distribution as NAME or NAME@VERSION"
    )]
    Path {
        /// The text.
        text: String,
    },
    /// It is neither a path nor a name.
    #[error("`{text}` is neither a file here nor the name of a distribution: {why}")]
    Name {
        /// The text.
        text: String,
        /// What is wrong with it as a name.
        why: String,
    },
    /// The registry has no such distribution, or no such version of it.
    #[error(
        "{registry} has no distribution `{text}`; its name may be spelled differently, or it is a file that is not here"
    )]
    Release {
        /// The text.
        text: String,
        /// The registry.
        registry: Url,
    },
    /// The registry cannot be asked.
    #[error(transparent)]
    Registry(#[from] pgxn::Error),
}

/// Finds what a person named: a directory, a zip, or a release of the registry, which is only asked for the last.
pub async fn find(text: &str, registry: &Url, client: ClientOptions) -> Result<Source, NotFound> {
    let path = Path::new(text);
    if path.is_dir() {
        return Ok(Source::Directory(path.to_path_buf()));
    }
    if path.is_file() {
        return Ok(Source::Zip(path.to_path_buf()));
    }
    if text.contains('/') || text.starts_with('.') || text.to_lowercase().ends_with(".zip") {
        return Err(NotFound::Path { text: text.to_owned() });
    }
    let wrong = |why: String| NotFound::Name { text: text.to_owned(), why };
    let (name, version) = match text.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let name: Name = name.parse().map_err(|error: protocol::InvalidName| wrong(error.to_string()))?;
    let version: Option<Version> =
        version.map(str::parse).transpose().map_err(|error: protocol::InvalidVersion| wrong(error.to_string()))?;
    let registry = Registry::open(registry, client).await?;
    let missing = || NotFound::Release { text: text.to_owned(), registry: registry.url().clone() };
    let version = match version {
        Some(version) => version,
        None => newest(&registry, &name).await?.ok_or_else(missing)?,
    };
    let release = release(&registry, &name, &version).await?.ok_or_else(missing)?;
    Ok(Source::Release(registry, Box::new(release)))
}

/// The newest version of the most mature kind that there is.
async fn newest(registry: &Registry, name: &Name) -> Result<Option<Version>, pgxn::Error> {
    let Some(listing) = registry.dist(name).await? else { return Ok(None) };
    let of = |status: Status| {
        let listed = listing.releases.iter().filter(move |listed| listed.status == Some(status));
        listed.map(|listed| listed.version.clone()).max()
    };
    Ok(Status::ALL.into_iter().find_map(of))
}

async fn release(registry: &Registry, name: &Name, version: &Version) -> Result<Option<Release>, pgxn::Error> {
    let Some(meta) = registry.meta(name, version).await? else { return Ok(None) };
    let url = registry.meta_url(name, version)?;
    meta.release().map(Some).map_err(|source| pgxn::Error::Meta { url, source: source.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> Url {
        "file:///nowhere/at/all".parse().unwrap()
    }

    #[tokio::test]
    async fn a_path_that_is_not_there_is_said_so_without_asking_the_registry() {
        for text in ["./gone", "gone/dir", "gone.zip"] {
            assert!(
                matches!(find(text, &nowhere(), ClientOptions::default()).await, Err(NotFound::Path { .. })),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn a_directory_is_taken_as_one() {
        let dir = tempfile::tempdir().unwrap();
        let source = find(dir.path().to_str().unwrap(), &nowhere(), ClientOptions::default()).await.unwrap();
        assert!(matches!(source, Source::Directory(_)));
    }

    #[tokio::test]
    async fn what_cannot_be_a_name_is_refused_with_why() {
        let error = find("pgtap@", &nowhere(), ClientOptions::default()).await.unwrap_err().to_string();
        assert!(error.contains("`pgtap@`") && error.contains("empty"), "{error}");
    }
}
