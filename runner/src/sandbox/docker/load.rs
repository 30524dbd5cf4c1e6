//! Root file systems of another platform than the engine's: given to it as an archive that says so, as engines up to 20.10 take what they
//! import for their own, whatever they are told, and then refuse to build on it.

use std::fs::File;
use std::io::{self, Cursor, Seek, Write};
use std::time::Duration;

use futures_util::TryStreamExt;
use protocol::Platform;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::ReaderStream;

use crate::error::{Error, Result};
use crate::sandbox::docker::Engine;

/// Longer than anybody waits for it.
const LOAD: Duration = Duration::from_hours(1);

impl Engine {
    /// Makes an image of a root file system, a tar archive, under a tag.
    pub(crate) async fn load_root(&self, layer: File, platform: Platform, tag: &str) -> Result<()> {
        let what = || Error::engine(format!("load a root file system as {tag}"));
        let wrong = |source| Error::File { what: "pack the root file system", path: tag.into(), source };
        let owned = tag.to_owned();
        let packing = tokio::task::spawn_blocking(move || pack(layer, platform, &owned)).await;
        let archive = packing.unwrap_or_else(|_| Err(io::Error::other("interrupted"))).map_err(wrong)?;
        let body = bollard::body_try_stream(ReaderStream::with_capacity(archive, 128 * 1024));
        let client = self.client().clone().with_timeout(LOAD);
        let options = bollard::query_parameters::ImportImageOptions { quiet: true, ..Default::default() };
        let said: Vec<_> = client.import_image(options, body, None).try_collect().await.map_err(what())?;
        drop(said);
        Ok(())
    }
}

/// What `docker save` would have made of an image with that one layer.
fn pack(mut layer: File, platform: Platform, tag: &str) -> io::Result<impl AsyncRead + Send + use<>> {
    layer.rewind()?;
    let mut hash = Hash(Sha256::new());
    let bytes = io::copy(&mut layer, &mut hash)?;
    layer.rewind()?;
    let digest = format!("sha256:{}", hex::encode(hash.0.finalize()));
    let config = json!({
        "architecture": platform, "os": "linux", "config": {}, "history": [],
        "rootfs": { "type": "layers", "diff_ids": [digest] },
    });
    let manifest = json!([{ "Config": "config.json", "RepoTags": [tag], "Layers": ["layer.tar"] }]);
    let mut head = tar::Builder::new(Vec::new());
    for (name, document) in [("config.json", config), ("manifest.json", manifest)] {
        let text = document.to_string();
        head.append_data(&mut header(text.len() as u64), name, text.as_bytes())?;
    }
    // Everything but the end of an archive, then the layer as its last member.
    let mut head = head.get_ref().clone();
    let mut last = header(bytes);
    last.set_path("layer.tar")?;
    last.set_cksum();
    head.extend_from_slice(last.as_bytes());
    let padding = usize::try_from(bytes.next_multiple_of(512) - bytes).unwrap_or_default();
    let end = vec![0; padding + 1_024];
    Ok(Cursor::new(head).chain(tokio::fs::File::from_std(layer)).chain(Cursor::new(end)))
}

fn header(bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes);
    header.set_mode(0o644);
    header
}

/// What is written into it is only summed.
struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[tokio::test]
    async fn an_image_of_one_layer_says_its_platform_and_the_digest_of_the_layer() {
        let mut layer = tempfile::tempfile().unwrap();
        layer.write_all(b"a layer").unwrap();
        let mut bytes = Vec::new();
        pack(layer, Platform::Arm64, "a:b").unwrap().read_to_end(&mut bytes).await.unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut files = std::collections::BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), text);
        }
        assert_eq!(files["layer.tar"], "a layer");
        assert!(files["manifest.json"].contains("\"a:b\""), "{files:?}");
        let config: serde_json::Value = serde_json::from_str(&files["config.json"]).unwrap();
        assert_eq!(config["architecture"], "arm64");
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(b"a layer")));
        assert_eq!(config["rootfs"]["diff_ids"][0], serde_json::json!(digest));
    }
}
