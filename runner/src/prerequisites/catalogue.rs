//! What is known of the registry so far, as far as a resolution has asked for it.

use std::collections::{BTreeMap, HashMap};

use pgxn::{Meta, Named};
use protocol::{Name, PostgresRange, Provision, Release, Status, Version};

use crate::prerequisites::Need;

/// A release that has what a name names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// The distribution.
    pub(crate) dist: Name,
    /// The release's version.
    pub(crate) version: Version,
    /// What its author calls the release.
    pub(crate) status: Status,
    /// The version that ranges are about: that of the extension where the name is one, else the release's own.
    pub(crate) compared: Version,
}

/// What META.json says of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The release, with the digest of its archive.
    pub(crate) release: Release,
    /// What it needs to be built and used.
    pub(crate) needs: Vec<Need>,
    /// The PostgreSQL versions that it supports.
    pub(crate) postgres: PostgresRange,
    /// Its extensions, in its order.
    pub(crate) provides: Vec<Name>,
    /// What the overrides say of it.
    pub(crate) provision: Provision,
}

impl Known {
    /// Reads the registry's copy; the error says what it lacks.
    pub(crate) fn of_meta(meta: &Meta, mut provision: Provision) -> Result<Self, pgxn::MetaError> {
        provision.preload.extend(meta.server_preload().map(str::to_owned));
        Ok(Self {
            release: meta.release()?,
            needs: Need::all(meta, &provision, false),
            postgres: meta.postgres_range(),
            provides: meta.provides.iter().map(|provided| provided.name.clone()).collect(),
            provision,
        })
    }
}

/// Something that the registry has to be asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    /// Which releases have what that name names.
    Offers(Name, Named),
    /// What META.json says of a release.
    Release(Name, Version),
}

/// The registry's answers.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    offers: HashMap<(Name, Named), Vec<Offer>>,
    releases: HashMap<(Name, Version), Result<Known, String>>,
}

impl Catalogue {
    /// Takes the answer to [`Question::Offers`]: none where nothing has it. The best comes first: the most mature, then the newest.
    pub(crate) fn add_offers(&mut self, name: Name, named: Named, mut offers: Vec<Offer>) {
        offers.sort_by(|left, right| {
            let newest = right.compared.cmp(&left.compared).then_with(|| right.version.cmp(&left.version));
            left.status.cmp(&right.status).then(newest)
        });
        self.offers.insert((name, named), offers);
    }

    /// Takes the answer to [`Question::Release`], or why it cannot be used.
    pub(crate) fn add_release(&mut self, dist: Name, version: Version, known: Result<Known, String>) {
        self.releases.insert((dist, version), known);
    }

    /// Whatever has what a name names, the best first.
    pub(crate) fn offers(&self, name: &Name, named: Named) -> Result<&[Offer], Question> {
        let found = self.offers.get(&(name.clone(), named));
        found.map(Vec::as_slice).ok_or_else(|| Question::Offers(name.clone(), named))
    }

    /// What META.json says of a release, or why it cannot be used.
    pub(crate) fn release(&self, dist: &Name, version: &Version) -> Result<&Result<Known, String>, Question> {
        let found = self.releases.get(&(dist.clone(), version.clone()));
        found.ok_or_else(|| Question::Release(dist.clone(), version.clone()))
    }

    /// How many answers there are.
    pub(crate) fn len(&self) -> usize {
        self.offers.len() + self.releases.len()
    }
}

/// What the server ships: names of extensions, with their versions.
pub(crate) type Shipped = BTreeMap<Name, Version>;

/// The distribution for which everything else is put together.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    /// Its name.
    pub(crate) dist: Name,
    /// Its extensions.
    pub(crate) provides: Vec<Name>,
    /// What it asks for.
    pub(crate) needs: Vec<Need>,
}
