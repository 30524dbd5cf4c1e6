//! What is found, in the shapes of PGXN's API server.

use serde::{Deserialize, Serialize};

/// The answer to a question.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// What was asked for.
    pub query: String,
    /// How many hits were left out at the beginning.
    pub offset: usize,
    /// How many follow at most.
    pub limit: usize,
    /// How many there are in all.
    pub count: usize,
    /// The hits, the best first.
    pub hits: Vec<Hit>,
}

/// A hit. Which fields it has depends on what was searched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// A document's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// An extension's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// A tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// A user's name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One line about it.
    #[serde(default, rename = "abstract", skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The distribution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dist: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where a document lies in it, without its suffix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docpath: Option<String>,
    /// When it was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Who uploaded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Their name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// HTML: what was found around the words that were asked for, which are `<strong>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    /// How good it is, with three decimals; a text, as the API server has it.
    #[serde(default)]
    pub score: String,
}
