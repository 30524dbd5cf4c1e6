//! Prerequisites on the runner's own machine: what an earlier run has kept, or the archive, fetched, verified, checked and packed as the
//! distribution's own. Nothing of them runs here.
//!
//! All archives are fetched before the first is installed, so that none is built in vain. They are unpacked one after the other, each when
//! its turn comes: thirty-two trees at a time, each of which may be a gigabyte, could fill a volunteer's disk.

use std::fs;
use std::path::{Path, PathBuf};

use pgxn::Registry;
use pgxn::archive::{Limits, unpack};
use protocol::{Grade, Phase, Provision, Reason, Verdict};
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::prerequisites::{Entry, Key, Planned};
use crate::run::phase::Bench;
use crate::run::stop::{in_phase, in_words, lacking};
use crate::run::{Request, Step, Stop, Subject, fetch, metadata};

/// A prerequisite of which everything is here.
pub(super) struct Ready {
    pub(super) item: Planned,
    /// Where what it installs is kept.
    pub(super) key: Key,
    /// Where it is built, below `/sandbox`.
    pub(super) dir: String,
    /// Its archive; none where an earlier run has kept what it installs.
    zip: Option<PathBuf>,
}

/// In which form a prerequisite goes into the container.
pub(super) enum Form {
    /// What it installed in an earlier run.
    Installed(Entry),
    /// Its source.
    Source(Box<Subject>),
}

/// Where archives come from, and where they lie until their turn comes.
pub(super) struct Supply<'a> {
    request: &'a Request,
    registry: Option<Registry>,
    scratch: TempDir,
}

/// Brings everything here.
pub(super) async fn run<'a>(
    bench: &Bench<'_>,
    request: &'a Request,
    items: Vec<Planned>,
) -> Step<(Vec<Ready>, Supply<'a>)> {
    let site = bench.site;
    let made = tempfile::tempdir_in(&site.work_dir);
    let scratch =
        made.map_err(Error::file("make a directory in", &site.work_dir)).map_err(in_phase(Phase::Dependencies))?;
    let mut supply = Supply { request, registry: None, scratch };
    let mut all: Vec<Ready> = Vec::new();
    for (number, item) in items.into_iter().enumerate() {
        let before = all.last().map(|ready| &ready.key);
        let key = Key::new(&item.known.release, &bench.image.facts.digest, &variables(&item), before);
        let dir = format!("requires/{}-{}", number + 1, plain(item.known.release.dist.as_str()));
        let zip = if site.prerequisites.has(&key) { None } else { Some(supply.download(bench, &item).await?) };
        all.push(Ready { item, key, dir, zip });
    }
    Ok((all, supply))
}

impl Supply<'_> {
    /// A prerequisite whose turn has come.
    pub(super) async fn form(&mut self, bench: &Bench<'_>, ready: &Ready) -> Step<Form> {
        let zip = match &ready.zip {
            Some(zip) => zip.clone(),
            None => match kept(bench, &ready.key).await {
                Some(entry) => return Ok(Form::Installed(entry)),
                // It is damaged, or has made room for others since.
                None => self.download(bench, &ready.item).await?,
            },
        };
        let (top, provision) = (ready.dir.clone(), ready.item.known.provision.clone());
        let (scratch, work_dir) = (self.scratch.path().to_owned(), bench.site.work_dir.clone());
        let reading = move || source((&zip, &scratch), provision, &top, &work_dir);
        match tokio::task::spawn_blocking(reading).await.expect("unpacking does not panic") {
            Ok(Ok(subject)) => Ok(Form::Source(Box::new(subject))),
            Ok(Err((reason, detail))) => Err(Stop::Decided(failed(&ready.item, Phase::Unpack, reason, &detail))),
            Err(error) => Err(in_phase(Phase::Dependencies)(error)),
        }
    }

    /// Fetches an archive, under a name of our own: the kept one makes room for others when it likes.
    async fn download(&mut self, bench: &Bench<'_>, item: &Planned) -> Step<PathBuf> {
        if self.registry.is_none() {
            self.registry = super::registry(bench, self.request).await.map_err(|error| unfetched(item, &error))?;
        }
        let registry = self.registry.as_ref().expect("what was found in a registry has one");
        let fetched = fetch::download(bench.site, registry, &item.known.release, self.scratch.path()).await;
        let zip = fetched.map_err(|error| unfetched(item, &error))?.zip;
        let own = self.scratch.path().join(format!("{}.zip", item.known.release.sha1));
        // Where the two are on different disks, there is only the kept one.
        Ok(if fs::hard_link(&zip, &own).is_ok() { own } else { zip })
    }
}

/// What an earlier run has kept.
async fn kept(bench: &Bench<'_>, key: &Key) -> Option<Entry> {
    let (cache, key, now) = (bench.site.prerequisites.clone(), key.clone(), bench.site.clock.now());
    tokio::task::spawn_blocking(move || cache.find(&key, now)).await.expect("reading does not panic")
}

/// Unpacks an archive below `scratch`, and packs it for the container as `top`; of the tree, nothing is left.
fn source(
    (zip, scratch): (&Path, &Path),
    provision: Provision,
    top: &str,
    work_dir: &Path,
) -> Result<Result<Subject, (Reason, String)>> {
    let dir = tempfile::tempdir_in(scratch).map_err(Error::file("make a directory in", scratch))?;
    let tree = match unpack(zip, &dir.path().join("tree"), &Limits::default()) {
        Ok(tree) => tree,
        Err(error) => return Ok(Err((error.reason(), in_words(&error)))),
    };
    match tree.meta() {
        Ok(meta) => metadata::subject((meta, provision), &tree, top, work_dir).map(Ok),
        Err(error) => Ok(Err((Reason::MetadataInvalid, in_words(&error)))),
    }
}

/// What a prerequisite's own overrides change of how it is built.
fn variables(item: &Planned) -> String {
    let provision = &item.known.provision;
    let pairs = provision.make.iter().chain(&provision.environment).flat_map(|(name, value)| [name, "=", value, "\n"]);
    let digests = provision.downloads.iter().flat_map(|file| [file.sha256.as_str(), "\n"]);
    let lines = provision.before_build.iter().flat_map(|line| [line.as_str(), "\n"]);
    pairs.chain(digests).chain(lines).collect()
}

fn unfetched(item: &Planned, error: &pgxn::Error) -> Stop {
    if let pgxn::Error::Offline { .. } = error {
        return lacking(Phase::Dependencies, error);
    }
    Stop::Decided(failed(item, Phase::Fetch, error.reason(true), &in_words(error)))
}

/// The verdict where a prerequisite ended in that phase of its own, for that reason: the farm's own failures stay that, all others block.
pub(super) fn failed(item: &Planned, at: Phase, reason: Reason, detail: &str) -> Verdict {
    let own = if reason.grade() == Grade::Error { reason } else { Reason::PrerequisiteFailed };
    let said = reason.sentence_with(detail);
    Verdict::new(Phase::Dependencies, own).with_detail(format!("{} ({at}): {said}", item.known.release))
}

/// A name of which nothing means anything to a shell or to make.
fn plain(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    name.chars().map(|c| if allowed(c) { c } else { '-' }).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_named_so_that_make_and_the_shell_take_it_as_it_is() {
        assert_eq!(plain("pg_Partman-2"), "pg_Partman-2");
        assert_eq!(plain("a'$(x);é#"), "a---x----");
    }

    #[test]
    fn nothing_but_the_packed_tree_is_left_of_a_prerequisite_that_is_unpacked() {
        let [scratch, work] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let zip = scratch.path().join("gadget.zip");
        let mut archive = zip::ZipWriter::new(fs::File::create(&zip).unwrap());
        let meta = r#"{"name": "gadget", "version": "1.0.0", "abstract": "a", "maintainer": "a", "license": "postgresql",
            "provides": {}, "meta-spec": {"version": "1.0.0"}}"#;
        for (name, text) in [("gadget-1.0.0/META.json", meta), ("gadget-1.0.0/Makefile", "all:\n")] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut archive, text.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
        let unpacked = source((&zip, scratch.path()), Provision::default(), "requires/1-gadget", work.path());
        let subject = unpacked.unwrap().unwrap();
        assert_eq!(subject.files, ["META.json", "Makefile"]);
        assert!(crate::sandbox::tests::path_of(&subject.packed.unwrap()).starts_with(work.path()));
        let left: Vec<_> = fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["gadget.zip"]);
    }
}
