//! Every release of a registry, to compare with what we have: the feed holds the newest 56 only, and more may come between two looks.
//!
//! An API server lists its users by letter and each user's releases, which is all there is. A registry on disk is read from its directory of
//! distributions, which is all there is, too. A bare mirror over HTTP has no list of everything: its statistics name the 56 users with the most
//! releases, the newest 56 releases and extensions, and the 56 most used tags; a release of a user and distribution that none of these
//! lists names is not seen there.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use protocol::{Name, Version};
use serde_json::Value;

use crate::document::{Listed, Listing, Unreadable, users};
use crate::error::{Error, Result};
use crate::fetch::{Conditional, Validators};
use crate::json;
use crate::origin::Transport;
use crate::registry::{Registry, Statistics};

/// After as many documents in a row that could not be had, the registry is taken to be down.
const PATIENCE: usize = 5;

/// Every release that a registry shows.
#[derive(Debug, Default)]
pub struct Census {
    /// Each once, by distribution and version.
    pub releases: Vec<Listed>,
    /// Entries that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Documents that could not be had, each with its reason; what they list is missing here.
    pub unread: Vec<Error>,
    /// Whether the registry has a way to list everything; see the module's text for what is missing otherwise.
    pub complete: bool,
}

impl Registry {
    /// Reads the whole registry: some thousand small documents on the public one. It fails only where the registry is down.
    pub async fn all_releases(&self) -> Result<Census> {
        let mut found = Found::default();
        if let Transport::Files(files) = self.inner.origin.transport() {
            let directory = self.inner.index.template("dist")?.prefix();
            let dists = files.names(directory).await?;
            found.complete = true;
            let dists: Vec<Name> = dists.iter().filter_map(|name| name.parse().ok()).collect();
            self.read_dists(dists.into_iter(), &mut found).await?;
            self.read_feed(&mut found).await?;
        } else if self.is_api() {
            let users = self.listed_users(&mut found).await?;
            found.complete = true;
            self.read_users(users, &mut found).await?;
            self.read_feed(&mut found).await?;
        } else {
            self.read_statistics(&mut found).await?;
        }
        Ok(found.into_census())
    }

    /// The users of all letters.
    async fn listed_users(&self, found: &mut Found) -> Result<BTreeSet<Name>> {
        let lists = stream::iter('a'..='z').map(|letter| self.userlist(letter)).buffered(self.concurrency());
        let mut names = BTreeSet::new();
        let mut lists = std::pin::pin!(lists);
        while let Some(list) = lists.next().await {
            if let Some((entries, unreadable)) = found.accept(list)?.flatten() {
                names.extend(entries.into_iter().map(|entry| entry.user));
                found.unreadable.extend(unreadable);
            }
        }
        Ok(names)
    }

    async fn read_users(&self, names: BTreeSet<Name>, found: &mut Found) -> Result<()> {
        let users = stream::iter(names).map(|name| async move { self.user(&name).await });
        let mut users = std::pin::pin!(users.buffered(self.concurrency()));
        while let Some(user) = users.next().await {
            if let Some(user) = found.accept(user)?.flatten() {
                found.add(user.listing);
            }
        }
        Ok(())
    }

    async fn read_dists(&self, names: impl Iterator<Item = Name> + Send, found: &mut Found) -> Result<()> {
        let dists = stream::iter(names).map(|name| async move { self.dist(&name).await });
        let mut dists = std::pin::pin!(dists.buffered(self.concurrency()));
        while let Some(dist) = dists.next().await {
            if let Some(listing) = found.accept(dist)?.flatten() {
                found.add(listing);
            }
        }
        Ok(())
    }

    /// Adds what the feed has, as it may be newer than the lists; gives the users that it names.
    async fn read_feed(&self, found: &mut Found) -> Result<BTreeSet<Name>> {
        let feed = self.recent(&Validators::default()).await;
        let Some(Conditional::Changed { value: feed, .. }) = found.accept(feed)? else { return Ok(BTreeSet::new()) };
        found.unreadable.extend(feed.unreadable);
        let users = feed.recent.iter().filter_map(|entry| entry.user.clone()).collect();
        let releases = feed.recent.into_iter().map(|entry| Listed {
            dist: entry.dist,
            version: entry.version,
            status: None,
            date: entry.date,
            user: entry.user,
        });
        found.add(Listing { releases: releases.collect(), unreadable: Vec::new() });
        Ok(users)
    }

    /// All that a bare mirror shows: the users of its statistics, then the distributions of its tags.
    async fn read_statistics(&self, found: &mut Found) -> Result<()> {
        let mut names = self.read_feed(found).await?;
        for (which, list, key) in
            [(Statistics::User, "prolific", "nickname"), (Statistics::Extension, "recent", "user")]
        {
            names.extend(self.named(found, which, list, key).await?);
        }
        self.read_users(names, found).await?;
        let url = self.inner.index.url("stats", &[("stats", Statistics::Tag.as_str())])?;
        if let Some(value) = found.accept(self.value(&url).await)?.flatten() {
            for tag in value.get("popular").and_then(Value::as_array).into_iter().flatten() {
                let Some(tag) = json::text(tag.get("tag")) else { continue };
                if let Some(listing) = found.accept(self.tag(&tag).await)?.flatten() {
                    found.add(listing);
                }
            }
        }
        // A tag lists only the releases that carry it.
        let dists: BTreeSet<Name> = found.releases.keys().map(|(dist, _)| dist.clone()).collect();
        self.read_dists(dists.into_iter(), found).await
    }

    /// The users that a list of a statistics document names.
    async fn named(&self, found: &mut Found, which: Statistics, list: &str, key: &str) -> Result<Vec<Name>> {
        let url = self.inner.index.url("stats", &[("stats", which.as_str())])?;
        let value = found.accept(self.value(&url).await)?.flatten();
        let Some(Ok((entries, unreadable))) = value.and_then(|value| Some(users(&url, value.get(list)?, key))) else {
            return Ok(Vec::new());
        };
        found.unreadable.extend(unreadable);
        Ok(entries.into_iter().map(|entry| entry.user).collect())
    }

    fn concurrency(&self) -> usize {
        self.inner.origin.options().concurrency.max(1)
    }
}

/// A census in the making.
#[derive(Default)]
struct Found {
    releases: BTreeMap<(Name, Version), Listed>,
    unreadable: Vec<Unreadable>,
    unread: Vec<Error>,
    failures_in_a_row: usize,
    complete: bool,
}

impl Found {
    /// Sets a failure aside, unless there were so many in a row that the registry must be down.
    fn accept<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => {
                self.failures_in_a_row = 0;
                Ok(Some(value))
            }
            Err(error) => {
                // What is wrong with one document for good says nothing of the registry.
                self.failures_in_a_row += usize::from(error.is_temporary());
                if error.is_temporary() && self.failures_in_a_row >= PATIENCE {
                    return Err(error);
                }
                self.unread.push(error);
                Ok(None)
            }
        }
    }

    /// Adds releases; of one listed twice, what either list knows is kept.
    fn add(&mut self, listing: Listing) {
        self.unreadable.extend(listing.unreadable);
        for listed in listing.releases {
            let known =
                self.releases.entry((listed.dist.clone(), listed.version.clone())).or_insert_with(|| listed.clone());
            known.status = known.status.or(listed.status);
            known.date = known.date.or(listed.date);
            if known.user.is_none() {
                known.user = listed.user;
            }
        }
    }

    fn into_census(self) -> Census {
        Census {
            releases: self.releases.into_values().collect(),
            unreadable: self.unreadable,
            complete: self.complete && self.unread.is_empty(),
            unread: self.unread,
        }
    }
}
