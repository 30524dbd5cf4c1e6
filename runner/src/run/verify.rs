//! Phase verify: the archive is the one that the job is about. Nothing of it is looked at before.

use std::io::Read;
use std::path::Path;

use protocol::{ArchiveFacts, Phase, Reason};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::run::fetch::Fetched;
use crate::run::stop::in_words;
use crate::run::{Book, Request, Source, Step, Stop};

/// Compares the digest with the one that the registry stated when the job was made.
pub(crate) async fn run(request: &Request, fetched: Option<&Fetched>, book: &mut Book<'_>) -> Step<()> {
    let (Source::Release(_, release), Some(fetched)) = (&request.source, fetched) else {
        book.skip(Phase::Verify).await;
        return Ok(());
    };
    book.begin(Phase::Verify).await;
    if fetched.facts.sha1 == release.sha1 {
        book.pass().await;
        return Ok(());
    }
    let detail = format!("the SHA-1 of the archive is {}, the registry states {}", fetched.facts.sha1, release.sha1);
    Err(book.refuse(Reason::DigestMismatch, detail).await)
}

/// The registry's archive is not the one that it states, which shows as soon as all of it has come.
pub(crate) async fn differs(error: &pgxn::Error, book: &mut Book<'_>) -> Stop {
    book.pass().await;
    book.begin(Phase::Verify).await;
    book.refuse(Reason::DigestMismatch, in_words(error)).await
}

/// The digests of a file.
pub(crate) fn digests(path: &Path) -> Result<ArchiveFacts> {
    let mut file = std::fs::File::open(path).map_err(Error::file("open", path))?;
    let (mut sha1, mut sha256, mut bytes) = (Sha1::new(), Sha256::new(), 0);
    let mut piece = vec![0; 128 * 1024];
    loop {
        let read = file.read(&mut piece).map_err(Error::file("read", path))?;
        if read == 0 {
            break;
        }
        sha1.update(&piece[..read]);
        sha256.update(&piece[..read]);
        bytes += read as u64;
    }
    Ok(ArchiveFacts { sha1: hex::encode(sha1.finalize()), sha256: hex::encode(sha256.finalize()), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        let facts = digests(&path).unwrap();
        assert_eq!(facts.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(facts.sha256.starts_with("ba7816bf8f01cfea"));
        assert_eq!(facts.bytes, 3);
    }
}
