use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

async fn put(cache: &Cache, address: &str, body: &'static [u8]) {
    cache.put(address, Validators::default(), Bytes::from_static(body), NOW).await;
}

async fn body(cache: &Cache, address: &str) -> Option<Bytes> {
    match cache.get(address).await?.content {
        Content::Bytes(bytes) => Some(bytes),
        Content::File(_) => panic!("it is small"),
    }
}

fn files(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().count()
}

#[tokio::test]
async fn what_is_kept_is_there_for_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(dir.path(), 1 << 20).unwrap();
    put(&cache, "/a.json", b"{}").await;
    cache.touch("/a.json", NOW.plus(Duration::from_mins(1))).await;
    fs::write(dir.path().join(".part-x"), b"half").unwrap();
    fs::create_dir(dir.path().join(".part-y")).unwrap();
    fs::write(dir.path().join(".part-y/archive.zip"), b"half").unwrap();
    drop(cache);
    let cache = Cache::open(dir.path(), 1 << 20).unwrap();
    let kept = cache.get("/a.json").await.unwrap();
    assert_eq!(kept.checked_at, NOW.plus(Duration::from_mins(1)));
    assert_eq!(body(&cache, "/a.json").await.as_deref(), Some(&b"{}"[..]));
    assert_eq!(body(&cache, "/b.json").await, None);
    assert_eq!(files(dir.path()), 1, "what was half written is gone");
}

#[tokio::test]
async fn what_was_not_used_for_longest_goes_first() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(dir.path(), 2_000).unwrap();
    let large: &'static [u8] = &[b'x'; 600];
    put(&cache, "/a", large).await;
    put(&cache, "/b", large).await;
    assert!(body(&cache, "/a").await.is_some());
    put(&cache, "/c", large).await;
    assert!(body(&cache, "/b").await.is_none(), "it was used before the others");
    assert!(body(&cache, "/a").await.is_some() && body(&cache, "/c").await.is_some());
    assert_eq!(files(dir.path()), 2);
    drop(cache);
    assert_eq!(Cache::open(dir.path(), 900).unwrap().0.order().files.len(), 1, "a smaller bound holds at once");
}

#[tokio::test]
async fn a_document_that_is_spoilt_on_disk_is_never_given() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(dir.path(), 1 << 20).unwrap();
    for spoil in [
        |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() = b'!',
        |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1),
        |bytes: &mut Vec<u8>| bytes.clear(),
        |bytes: &mut Vec<u8>| bytes.iter_mut().for_each(|byte| *byte = 0),
    ] {
        put(&cache, "/a", b"whole").await;
        let path = dir.path().join(name("/a"));
        let mut bytes = fs::read(&path).unwrap();
        spoil(&mut bytes);
        fs::write(&path, bytes).unwrap();
        assert!(body(&cache, "/a").await.is_none());
        assert_eq!(files(dir.path()), 0);
    }
}

#[tokio::test]
async fn a_file_that_somebody_removed_is_simply_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(dir.path(), 1 << 20).unwrap();
    put(&cache, "/a", b"whole").await;
    fs::remove_file(dir.path().join(name("/a"))).unwrap();
    assert!(cache.get("/a").await.is_none());
}

#[tokio::test]
async fn a_document_that_cannot_be_kept_is_given_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(&dir.path().join("kept"), 1 << 20).unwrap();
    fs::remove_dir(dir.path().join("kept")).unwrap();
    let kept = cache.put("/a", Validators::default(), Bytes::from_static(b"whole"), NOW).await;
    assert!(matches!(kept.content, Content::Bytes(bytes) if bytes == "whole"));
    assert!(cache.get("/a").await.is_none());
}
