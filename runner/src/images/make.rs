//! An image is made: of the first recipe whose source answers, on a base image that is there, pulled, or made by mmdebstrap.

use protocol::{Clock, Platform, SourceKind, SystemClock, Target, Timestamp};

use super::build::{self, Failure};
use super::context::Input;
use super::progress::Told;
use super::recipe::Recipe;
use super::{Images, Seen, base, host, portable};
use crate::error::{Error, Result, innermost};
use crate::sandbox::Image;
use crate::web;

impl Images {
    /// Makes an image of the first recipe whose source answers; where `before` says so, of nothing that was made before.
    pub(super) async fn make(
        &self,
        target: Target,
        recipes: Vec<Recipe>,
        (told, before): (Told<'_>, Option<Timestamp>),
        seen: &mut Seen,
    ) -> Result<Image> {
        let mut reasons = Vec::new();
        for recipe in recipes {
            let name = format!("{} on {}", recipe.source.kind, recipe.source.suite);
            match self.try_source(&recipe, (told, before), seen).await? {
                Ok(()) => {
                    told.step(format!("built {}", recipe.tag()), Some(100));
                    let built = self.of_recipe(&recipe).await?;
                    let why = "its labels are not what was built; another program uses the same tags".to_owned();
                    return built.ok_or(Error::Image { target, why });
                }
                Err(Failure::Unavailable(why)) => {
                    told.note(format!("{name} has no PostgreSQL {} to offer here: {why}", target.major));
                    reasons.push(format!("{name}: {why}"));
                }
                Err(Failure::Failed(why) | Failure::Inconsistent(why)) => {
                    told.note(format!("the build from {name} failed: {}", why.lines().next().unwrap_or_default()));
                    reasons.push(format!("{name}: the build failed: {why}"));
                }
            }
        }
        let remedy = "Look at what each source said above, then try `pgxn-testers images build` again.";
        Err(Error::Image { target, why: format!("no source gave one\n{}\n{remedy}", reasons.join("\n")) })
    }

    async fn try_source(
        &self,
        recipe: &Recipe,
        (told, before): (Told<'_>, Option<Timestamp>),
        seen: &mut Seen,
    ) -> Result<Result<(), Failure>> {
        let input = match self.input(recipe, told, seen).await {
            Ok(input) => input,
            Err(why) => return Ok(Err(Failure::Unavailable(why))),
        };
        if let Err(why) = self.base(&recipe.source.suite, recipe.target.platform, (told, before), seen).await? {
            return Ok(Err(Failure::Failed(why)));
        }
        let base = base::tag(&recipe.source.suite, recipe.target.platform);
        let named =
            format!("build PostgreSQL {} from {} on {}", recipe.target.major, recipe.source.kind, recipe.source.suite);
        told.step(named, None);
        build::build(&self.place, recipe, &base, (&input, before.is_some()), told).await
    }

    /// What the source and this machine bring to the build; an error where the source does not answer, in words.
    async fn input(&self, recipe: &Recipe, told: Told<'_>, seen: &mut Seen) -> Result<Input, String> {
        let client = match &seen.client {
            Some(client) => client.clone(),
            None => seen.client.insert(web::client()?).clone(),
        };
        let brought = match recipe.source.kind {
            SourceKind::Debian => Input::default(),
            SourceKind::Portable => {
                told.step(format!("download PostgreSQL {}", recipe.target.major), None);
                portable::input(&client, &self.options.portable, recipe).await?
            }
            SourceKind::Pgdg => {
                let suite = &recipe.source.suite;
                if !seen.pgdg.contains_key(suite) {
                    told.step(format!("ask {} for {suite}", self.options.pgdg.repository), None);
                    seen.pgdg.insert(suite.clone(), self.options.pgdg.answers(&client, suite).await);
                }
                seen.pgdg[suite].clone()?;
                self.options.pgdg.input(&client, recipe).await?
            }
        };
        Ok(Input { server: brought.server, ..self.host_input().await })
    }

    /// What this machine brings to any build.
    pub(super) async fn host_input(&self) -> Input {
        let ca_bundle = self.options.ca_bundle.as_ref().and_then(|path| std::fs::read(path).ok());
        Input { apt_conf: self.apt_settings().await.join("\n") + "\n", ca_bundle, server: Vec::new() }
    }

    pub(super) async fn apt_settings(&self) -> &[String] {
        self.apt_settings.get_or_init(host::apt_settings).await
    }

    /// Sees to it that the base image of a suite is there, and not older than `before`; else why it cannot be, in words.
    pub(super) async fn base(
        &self,
        suite: &str,
        platform: Platform,
        (told, before): (Told<'_>, Option<Timestamp>),
        seen: &mut Seen,
    ) -> Result<Result<(), String>> {
        let tag = base::tag(suite, platform);
        if let Some(found) = self.place.engine.found_image(&tag).await? {
            let made_at = seen.bases.get(&tag).copied().unwrap_or(found.created);
            if before.is_none_or(|before| made_at >= before) {
                return Ok(Ok(()));
            }
        }
        if seen.unpullable.is_none() {
            told.step(format!("pull a base image of {suite}"), None);
            match base::pull(&self.place.engine, suite, platform).await {
                Ok(()) => {
                    seen.bases.insert(tag, SystemClock.now());
                    return Ok(Ok(()));
                }
                Err(error) => seen.unpullable = Some(innermost(&error)),
            }
        }
        let why = seen.unpullable.as_deref().unwrap_or_default();
        told.note(format!("no base image of {suite} can be pulled ({why}), so that one is made by mmdebstrap"));
        told.step(format!("make a base image of {suite}"), None);
        let made = base::bootstrap(&self.place.engine, suite, platform, self.apt_settings().await, told).await;
        if made.is_ok() {
            seen.bases.insert(tag, SystemClock.now());
        }
        Ok(made)
    }
}
