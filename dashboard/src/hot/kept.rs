//! One answer at hand, plain and compressed.

use std::io::Write;
use std::sync::OnceLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// A smaller answer is not worth it.
const WORTH_IT: usize = 1_024;

/// An answer.
pub(super) struct Kept {
    pub(super) headers: HeaderMap,
    pub(super) plain: Bytes,
    tag: String,
    gzip: OnceLock<Option<(HeaderMap, Bytes)>>,
}

impl Kept {
    /// An answer with a tag, by its bytes where it has none.
    pub(super) fn new(mut headers: HeaderMap, plain: Bytes) -> Self {
        let known = headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let tag = known.unwrap_or_else(|| format!("W/\"{}\"", &hex::encode(Sha256::digest(&plain))[..20]));
        if let Ok(value) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, value);
        }
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.remove(CONTENT_LENGTH);
        Self { headers, plain, tag, gzip: OnceLock::new() }
    }

    /// Whether one of the tags of an `If-None-Match` is this answer's, which is weak.
    pub(super) fn is_one_of(&self, tags: &str) -> bool {
        let own = self.tag.trim_start_matches("W/");
        tags == "*" || tags.split(',').any(|one| one.trim().trim_start_matches("W/") == own)
    }

    /// It with gzip, made when first asked for; none where that is not smaller.
    pub(super) fn gzip(&self) -> Option<&(HeaderMap, Bytes)> {
        let made = self.gzip.get_or_init(|| {
            if self.plain.len() < WORTH_IT {
                return None;
            }
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&self.plain).ok()?;
            let packed = encoder.finish().ok().filter(|packed| packed.len() < self.plain.len())?;
            let mut headers = self.headers.clone();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Some((headers, packed.into()))
        });
        made.as_ref()
    }

    /// What it takes in memory, about: text is a third of itself when it is compressed.
    pub(super) fn weight(&self) -> usize {
        self.plain.len() * 4 / 3 + 2_048
    }
}
