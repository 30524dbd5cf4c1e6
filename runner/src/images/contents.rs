//! What the packages of a suite hold: an index of Debian's archive, fetched by the apt of a base image, kept in a directory.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use flate2::read::MultiGzDecoder;
use protocol::{Platform, Reason, Target, Timestamp};
use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::images::build::{Failure, follow};
use crate::images::progress::Told;
use crate::images::{Images, Progress, base, context, derived};
use crate::sandbox::docker::BuildSpec;

const STEP: (&str, &str) = ("contents", include_str!("../../../images/derived/contents"));
const INDEX: &str = "/pgxn-contents.gz";
/// An index has some three megabytes.
const MAX_INDEX: usize = 64 << 20;
const MAX_TEXT: u64 = 1 << 30;
/// So many of the likeliest packages are worth a look.
const MAX_CANDIDATES: usize = 200;
/// An index that was fetched so long ago is fetched anew: an archive is always on the move.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// An index of what the packages of a suite hold.
#[derive(Clone, Debug)]
pub struct Contents {
    compressed: Vec<u8>,
}

/// A package that holds what is looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// How far from what one would expect; the best has the least.
    pub rank: usize,
    /// The package.
    pub package: String,
    /// The file.
    pub path: String,
}

impl Images {
    /// The index of a suite, from `dir`, or from the archive and then kept there.
    pub async fn contents(
        &self,
        (suite, platform): (&str, Platform),
        (dir, now): (&Path, Timestamp),
        progress: &dyn Progress,
    ) -> Result<Contents> {
        let file = dir.join(format!("{suite}-{platform}.gz"));
        if is_fresh(&file, now)
            && let Ok(compressed) = std::fs::read(&file)
        {
            return Ok(Contents { compressed });
        }
        let target = self.any_target(platform)?;
        let compressed = self.fetch_contents((suite, target), progress).await?;
        keep(&file, &compressed).map_err(Error::file("write", &file))?;
        Ok(Contents { compressed })
    }

    async fn fetch_contents(&self, (suite, target): (&str, Target), progress: &dyn Progress) -> Result<Vec<u8>> {
        let told = Told { target, to: progress };
        let made = self.base(suite, target.platform, (told, None), &mut *self.work.lock().await).await?;
        made.map_err(|why| Error::Image { target, why })?;
        told.step(format!("ask what the packages of {suite} hold"), None);
        let spec = BuildSpec {
            context: context::pack_files(&[derived::DOCKERFILE, STEP], &self.host_input().await),
            platform: target.platform,
            arguments: derived::arguments(&base::tag(suite, target.platform), STEP.0),
            labels: std::collections::HashMap::new(),
            tag: None,
            afresh: true,
        };
        let built = follow(&self.place.engine, spec, told).await?.map_err(|failure| match failure {
            Failure::Unavailable(why) => Error::Image { target, why: format!("Debian's archive of {suite} has {why}") },
            Failure::Failed(why) | Failure::Inconsistent(why) => Error::Image { target, why },
        })?;
        let read = self.place.read_image(&built, &[INDEX], MAX_INDEX).await;
        self.place.engine.remove_image(&built).await?;
        Ok(read?.concat())
    }

    /// Base images belong to a suite and a platform; messages name a target.
    fn any_target(&self, platform: Platform) -> Result<Target> {
        let major = self.matrix.postgresql.first().map(|entry| entry.major).ok_or(Error::NoImage)?;
        Ok(Target { major, platform })
    }
}

/// Whether a file is there, and not too old.
fn is_fresh(file: &Path, now: Timestamp) -> bool {
    let written = std::fs::metadata(file).and_then(|metadata| metadata.modified());
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now.as_millis().try_into().unwrap_or_default());
    // One that is younger than now was written by another clock, or just this moment.
    written.is_ok_and(|written| now.duration_since(written).unwrap_or_default() < KEPT)
}

/// Writes a file under another name and renames it, so that nobody reads half of it, then or ever.
fn keep(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let mut draft = NamedTempFile::with_prefix_in(".draft-", dir)?;
    draft.write_all(bytes)?;
    draft.persist(file).map(drop).map_err(|error| error.error)
}

impl Contents {
    /// The packages that hold what a run missed, the likeliest first.
    pub fn candidates(&self, reason: Reason, missing: &str) -> Vec<Candidate> {
        let Some(wanted) = Wanted::of(reason, missing) else { return Vec::new() };
        let text = BufReader::new(Read::take(MultiGzDecoder::new(self.compressed.as_slice()), MAX_TEXT));
        let mut best: BTreeMap<String, Candidate> = BTreeMap::new();
        for line in text.split(b'\n').map_while(std::result::Result::ok) {
            let line = String::from_utf8_lossy(&line);
            let Some((path, packages)) = line.split_once('\t') else { continue };
            let Some(rank) = wanted.rank(path) else { continue };
            for package in packages.split(',').filter_map(|package| package.rsplit('/').next()) {
                let rank = rank + unlikely(package);
                let candidate = Candidate { rank, package: package.to_owned(), path: path.to_owned() };
                match best.get_mut(package) {
                    Some(known) if *known <= candidate => {}
                    Some(known) => *known = candidate,
                    None => drop(best.insert(package.to_owned(), candidate)),
                }
            }
        }
        let mut best: Vec<Candidate> = best.into_values().collect();
        best.sort();
        best.truncate(MAX_CANDIDATES);
        best
    }
}

/// Packages for other machines than this one, and such that bring their own copy of a library's files.
fn unlikely(package: &str) -> usize {
    usize::from(package.contains("-cross") || package.contains("mingw") || package.ends_with("-dbg")) * 100
        + usize::from(!package.ends_with("-dev")) * 2
}

/// What is looked for in paths.
#[derive(Debug)]
struct Wanted {
    /// Ends of paths, the likeliest first.
    ends: Vec<String>,
    /// Where they have to lie.
    below: &'static [&'static str],
}

impl Wanted {
    fn of(reason: Reason, missing: &str) -> Option<Self> {
        let missing = missing.trim();
        let is_name = |text: &str| {
            !text.is_empty()
                && text.len() < 200
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "._+-/:".contains(c))
        };
        match reason {
            Reason::MissingHeader if is_name(missing) => {
                Some(Self { ends: vec![format!("/{missing}")], below: &["usr/include/"] })
            }
            Reason::MissingProgram => {
                let name = missing.rsplit('/').next().filter(|name| is_name(name))?;
                Some(Self { ends: vec![format!("/{name}")], below: &["usr/bin/", "usr/sbin/", "bin/", "sbin/"] })
            }
            Reason::MissingLibrary => {
                Self::library(missing).filter(|wanted| wanted.ends.iter().all(|end| is_name(end)))
            }
            _ => None,
        }
    }

    /// A library as linkers, loaders, pkg-config, `CMake` and Perl name it.
    fn library(missing: &str) -> Option<Self> {
        let below = &["usr/", "lib/"];
        if let Some(module) = missing.strip_prefix("the Perl module ") {
            return Some(Self { ends: vec![format!("/perl5/{}.pm", module.replace("::", "/"))], below });
        }
        let name = missing.split_whitespace().next()?;
        let bare = name.strip_prefix("-l").unwrap_or(name);
        let bare = if name.contains(".so") { bare } else { bare.strip_prefix("lib").unwrap_or(bare) };
        let ends = if name.contains(".so") {
            vec![format!("/{}", name.rsplit('/').next()?)]
        } else {
            vec![
                format!("/pkgconfig/{name}.pc"),
                format!("/lib{bare}.so"),
                format!("/pkgconfig/lib{bare}.pc"),
                format!("/{name}Config.cmake"),
                format!("/{}-config.cmake", name.to_lowercase()),
            ]
        };
        Some(Self { ends, below })
    }

    fn rank(&self, path: &str) -> Option<usize> {
        if !self.below.iter().any(|below| path.starts_with(below)) {
            return None;
        }
        let place = self.ends.iter().position(|end| path.ends_with(end.as_str()))?;
        // `usr/include/x86_64-linux-gnu/x.h` is as near as `usr/include/x.h`; deeper ones need an option that says where they are.
        let depth = path.replace("x86_64-linux-gnu/", "").replace("aarch64-linux-gnu/", "").matches('/').count();
        Some(place * 50 + depth * 4)
    }
}

#[cfg(test)]
mod tests;
