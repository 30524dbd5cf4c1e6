//! Phase fetch: the archive, from the registry or from what an earlier run has kept.

use std::fs::File;
use std::path::{Path, PathBuf};

use pgxn::Registry;
use protocol::{ArchiveFacts, Phase, Release, Timestamp};

use crate::error::Error;
use crate::kept::{make_room, touch};
use crate::run::stop::{in_phase, in_words, lacking};
use crate::run::{Book, Request, Source, Step};
use crate::site::Site;

/// Archives and other downloads that are kept for further runs may have so many bytes in all.
pub(super) const MAX_KEPT_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// The archive of a run: where it is and what it is; none for a directory.
pub(crate) struct Fetched {
    pub(crate) zip: PathBuf,
    pub(crate) facts: ArchiveFacts,
}

/// Fetches the archive into `dir`.
pub(crate) async fn run(site: &Site, request: &Request, dir: &Path, book: &mut Book<'_>) -> Step<Option<Fetched>> {
    let fetched = match &request.source {
        Source::Directory(_) => {
            book.skip(Phase::Fetch).await;
            return Ok(None);
        }
        Source::Nowhere(error) => {
            book.begin(Phase::Fetch).await;
            return Err(book.refuse(error.reason(false), in_words(error)).await);
        }
        Source::Zip(path) => {
            book.begin(Phase::Fetch).await;
            local(path.clone()).await.map_err(in_phase(Phase::Fetch))?
        }
        Source::Release(registry, release) => {
            book.begin(Phase::Fetch).await;
            match download(site, registry, release, dir).await {
                Ok(fetched) => fetched,
                Err(error @ pgxn::Error::Digest { .. }) => return Err(super::verify::differs(&error, book).await),
                Err(error @ pgxn::Error::Offline { .. }) => return Err(lacking(Phase::Fetch, &error)),
                Err(error) => return Err(book.refuse(error.reason(true), in_words(&error)).await),
            }
        }
    };
    book.archive = Some(fetched.facts.clone());
    book.pass().await;
    Ok(Some(fetched))
}

/// A zip on this machine, with its digests.
async fn local(zip: PathBuf) -> Result<Fetched, Error> {
    let hashing = tokio::task::spawn_blocking(move || {
        let facts = super::verify::digests(&zip)?;
        Ok(Fetched { zip, facts })
    });
    hashing.await.expect("hashing does not panic")
}

/// An archive that an earlier run has kept, if it is there and its digest is right; it is used now.
async fn used(kept: &Path, sha1: &str, now: Timestamp) -> Option<Fetched> {
    let fetched = local(kept.to_owned()).await.ok().filter(|fetched| fetched.facts.sha1 == sha1)?;
    // Whoever makes room takes away what was used longest ago.
    let _ = File::open(kept).and_then(|file| touch(&file, now));
    Some(fetched)
}

/// The registry's archive, or the kept copy of it whose digest is right.
pub(crate) async fn download(
    site: &Site,
    registry: &Registry,
    release: &Release,
    dir: &Path,
) -> Result<Fetched, pgxn::Error> {
    let kept = site.download_dir.join(format!("{}.zip", release.sha1));
    if let Some(fetched) = used(&kept, &release.sha1, site.clock.now()).await {
        return Ok(fetched);
    }
    let archive = registry.download_release(release, dir).await?;
    let facts = ArchiveFacts { sha1: archive.sha1, sha256: archive.sha256, bytes: archive.bytes };
    // Only a convenience for the next run: a disk that is full says so where it matters.
    let keeping =
        make_room(&site.download_dir, facts.bytes, MAX_KEPT_BYTES).and_then(|()| std::fs::rename(&archive.path, &kept));
    Ok(Fetched { zip: if keeping.is_ok() { kept } else { archive.path }, facts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_archive_that_is_used_makes_room_last() {
        let dir = tempfile::tempdir().unwrap();
        let [often, once] = ["often.zip", "once.zip"].map(|name| dir.path().join(name));
        for (path, written) in [(&often, 1_000), (&once, 2_000)] {
            std::fs::write(path, "abc").unwrap();
            touch(&File::open(path).unwrap(), Timestamp::from_millis(written)).unwrap();
        }
        assert!(used(&often, "another", Timestamp::from_millis(3_000)).await.is_none());
        let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
        assert_eq!(used(&often, sha1, Timestamp::from_millis(3_000)).await.unwrap().facts.bytes, 3);
        make_room(dir.path(), 0, 3).unwrap();
        assert!(often.exists() && !once.exists());
    }
}
