//! From a recipe and its input to an image with labels.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use protocol::Platform;
use serde::Deserialize;
use tokio::time::timeout;

use crate::error::Result;
use crate::images::context::{self, Input};
use crate::images::progress::{Told, plain};
use crate::images::recipe::Recipe;
use crate::sandbox::docker::{BuildEvent, BuildSpec, Engine};
use crate::sandbox::{Place, label};

/// No image takes so long to make where it is not emulated: a build that does is stuck.
const WALL: Duration = Duration::from_hours(1);
/// An emulated one takes three quarters of an hour on two busy processors.
const EMULATED_WALL: Duration = Duration::from_hours(8);
/// The last lines of a build that an error shows.
const TAIL: usize = 20;
const MAX_FACTS: usize = 64 * 1024;

/// Why there is no image: in words, with the last lines of the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The source turned out not to have the server: another may.
    Unavailable(String),
    /// It has what is wanted, but its packages do not fit together for now.
    Inconsistent(String),
    /// A step failed.
    Failed(String),
}

/// How long an image of a platform may take to make.
pub(super) fn wall(platform: Platform) -> Duration {
    if platform == Platform::native() { WALL } else { EMULATED_WALL }
}

/// What an image says of itself, in `/pgxn/facts.json`.
#[derive(Debug, Deserialize)]
struct Facts {
    pg_full: String,
    pg_version: String,
    pg_config: String,
    bindir: String,
    library_path: String,
}

/// Builds and tags the image of a recipe on a base image.
pub(super) async fn build(
    place: &Place,
    recipe: &Recipe,
    base: &str,
    (input, afresh): (&Input, bool),
    told: Told<'_>,
) -> Result<Result<(), Failure>> {
    let arguments = [
        ("BASE", base.to_owned()),
        ("PG", recipe.target.major.to_string()),
        ("KIND", recipe.source.kind.to_string()),
        ("SUITE", recipe.source.suite.clone()),
        ("OVERLAY", recipe.source.overlay.clone().unwrap_or_default()),
    ];
    let spec = BuildSpec {
        context: context::pack(input),
        platform: recipe.target.platform,
        arguments: arguments.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        labels: HashMap::new(),
        tag: None,
        afresh,
    };
    let built = match follow(&place.engine, spec, told).await? {
        Ok(built) => built,
        Err(failure) => return Ok(Err(failure)),
    };
    let read = place.read_image(&built, &["/pgxn/facts.json", "/pgxn/writable"], MAX_FACTS).await?;
    let [facts, writable] = [&read[0], &read[1]].map(|bytes| String::from_utf8_lossy(bytes));
    let spec = match finish(recipe, &built, &facts, &writable) {
        Ok(spec) => spec,
        Err(why) => return Ok(Err(Failure::Failed(why))),
    };
    Ok(follow(&place.engine, spec, told).await?.map(drop))
}

/// A second build, which adds only what is known of the first: labels and the environment.
fn finish(recipe: &Recipe, built: &str, facts: &str, writable: &str) -> Result<BuildSpec, String> {
    let facts: Facts = serde_json::from_str(facts).map_err(|error| format!("the image's facts.json: {error}"))?;
    let writable: Vec<&str> = writable.lines().filter(|line| line.starts_with('/')).collect();
    let digest = recipe.digest();
    let labels = [
        ("recipe", digest.clone()),
        ("pg", recipe.target.major.to_string()),
        ("pg-version", facts.pg_version),
        ("pg-full", facts.pg_full),
        ("source", recipe.source.kind.to_string()),
        ("suite", recipe.source.suite.clone()),
        ("platform", recipe.target.platform.to_string()),
        ("pg-config", facts.pg_config),
        ("writable", serde_json::to_string(&writable).expect("texts serialise")),
    ];
    let dockerfile = format!(
        "FROM {built}\nENV PATH={}:/usr/local/bin:/usr/bin:/bin LIBRARY_PATH={}\n",
        facts.bindir, facts.library_path
    );
    Ok(BuildSpec {
        context: context::pack_dockerfile(&dockerfile),
        platform: recipe.target.platform,
        arguments: HashMap::new(),
        labels: labels.into_iter().map(|(name, value)| (label(name), value)).collect(),
        tag: Some(recipe.tag()),
        afresh: false,
    })
}

/// Follows a build to its end; the image's identity.
pub(super) async fn follow(engine: &Engine, spec: BuildSpec, told: Told<'_>) -> Result<Result<String, Failure>> {
    follow_within(wall(spec.platform), engine, spec, told).await
}

/// The same, for so long: then the engine, which nobody listens to any more, ends the build and removes its containers.
async fn follow_within(
    wall: Duration,
    engine: &Engine,
    spec: BuildSpec,
    told: Told<'_>,
) -> Result<Result<String, Failure>> {
    let mut output = Output::default();
    let following = async {
        let mut built = None;
        let mut events = engine.build_image(spec);
        while let Some(event) = events.next().await {
            match event? {
                BuildEvent::Text(text) => output.take(&text, told),
                BuildEvent::Built(id) => built = Some(id),
                BuildEvent::Failed(why) => return Ok(Err(why)),
            }
        }
        Ok(built.ok_or_else(|| "the builder did not say which image it made".to_owned()))
    };
    let ended = timeout(wall, following).await.unwrap_or_else(|_| Ok(Err(given_up(wall))));
    Ok(ended?.map_err(|why| output.failure(&why)))
}

/// Why something ended that was not done after so long.
pub(super) fn given_up(wall: Duration) -> String {
    format!("given up after {}, as it had not come to an end", crate::run::spoken(wall))
}

/// The output of a build, line by line; the builder sends it in pieces of any size.
#[derive(Debug, Default)]
struct Output {
    rest: String,
    tail: Vec<String>,
    refusal: Option<Failure>,
}

impl Output {
    fn take(&mut self, text: &str, told: Told<'_>) {
        self.rest.push_str(text);
        while let Some(end) = self.rest.find('\n') {
            let line = plain(&self.rest[..end]);
            self.rest.drain(..=end);
            if !line.is_empty() {
                self.line(line, told);
            }
        }
        // Nobody prints a line as long as this one but to do harm.
        if self.rest.len() > 64 * 1024 {
            self.rest.clear();
        }
    }

    fn line(&mut self, line: String, told: Told<'_>) {
        if line.starts_with("Step ") {
            if let Some((percent, text)) = step(&line) {
                told.step(text, Some(percent));
            }
            return;
        }
        if let Some(why) = line.strip_prefix("pgxn-unavailable: ") {
            self.refusal = Some(Failure::Unavailable(why.to_owned()));
        } else if let Some(why) = line.strip_prefix("pgxn-inconsistent: ") {
            self.refusal = Some(Failure::Inconsistent(why.to_owned()));
        }
        // Layers come and go: of no interest to anybody.
        if !line.starts_with(" --->") && !line.starts_with("Removing intermediate container") {
            told.line(line.clone());
            self.tail.push(line);
            if self.tail.len() > TAIL {
                self.tail.remove(0);
            }
        }
    }

    fn failure(&self, why: &str) -> Failure {
        self.refusal.clone().unwrap_or_else(|| Failure::Failed(format!("{}\n{}", plain(why), self.tail.join("\n"))))
    }
}

/// A step of the Dockerfile that takes time, such as `Step 3/21 : RUN exec sh /pgxn/build/packages`: how much of the time has passed
/// when it begins, and what it does. The shares were measured.
fn step(line: &str) -> Option<(u8, &'static str)> {
    let (_, command) = line.split_once(" : RUN ")?;
    match command {
        _ if command.ends_with("/build/apt") => Some((2, "set up the package manager")),
        _ if command.ends_with("/build/packages") => Some((5, "install compilers, libraries and tools")),
        _ if command.contains("server-") => Some((65, "install PostgreSQL and make a cluster")),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
