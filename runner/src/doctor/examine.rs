//! Everything in order: what can be known without an engine too, and what only one can tell.

use std::path::Path;

use protocol::{Clock, Platform};
use url::Url;

use crate::config::SiteConfig;
use crate::doctor::{Check, Effect, Examination, emulation, machine, network, trial};
use crate::engines::Found;
use crate::error::{Result, in_words};
use crate::images::{Images, Progress};
use crate::limits::Limits;
use crate::sandbox::docker::{Engine, EngineFacts};
use crate::sandbox::{Instance, Place};
use crate::site::Site;

/// What is examined, as a runner on this machine would be started.
pub struct Subject<'a> {
    /// Its settings.
    pub site: &'a SiteConfig,
    /// How the engine was found.
    pub engine: &'a Found,
    /// The coordinator, where one is known.
    pub coordinator: Option<&'a Url>,
    /// The registry.
    pub registry: &'a Url,
    /// Whether arm64 is to be emulated.
    pub emulates: bool,
    /// The time here.
    pub clock: &'a dyn Clock,
    /// Hears of a base image that has to be made.
    pub progress: &'a dyn Progress,
}

/// Looks at everything.
pub async fn examine(subject: &Subject<'_>) -> Examination {
    let mut checks = Vec::new();
    let engine = match Engine::reach(&subject.engine.host).await {
        Ok(engine) => Some(engine),
        Err(error) => {
            checks.push(Check::fails(
                "engine",
                in_words(&error),
                Effect::Nothing,
                "sudo apt-get install docker.io, or start the one that is there",
            ));
            None
        }
    };
    if let Some(engine) = &engine {
        let facts = engine.facts();
        let limits = Limits::fitting(facts, u32::from(subject.site.jobs)).with(&subject.site.limits);
        checks.extend([described(facts, subject.engine), groups(facts), machine::architecture(facts)]);
        checks.push(machine::kernel(facts));
        checks.push(machine::memory(facts, &limits, subject.site.jobs));
        let place = orphaned(engine, &subject.site.data_dir);
        checks.extend(in_containers(&place, subject.progress).await);
        checks.push(emulation::check(&place, subject.emulates).await);
    }
    let facts = engine.as_ref().map(Engine::facts);
    checks.extend(machine::disks(facts, &subject.engine.host, &subject.site.data_dir));
    let archive = crate::images::apt_archive().await;
    let apt_proxy = crate::images::apt_proxy().await;
    let places = network::Places { coordinator: subject.coordinator, registry: subject.registry, archive, apt_proxy };
    checks.extend(network::checks(&places, subject.clock).await);
    Examination { checks }
}

/// What a runner looks at when it starts: all that an engine can be asked, and the disks. What the network is, it finds out by itself.
pub async fn self_check(site: &Site, data_dir: &Path, emulates: bool, progress: &dyn Progress) -> Examination {
    let (engine, place) = (&site.place.engine, &site.place);
    let facts = engine.facts();
    let mut checks = vec![machine::architecture(facts), machine::kernel(facts)];
    checks.extend(in_containers(place, progress).await);
    if emulates {
        checks.push(emulation::check(place, true).await);
    }
    // A disk that is full has room again some day: before each claim it is looked whether there is any.
    checks.extend(machine::disks(Some(facts), engine.host(), data_dir).into_iter().map(Check::only_warning));
    Examination { checks }
}

/// A place whose containers the next runner in that directory removes, should this program be killed.
fn orphaned(engine: &Engine, data_dir: &Path) -> Place {
    let claimed = data_dir.is_dir().then(|| Instance::claim(data_dir).ok()).flatten();
    let id = claimed.map(|instance| instance.id().to_owned()).unwrap_or_default();
    Place::new(engine.clone(), id)
}

/// What is tried in containers.
async fn in_containers(place: &Place, progress: &dyn Progress) -> Vec<Check> {
    let tried = async {
        let image = Images::for_trial(place, progress).await?;
        trial::run(place, &image).await
    };
    match tried.await {
        Ok(said) => trial::checks(&said, place.engine.facts(), machine::swap_bytes()),
        Err(error) => vec![Check::fails(
            "container",
            in_words(&error),
            Effect::Nothing,
            "pgxn-testers images build  says what is in the way of an image",
        )],
    }
}

fn described(facts: &EngineFacts, found: &Found) -> Check {
    let root = if facts.is_rootless { "rootless" } else { "run by root" };
    let words =
        format!("{} at {} (by {}), API {}, {root}, {}", facts.name, found.host, found.by, facts.api, facts.storage);
    if facts.storage == "vfs" {
        let mend = "Set the storage driver to overlay: vfs copies a whole image for each container.";
        return Check::warning("engine", words, mend);
    }
    Check::ok("engine", words)
}

fn groups(facts: &EngineFacts) -> Check {
    let version = if facts.cgroup_v2 { 2 } else { 1 };
    let words = format!("version {version}");
    match (facts.is_rootless, facts.cgroup_v2) {
        (true, false) => Check::warning(
            "control groups",
            format!("{words}, which nobody but root is given: a rootless engine limits nothing"),
            "Use systemd.unified_cgroup_hierarchy=1, or an engine that root runs.",
        ),
        _ => Check::ok("control groups", words),
    }
}

impl Images {
    /// An image with Perl to try things in: any of ours for this machine, or a base of one, which is made where there is none.
    async fn for_trial(place: &Place, progress: &dyn Progress) -> Result<String> {
        let native = Platform::native();
        let images = Self::at(place.clone(), protocol::Matrix::embedded(), crate::images::Options::default());
        let listed = images.list().await?;
        if let Some(found) = listed.into_iter().find(|listed| listed.target.platform == native) {
            return Ok(found.image.facts.digest);
        }
        images.any_base(native, progress).await
    }
}
