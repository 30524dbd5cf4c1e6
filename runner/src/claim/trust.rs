//! What a coordinator may ask of this machine: to test a release of the registry, on a target that was offered. A malicious one can waste its time
//! and nothing else, so that whatever it names is looked at before anything is done with it. SECURITY.md has the whole of it.

use std::sync::{MutexGuard, PoisonError};

use pgxn::{ClientOptions, Reach, Registry};
use protocol::{Assignment, Target};
use url::Url;

use crate::claim::Agent;
use crate::judge::shown;

/// The digits of a SHA-1.
const SHA1: usize = 40;
/// More characters of what a coordinator sent are not told.
const MOST_CHARS: usize = 200;

/// Which registries releases are taken from.
#[derive(Clone, Debug)]
pub(crate) enum Registries {
    /// Only the one that the volunteer named, wherever it is.
    Named(Url),
    /// Whatever is on the internet, and what the coordinator's own server has.
    Reachable(Reach),
}

/// Why a job is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The registry is not the one that the volunteer named.
    #[error(
        "the coordinator asks for a release of the registry {asked}, and this runner tests those of {named} alone, as --registry says"
    )]
    OtherRegistry {
        /// What the coordinator named.
        asked: String,
        /// What the volunteer named.
        named: Url,
    },
    /// The registry is where a stranger may not send this machine.
    #[error(
        "the coordinator asks for a release of the registry {asked}, which is not on the internet; nothing was asked of it. \
         If it is right, name it: --registry {asked}"
    )]
    Inside {
        /// What the coordinator named.
        asked: String,
    },
    /// The target was not offered: there may be no image for it.
    #[error("the coordinator asks for a run on {target}, which this runner has not offered")]
    Target {
        /// What it asks for.
        target: Target,
    },
    /// The digest is none, and would be a part of a path.
    #[error("the coordinator names an archive by something that is no SHA-1: `{sha1}`")]
    Digest {
        /// What stands in its place, abridged.
        sha1: String,
    },
}

impl Registries {
    /// What a runner for this coordinator takes whose volunteer has said nothing.
    pub(super) fn beside(coordinator: &Url) -> Self {
        Self::Reachable(Reach::Internet { and: coordinator.origin() })
    }

    /// A client that goes nowhere else; what is in the way is found without asking anybody for anything.
    fn client(&self, asked: &Url) -> Result<ClientOptions, Refused> {
        let reach = match self {
            Self::Named(named) => {
                if !pgxn::base_url(asked).is_ok_and(|asked| asked == *named) {
                    return Err(Refused::OtherRegistry { asked: said(asked), named: named.clone() });
                }
                Reach::Anywhere
            }
            Self::Reachable(reach) => {
                if !reach.allows(asked) {
                    return Err(Refused::Inside { asked: said(asked) });
                }
                reach.clone()
            }
        };
        Ok(ClientOptions { reach, ..ClientOptions::default() })
    }
}

/// An address from a stranger, for a person.
fn said(url: &Url) -> String {
    shown(url.as_str(), MOST_CHARS)
}

impl Agent {
    /// The same, which tests releases of that registry alone, wherever it is. Without it, what is on the internet or at the coordinator's own server.
    pub fn with_registry(self, registry: &Url) -> Result<Self, pgxn::Error> {
        Ok(Self { registries: Registries::Named(pgxn::base_url(registry)?), ..self })
    }

    /// Whether a job may be done here.
    pub(super) fn check(&self, assignment: &Assignment) -> Result<(), Refused> {
        let Assignment { release, target, registry, .. } = assignment;
        if !self.offer.ready().contains(target) {
            return Err(Refused::Target { target: *target });
        }
        if release.sha1.len() != SHA1 || !release.sha1.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(Refused::Digest { sha1: shown(&release.sha1, MOST_CHARS) });
        }
        self.registries.client(registry).map(drop)
    }

    /// The registry of a job, opened once; where its name turns out to lead inside, that is a refusal.
    pub(super) async fn registry(&self, url: &Url) -> Result<Result<Registry, pgxn::Error>, Refused> {
        let client = self.registries.client(url)?;
        let known = self.opened().clone();
        if let Some((_, registry)) = known.filter(|(known, _)| known == url) {
            return Ok(Ok(registry));
        }
        match Registry::open(url, client).await {
            Err(pgxn::Error::Forbidden { .. }) => Err(Refused::Inside { asked: said(url) }),
            Err(error) => Ok(Err(error)),
            Ok(registry) => {
                *self.opened() = Some((url.clone(), registry.clone()));
                Ok(Ok(registry))
            }
        }
    }

    fn opened(&self) -> MutexGuard<'_, Option<(Url, Registry)>> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
