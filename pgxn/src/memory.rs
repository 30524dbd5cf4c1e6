//! What a registry last answered, kept in a directory, so that what was asked for once can be had without a network.
//!
//! Nothing is served from here while there is a network: a registry that says something else now is believed.

use std::fs;
use std::future::Future;
use std::io::Write;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use url::Url;

use crate::error::{Error, Result};
use crate::fetch::{Fetched, Validators};

/// Documents beyond these make room for others: as many as some hundred plans of prerequisites ask for.
const MAX_FILES: usize = 4_096;
/// A document with more bytes is not kept.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// How a file begins of what the registry had, and of what it had not.
const THERE: u8 = b'1';
const MISSING: u8 = b'0';

/// The answers of registries, in a directory.
#[derive(Clone, Debug)]
pub struct Memory {
    dir: PathBuf,
    offline: bool,
}

impl Memory {
    /// Keeps answers in a directory; `offline`, nothing is asked for, and what is not kept is an error.
    pub const fn new(dir: PathBuf, offline: bool) -> Self {
        Self { dir, offline }
    }

    /// Whether nothing is asked for.
    pub const fn is_offline(&self) -> bool {
        self.offline
    }

    /// The answer that is kept, or that comes, which is kept then.
    pub(crate) async fn document(&self, url: &Url, asked: impl Future<Output = Result<Fetched>>) -> Result<Fetched> {
        if self.offline {
            return self.kept(url).ok_or_else(|| Error::Offline { url: url.clone() });
        }
        let fetched = asked.await?;
        if let Err(error) = self.keep(url, &fetched) {
            tracing::debug!(%url, %error, "did not keep an answer");
        }
        Ok(fetched)
    }

    fn path(&self, url: &Url) -> PathBuf {
        self.dir.join(hex::encode(Sha256::digest(url.as_str())))
    }

    fn kept(&self, url: &Url) -> Option<Fetched> {
        let bytes = fs::read(self.path(url)).ok()?;
        match bytes.split_first()? {
            (&THERE, rest) => Some(Fetched::Body { bytes: rest.to_vec(), validators: Validators::default() }),
            (&MISSING, []) => Some(Fetched::Missing),
            _ => None,
        }
    }

    fn keep(&self, url: &Url, fetched: &Fetched) -> std::io::Result<()> {
        let bytes = match fetched {
            Fetched::Body { bytes, .. } if bytes.len() > MAX_BYTES => return Ok(()),
            Fetched::Body { bytes, .. } => [&[THERE], bytes.as_slice()].concat(),
            Fetched::Missing => vec![MISSING],
            Fetched::Unchanged => return Ok(()),
        };
        fs::create_dir_all(&self.dir)?;
        self.make_room()?;
        let mut draft = tempfile::NamedTempFile::new_in(&self.dir)?;
        draft.write_all(&bytes)?;
        draft.persist(self.path(url))?;
        Ok(())
    }

    /// Removes the older half of the answers where there are too many.
    fn make_room(&self) -> std::io::Result<()> {
        let entries = fs::read_dir(&self.dir)?.collect::<std::io::Result<Vec<_>>>()?;
        if entries.len() < MAX_FILES {
            return Ok(());
        }
        let mut kept: Vec<_> =
            entries.iter().map(|entry| (entry.metadata().and_then(|of| of.modified()).ok(), entry.path())).collect();
        kept.sort();
        kept.iter().take(MAX_FILES / 2).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Fetched {
        Fetched::Body { bytes: text.into(), validators: Validators::default() }
    }

    fn text(fetched: Fetched) -> Option<String> {
        match fetched {
            Fetched::Body { bytes, .. } => String::from_utf8(bytes).ok(),
            Fetched::Missing | Fetched::Unchanged => None,
        }
    }

    #[tokio::test]
    async fn what_was_asked_for_is_there_without_a_network_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let url = |name: &str| Url::parse(&format!("https://registry.example.org/{name}")).unwrap();
        let online = Memory::new(dir.path().join("registry"), false);
        for said in ["old", "new"] {
            let heard = online.document(&url("a.json"), async { Ok(body(said)) }).await.unwrap();
            assert_eq!(text(heard).as_deref(), Some(said), "what the registry says now is believed");
        }
        online.document(&url("gone.json"), async { Ok(Fetched::Missing) }).await.unwrap();
        let offline = Memory::new(dir.path().join("registry"), true);
        let nobody = || async { panic!("nothing is asked for") };
        assert_eq!(text(offline.document(&url("a.json"), nobody()).await.unwrap()).as_deref(), Some("new"));
        assert!(matches!(offline.document(&url("gone.json"), nobody()).await, Ok(Fetched::Missing)));
        let error = offline.document(&url("b.json"), nobody()).await.map(drop).unwrap_err().to_string();
        assert_eq!(error, "`https://registry.example.org/b.json` is not kept on this machine");
    }
}
