//! What stands around every page: title, description, navigation, the registry's name.

use crate::{Site, asset};

/// The frame of a page.
#[derive(Clone, Debug)]
pub(crate) struct Frame<'a> {
    /// The farm.
    pub site: &'a Site,
    /// The title, without the farm's name.
    pub title: String,
    /// One sentence on the page, for search engines and previews.
    pub description: String,
    /// The address of the style sheet.
    pub style: String,
    /// The address of the page's script, where it has one.
    pub script: Option<String>,
    /// The address of the same page as JSON.
    pub json: Option<String>,
    /// The address of an Atom feed of what the page lists.
    pub feed: Option<String>,
    /// The address of an Atom feed of what turned red or green there.
    pub verdicts: Option<String>,
    /// What was searched for.
    pub query: String,
    /// Whether robots are to leave it out: what was searched for or chosen has no end of pages.
    pub noindex: bool,
    /// Whether the page has a search box of its own.
    pub searches: bool,
}

impl<'a> Frame<'a> {
    /// A frame with a title and a description.
    pub(crate) fn new(site: &'a Site, title: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            site,
            title: title.into(),
            description: description.into(),
            style: asset::style(),
            script: None,
            json: None,
            feed: None,
            verdicts: None,
            query: String::new(),
            noindex: false,
            searches: false,
        }
    }

    /// The same, with the address of its JSON.
    #[must_use]
    pub(crate) fn with_json(mut self, address: impl Into<String>) -> Self {
        self.json = Some(address.into());
        self
    }

    /// The same, with a script; the answer says so too: see `answer::with_script`.
    #[must_use]
    pub(crate) fn with_script(mut self, address: impl Into<String>) -> Self {
        self.script = Some(address.into());
        self
    }

    /// The same, with the feed of the page at `page`.
    #[must_use]
    pub(crate) fn with_feed(mut self, page: &str) -> Self {
        self.feed = Some(format!("{page}feed.atom"));
        self
    }

    /// The same, with the feed of what turned on the page at `page`.
    #[must_use]
    pub(crate) fn with_verdicts(mut self, page: &str) -> Self {
        self.verdicts = Some(format!("{page}verdicts.atom"));
        self
    }

    /// The registry's address as people write it.
    pub(crate) fn registry(&self) -> &str {
        self.site.registry_url.as_str().trim_end_matches('/')
    }
}
