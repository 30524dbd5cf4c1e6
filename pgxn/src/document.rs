//! The registry's JSON documents, read leniently: one bad entry is set aside with its reason and never hides the others.

use protocol::{Name, Status, Timestamp, Version};
use serde_json::Value;
use url::Url;

use crate::error::Error;
use crate::json;

/// Entries of one list beyond this are not read: the registry caps its lists at 56, and no user has so many releases.
const MAX: usize = 100_000;

/// An entry of a document that could not be read, so that a release is shown as such rather than lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The document.
    pub url: Url,
    /// What it says for a distribution there, if anything.
    pub dist: Option<String>,
    /// What it says for a version there, if anything.
    pub version: Option<String>,
    /// What is wrong, a sentence.
    pub why: String,
    /// How the entry starts.
    pub excerpt: String,
}

/// The feed `stats/dist.json`: the newest releases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// How many distributions the registry has, where it says so.
    pub dists: Option<u64>,
    /// How many releases the registry has, where it says so.
    pub releases: Option<u64>,
    /// Newest first, as the registry has them; at most 56 there.
    pub recent: Vec<FeedEntry>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// One release of the feed. Its status and digest stand only in its META.json.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// One line about it.
    pub summary: Option<String>,
    /// When it was uploaded.
    pub date: Option<Timestamp>,
    /// The uploader.
    pub user: Option<Name>,
    /// The uploader's name for people.
    pub user_name: Option<String>,
}

/// One release as dist.json, user.json and tag.json list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// What its author calls it; none where the document uses another word.
    pub status: Option<Status>,
    /// When it was uploaded.
    pub date: Option<Timestamp>,
    /// The uploader, where the document says so.
    pub user: Option<Name>,
}

/// The releases of one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Stable ones first, newest first among them, as the registry has them.
    pub releases: Vec<Listed>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// A user of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their key.
    pub nickname: Name,
    /// Their name for people.
    pub name: Option<String>,
    /// Their address; personal data, not to be shown in full.
    pub email: Option<String>,
    /// Their page, unchecked.
    pub uri: Option<String>,
    /// What they released.
    pub listing: Listing,
}

/// One line of a user list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEntry {
    /// The user's key.
    pub user: Name,
    /// Their name for people.
    pub name: Option<String>,
}

impl Unreadable {
    pub(crate) fn new(url: &Url, entry: &Value, why: impl Into<String>) -> Self {
        let field = |key: &str| json::text(entry.get(key)).map(|text| text.chars().take(200).collect());
        let (dist, version) = (field("dist"), field("version"));
        Self { url: url.clone(), dist, version, why: why.into(), excerpt: json::excerpt(entry) }
    }
}

impl Feed {
    /// Reads `stats/dist.json`; the error says what is wrong with the whole.
    pub(crate) fn read(url: &Url, value: &Value) -> Result<Self, String> {
        let recent =
            value.get("recent").ok_or("it has no list `recent`")?.as_array().ok_or("`recent` is not a list")?;
        let mut feed = Self {
            dists: json::count(value.get("count")),
            releases: json::count(value.get("releases")),
            ..Self::default()
        };
        for entry in recent.iter().take(MAX) {
            match FeedEntry::read(entry) {
                Ok(read) => feed.recent.push(read),
                Err(why) => feed.unreadable.push(Unreadable::new(url, entry, why)),
            }
        }
        Ok(feed)
    }
}

impl FeedEntry {
    fn read(entry: &Value) -> Result<Self, String> {
        Ok(Self {
            dist: field(entry, "dist")?,
            version: field(entry, "version")?,
            summary: json::text(entry.get("abstract")),
            date: json::moment(entry.get("date")),
            user: field(entry, "user").ok(),
            user_name: json::text(entry.get("user_name")),
        })
    }
}

impl UserEntry {
    /// Reads the body of a user list that is at hand, as [`crate::Registry::userlist`] does; what cannot be read is left out.
    pub fn parse_list(url: &Url, body: &[u8]) -> Result<Vec<Self>, Error> {
        let read = users(url, &json::document(url, body)?, "user");
        read.map(|(users, _)| users).map_err(|why| Error::Shape { url: url.clone(), why })
    }
}

impl Listing {
    /// Reads the body of a tag.json that is at hand, as [`crate::Registry::tag`] does.
    pub fn parse_tag(url: &Url, body: &[u8]) -> Result<Self, Error> {
        Ok(Self::by_dist(url, None, json::document(url, body)?.get("releases")))
    }

    /// Reads dist.json, of which nothing but `releases` can be relied on.
    pub(crate) fn of_dist(url: &Url, dist: &Name, value: &Value) -> Result<Self, String> {
        let name = field(value, "name").unwrap_or_else(|_| dist.clone());
        let releases = value.get("releases").ok_or("it has no `releases`")?;
        let mut listing = Self::default();
        listing.add(url, name.as_str(), None, releases);
        Ok(listing)
    }

    /// Reads the `releases` of user.json and tag.json: by distribution, then by status. An author without any has none.
    pub(crate) fn by_dist(url: &Url, user: Option<&Name>, value: Option<&Value>) -> Self {
        let mut listing = Self::default();
        match value {
            None | Some(Value::Null) => {}
            Some(Value::Object(dists)) => {
                for (dist, releases) in dists.iter().take(MAX) {
                    listing.add(url, dist, user, releases);
                }
            }
            Some(other) => listing.unreadable.push(Unreadable::new(url, other, "`releases` is not an object")),
        }
        listing
    }

    /// Adds one distribution's releases: status → list.
    fn add(&mut self, url: &Url, dist: &str, user: Option<&Name>, releases: &Value) {
        let Some(statuses) = releases.as_object() else {
            self.refuse(url, dist, releases, format!("the releases of `{}` are not an object", short(dist)));
            return;
        };
        let rank = |status: &str| status.parse::<Status>().map_or(u8::MAX, |status| status as u8);
        let mut lists: Vec<_> = statuses.iter().filter(|(_, list)| list.is_array()).collect();
        lists.sort_by_key(|(status, _)| rank(status));
        for (status, list) in lists {
            for entry in list.as_array().into_iter().flatten() {
                if self.releases.len() + self.unreadable.len() >= MAX {
                    return;
                }
                match listed(dist, status, user, entry) {
                    Ok(listed) => self.releases.push(listed),
                    Err(why) => self.refuse(url, dist, entry, why),
                }
            }
        }
    }

    fn refuse(&mut self, url: &Url, dist: &str, entry: &Value, why: String) {
        let mut unreadable = Unreadable::new(url, entry, why);
        unreadable.dist.get_or_insert_with(|| short(dist));
        self.unreadable.push(unreadable);
    }
}

/// One entry of a status's list: an object, or just a version.
fn listed(dist: &str, status: &str, user: Option<&Name>, entry: &Value) -> Result<Listed, String> {
    let version = match entry {
        Value::Object(_) => field(entry, "version")?,
        other => json::text(Some(other)).ok_or("it has no `version`")?.parse().map_err(as_text)?,
    };
    Ok(Listed {
        dist: dist.parse().map_err(as_text)?,
        version,
        status: status.parse().ok(),
        date: json::moment(entry.get("date")),
        user: user.cloned(),
    })
}

impl User {
    /// Reads the body of a user.json that is at hand, as [`crate::Registry::user`] reads what it asks for.
    pub fn parse(url: &Url, asked: &Name, body: &[u8]) -> Result<Self, Error> {
        let value = json::document(url, body)?;
        Self::read(url, asked, &value).map_err(|why| Error::Shape { url: url.clone(), why })
    }

    pub(crate) fn read(url: &Url, asked: &Name, value: &Value) -> Result<Self, String> {
        if !value.is_object() {
            return Err("a user is not a JSON object".to_owned());
        }
        let nickname = field(value, "nickname").unwrap_or_else(|_| asked.clone());
        let listing = Listing::by_dist(url, Some(&nickname), value.get("releases"));
        Ok(Self {
            name: json::text(value.get("name")),
            email: json::text(value.get("email")),
            uri: json::text(value.get("uri")),
            listing,
            nickname,
        })
    }
}

/// Reads a list of objects that each name a user under `key`, as user lists and statistics do.
pub(crate) fn users(url: &Url, list: &Value, key: &str) -> Result<(Vec<UserEntry>, Vec<Unreadable>), String> {
    let list = list.as_array().ok_or("it is not a list")?;
    let (mut users, mut unreadable) = (Vec::new(), Vec::new());
    for entry in list.iter().take(MAX) {
        match field(entry, key) {
            Ok(user) => users.push(UserEntry { user, name: json::text(entry.get("name")) }),
            Err(why) => unreadable.push(Unreadable::new(url, entry, why)),
        }
    }
    Ok((users, unreadable))
}

/// A field that has to be there and of the right form.
fn field<T>(entry: &Value, key: &str) -> Result<T, String>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = json::text(entry.get(key)).ok_or_else(|| format!("it has no `{key}`"))?;
    text.parse().map_err(as_text)
}

fn as_text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
