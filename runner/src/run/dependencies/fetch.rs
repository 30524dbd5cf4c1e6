//! Prerequisites on the runner's own machine: what an earlier run has kept, or the archive, fetched, verified, checked and packed as the
//! distribution's own. Nothing of them runs here.

use std::fs::File;
use std::path::Path;

use pgxn::Registry;
use pgxn::archive::{Limits, unpack};
use protocol::{Grade, Phase, Reason, Verdict};

use crate::error::Error;
use crate::prerequisites::{Key, Planned};
use crate::run::phase::Bench;
use crate::run::stop::{in_phase, in_words};
use crate::run::{Request, Step, Stop, Subject, fetch, metadata};

/// A prerequisite that needs the network no more.
pub(super) struct Ready {
    pub(super) item: Planned,
    /// Where what it installs is kept.
    pub(super) key: Key,
    /// Where it is built, below `/sandbox`.
    pub(super) dir: String,
    pub(super) form: Form,
}

/// In which form a prerequisite is there.
pub(super) enum Form {
    /// What it installed in an earlier run, as a tar file.
    Installed(File),
    /// Its source.
    Source(Box<Subject>),
}

/// Brings everything here.
pub(super) async fn run(bench: &Bench<'_>, request: &Request, items: Vec<Planned>) -> Step<Vec<Ready>> {
    let site = bench.site;
    let made = tempfile::tempdir_in(&site.work_dir);
    let scratch =
        made.map_err(Error::file("make a directory in", &site.work_dir)).map_err(in_phase(Phase::Dependencies))?;
    let mut ready: Vec<Ready> = Vec::new();
    let mut registry = None;
    for (number, item) in items.into_iter().enumerate() {
        let before = ready.last().map(|ready| &ready.key);
        let key = Key::new(&item.known.release, &bench.image.facts.digest, &variables(&item), before);
        let dir = format!("requires/{}-{}", number + 1, plain(item.known.release.dist.as_str()));
        let (cache, wanted, now) = (site.prerequisites.clone(), key.clone(), site.clock.now());
        let found =
            tokio::task::spawn_blocking(move || cache.find(&wanted, now)).await.expect("reading does not panic");
        let form = if let Some(archive) = found {
            Form::Installed(archive)
        } else {
            if registry.is_none() {
                registry = super::registry(bench, request).await.map_err(|error| unfetched(&item, &error))?;
            }
            let registry = registry.as_ref().expect("what was found in a registry has one");
            Form::Source(Box::new(source(bench, registry, &item, (scratch.path(), &dir)).await?))
        };
        ready.push(Ready { item, key, dir, form });
    }
    Ok(ready)
}

/// Fetches and unpacks a prerequisite below `scratch`, and packs it for the container as `dir`.
async fn source(
    bench: &Bench<'_>,
    registry: &Registry,
    item: &Planned,
    (scratch, dir): (&Path, &str),
) -> Step<Subject> {
    let fetched = fetch::download(bench.site, registry, &item.known.release, scratch).await;
    let zip = fetched.map_err(|error| unfetched(item, &error))?.zip;
    let (to, dir, provision) = (scratch.join(dir), dir.to_owned(), item.known.provision.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let tree = match unpack(&zip, &to, &Limits::default()) {
            Ok(tree) => tree,
            Err(error) => return Ok(Err((error.reason(), in_words(&error)))),
        };
        match tree.meta() {
            Ok(meta) => metadata::subject(meta, provision, &tree, &dir).map(Ok),
            Err(error) => Ok(Err((Reason::MetadataInvalid, in_words(&error)))),
        }
    });
    match reading.await.expect("unpacking does not panic") {
        Ok(Ok(subject)) => Ok(subject),
        Ok(Err((reason, detail))) => Err(Stop::Decided(failed(item, Phase::Unpack, reason, &detail))),
        Err(error) => Err(in_phase(Phase::Dependencies)(error)),
    }
}

/// What a prerequisite's own overrides change of how it is built.
fn variables(item: &Planned) -> String {
    let provision = &item.known.provision;
    provision.make.iter().chain(&provision.environment).flat_map(|(name, value)| [name, "=", value, "\n"]).collect()
}

fn unfetched(item: &Planned, error: &pgxn::Error) -> Stop {
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
}
