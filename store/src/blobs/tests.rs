use protocol::Timestamp;

use super::*;

fn run() -> RunId {
    RunId::new(Timestamp::from_millis(1))
}

fn zstd_of(plain: &[u8]) -> Bytes {
    zstd::encode_all(plain, 3).unwrap().into()
}

#[tokio::test]
async fn a_file_reads_back_plain_and_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().join("blobs").to_str().unwrap()).unwrap();
    let (run, zstd) = (run(), zstd_of(b"make: done\n"));
    let blob = blobs.put(run, "build.log", zstd.clone()).await.unwrap();
    assert_eq!(blob.bytes, 11);
    assert_eq!(blob.sha256, hex::encode(Sha256::digest(b"make: done\n")));
    assert_eq!(blobs.plain(run, "build.log").await.unwrap().as_deref(), Some(b"make: done\n".as_slice()));
    assert_eq!(blobs.compressed(run, "build.log").await.unwrap(), Some(zstd));
    assert_eq!(blobs.look(run, "build.log").await.unwrap(), Some(blob));
    assert_eq!(blobs.look(run, "install.log").await.unwrap(), None);
    assert!(dir.path().join(format!("blobs/runs/{run}/build.log.zst")).is_file());
}

#[tokio::test]
async fn the_files_of_a_run_are_removed_and_those_of_another_stay() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().to_str().unwrap()).unwrap();
    let (lost, other) = (run(), RunId::new(Timestamp::from_millis(2)));
    for (run, name) in [(lost, "build.log"), (lost, "install.log"), (other, "build.log")] {
        blobs.put(run, name, zstd_of(b"done")).await.unwrap();
    }
    blobs.remove(lost).await.unwrap();
    blobs.remove(lost).await.unwrap();
    let mut there = Vec::new();
    for (run, name) in [(lost, "build.log"), (lost, "install.log"), (other, "build.log")] {
        there.push(blobs.exists(run, name).await.unwrap());
    }
    assert_eq!(there, [false, false, true]);
}

#[tokio::test]
async fn the_same_name_again_replaces_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&format!("file://{}", dir.path().display())).unwrap();
    let run = run();
    blobs.put(run, "build.log", zstd_of(b"one")).await.unwrap();
    blobs.put(run, "build.log", zstd_of(b"two")).await.unwrap();
    assert_eq!(blobs.plain(run, "build.log").await.unwrap().as_deref(), Some(b"two".as_slice()));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().to_str().unwrap()).unwrap();
    let run = run();
    blobs.put(run, "build.log", zstd_of(b"")).await.unwrap();
    assert!(blobs.exists(run, "build.log").await.unwrap());
    for name in ["other.log", "../escape", ""] {
        assert!(!blobs.exists(run, name).await.unwrap());
        assert_eq!(blobs.plain(run, name).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_bomb_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().to_str().unwrap()).unwrap();
    let bomb = zstd_of(&vec![0; MAX_FILE_BYTES + 1]);
    assert!(bomb.len() < 10_000);
    let refused = blobs.put(run(), "build.log", bomb).await.unwrap_err();
    assert_eq!(refused.to_string(), "file `build.log` has more than 8388608 bytes");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_largest_file_is_taken_however_hard_it_was_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().to_str().unwrap()).unwrap();
    let zstd = zstd::encode_all(vec![b'x'; MAX_FILE_BYTES].as_slice(), 19).unwrap();
    assert_eq!(blobs.put(run(), "build.log", zstd.into()).await.unwrap().bytes, MAX_FILE_BYTES as u64);
}

#[tokio::test]
async fn what_is_not_zstd_and_what_is_cut_short_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().to_str().unwrap()).unwrap();
    let whole = zstd_of(&b"some text ".repeat(1_000));
    for bytes in [Bytes::from_static(b"plain text"), whole.slice(..whole.len() - 3)] {
        let refused = blobs.put(run(), "build.log", bytes).await.unwrap_err().to_string();
        assert!(refused.starts_with("file `build.log` is not acceptable: it is not zstd"), "{refused}");
    }
}

#[tokio::test]
async fn a_name_cannot_leave_its_run() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().to_str().unwrap()).unwrap();
    for name in ["../x", "a/b", ".hidden", "", "a b", "é"] {
        assert!(blobs.put(run(), name, zstd_of(b"x")).await.is_err(), "{name}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn an_address_that_is_no_directory_is_refused() {
    let refused = Blobs::open("s3://bucket/farm").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`s3://bucket/farm` is not a place for files: S3 is not supported yet; name a directory"
    );
    assert!(Blobs::open("file://relative").is_err());
    assert!(Blobs::open("").is_err());
}
