//! Images with further packages: made on top of an image of ours, which is named by its digest, and kept under a tag that holds the
//! digest of the set of packages.
//!
//! They are not built in advance. The first run that needs a set waits for it, and whoever needs the same one meanwhile waits with it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use protocol::Target;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::images::build::{Failure, follow};
use crate::images::context;
use crate::images::progress::Told;
use crate::images::{Images, Progress, recipe};
use crate::sandbox::docker::BuildSpec;
use crate::sandbox::{Image, label};

/// The files of `images/derived`.
pub(super) const DOCKERFILE: (&str, &str) = ("Dockerfile", include_str!("../../../images/derived/Dockerfile"));
pub(super) const FILES: [(&str, &str); 2] = [DOCKERFILE, ("add", include_str!("../../../images/derived/add"))];
/// The steps of an image that are taken again, by their path in `images/`.
const STEPS: [&str; 4] = ["steps/install", "steps/refuse", "steps/seed", "steps/tidy"];
const MAX_ADDED: usize = 64 * 1024;
/// An archive that lacked a package is asked again after so long.
const REMEMBERED: Duration = Duration::from_hours(6);
/// What stands between the tag of the image below and the digest of the set.
pub(super) const WITH: &str = "-with-";

/// The packages that the archive of an image's suite cannot give, as they were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// It does not have them, or they cannot be installed.
    Settled(String),
    /// It has them, but they do not fit together for now, as the suite is still in the making.
    ForNow(String),
}

/// What was found lacking and is settled, by tag, and when.
pub(super) type Refusals = HashMap<String, (Instant, String)>;

impl Images {
    /// An image with further packages, found or made; each package may name alternatives, as in `a | b`.
    ///
    /// One whose base has been made anew meanwhile is made anew, too.
    pub async fn with_packages(
        &self,
        (target, base): (Target, &Image),
        packages: &[String],
        progress: &dyn Progress,
    ) -> Result<Result<Image, Lacking>> {
        let wanted: BTreeSet<&str> = packages.iter().map(String::as_str).collect();
        let set = set_digest(&wanted);
        let tag = format!("{}{WITH}{}", base.facts.tag, &set[..12]);
        if let Some(found) = self.derived(&tag, base).await? {
            return Ok(Ok(found));
        }
        self.refuse_offline(
            || format!("there is no image of PostgreSQL {} with {} here", target.major, packages.join(", ")),
            || "the same test without --offline builds it".to_owned(),
        )?;
        let mut refusals = self.derived.lock().await;
        if let Some(found) = self.derived(&tag, base).await? {
            return Ok(Ok(found));
        }
        if let Some((at, lacking)) = refusals.get(&tag)
            && at.elapsed() < REMEMBERED
        {
            return Ok(Err(Lacking::Settled(lacking.clone())));
        }
        let told = Told { target, to: progress };
        told.step(format!("add {}", wanted.iter().copied().collect::<Vec<_>>().join(", ")), None);
        let plan = Plan { base, wanted: &wanted, set: &set, tag: &tag };
        match self.add(&plan, told).await? {
            Ok(()) => {
                let built = self.derived(&tag, base).await?;
                let why = "its labels are not what was built; another program uses the same tags".to_owned();
                built.map(Ok).ok_or(Error::Image { target, why })
            }
            Err(Failure::Unavailable(why)) => {
                refusals.insert(tag, (Instant::now(), why.clone()));
                Ok(Err(Lacking::Settled(why)))
            }
            Err(Failure::Inconsistent(why)) => Ok(Err(Lacking::ForNow(why))),
            Err(Failure::Failed(why)) => {
                Err(Error::Image { target, why: format!("packages could not be added to {}: {why}", base.facts.tag) })
            }
        }
    }

    /// The image of that tag, if it stands on that base.
    async fn derived(&self, tag: &str, base: &Image) -> Result<Option<Image>> {
        let found = self.place.engine.found_image(tag).await?;
        let found = found.filter(|found| found.labels.get(&label("base")) == Some(&base.facts.digest));
        Ok(found
            .and_then(|found| Image::from_labels(tag, &found.id, &found.labels).ok())
            .map(|image| self.gives(image)))
    }

    async fn add(&self, plan: &Plan<'_>, told: Told<'_>) -> Result<Result<(), Failure>> {
        let input = self.host_input().await;
        let wanted = plan.wanted.iter().copied().collect::<Vec<_>>().join("\n") + "\n";
        let steps = recipe::FILES.iter().filter(|(path, _)| STEPS.contains(path)).copied();
        let files: Vec<(&str, &str)> = FILES.into_iter().chain(steps).chain([("wanted", wanted.as_str())]).collect();
        let spec = BuildSpec {
            context: context::pack_files(&files, &input),
            platform: plan.base.facts.platform,
            arguments: arguments(&plan.base.facts.digest, "add"),
            labels: HashMap::new(),
            tag: None,
            // The archive has moved on since the same step was last taken.
            afresh: true,
        };
        let built = match follow(&self.place.engine, spec, told).await? {
            Ok(built) => built,
            Err(failure) => return Ok(Err(failure)),
        };
        let read = self.place.read_image(&built, &["/pgxn/added.txt"], MAX_ADDED).await?;
        let added = String::from_utf8_lossy(&read[0]);
        Ok(follow(&self.place.engine, plan.finish(&built, &added), told).await?.map(drop))
    }
}

/// The arguments of `images/derived/Dockerfile`.
pub(super) fn arguments(base: &str, step: &str) -> HashMap<String, String> {
    [("BASE", base), ("STEP", step)].into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The names of a package that is wanted, any of which does: `a | b`.
pub(crate) fn alternatives(wanted: &str) -> impl Iterator<Item = &str> {
    wanted.split('|').map(str::trim)
}

struct Plan<'a> {
    base: &'a Image,
    wanted: &'a BTreeSet<&'a str>,
    set: &'a str,
    tag: &'a str,
}

impl Plan<'_> {
    /// A second build, which adds only the labels; all others are those of the base.
    fn finish(&self, built: &str, added: &str) -> BuildSpec {
        let added: Vec<&str> = added.lines().collect();
        let labels = [
            ("recipe", format!("{}-{}", self.base.facts.recipe, self.set)),
            ("base", self.base.facts.digest.clone()),
            ("packages", serde_json::to_string(&added).expect("texts serialise")),
        ];
        BuildSpec {
            context: context::pack_dockerfile(&format!("FROM {built}\n")),
            platform: self.base.facts.platform,
            arguments: HashMap::new(),
            labels: labels.into_iter().map(|(name, value)| (label(name), value)).collect(),
            tag: Some(self.tag.to_owned()),
            afresh: false,
        }
    }
}

/// SHA-256 in hexadecimal over the packages, and over what installs them.
fn set_digest(wanted: &BTreeSet<&str>) -> String {
    let mut sha = Sha256::new();
    for text in FILES.iter().map(|(_, text)| *text).chain(wanted.iter().copied()) {
        sha.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        sha.update(text);
    }
    hex::encode(sha.finalize())
}

#[cfg(test)]
mod tests;
