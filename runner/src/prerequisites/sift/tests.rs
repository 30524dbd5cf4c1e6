use super::*;

const DIRS: [&str; 2] = ["/usr/lib/postgresql/17/lib", "/usr/share/postgresql/17"];
const CONTROL: &str = "usr/share/postgresql/17/extension/a.control";

/// A tar file of entries that no library would write.
fn archive(entries: &[(&str, EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, target, content) in entries {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o6777);
        header.set_uid(1000);
        header.set_gid(1000);
        header.set_mtime(1);
        header.set_size(content.len() as u64);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// A disk without room.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn sifted(bytes: &[u8]) -> Result<(Vec<u8>, BTreeSet<PathBuf>), SiftError> {
    sift(bytes, Vec::new(), &DIRS.map(str::to_owned))
}

fn refusal(entries: &[(&str, EntryType, &str, &[u8])]) -> String {
    match sifted(&archive(entries)) {
        Err(SiftError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_and_links_come_through_with_owners_and_modes_of_the_runner() {
    let long = format!("usr/share/postgresql/17/extension/{}", "a".repeat(120));
    let bytes = archive(&[
        (CONTROL, EntryType::Regular, "", b"comment = 'a'"),
        ("usr/share/postgresql/17/extension/b", EntryType::Symlink, "/etc/passwd", b""),
        ("usr/share/postgresql/17/extension/c", EntryType::Link, CONTROL, b""),
        ("././@LongLink", EntryType::GNULongName, "", format!("{long}\0").as_bytes()),
        (&long[..100], EntryType::Regular, "", b"long"),
    ]);
    let (made, names) = sifted(&bytes).unwrap();
    assert!(names.len() == 4 && names.contains(Path::new(&long)));
    let mut archive = Archive::new(made.as_slice());
    let mut seen = Vec::new();
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.mode().unwrap() & 0o7000), (0, 0));
        seen.push((entry.path().unwrap().display().to_string(), header.entry_type()));
    }
    assert_eq!(seen[0], (CONTROL.to_owned(), EntryType::Regular));
    assert_eq!((seen[1].1, seen[2].1), (EntryType::Symlink, EntryType::Link));
    assert_eq!(seen[3].0, long);
}

#[test]
fn nothing_gets_out_of_the_servers_directories() {
    for name in [
        "/usr/lib/postgresql/17/lib/a.so",
        "usr/lib/postgresql/17/lib/../bin/psql",
        "usr/lib/postgresql/17/lib",
        "usr/lib/postgresql/17/library/a.so",
        "data/cluster/postgresql.conf",
        "sandbox/src/GNUmakefile",
        "run/pgxn-failed",
        "",
    ] {
        let why = refusal(&[(name, EntryType::Regular, "", b"x")]);
        assert!(why.starts_with("it installs something outside of the server's directories"), "{name}: {why}");
    }
    let below = "usr/lib/postgresql/17/lib/link";
    let why = refusal(&[
        (below, EntryType::Symlink, "/data/cluster", b""),
        (&format!("{below}/postgresql.conf"), EntryType::Regular, "", b"x"),
    ]);
    assert!(why.contains("outside of the server's directories"), "{why}");
}

#[test]
fn what_is_neither_file_nor_link_is_refused() {
    use EntryType::{Block, Char, Directory, Fifo, GNUSparse, Link, Symlink, XGlobalHeader, XHeader};
    for kind in [Block, Char, Directory, Fifo, GNUSparse, XHeader, XGlobalHeader] {
        assert!(refusal(&[(CONTROL, kind, "", b"")]).contains("neither file nor link"), "{kind:?}");
    }
    assert!(refusal(&[(CONTROL, Link, "etc/passwd", b"")]).contains("neither file nor link"));
    assert!(refusal(&[(CONTROL, Link, CONTROL, b"")]).contains("neither file nor link"));
    assert!(refusal(&[(CONTROL, Symlink, "x", b"content")]).contains("neither file nor link"));
    assert!(
        refusal(&[(CONTROL, EntryType::Regular, "", b""), (CONTROL, EntryType::Regular, "", b"")]).contains("twice")
    );
}

#[test]
fn a_size_is_not_believed_and_no_name_fills_memory() {
    let mut header = Header::new_gnu();
    header.set_path(CONTROL).unwrap();
    header.set_size(7 << 40);
    header.set_cksum();
    assert!(matches!(sifted(header.as_bytes()), Err(SiftError::Refused(why)) if why.contains("512 MB")));
    header.set_size(400 << 20);
    header.set_entry_type(EntryType::GNULongName);
    header.set_cksum();
    assert!(matches!(sifted(header.as_bytes()), Err(SiftError::Refused(why)) if why.contains("a name of")));
    let zeros = std::io::repeat(0).take(2 * MAX_BYTES);
    assert!(matches!(sift(zeros, std::io::sink(), &[]), Err(SiftError::Refused(why)) if why.contains("512 MB")));
}

#[test]
fn what_breaks_off_is_refused_and_a_full_disk_is_the_runners_own() {
    let whole = archive(&[(CONTROL, EntryType::Regular, "", &[7; 2_000])]);
    for length in [100, 512, 1_000, 2_500] {
        assert!(matches!(sifted(&whole[..length]), Err(SiftError::Refused(why)) if why.contains("whole")), "{length}");
    }
    let dirs = DIRS.map(str::to_owned);
    assert!(matches!(sift(whole.as_slice(), Full, &dirs), Err(SiftError::Kept(_))));
}
