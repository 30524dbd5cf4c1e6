//! Which images there are, and which should be made again.

use protocol::{Matrix, Target, Timestamp};

use crate::error::Result;
use crate::images::Images;
use crate::images::derived::WITH;
use crate::sandbox::docker::FoundImage;
use crate::sandbox::{Image, label};

/// Packages get older by themselves: an image is worth making again after so many days.
const OLD_DAYS: u64 = 30;

/// An image that the engine holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The image.
    pub image: Image,
    /// What it was made for.
    pub target: Target,
    /// Its size with everything below it; images of one suite share most of it.
    pub size_bytes: u64,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it is of this program's recipe. Others were made by another version, and are no longer used by this one.
    pub current: bool,
}

/// What a check found of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The target.
    pub target: Target,
    /// What was found.
    pub condition: Condition,
}

/// How the image of a target is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is there, and of this program's recipe.
    Current(Listed),
    /// So it is, but its packages are this many days old.
    Old(Listed, u64),
    /// There are only images of other recipes; the newest is this one.
    Stale(Listed),
    /// There is none.
    Missing,
}

impl Condition {
    /// Whether runs can use it as it is.
    pub const fn usable(&self) -> bool {
        matches!(self, Self::Current(_) | Self::Old(..))
    }
}

impl Images {
    /// Every image of ours that the engine holds, newest major first, newest image first.
    pub async fn list(&self) -> Result<Vec<Listed>> {
        let found = self.place.engine.images_labelled(&label("recipe")).await?;
        let mut listed: Vec<Listed> = found.iter().flat_map(|found| of(found, &self.matrix)).collect();
        listed.sort_by_key(|listed| (std::cmp::Reverse((listed.target.major, listed.created)), listed.target.platform));
        Ok(listed)
    }

    /// How the images of some targets are, at a moment.
    pub async fn check(&self, targets: &[Target], now: Timestamp) -> Result<Vec<Checked>> {
        let listed = self.list().await?;
        Ok(targets
            .iter()
            .map(|target| Checked { target: *target, condition: condition(*target, &listed, now) })
            .collect())
    }

    /// The image of a target that runs would use, if there is one.
    pub(super) async fn made(&self, target: Target) -> Result<Option<Listed>> {
        let checked = self.check(&[target], Timestamp::from_millis(0)).await?;
        Ok(checked.into_iter().find_map(|checked| match checked.condition {
            Condition::Current(listed) | Condition::Old(listed, _) => Some(listed),
            Condition::Stale(_) | Condition::Missing => None,
        }))
    }

    /// The same targets in the order in which they can be ready: first those whose images are there.
    pub async fn ready_first(&self, targets: &[Target], now: Timestamp) -> Result<Vec<Target>> {
        let mut checked = self.check(targets, now).await?;
        checked.sort_by_key(|checked| !checked.condition.usable());
        Ok(checked.into_iter().map(|checked| checked.target).collect())
    }
}

/// The images behind the tags of what the engine found; what has no tag or no proper labels is none of ours.
fn of(found: &FoundImage, matrix: &Matrix) -> Vec<Listed> {
    let listed = |tag: &String| {
        let image = Image::from_labels(tag, &found.id, &found.labels).ok()?;
        let major = found.labels.get(&label("pg"))?.parse().ok()?;
        let target = Target { major, platform: image.facts.platform };
        let sources = matrix.get(major).map(|entry| entry.sources.as_slice()).unwrap_or_default();
        let current = sources.iter().any(|source| {
            let recipe = crate::images::recipe::Recipe { target, source: source.clone() };
            let recipe_of_base = image.facts.recipe.split('-').next();
            let tag_of_base = tag.split(WITH).next();
            recipe_of_base == Some(&*recipe.digest()) && tag_of_base == Some(&*recipe.tag())
        });
        Some(Listed { image, target, size_bytes: found.size_bytes, created: found.created, current })
    };
    // What lost its tag to a newer image of the same recipe is still there while a container uses it.
    found.tags.iter().filter(|tag| *tag != "<none>:<none>").filter_map(listed).collect()
}

fn condition(target: Target, listed: &[Listed], now: Timestamp) -> Condition {
    // One with further packages is nobody's plain image.
    let mut ours = listed.iter().filter(|listed| listed.target == target && listed.image.packages.is_empty());
    let newest = ours.clone().next();
    match (ours.find(|listed| listed.current), newest) {
        (Some(current), _) => {
            let days = now.since(current.created).as_secs() / 86_400;
            if days >= OLD_DAYS { Condition::Old(current.clone(), days) } else { Condition::Current(current.clone()) }
        }
        (None, Some(stale)) => Condition::Stale(stale.clone()),
        (None, None) => Condition::Missing,
    }
}

#[cfg(test)]
mod tests;
