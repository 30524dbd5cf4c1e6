//! Packages that prerequisites need, by their own overrides: where the image lacks some, the run goes on in a container of one that has them.
//!
//! Which prerequisites there are is only known once a container has said what the server ships, so that this is a second one. It is rare.

use protocol::{Phase, RunId};

use crate::images::{Lacking, alternatives};
use crate::prerequisites::Planned;
use crate::run::phase::Bench;
use crate::run::provide::unfit;
use crate::run::stop::in_phase;
use crate::run::{Book, Step};
use crate::sandbox::{Image, Sandbox};

/// The image with what the prerequisites need beyond the one that is used; none where that has everything, or where Debian has not.
pub(super) async fn richer(bench: &Bench<'_>, items: &[Planned], book: &mut Book<'_>) -> Step<Option<Image>> {
    let packages = lacking(&bench.image.packages, items);
    if packages.is_empty() {
        return Ok(None);
    }
    let made = bench.site.images.with_packages((bench.target, bench.image), &packages, &()).await;
    match made.map_err(in_phase(Phase::Dependencies))? {
        Ok(image) => Ok(Some(image)),
        Err(Lacking::ForNow(packages)) => {
            Err(in_phase(Phase::Dependencies)(unfit(bench.target, &packages, &bench.image.facts.suite)))
        }
        Err(Lacking::Settled(packages)) => {
            // What that means, its build will say.
            book.note(format!("Debian does not have what a prerequisite needs: {packages}.")).await;
            Ok(None)
        }
    }
}

/// The packages of prerequisites of which the image has no alternative.
pub(super) fn lacking(there: &[String], items: &[Planned]) -> Vec<String> {
    let wanted = items.iter().flat_map(|item| &item.known.provision.packages);
    let is_there = |wanted: &&String| alternatives(wanted).any(|name| there.iter().any(|known| known == name));
    let mut lacking: Vec<String> = wanted.filter(|wanted| !is_there(wanted)).cloned().collect();
    lacking.sort();
    lacking.dedup();
    lacking
}

/// The same bench in a container of another image; nothing had happened in the first one.
pub(crate) async fn moved<'a>(
    bench: Bench<'a>,
    image: &'a Image,
    run_id: RunId,
    book: &mut Book<'_>,
) -> Step<Bench<'a>> {
    let Bench { site, sandbox, subject, target, .. } = bench;
    sandbox.remove().await;
    let started = Sandbox::start(&site.place, image, run_id, &site.limits).await;
    let mut sandbox = started.map_err(in_phase(Phase::Dependencies))?;
    sandbox.add_environment(&subject.provision.environment);
    book.image = Some(image.facts.clone());
    book.circumstances.provided.packages.clone_from(&image.packages);
    let names = image.packages.join(", ");
    book.note(format!("A prerequisite needs packages, so that the image has now: {names}.")).await;
    Ok(Bench::new(site, image, sandbox, subject, target))
}
