//! Licences and addresses of META. They are the author's texts: whoever shows a link checks its scheme first.

use serde_json::Value;

use crate::json;

/// One licence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// A keyword of the specification, a name, or an SPDX expression.
    pub name: String,
    /// Its text, where META names one.
    pub url: Option<String>,
}

/// Where to read more and where to complain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// The project's page.
    pub homepage: Option<String>,
    /// Where to report a bug in a browser.
    pub bugtracker_web: Option<String>,
    /// Where to report a bug by mail.
    pub bugtracker_mailto: Option<String>,
    /// Where the source is fetched from.
    pub repository_url: Option<String>,
    /// Where the source is read in a browser.
    pub repository_web: Option<String>,
}

impl Resources {
    /// Reads META 1's objects and META 2's plain addresses.
    pub(super) fn read(value: Option<&Value>) -> Self {
        let Some(resources) = value else { return Self::default() };
        let field = |of: &str, key: &str| json::text(resources.get(of).and_then(|inner| inner.get(key)));
        let plain = |key: &str| json::text(resources.get(key));
        Self {
            homepage: plain("homepage"),
            bugtracker_web: field("bugtracker", "web").or_else(|| plain("bugtracker")).or_else(|| plain("issues")),
            bugtracker_mailto: field("bugtracker", "mailto"),
            repository_url: field("repository", "url").or_else(|| plain("repository")),
            repository_web: field("repository", "web"),
        }
    }
}

/// Reads a licence given as a word, as a list of words, or as an object of names and addresses.
pub(super) fn licenses(value: Option<&Value>) -> Vec<License> {
    match value {
        Some(Value::Object(map)) => {
            map.iter().map(|(name, url)| License { name: name.clone(), url: json::text(Some(url)) }).collect()
        }
        other => json::texts(other).into_iter().map(|name| License { name, url: None }).collect(),
    }
}
