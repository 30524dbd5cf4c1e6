//! Distributions that attack the machine which tests them: what each does is in `tests/fixtures/attacks`, what they share in `common`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

/// What all of them begin with.
const COMMON: &str = "common";

/// Writes the distribution of that attack into a directory; the directory that it is in.
pub fn write(attack: &str, below: &Path) -> Result<PathBuf> {
    let dir = below.join(attack);
    copy(&fixtures().join(COMMON), &dir)?;
    copy(&fixtures().join(attack), &dir)?;
    let meta = json!({
        "name": attack, "abstract": "An attack", "version": "1.0.0", "license": "postgresql",
        "maintainer": "Mallory <mallory@example.org>",
        "provides": {"attack": {"file": "attack--1.0.0.sql", "version": "1.0.0"}},
        "meta-spec": {"version": "1.0.0", "url": "https://pgxn.org/meta/spec.txt"},
    });
    fs::write(dir.join("META.json"), meta.to_string())?;
    Ok(dir)
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
    names.retain(|name| name != COMMON);
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
