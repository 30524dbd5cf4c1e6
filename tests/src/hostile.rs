//! Distributions that attack the machine which tests them: what each does is in `tests/fixtures/attacks`, what they share in `common`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sample::{Mirror, Tree, Upload, User};
use serde_json::json;

use crate::fixtures::PUBLISHED_AT;

/// What all of them begin with.
const COMMON: &str = "common";
/// The distribution that does nothing wrong, and needs whatever provides the extension `attack`.
const HONEST: &str = "honest";

/// Writes the distribution of that attack into a directory; the directory that it is in.
pub fn write(attack: &str, below: &Path) -> Result<PathBuf> {
    write_version(attack, "1.0.0", below)
}

fn write_version(attack: &str, version: &str, below: &Path) -> Result<PathBuf> {
    let dir = below.join(attack);
    copy(&fixtures().join(COMMON), &dir)?;
    copy(&fixtures().join(attack), &dir)?;
    let meta = json!({
        "name": attack, "abstract": "An attack", "version": version, "license": "postgresql",
        "maintainer": "Mallory <mallory@example.org>",
        "provides": {"attack": {"file": "attack--1.0.0.sql", "version": "1.0.0"}},
        "meta-spec": {"version": "1.0.0", "url": "https://pgxn.org/meta/spec.txt"},
    });
    fs::write(dir.join("META.json"), meta.to_string())?;
    Ok(dir)
}

/// Writes the distribution that does nothing wrong.
pub fn honest(below: &Path) -> Result<PathBuf> {
    let dir = below.join(HONEST);
    copy(&fixtures().join(HONEST), &dir)?;
    Ok(dir)
}

/// A registry below a directory, in which an attack is a release as any other; its address.
pub fn registry(attack: &Path, dir: &Path) -> Result<String> {
    publish(attack, dir)?;
    Ok(format!("file://{}/", dir.display()))
}

/// Publishes a next version of an attack, in which nothing is wrong any more.
pub fn mend(attack: &str, registry: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let dir = write_version(COMMON, "1.0.1", scratch.path())?;
    let text = fs::read_to_string(dir.join("META.json"))?.replace(&format!("\"{COMMON}\""), &format!("\"{attack}\""));
    fs::write(dir.join("META.json"), text)?;
    publish(&dir, registry)
}

fn publish(dir: &Path, registry: &Path) -> Result<()> {
    let tree = Tree::of_directory(dir)?;
    Mirror::open(registry)?.publish(Upload::of_tree(&tree, User::named("mallory"), PUBLISHED_AT)?)?;
    Ok(())
}

/// Tells an attack where its targets are: to its Python as they are, to its shell scripts and to make as variables.
pub fn aim(dir: &Path, targets: &[(&str, String)]) -> Result<()> {
    let lines = targets.iter().map(|(name, value)| format!("{name}={value}\n")).collect::<Vec<_>>().concat();
    fs::write(dir.join("targets.sh"), &lines)?;
    fs::write(dir.join("targets"), lines)?;
    Ok(())
}

/// The names of all attacks.
pub fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(fixtures())? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| name != COMMON && name != HONEST);
    names.sort();
    Ok(names)
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/attacks")
}

/// Copies a directory over another one.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
