//! Over small images of a real engine, with the labels that ours have. They carry a mark of their own beside, as the images of this machine are none
//! of these tests' affair.

use std::collections::HashMap;
use std::fs::File;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::TryStreamExt;
use protocol::Platform;

use super::*;
use crate::sandbox::docker::{BuildEvent, BuildSpec};

const MIB: usize = 1024 * 1024;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

struct Ground {
    engine: Engine,
    mark: String,
    dirs: [tempfile::TempDir; 2],
    used: BTreeMap<String, Timestamp>,
    needed: BTreeSet<String>,
}

fn archive(files: &[(&str, &[u8])]) -> Bytes {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, *bytes).unwrap();
    }
    archive.into_inner().unwrap().into()
}

impl Ground {
    async fn new() -> Self {
        let engine = Engine::connect(&crate::engine_host()).await.unwrap();
        let mark = format!("org.pgxn.testers.budget-{:016x}", rand::random::<u64>());
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        Self { engine, mark, dirs, used: BTreeMap::new(), needed: BTreeSet::new() }
    }

    /// An image without any label, of so many bytes.
    async fn foreign(&self, bytes: usize) -> String {
        let content: Vec<u8> = (0..bytes).map(|_| rand::random()).collect();
        let root = archive(&[("content", &content)]);
        self.engine.import_image(std::io::Cursor::new(root), Platform::native()).await.unwrap()
    }

    /// An image as ours are, of so many bytes more than the one below it, last used then; its identity and its tag.
    async fn image(&mut self, below: Option<&str>, bytes: usize, used_at: i64) -> (String, String) {
        let (from, base) = match below {
            Some(id) => (id.to_owned(), Some(id)),
            None => (self.foreign(16).await, None),
        };
        let content: Vec<u8> = (0..bytes).map(|_| rand::random()).collect();
        let tag = format!("pgxn-testers/{}:{}", &self.mark[17..], self.used.len());
        let dockerfile = format!("FROM {from}\nCOPY content /{}\n", rand::random::<u32>());
        let mut labels = HashMap::from([
            (self.mark.clone(), String::new()),
            (label("recipe"), "0".into()),
            (label("suite"), "none".into()),
            (label("platform"), Platform::native().to_string()),
        ]);
        labels.extend(base.map(|base| (label("base"), base.to_owned())));
        let spec = BuildSpec {
            context: archive(&[("Dockerfile", dockerfile.as_bytes()), ("content", &content)]),
            platform: Platform::native(),
            arguments: HashMap::new(),
            labels,
            tag: Some(tag.clone()),
            afresh: true,
        };
        let steps: Vec<BuildEvent> = self.engine.build_image(spec).try_collect().await.unwrap();
        let id =
            steps.into_iter().rev().find_map(|step| if let BuildEvent::Built(id) = step { Some(id) } else { None });
        let id = id.expect("an image");
        self.used.insert(id.clone(), at(used_at));
        (id, tag)
    }

    fn stock(&self) -> Stock<'_> {
        let dirs = [self.dirs[0].path(), self.dirs[1].path()];
        Stock { engine: &self.engine, mark: &self.mark, dirs, used: &self.used, needed: &self.needed }
    }

    async fn has(&self, id: &str) -> bool {
        self.engine.found_image(id).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn what_was_used_longest_ago_goes_first_and_what_runs_and_what_is_not_ours_stays_which_needs_an_engine() {
    let mut ground = Ground::new().await;
    let year = 31_536_000_000 * 80;
    let foreign = ground.foreign(MIB).await;
    let plain = ground.image(None, 3 * MIB, year).await;
    let rare = ground.image(None, 2 * MIB, year + 2).await;
    let derived = ground.image(Some(&plain.0), MIB, year + 3).await;
    let wanted = ground.image(None, MIB, year + 1).await;
    ground.needed.insert(wanted.0.clone());
    let file = ground.dirs[0].path().join("old.zip");
    std::fs::write(&file, vec![0; MIB]).unwrap();
    std::fs::write(ground.dirs[1].path().join(".draft-1"), "being written").unwrap();
    File::options().write(true).open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();

    let all = ground.stock().all().await.unwrap();
    let order: Vec<&Kind> = all.kept.iter().map(|kept| &kept.what).collect();
    let image = |(id, tag): &(String, String)| Kind::Image(id.clone(), vec![tag.clone()]);
    let expected = [Kind::File(file.clone()), image(&wanted), image(&rare), image(&derived), image(&plain)];
    assert_eq!(order, expected.iter().collect::<Vec<_>>(), "a plain image was used when the one on top of it was");
    let disk = all.weigh(Some(7), at(1));
    let mib = |mib: u64| mib * MIB as u64..mib * MIB as u64 + 100_000;
    assert!(mib(7).contains(&disk.images_bytes), "what they share is counted once: {disk:?}");
    assert_eq!(disk.caches_bytes, MIB as u64);

    let sum = disk.images_bytes + disk.caches_bytes;
    let removed = ground.stock().cut(sum - 2 * MIB as u64).await.unwrap();
    assert!(removed[0].contains("old.zip, 1 MiB, last used 1970-01-01"), "{removed:?}");
    assert!(
        removed.len() == 2 && removed[1].contains(&rare.1) && !file.exists(),
        "no more than is needed: {removed:?}"
    );
    assert_eq!(
        [ground.has(&rare.0).await, ground.has(&derived.0).await, ground.has(&plain.0).await],
        [false, true, true]
    );

    let name = format!("{}-user", &ground.mark[17..]);
    ground.engine.create_unstarted(&derived.0, &name, HashMap::new()).await.unwrap();
    assert_eq!(ground.stock().cut(0).await.unwrap(), Vec::<String>::new(), "a container of another runner has it");
    ground.engine.remove_container(&name).await.unwrap();
    let removed = ground.stock().cut(0).await.unwrap();
    assert!(removed.len() == 2 && removed[0].contains(&derived.1) && removed[1].contains(&plain.1), "{removed:?}");
    assert!(ground.has(&foreign).await && ground.has(&wanted.0).await, "it stays whatever the budget is");

    for id in [foreign, wanted.1] {
        ground.engine.remove_image(&id).await.unwrap();
    }
}
