//! The disk budget: what images of ours and what is kept between runs take, and what is removed where that is too much, least recently used first.
//!
//! Only images with our labels are counted and removed, whichever runner of this engine made them. A layer that some of them share is counted once,
//! and Debian's base images stay, and are not counted. When an image was last used stands in `record.json`, and for one that does not stand there, it is when it was
//! made. An image that others stand on was used when the last of them was. The images of the targets that are offered stay, too: without them
//! there would be nothing to lend. Nothing is removed while a run of this runner goes on, and the engine itself refuses to remove what a
//! container of another one uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use protocol::Timestamp;

use crate::error::{Error, Result};
use crate::images::base_tag;
use crate::sandbox::docker::{Engine, FoundImage};
use crate::sandbox::label;
use crate::status::DiskUse;

#[cfg(test)]
mod tests;

/// What an image takes at most on top of its base; about what the largest does.
pub(crate) const IMAGE_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// How often a runner that works looks at what it takes.
pub(crate) const LOOK: Duration = Duration::from_mins(10);

/// Something that can be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) what: Kind,
    pub(crate) used_at: Timestamp,
    size: Size,
    /// The image that it stands on.
    below: Option<String>,
}

/// How large something is, with what it may share with others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Size {
    bytes: u64,
    /// The layers of an image, the lowest first.
    layers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An image, by its digest and tags.
    Image(String, Vec<String>),
    File(PathBuf),
}

impl Kept {
    fn name(&self) -> String {
        match &self.what {
            Kind::Image(digest, tags) => format!("the image {}", tags.first().unwrap_or(digest)),
            Kind::File(path) => path.display().to_string(),
        }
    }
}

/// What there is, and where.
pub(crate) struct Stock<'a> {
    pub(crate) engine: &'a Engine,
    /// The label that every image of ours has.
    pub(crate) mark: &'a str,
    /// The directories that keep files between runs.
    pub(crate) dirs: [&'a Path; 2],
    /// When images were last used, by digest.
    pub(crate) used: &'a BTreeMap<String, Timestamp>,
    /// The images that stay.
    pub(crate) needed: &'a BTreeSet<String>,
}

impl Stock<'_> {
    /// Everything, what was used longest ago first.
    pub(crate) async fn all(&self) -> Result<Kepts> {
        let (mut found, mut bases) = (Vec::new(), BTreeMap::new());
        for listed in self.engine.images_labelled(self.mark).await? {
            // One that another runner has removed meanwhile is none.
            let Some(image) = self.engine.found_image(&listed.id).await? else { continue };
            if let Some(base) = base_of(&image).filter(|base| !bases.contains_key(base)) {
                let found = self.engine.found_image(&base).await?;
                bases.insert(base, found.map(size).unwrap_or_default());
            }
            found.push(image);
        }
        let mut kept = images(&found, self.used);
        for dir in self.dirs {
            kept.extend(files(dir));
        }
        // Of two that were used at the same time, the one that stands on the other is the younger.
        kept.sort_by_key(|kept| kept.used_at);
        Ok(Kepts { kept, bases: bases.into_values().collect() })
    }

    /// Removes what was used longest ago until all takes no more than so much; what was removed, in words.
    pub(crate) async fn cut(&self, most_bytes: u64) -> Result<Vec<String>> {
        let mut all = self.all().await?;
        let (mut sum, mut removed, mut place) = (all.bytes(), Vec::new(), 0);
        while sum > most_bytes && place < all.kept.len() {
            if self.is_needed(&all.kept, place) || !self.remove(&all.kept[place].what).await? {
                place += 1;
                continue;
            }
            let kept = all.kept.remove(place);
            let before = std::mem::replace(&mut sum, all.bytes());
            removed.push(format!("{}, {}, last used {}", kept.name(), words(before - sum), kept.used_at));
        }
        Ok(removed)
    }

    /// Whether it is an image that stays: the engine would take the name of one that others stand on, and keep it.
    fn is_needed(&self, left: &[Kept], place: usize) -> bool {
        let Kind::Image(digest, _) = &left[place].what else { return false };
        self.needed.contains(digest) || left.iter().any(|kept| kept.below.as_ref() == Some(digest))
    }

    /// Whether it is gone; what is in use is not.
    async fn remove(&self, what: &Kind) -> Result<bool> {
        match what {
            Kind::Image(digest, tags) => {
                let names = if tags.is_empty() { std::slice::from_ref(digest) } else { tags };
                for name in names {
                    if !self.engine.remove_unused_image(name).await? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Kind::File(path) => match fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", path)(error)),
                _ => Ok(true),
            },
        }
    }
}

/// Everything that can be removed.
pub(crate) struct Kepts {
    pub(crate) kept: Vec<Kept>,
    /// The base images, which others have, too.
    bases: Vec<Size>,
}

impl Kepts {
    /// What it takes.
    pub(crate) fn weigh(&self, budget_bytes: Option<u64>, at: Timestamp) -> DiskUse {
        DiskUse { images_bytes: self.images_bytes(), caches_bytes: self.caches_bytes(), budget_bytes, at }
    }

    fn bytes(&self) -> u64 {
        self.images_bytes().saturating_add(self.caches_bytes())
    }

    fn caches_bytes(&self) -> u64 {
        self.kept.iter().filter(|kept| matches!(kept.what, Kind::File(_))).map(|kept| kept.size.bytes).sum()
    }

    /// Each image counts with what it has on top of the largest one whose layers it has all: that is counted already.
    fn images_bytes(&self) -> u64 {
        let images = self.kept.iter().filter(|kept| matches!(kept.what, Kind::Image(..))).map(|kept| &kept.size);
        let mut images: Vec<&Size> = images.collect();
        images.sort_by_key(|image| image.layers.len());
        let shared = |(place, image): (usize, &&Size)| {
            let counted = self.bases.iter().chain(images[..place].iter().copied());
            let below = counted.filter(|it| !it.layers.is_empty() && image.layers.starts_with(&it.layers));
            image.bytes.saturating_sub(below.map(|it| it.bytes).max().unwrap_or_default())
        };
        images.iter().enumerate().map(shared).sum()
    }
}

fn size(image: FoundImage) -> Size {
    Size { bytes: image.size_bytes, layers: image.layers }
}

/// The image of ours that one stands on.
fn below(image: &FoundImage) -> Option<String> {
    image.labels.get(&label("base")).cloned()
}

/// The base image that one stands on.
fn base_of(image: &FoundImage) -> Option<String> {
    let text = |name: &str| image.labels.get(&label(name));
    Some(base_tag(text("suite")?, text("platform")?.parse().ok()?))
}

/// The images, those that stand on others before these.
fn images(found: &[FoundImage], used: &BTreeMap<String, Timestamp>) -> Vec<Kept> {
    let used_at = |image: &FoundImage| used.get(&image.id).copied().unwrap_or(image.created).max(image.created);
    let mut latest: BTreeMap<&str, Timestamp> = found.iter().map(|image| (image.id.as_str(), used_at(image))).collect();
    let mut depth: BTreeMap<&str, usize> = BTreeMap::new();
    for image in found {
        let (mut at, mut under) = (used_at(image), image);
        // Deeper than anything of ours is a circle, which only a stranger's labels can make.
        for steps in 1..=8 {
            let Some(base) = below(under).and_then(|base| found.iter().find(|it| it.id == base)) else { break };
            let known = latest.entry(&base.id).or_insert(at);
            at = at.max(*known);
            *known = at;
            let place = depth.entry(&image.id).or_default();
            *place = steps.max(*place);
            under = base;
        }
    }
    let mut sorted: Vec<&FoundImage> = found.iter().collect();
    sorted.sort_by_key(|image| std::cmp::Reverse(depth.get(image.id.as_str()).copied().unwrap_or_default()));
    let kept = |image: &&FoundImage| {
        let tags = image.tags.iter().filter(|tag| *tag != "<none>:<none>").cloned().collect();
        let (what, used_at) = (Kind::Image(image.id.clone(), tags), latest[image.id.as_str()]);
        Kept { what, used_at, size: size((*image).clone()), below: below(image) }
    };
    sorted.iter().map(kept).collect()
}

/// The files of a directory; one that is being written begins with a dot, or is new.
fn files(dir: &Path) -> Vec<Kept> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return files };
    for entry in entries.flatten() {
        let Ok(found) = entry.metadata() else { continue };
        let used = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let used_at = Timestamp::from_millis(i64::try_from(used.as_millis()).unwrap_or(i64::MAX));
        if found.is_file() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            let what = Kind::File(entry.path());
            let size = Size { bytes: found.len(), layers: Vec::new() };
            files.push(Kept { what, used_at, size, below: None });
        }
    }
    files
}

/// A size for people, in the units of `--max-disk`.
pub(crate) fn words(bytes: u64) -> String {
    match bytes >> 20 {
        mib @ 0..1_024 => format!("{mib} MiB"),
        mib => format!("{}.{} GiB", mib / 1_024, mib % 1_024 * 10 / 1_024),
    }
}
