//! Archives that are larger than they look.

use super::*;

/// A member that is hard to compress.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

fn limits() -> Limits {
    Limits { max_members: 20, max_bytes: 10_000, max_file_bytes: 4_000, max_ratio: 200 }
}

#[test]
fn what_is_exactly_at_the_limits_is_unpacked() {
    let zip = Zip::new().file("w/a", noise(4_000)).file("w/b", noise(4_000)).file("w/c", noise(2_000));
    assert_eq!(zip.unpack_within(&limits()).tree().bytes(), 10_000);
}

#[test]
fn too_many_bytes_are_refused() {
    let file = Zip::new().file("w/a", noise(4_001));
    file.unpack_within(&limits()).refused(Reason::TooLarge, "`w/a` unpacks to more than 4000 bytes");
    let all = Zip::new().file("w/a", noise(4_000)).file("w/b", noise(4_000)).file("w/c", noise(2_001));
    all.unpack_within(&limits()).refused(Reason::TooLarge, "the archive unpacks to more than 10000 bytes");
}

#[test]
fn too_many_members_are_refused_implied_directories_included() {
    let files = |count: usize| (0..count).fold(Zip::new(), |zip, number| zip.file(&format!("w/{number}"), ""));
    assert!(files(19).unpack_within(&limits()).result.is_ok());
    files(20).unpack_within(&limits()).refused(Reason::TooManyFiles, "20 files and directories");
    files(200).unpack_within(&limits()).refused(Reason::TooManyFiles, "20 files and directories");
    let deep = Zip::new().file("w/1/2/3/4/5/6/7/8/9/a", "").file("w/2/2/3/4/5/6/7/8/9/a", "");
    deep.unpack_within(&limits()).refused(Reason::TooManyFiles, "20 files and directories");
}

#[test]
fn a_bomb_stops_early_and_leaves_nothing() {
    let zip = (0..3).fold(Zip::new(), |zip, number| zip.file(&format!("w/{number}"), vec![0; 24 << 20])).bytes();
    assert!(zip.len() < 200_000, "{} bytes are no bomb", zip.len());
    Attempt::of(&zip, &Limits::default()).refused(Reason::TooLarge, "unpacks to more than 33554432 bytes");
    let ratio = Limits { max_ratio: 2_000, ..Limits::default() };
    assert_eq!(Attempt::of(&zip, &ratio).tree().bytes(), 72 << 20);
}

#[test]
fn a_member_larger_than_it_declares_is_refused() {
    let mut zip = Zip::new().file("w/a", vec![b'x'; 3_000]).bytes();
    for entry in directory_entries(&zip) {
        zip[entry + 24..entry + 28].copy_from_slice(&10_u32.to_le_bytes());
    }
    Attempt::of(&zip, &limits()).refused(Reason::NotAnArchive, "larger than");
}

#[test]
fn members_that_share_their_bytes_are_refused() {
    let mut zip = Zip::new().file("w/a", noise(1_000));
    for number in 0..10 {
        zip.0.shallow_copy_file("w/a", &format!("w/{number}")).unwrap();
    }
    zip.unpack_within(&Limits::default()).refused(Reason::NotAnArchive, "share bytes");
}

#[test]
fn a_directory_of_lies_is_not_read_into_memory() {
    // A count of 65,535 in the end record, with entries to match, is refused before the library sees it.
    let mut zip = Zip::good().bytes();
    let entry = directory_entries(&zip)[0];
    let copy = zip[entry..entry + 46].to_vec();
    for _ in 0..100 {
        zip.splice(entry..entry, copy.iter().copied());
    }
    Attempt::of(&zip, &limits()).refused(Reason::TooManyFiles, "20 files");
}
