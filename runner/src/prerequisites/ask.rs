//! Asks the registry until there is a plan.

use std::pin::pin;

use futures_util::future::{MaybeDone, maybe_done};
use futures_util::{StreamExt, stream};
use pgxn::{Named, Registry};
use protocol::{Name, Overrides, PgMajor, Version};

use crate::prerequisites::Refusal;
use crate::prerequisites::catalogue::{Catalogue, Known, Offer, Question, Root};
use crate::prerequisites::resolve::{Outcome, Plan, Server, resolve};

/// The registry is asked so often for one plan.
const MAX_QUESTIONS: usize = 300;
/// So many questions are asked at a time.
const CONCURRENCY: usize = 4;

/// Why there is no plan.
#[derive(Debug)]
pub(crate) enum Halt {
    /// There can be none.
    Refused(Refusal),
    /// The registry does not say.
    Registry(pgxn::Error),
}

/// Finds what a distribution needs on a server. The registry is only waited for where there is something to ask.
pub(crate) async fn put_together<F>(
    root: &Root,
    server: Server<'_>,
    overrides: &Overrides,
    registry: F,
) -> Result<Plan, Halt>
where
    F: Future<Output = pgxn::Result<Option<Registry>>>,
{
    let mut catalogue = Catalogue::default();
    let mut registry = pin!(maybe_done(registry));
    loop {
        let questions = match resolve(root, server, &catalogue) {
            Outcome::Plan(plan) => return Ok(plan),
            Outcome::Refused(refusal) => return Err(Halt::Refused(refusal)),
            Outcome::Ask(questions) => questions,
        };
        if let MaybeDone::Future(_) = &*registry {
            registry.as_mut().await;
        }
        let asked = match registry.as_mut().output_mut().expect("it was waited for, and never taken") {
            Ok(Some(registry)) => Asked { registry, overrides, major: server.major },
            Ok(None) => return Err(Halt::Refused(nowhere(&questions))),
            Err(_) => {
                let error = registry.as_mut().take_output().and_then(Result::err);
                return Err(Halt::Registry(error.expect("it is an error")));
            }
        };
        answer(asked, questions, &mut catalogue).await?;
    }
}

/// There is no registry to ask the first of these.
fn nowhere(questions: &[Question]) -> Refusal {
    let name = match &questions[0] {
        Question::Offers(name, _) | Question::Release(name, _) => name.clone(),
    };
    Refusal::NoRegistry { name }
}

/// What answers come from.
#[derive(Clone, Copy)]
struct Asked<'a> {
    registry: &'a Registry,
    overrides: &'a Overrides,
    major: PgMajor,
}

/// Takes the answers to questions into the catalogue.
async fn answer(asked: Asked<'_>, questions: Vec<Question>, catalogue: &mut Catalogue) -> Result<(), Halt> {
    if catalogue.len() + questions.len() > MAX_QUESTIONS {
        return Err(Halt::Refused(Refusal::TooMuch { limit: MAX_QUESTIONS, what: "answers from the registry" }));
    }
    let asking = questions.into_iter().map(|question| ask(asked, question));
    let mut answers = stream::iter(asking).buffered(CONCURRENCY);
    while let Some(answer) = answers.next().await {
        match answer.map_err(Halt::Registry)? {
            Answer::Offers(name, named, offers) => catalogue.add_offers(name, named, offers),
            Answer::Release(dist, version, known) => catalogue.add_release(dist, version, *known),
        }
    }
    Ok(())
}

enum Answer {
    Offers(Name, Named, Vec<Offer>),
    Release(Name, Version, Box<Result<Known, String>>),
}

async fn ask(asked: Asked<'_>, question: Question) -> pgxn::Result<Answer> {
    let registry = asked.registry;
    match question {
        Question::Offers(name, named) => {
            let mut offers = one_way(registry, &name, named).await?;
            if offers.is_empty() {
                let other = if named == Named::Extension { Named::Distribution } else { Named::Extension };
                offers = one_way(registry, &name, other).await?;
            }
            Ok(Answer::Offers(name, named, offers))
        }
        Question::Release(dist, version) => {
            let known = release(asked, &dist, &version).await?;
            Ok(Answer::Release(dist, version, Box::new(known)))
        }
    }
}

/// The releases that have what a name names, if it names that.
async fn one_way(registry: &Registry, name: &Name, named: Named) -> pgxn::Result<Vec<Offer>> {
    if named == Named::Distribution {
        let listed = registry.dist(name).await?.unwrap_or_default().releases.into_iter();
        let offer = |listed: pgxn::Listed| {
            let status = listed.status?;
            Some(Offer { dist: listed.dist, compared: listed.version.clone(), version: listed.version, status })
        };
        return Ok(listed.filter_map(offer).collect());
    }
    let providers = registry.providers(name).await?.unwrap_or_default().into_iter();
    let offer = |one: pgxn::Provider| Offer {
        dist: one.dist,
        version: one.version,
        status: one.status,
        compared: one.provides,
    };
    Ok(providers.map(offer).collect())
}

/// What META.json and the overrides say of a release; the inner error is its author's or the registry's to mend, and the same the next time.
async fn release(asked: Asked<'_>, dist: &Name, version: &Version) -> pgxn::Result<Result<Known, String>> {
    let provision = asked.overrides.provision(dist, version, asked.major);
    match asked.registry.meta(dist, version).await {
        Ok(Some(meta)) => Ok(Known::of_meta(&meta, provision).map_err(|error| error.to_string())),
        Ok(None) => Ok(Err("the registry lists it, but has no META.json of it".to_owned())),
        Err(error @ pgxn::Error::Meta { .. }) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}
