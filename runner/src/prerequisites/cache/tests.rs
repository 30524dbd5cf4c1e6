use std::time::Duration;

use protocol::Status;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_767_312_000_000);

fn release(version: &str) -> Release {
    Release {
        dist: "pgTAP".parse().unwrap(),
        version: version.parse().unwrap(),
        status: Status::Stable,
        user: "theory".parse().unwrap(),
        sha1: "0".repeat(40),
        released_at: NOW,
    }
}

fn key(version: &str) -> Key {
    Key::new(&release(version), "sha256:1", "", None)
}

const FILE: &str = "usr/share/a.control";

/// A tar file of one file with that content.
fn archive(bytes: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    builder.append_data(&mut header, FILE, bytes).unwrap();
    builder.into_inner().unwrap()
}

fn put(cache: &Cache, key: &Key, bytes: &[u8], now: Timestamp) -> Entry {
    cache.keep(key, (archive(bytes).as_slice(), &["/usr/share".to_owned()]), now).unwrap()
}

/// The content of its one file, twice, as an entry can be read more than once.
fn text(cache: &Cache, key: &Key) -> Option<Vec<u8>> {
    let entry = cache.find(key, NOW)?;
    assert!(entry.has(Path::new(FILE)) && entry.names().len() == 1);
    let contents = [content(&entry), content(&entry)];
    assert_eq!(contents[0], contents[1]);
    contents.into_iter().next()
}

fn content(entry: &Entry) -> Vec<u8> {
    let mut archive = tar::Archive::new(entry.archive().unwrap());
    let mut bytes = Vec::new();
    archive.entries().unwrap().next().unwrap().unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn names(cache: &Cache) -> Vec<String> {
    let names = std::fs::read_dir(&cache.dir).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

#[test]
fn what_was_kept_comes_back_and_a_draft_that_is_dropped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().join("prerequisites"));
    assert!(cache.find(&key("1.3.3"), NOW).is_none());
    put(&cache, &key("1.3.3"), b"a file", NOW);
    assert!(cache.has(&key("1.3.3")) && !cache.has(&key("1.3.4")));
    assert_eq!(text(&cache, &key("1.3.3")).unwrap(), b"a file");
    assert_eq!(text(&cache, &key("1.3.4")), None);
    drop(cache.draft().unwrap());
    assert_eq!(names(&cache).len(), 1);
}

#[test]
fn a_damaged_entry_is_removed_and_never_used() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().to_owned());
    let key = key("1.3.3");
    put(&cache, &key, &[7; 10_000], NOW);
    let path = cache.path(&key);
    let whole = std::fs::read(&path).unwrap();
    for at in [0, 31, 40, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(cache.find(&key, NOW).is_none(), "byte {at}");
        assert!(!path.exists());
    }
    for length in [0, 20, 32, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(cache.find(&key, NOW).is_none(), "{length} bytes");
    }
    put(&cache, &key, b"made anew", NOW);
    assert_eq!(text(&cache, &key).unwrap(), b"made anew");
}

#[test]
fn whatever_was_used_longest_ago_is_removed_first() {
    let dir = tempfile::tempdir().unwrap();
    let noise: Vec<u8> = (0..2_000_u32).flat_map(|number| Sha256::digest(number.to_be_bytes()).to_vec()).collect();
    let cache = Cache { dir: dir.path().to_owned(), max_bytes: noise.len() as u64 * 5 / 2 };
    let later = |seconds| NOW.plus(Duration::from_secs(seconds));
    put(&cache, &key("1"), &noise, NOW);
    put(&cache, &key("2"), &noise, later(1));
    assert!(cache.find(&key("1"), later(2)).is_some());
    put(&cache, &key("3"), &noise, later(3));
    assert!(text(&cache, &key("2")).is_none(), "it was used before the others");
    assert!(text(&cache, &key("1")).is_some() && text(&cache, &key("3")).is_some());
}

#[test]
fn an_entry_is_found_only_where_all_that_had_a_hand_in_it_is_the_same() {
    let plain = key("1.3.3");
    let base = release("1.3.3");
    let others = [
        Key::new(&release("1.3.4"), "sha256:1", "", None),
        Key::new(&Release { sha1: "1".repeat(40), ..base.clone() }, "sha256:1", "", None),
        Key::new(&Release { dist: "pgtapx".parse().unwrap(), ..base.clone() }, "sha256:1", "", None),
        Key::new(&base, "sha256:2", "", None),
        Key::new(&base, "sha256:1", "WITH_X=1", None),
        Key::new(&base, "sha256:1", "", Some(&key("0.1"))),
    ];
    for (number, other) in others.iter().enumerate() {
        assert_ne!(*other, plain, "{number}");
    }
    let same = Release { dist: "PGTAP".parse().unwrap(), user: "other".parse().unwrap(), ..base };
    assert_eq!(Key::new(&same, "sha256:1", "", None), plain);
}

#[test]
fn what_is_no_tar_file_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().to_owned());
    let kept = cache.keep(&key("1.3.3"), (&[7_u8; 2_000][..], &["/usr".to_owned()]), NOW);
    assert!(matches!(kept, Err(SiftError::Refused(_))));
    assert_eq!(names(&cache), [] as [String; 0]);
}

#[test]
fn an_entry_serves_its_run_even_where_it_cannot_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().to_owned());
    std::fs::create_dir(cache.path(&key("1.3.3"))).unwrap();
    let entry = put(&cache, &key("1.3.3"), b"a file", NOW);
    assert_eq!(content(&entry), b"a file");
}
