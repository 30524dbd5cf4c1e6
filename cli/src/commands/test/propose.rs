//! A META.json to begin with, from what the source says of itself: control files and licence.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use pgxn::Meta;
use protocol::{Name, Version};
use serde_json::{Map, Value, json};

use super::refuse;
use crate::console::{Console, out, plain};

/// A control file or licence is read no further.
const MOST_BYTES: usize = 64 * 1024;

/// Words of licences, and what META calls them.
const LICENCES: [(&str, &str); 6] = [
    ("PostgreSQL License", "postgresql"),
    (
        "Permission to use, copy, modify, and distribute this software and its documentation for any purpose, without fee",
        "postgresql",
    ),
    ("Apache License", "apache_2_0"),
    ("MIT License", "mit"),
    ("GNU GENERAL PUBLIC LICENSE", "gpl_3"),
    ("Redistribution and use in source and binary forms", "bsd"),
];

/// An extension as its control file tells.
struct Control {
    name: String,
    version: Option<String>,
    comment: Option<String>,
}

/// Prints what a directory's META.json could be to standard output, and what is left to do to standard error.
pub(super) fn print(dir: &Path, console: Console) -> Result<ExitCode> {
    if !dir.is_dir() {
        return Ok(refuse(
            console,
            &format!("`{}` is no directory; name that of an extension's source", dir.display()),
        ));
    }
    let controls = controls(dir)?;
    if controls.is_empty() {
        let why = format!("there is no control file in `{}`, so that nothing is known of its extension", dir.display());
        return Ok(refuse(console, &why));
    }
    let meta = propose(dir, &controls);
    let text = serde_json::to_string_pretty(&meta)?;
    Meta::parse(text.as_bytes()).context("what was proposed cannot be read; write META.json by hand")?;
    out(&text)?;
    console.line(
        "Put your name and address into `maintainer`, and look at licence and versions; then save it as META.json.",
    );
    Ok(ExitCode::SUCCESS)
}

fn controls(dir: &Path) -> Result<Vec<Control>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "control") && path.is_file());
    paths.sort();
    Ok(paths.iter().filter_map(|path| control(path)).collect())
}

/// Reads `name = 'value'` lines; PostgreSQL's manual, section “Extension Files”.
fn control(path: &Path) -> Option<Control> {
    let text = read(path)?;
    let value = |key: &str| {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let (_, value) = lines.into_iter().find(|(name, _)| name.trim() == key)?;
        let value = value.split('#').next().unwrap_or(value).trim().trim_matches('\'').replace("''", "'");
        Some(plain(&value)).filter(|value| !value.is_empty())
    };
    let name = path.file_stem()?.to_str()?.to_owned();
    Some(Control { name, version: value("default_version"), comment: value("comment") })
}

fn read(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_BYTES)]).into_owned())
}

fn propose(dir: &Path, controls: &[Control]) -> Value {
    let whole = dir.canonicalize().ok();
    let folder = whole.as_ref().and_then(|dir| dir.file_name()).and_then(|name| name.to_str());
    let first = &controls[0];
    let named = folder.filter(|folder| controls.len() > 1 && folder.parse::<Name>().is_ok());
    let mut provides = Map::new();
    for control in controls {
        let version = semantic(control.version.as_deref());
        let mut extension = json!({ "file": file(dir, control), "version": version });
        if let Some(comment) = &control.comment {
            extension["abstract"] = comment.as_str().into();
        }
        provides.insert(control.name.clone(), extension);
    }
    json!({
        "name": named.unwrap_or(&first.name),
        "abstract": first.comment.clone().unwrap_or_else(|| format!("The extension {}", first.name)),
        "version": semantic(first.version.as_deref()),
        "maintainer": "Your Name <you@example.com>",
        "license": licence(dir),
        "provides": provides,
        "meta-spec": { "version": "1.0.0", "url": "https://pgxn.org/meta/spec.txt" },
    })
}

/// The script that creates it, as far as it is there.
fn file(dir: &Path, control: &Control) -> String {
    let name = &control.name;
    let version = control.version.as_deref().unwrap_or_default();
    let candidates = [
        format!("sql/{name}--{version}.sql"),
        format!("{name}--{version}.sql"),
        format!("sql/{name}.sql"),
        format!("{name}.sql"),
    ];
    let there = candidates.into_iter().find(|path| dir.join(path).is_file());
    there.unwrap_or_else(|| format!("{name}.control"))
}

/// PGXN's versions have three numbers: `1.2` is `1.2.0`.
fn semantic(version: Option<&str>) -> String {
    let version = version.unwrap_or_default();
    let (numbers, rest) = version.split_at(version.find(['-', '+']).unwrap_or(version.len()));
    let mut numbers: Vec<&str> = numbers.split('.').collect();
    numbers.resize(numbers.len().max(3), "0");
    let text = numbers.join(".") + rest;
    let are_numbers = numbers.len() == 3 && numbers.iter().all(|part| part.parse::<u32>().is_ok());
    match text.parse::<Version>() {
        Ok(version) if are_numbers => version.to_string(),
        _ => "0.1.0".to_owned(),
    }
}

fn licence(dir: &Path) -> &'static str {
    let names = ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING", "COPYRIGHT"];
    let text = names.iter().find_map(|name| read(&dir.join(name))).unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    LICENCES.iter().find(|(words, _)| text.contains(words)).map_or("unknown", |(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_proposed_can_be_read_and_says_what_the_source_says() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        put("pair.control", "# pair\ncomment = 'It''s a pair'\ndefault_version = '1.2' # short\nrelocatable = true\n");
        put("pair--1.2.sql", "");
        put("LICENSE", "This is released under the PostgreSQL\nLicense.\n");
        let meta = propose(dir.path(), &controls(dir.path()).unwrap());
        let read = Meta::parse(meta.to_string().as_bytes()).unwrap();
        assert_eq!(format!("{} {}", read.name, read.version), "pair 1.2.0");
        assert_eq!(meta["abstract"], "It's a pair");
        assert_eq!(meta["license"], "postgresql");
        assert_eq!(meta["provides"]["pair"]["file"], "pair--1.2.sql");
    }

    #[test]
    fn a_version_of_any_kind_becomes_one_of_three_numbers() {
        for (given, expected) in
            [("1", "1.0.0"), ("1.2", "1.2.0"), ("1.2.3", "1.2.3"), ("unreleased", "0.1.0"), ("", "0.1.0")]
        {
            assert_eq!(semantic(Some(given)), expected, "{given}");
        }
    }
}
