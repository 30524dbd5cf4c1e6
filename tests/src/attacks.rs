//! Releases that no registry should hold: hostile archives and broken promises, each with the verdict that it must earn.

use std::io::{Cursor, Write};

use anyhow::{Context, Result};
use protocol::{Name, Phase, Reason, Version};
use sample::{Mirror, Upload, User};
use serde_json::{Value, json};

use crate::fixtures::{Fixture, PUBLISHED_AT, Verdict};

const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;
const DEVICE: u32 = 0o020_644;

/// A release that attacks the farm, or that the registry got wrong.
#[derive(Clone, Debug)]
pub struct Attack {
    /// What it does, which is its distribution's name too.
    pub fate: &'static str,
    /// What a run of it must find.
    pub verdict: Verdict,
    /// The release.
    pub upload: Upload,
}

/// All of them.
pub fn all() -> Result<Vec<Attack>> {
    let raw = |fate: &'static str, members: &[(&str, u32, &str)], reason: Reason| -> Result<Attack> {
        attack(fate, zip_of(members), Phase::Unpack, reason)
    };
    let good = ("good-1.0.0/META.json", FILE, "{}");
    let passes = Fixture::named("passes")?.upload()?;
    Ok(vec![
        raw("climbs", &[good, ("good-1.0.0/../../escaped", FILE, "out")], Reason::UnsafePath)?,
        raw("is-absolute", &[good, ("/tmp/escaped", FILE, "out")], Reason::UnsafePath)?,
        raw("links-out", &[good, ("good-1.0.0/out", LINK, "../../../etc/passwd")], Reason::UnsafeLink)?,
        raw("is-a-device", &[good, ("good-1.0.0/null", DEVICE, "")], Reason::SpecialFile)?,
        raw("has-twins", &[good, good], Reason::DuplicateName)?,
        raw("has-several-roots", &[good, ("other/file", FILE, "out")], Reason::SeveralRoots)?,
        attack("is-a-bomb", bomb()?, Phase::Unpack, Reason::TooLarge)?,
        attack("has-too-many-files", crowd(), Phase::Unpack, Reason::TooManyFiles)?,
        attack("is-cut-short", cut_short()?, Phase::Unpack, Reason::NotAnArchive)?,
        attack("is-not-a-zip", b"<!DOCTYPE html><title>502</title>".to_vec(), Phase::Unpack, Reason::NotAnArchive)?,
        attack("is-empty", Vec::new(), Phase::Unpack, Reason::NotAnArchive)?,
        attack("has-no-meta", zip_of(&[("good-1.0.0/Makefile", FILE, "")]), Phase::Metadata, Reason::MetadataInvalid)?,
        attack(
            "has-broken-meta",
            zip_of(&[("good-1.0.0/META.json", FILE, "{\"name\": \"good\",")]),
            Phase::Metadata,
            Reason::MetadataInvalid,
        )?,
        Attack {
            fate: "lies-about-its-digest",
            verdict: verdict(Phase::Verify, Reason::DigestMismatch),
            upload: renamed(passes, "lies-about-its-digest")?.with_sha1(&"0".repeat(40)),
        },
    ])
}

/// The registry's META.json of a release becomes something that is not JSON.
pub fn spoil_meta(mirror: &Mirror, dist: &Name, version: &Version) -> Result<()> {
    std::fs::write(mirror.meta_path(dist, version), "<html>502 Bad Gateway</html>").context("spoil META.json")
}

/// A release whose files have not come yet: the feed names it, and neither META.json nor archive is there.
pub fn withhold(mirror: &Mirror, dist: &Name, version: &Version) -> Result<()> {
    std::fs::remove_file(mirror.meta_path(dist, version)).context("remove META.json")?;
    withhold_archive(mirror, dist, version)
}

/// A release whose META.json is there and whose archive is not.
pub fn withhold_archive(mirror: &Mirror, dist: &Name, version: &Version) -> Result<()> {
    std::fs::remove_file(mirror.archive_path(dist, version)).context("remove the archive")
}

fn verdict(phase: Phase, reason: Reason) -> Verdict {
    Verdict { grade: reason.grade(), phase, reason, flags: Vec::new(), warnings: Vec::new() }
}

fn attack(fate: &'static str, archive: Vec<u8>, phase: Phase, reason: Reason) -> Result<Attack> {
    let upload = Upload::of_bytes(archive, meta(fate), User::named("mallory"), PUBLISHED_AT)?;
    Ok(Attack { fate, verdict: verdict(phase, reason), upload })
}

/// What the registry says of it: nothing is wrong there.
fn meta(fate: &str) -> Value {
    json!({
        "name": fate, "version": "1.0.0", "abstract": "An attack", "maintainer": "Mallory", "license": "postgresql",
        "provides": {fate: {"file": "attack.sql", "version": "1.0.0"}},
    })
}

/// The archive of a good release under another name.
fn renamed(upload: Upload, fate: &str) -> Result<Upload> {
    let dir = tempfile::tempdir()?;
    let mut mirror = Mirror::open(dir.path())?;
    let release = mirror.publish(upload)?;
    let archive = std::fs::read(mirror.archive_path(&release.dist, &release.version))?;
    Ok(Upload::of_bytes(archive, meta(fate), User::named("mallory"), PUBLISHED_AT)?)
}

/// A good archive without its second half.
fn cut_short() -> Result<Vec<u8>> {
    let tree = sample::Tree::of_directory(&Fixture::named("passes")?.dir)?;
    let mut archive = tree.zip("is-cut-short-1.0.0")?;
    archive.truncate(archive.len() / 2);
    Ok(archive)
}

/// 300 MB of zeros in a file of 300 kB.
fn bomb() -> Result<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("is-a-bomb-1.0.0/META.json", zip::write::SimpleFileOptions::default())?;
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        writer.write_all(&zeros)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// More files than anybody needs.
fn crowd() -> Vec<u8> {
    let names: Vec<String> = (0..60_000).map(|number| format!("crowd-1.0.0/{number}")).collect();
    zip_of(&names.iter().map(|name| (name.as_str(), FILE, "")).collect::<Vec<_>>())
}

/// A zip of stored members, written by hand: no library writes such names.
fn zip_of(members: &[(&str, u32, &str)]) -> Vec<u8> {
    let (mut local, mut central) = (Vec::new(), Vec::new());
    for (name, mode, content) in members {
        let offset = word(local.len());
        let mut facts = Vec::new();
        // Version 2.0, no flags, stored, 2026-01-02 at midnight.
        facts.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x22, 0x5c]);
        facts.extend(crc32(content.as_bytes()).to_le_bytes());
        facts.extend([word(content.len()), word(content.len())].concat());
        facts.extend([&word(name.len())[..2], &[0, 0]].concat());
        local.extend(b"PK\x03\x04");
        local.extend(&facts);
        local.extend(name.as_bytes());
        local.extend(content.as_bytes());
        // Made by Unix, so that the upper half of the attributes is a mode.
        central.extend(b"PK\x01\x02\x14\x03");
        central.extend(&facts);
        central.extend([0; 6]);
        central.extend((mode << 16).to_le_bytes());
        central.extend(offset);
        central.extend(name.as_bytes());
    }
    let count = &word(members.len())[..2];
    let end = [b"PK\x05\x06\0\0\0\0", count, count, &word(central.len()), &word(local.len()), &[0, 0]].concat();
    [local, central, end].concat()
}

fn word(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("no attack is larger than 4 GB").to_le_bytes()
}

fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc)))
}

#[cfg(test)]
mod tests {
    use pgxn::archive::{Limits, unpack};

    use super::*;

    #[test]
    fn every_hostile_archive_is_refused_for_its_own_reason_and_leaves_nothing_outside() {
        let dir = tempfile::tempdir().unwrap();
        let mut mirror = Mirror::open(&dir.path().join("registry")).unwrap();
        for attack in all().unwrap() {
            let release = mirror.publish(attack.upload).unwrap();
            let target = dir.path().join("unpacked").join(attack.fate);
            std::fs::create_dir_all(&target).unwrap();
            let archive = mirror.archive_path(&release.dist, &release.version);
            let refused = unpack(&archive, &target, &Limits::default()).map_err(|error| error.reason());
            let expected = (attack.verdict.phase == Phase::Unpack).then_some(attack.verdict.reason);
            assert_eq!(refused.err(), expected, "{}", attack.fate);
        }
        assert!(!dir.path().join("unpacked/escaped").exists() && !dir.path().join("escaped").exists());
    }

    #[test]
    fn a_withheld_release_is_in_the_feed_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let mut mirror = Mirror::open(dir.path()).unwrap();
        let release = mirror.publish(Fixture::named("passes").unwrap().upload().unwrap()).unwrap();
        withhold(&mirror, &release.dist, &release.version).unwrap();
        assert!(std::fs::read_to_string(dir.path().join("stats/dist.json")).unwrap().contains("passes"));
        assert!(!mirror.archive_path(&release.dist, &release.version).exists());
    }
}
