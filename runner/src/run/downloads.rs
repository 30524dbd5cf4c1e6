//! What a build would download itself: fetched on the runner's own machine, from where an override says and only if it is what that says,
//! and copied in. Nothing of the distribution runs meanwhile.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::time::Duration;

use protocol::{Download, Phase, Reason, Verdict};
use sha2::{Digest, Sha256};
use url::Url;

use crate::error::{Error, Result};
use crate::kept::make_room;
use crate::run::fetch::MAX_KEPT_BYTES;
use crate::run::phase::Bench;
use crate::run::stop::in_phase;
use crate::run::{Step, Stop};
use crate::web;

/// A file has at most this many bytes.
const MAX_BYTES: usize = 256 << 20;
/// How long one may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// The folder in the container's `/sandbox`.
const DIR: &str = "downloads";

/// Brings the files of a distribution, or of what it needs, into the container.
pub(crate) async fn copy_in(bench: &Bench<'_>, downloads: &[Download]) -> Step<()> {
    let offline = bench.site.client.memory.as_ref().is_some_and(pgxn::Memory::is_offline);
    for download in downloads {
        let bytes = match get(&bench.site.download_dir, download, offline).await {
            Ok(bytes) => bytes,
            Err(why) if offline => {
                let what = format!("`{}` is needed: {why}", download.name());
                let remedy = "the same test without --offline brings it here".to_owned();
                let error = Error::Offline { what, remedy, reason: Reason::NetworkNeeded };
                return Err(in_phase(Phase::Dependencies)(error));
            }
            Err(why) => {
                let detail = format!("`{}` could not be fetched for it: {why}", download.name());
                return Err(Stop::Decided(
                    Verdict::new(Phase::Dependencies, Reason::NetworkNeeded).with_detail(detail),
                ));
            }
        };
        let packed = pack(download.name(), &bytes).map_err(in_phase(Phase::Dependencies))?;
        bench.sandbox.copy_in(packed, "/sandbox").await.map_err(in_phase(Phase::Dependencies))?;
    }
    Ok(())
}

/// The file that an earlier run has kept, or the one at its address; else why there is none, in words.
async fn get(dir: &Path, download: &Download, offline: bool) -> std::result::Result<Vec<u8>, String> {
    let kept = dir.join(&download.sha256);
    if let Ok(bytes) = tokio::fs::read(&kept).await
        && is_it(download, &bytes)
    {
        return Ok(bytes);
    }
    if offline {
        return Err("it is not kept on this machine".to_owned());
    }
    let url: Url = download.url.parse().map_err(|error| format!("{}: {error}", download.url))?;
    let bytes = web::get(&web::client()?, &url, MAX_BYTES, PATIENCE).await?;
    if !is_it(download, &bytes) {
        return Err(format!("what is at {url} is another file than the one that the overrides name"));
    }
    // Only a convenience for the next run: a disk that is full says so where it matters.
    if let Err(error) = keep(dir, &kept, &bytes) {
        tracing::debug!(%error, %url, "did not keep a download");
    }
    Ok(bytes)
}

fn is_it(download: &Download, bytes: &[u8]) -> bool {
    hex::encode(Sha256::digest(bytes)) == download.sha256
}

fn keep(dir: &Path, kept: &Path, bytes: &[u8]) -> std::io::Result<()> {
    make_room(dir, bytes.len() as u64, MAX_KEPT_BYTES)?;
    let mut draft = tempfile::NamedTempFile::new_in(dir)?;
    draft.write_all(bytes)?;
    draft.persist(kept)?;
    Ok(())
}

/// A tar file with one file in it.
fn pack(name: &str, bytes: &[u8]) -> Result<File> {
    let packing = || {
        let mut builder = tar::Builder::new(tempfile::tempfile()?);
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, Path::new(DIR).join(name), bytes)?;
        let mut spool = builder.into_inner()?;
        spool.rewind()?;
        Ok(spool)
    };
    packing().map_err(Error::file("pack", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn download(url: &str, bytes: &[u8]) -> Download {
        Download { url: url.to_owned(), sha256: hex::encode(Sha256::digest(bytes)) }
    }

    /// Answers every request with the same body, until the test is over; its address.
    async fn serve(body: &'static [u8]) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().fallback(move || async move { body });
        crate::Tasks::new().spawn(async move { axum::serve(listener, app).await.unwrap() });
        format!("http://{address}/widget-1.0.tar.gz")
    }

    #[tokio::test]
    async fn a_file_is_fetched_once_and_kept_for_the_next_run() {
        let (dir, url) = (tempfile::tempdir().unwrap(), serve(b"widget").await);
        assert_eq!(get(dir.path(), &download(&url, b"widget"), false).await.unwrap(), b"widget");
        let nowhere = download("http://127.0.0.1:1/widget-1.0.tar.gz", b"widget");
        assert_eq!(get(dir.path(), &nowhere, false).await.unwrap(), b"widget");
        std::fs::write(dir.path().join(&nowhere.sha256), "broken").unwrap();
        assert!(get(dir.path(), &nowhere, false).await.unwrap_err().contains("http://127.0.0.1:1/widget-1.0.tar.gz"));
    }

    #[tokio::test]
    async fn a_file_that_is_not_the_one_that_is_named_is_not_used() {
        let (dir, url) = (tempfile::tempdir().unwrap(), serve(b"gadget").await);
        let why = get(dir.path(), &download(&url, b"widget"), false).await.unwrap_err();
        assert!(why.contains("another file than the one"), "{why}");
        assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none());
    }

    #[test]
    fn a_file_stands_in_the_containers_folder_of_downloads() {
        let mut archive = tar::Archive::new(pack("widget-1.0.tar.gz", b"widget").unwrap());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some("downloads/widget-1.0.tar.gz"));
        assert_eq!((entry.size(), entry.header().mode().unwrap()), (6, 0o644));
    }
}
