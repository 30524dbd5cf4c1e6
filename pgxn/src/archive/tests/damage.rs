//! Archives that are broken, or no archives.

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_no_zip_is_said_to_be_none() {
    for content in
        [&b""[..], b"PK", b"PK\x05\x06", b"<!DOCTYPE html><title>404</title>", b"\x1f\x8b\x08\0gzip", &[0; 4096]]
    {
        Attempt::of(content, &Limits::default()).refused(Reason::NotAnArchive, "not a readable zip");
    }
    Zip::new().unpack().refused(Reason::NotAnArchive, "it is empty");
}

#[test]
fn what_is_no_file_is_said_to_be_none() {
    let around = TempDir::new().unwrap();
    let error = unpack(around.path(), &around.path().join("x"), &Limits::default()).unwrap_err();
    assert_eq!(error.reason(), Reason::NotAnArchive);
    let error = unpack(&around.path().join("absent.zip"), around.path(), &Limits::default()).unwrap_err();
    assert!(matches!(error, UnpackError::File { .. }), "{error}");
    assert_eq!(error.reason(), Reason::Internal);
}

#[test]
fn an_encrypted_member_is_named() {
    let mut zip = Zip::good().file("widget-1.0.0/secret", "x").bytes();
    let entry = *directory_entries(&zip).last().unwrap();
    zip[entry + 8] |= 1;
    Attempt::of(&zip, &Limits::default()).refused(Reason::NotAnArchive, "`widget-1.0.0/secret` is encrypted");
}

#[test]
fn an_unknown_compression_is_refused() {
    let mut zip = Zip::good().file("widget-1.0.0/x", "x").bytes();
    let entry = *directory_entries(&zip).last().unwrap();
    zip[entry + 10..entry + 12].copy_from_slice(&12_u16.to_le_bytes());
    Attempt::of(&zip, &Limits::default()).refused(Reason::NotAnArchive, "compression");
}

#[test]
fn a_flipped_bit_in_the_content_is_noticed() {
    let mut zip = Zip::new().file_with("w/a", "content", plain().compression_method(CompressionMethod::Stored)).bytes();
    patch(&mut zip, b"content", b"contend");
    Attempt::of(&zip, &Limits::default()).refused(Reason::NotAnArchive, "`w/a` is damaged");
}

#[test]
fn a_directory_with_content_is_refused() {
    let mut zip = Zip::good().file("widget-1.0.0/x", "x").bytes();
    patch(&mut zip, b"widget-1.0.0/x", b"widget-1.0.0/x");
    patch(&mut zip, b"1.0.0/x", b"1.0.0x/");
    Attempt::of(&zip, &Limits::default()).refused(Reason::NotAnArchive, "content of its own");
}

#[test]
fn a_zip_cut_off_anywhere_is_refused_and_leaves_nothing() {
    let zip = Zip::good().directory("widget-1.0.0/d").link("widget-1.0.0/l", "Makefile").bytes();
    for length in 0..zip.len() {
        let attempt = Attempt::of(&zip[..length], &Limits::default());
        assert_eq!(attempt.result.as_ref().unwrap_err().reason(), Reason::NotAnArchive, "{length}");
        attempt.left_nothing();
    }
}

#[test]
fn bytes_before_the_zip_do_no_harm() {
    let mut bytes = b"#!/bin/sh\nexit 0\n".to_vec();
    bytes.extend(Zip::good().bytes());
    assert_eq!(Attempt::of(&bytes, &Limits::default()).tree().files(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the bytes, nothing panics and nothing appears but the one root.
    #[test]
    fn a_zip_with_any_bytes_changed_stays_in_its_directory(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut zip = Zip::good().file("widget-1.0.0/a/b", "text").link("widget-1.0.0/l", "a/b").bytes();
        for (at, byte) in changes {
            let at = at.index(zip.len());
            zip[at] = byte;
        }
        let attempt = Attempt::of(&zip, &Limits::default());
        let Ok(tree) = &attempt.result else {
            attempt.left_nothing();
            return Ok(());
        };
        let inside = attempt.around.path().join("a/b");
        prop_assert_eq!(fs::read_dir(&inside).unwrap().count(), 1);
        prop_assert_eq!(tree.root.parent().unwrap(), inside.as_path());
        prop_assert_eq!(fs::read_dir(attempt.around.path()).unwrap().count(), 2);
    }
}
