//! Makes the releases that are missing: locates, downloads and unpacks with several workers, publishes with one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};

use protocol::Timestamp;

use super::apt::{Apt, Archive};
use super::corpus::Entry;
use super::ledger::{self, Ledger, Made};
use super::sources::Source;
use super::{Event, Order, Progress, Summary, meta, tarball, user};
use crate::{Error, Mirror, Tree, Upload};

/// How many tarballs are downloaded and unpacked at the same time.
const WORKERS: usize = 4;

/// Makes the releases that are missing.
pub(super) struct Maker<'a> {
    /// The directory of the sample registry.
    pub(super) dir: &'a Path,
    /// What is missing.
    pub(super) entries: &'a [&'a Entry],
    /// How many releases there shall be in all.
    pub(super) total: usize,
    /// Who listens.
    pub(super) progress: &'a dyn Progress,
}

/// Entries of one tarball: one worker takes them all, so that it is downloaded once.
struct Group<'a> {
    source: Option<Source>,
    entries: Vec<&'a Entry>,
}

impl Group<'_> {
    fn is_of(&self, entry: &Entry) -> bool {
        self.entries.first().is_some_and(|first| first.source == entry.source && first.suite == entry.suite)
    }
}

/// What a worker has to say about an entry.
type Outcome<'a> = (&'a Entry, Result<(Upload, Vec<String>), Error>);

impl<'a> Maker<'a> {
    fn suites(&self) -> Vec<&'a str> {
        let suites: BTreeSet<&str> = self.entries.iter().map(|entry| entry.suite.as_str()).collect();
        suites.into_iter().collect()
    }

    fn apt(&self, archive: &Archive, suites: &[&str]) -> Result<Apt<'a>, Error> {
        Apt::prepare(&self.dir.join("apt"), archive, suites, self.progress)
    }

    /// Finds out where the tarballs are, unless that is known of all of them.
    pub(super) fn locate(&self, order: &Order, ledger: &mut Ledger) -> Result<(), Error> {
        if self.entries.iter().all(|entry| ledger.was_asked(&entry.source, &entry.suite)) {
            return Ok(());
        }
        let archive = order.archive.clone().or_else(Archive::of_host).ok_or(Error::NoArchive)?;
        let suites = self.suites();
        self.progress.say(Event::Indexing { suites: &suites });
        let apt = self.apt(&archive, &suites)?;
        ledger.complaint = apt.update()?;
        let packages: Vec<&str> = self.entries.iter().map(|entry| entry.source.as_str()).collect();
        for (suite, source) in apt.sources(&packages)? {
            ledger.locate(&suite, source);
        }
        if ledger.complaint.is_none() {
            for entry in self.entries {
                ledger.miss(&entry.source, &entry.suite);
            }
        }
        ledger.save()?;
        apt.remove()
    }

    /// Downloads and unpacks with several workers, publishes here as they come.
    pub(super) fn make(&self, ledger: &mut Ledger, mirror: &mut Mirror, summary: &mut Summary) -> Result<(), Error> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for &entry in self.entries {
            match groups.iter_mut().find(|group| group.is_of(entry)) {
                Some(group) => group.entries.push(entry),
                None => groups
                    .push(Group { source: ledger.source(&entry.source, &entry.suite).cloned(), entries: vec![entry] }),
            }
        }
        let complaint = ledger.complaint.clone();
        // Downloads ask for whole addresses, so any archive will do for the private state.
        let archive = Archive::of_sources("deb file:/debian").expect("the line names an archive");
        let apt = self.apt(&archive, &[])?;
        let queue = Mutex::new(groups.into_iter());
        let (sender, receiver) = sync_channel(1);
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                let sender = sender.clone();
                scope.spawn(|| {
                    let sender = sender;
                    self.work(&queue, &apt, complaint.as_deref(), &sender);
                });
            }
            drop(sender);
            for (entry, outcome) in receiver {
                self.publish(entry, outcome, (ledger, mirror), summary)?;
            }
            Ok(())
        })
    }

    /// Takes groups until there are none left, or nobody wants the outcome.
    fn work(
        &self,
        queue: &Mutex<impl Iterator<Item = Group<'a>>>,
        apt: &Apt<'_>,
        complaint: Option<&str>,
        sender: &SyncSender<Outcome<'a>>,
    ) {
        loop {
            let next = queue.lock().expect("no worker panics while it holds the queue").next();
            let Some(group) = next else { return };
            for entry in group.entries {
                let outcome = match &group.source {
                    _ if self.progress.stopped() => Err(Error::Stopped),
                    Some(source) => self.upload(entry, source, apt),
                    None => {
                        let said = complaint.map(|said| format!(" (apt said: {said})")).unwrap_or_default();
                        Err(Error::archive(entry.key(), format!("the archive has no such source package{said}")))
                    }
                };
                if sender.send((entry, outcome)).is_err() {
                    return;
                }
            }
        }
    }

    fn publish(
        &self,
        entry: &Entry,
        outcome: Result<(Upload, Vec<String>), Error>,
        (ledger, mirror): (&mut Ledger, &mut Mirror),
        summary: &mut Summary,
    ) -> Result<(), Error> {
        let published = outcome.and_then(|(upload, changes)| Ok((mirror.publish(upload)?, changes)));
        match published {
            Err(Error::Stopped) => return Err(Error::Stopped),
            Err(error) => {
                if matches!(error, Error::Apt { .. }) {
                    ledger.forget(&entry.source, &entry.suite);
                    ledger.save()?;
                }
                let (key, why) = (entry.key(), chain(&error));
                self.progress.say(Event::Skipped { entry: &key, why: &why });
                summary.skipped.push((key, why));
            }
            Ok((release, changes)) => {
                let made = Made { dist: release.dist.clone(), version: release.version.clone(), changes };
                ledger.add(entry.key(), made)?;
                summary.releases += 1;
                summary.made += 1;
                self.progress.say(Event::Made {
                    dist: &release.dist,
                    version: &release.version,
                    done: summary.releases,
                    total: self.total,
                });
            }
        }
        Ok(())
    }

    /// From the entry to what can be published, and what had to be changed for that.
    fn upload(&self, entry: &Entry, source: &Source, apt: &Apt<'_>) -> Result<(Upload, Vec<String>), Error> {
        let path = ledger::fetch(self.dir, source, apt)?;
        let mut tree = tarball::read(&path, entry.subdirectory.as_deref())?;
        if let Some(name) = &entry.zip {
            let zip = tree.file(name).ok_or_else(|| Error::archive(entry.key(), format!("it has no {name}")))?;
            let files = Tree::of_zip(zip, name)?;
            let upload = Upload::of_zip(zip.to_vec(), user::of(&meta_of(&files, entry)?, None), date(&files))?;
            return Ok((upload, Vec::new()));
        }
        let mut changes = meta::ensure(&mut tree, entry, source)?;
        if let Some(line) = &entry.makefile_first {
            let makefile = tree.text("Makefile").unwrap_or_default();
            tree.put_text("Makefile", &format!("{line}\n{makefile}"))?;
            changes.push(format!("Makefile: `{line}` put first"));
        }
        let upload =
            Upload::of_tree(&tree, user::of(&meta_of(&tree, entry)?, source.homepage.as_deref()), date(&tree))?;
        Ok((upload, changes))
    }
}

fn meta_of(tree: &Tree, entry: &Entry) -> Result<serde_json::Value, Error> {
    let text = tree.file("META.json").unwrap_or_default();
    serde_json::from_slice(text).map_err(|error| Error::archive(entry.key(), format!("META.json: {error}")))
}

/// A release is as old as its newest file.
fn date(tree: &Tree) -> Timestamp {
    tree.newest().unwrap_or(Timestamp::from_millis(0))
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.replace('\n', " ")
}
