//! What every Atom feed (RFC 4287) of the farm begins with.

use protocol::Timestamp;

use crate::Dashboard;

/// The head of a feed, as `feed_head.xml` writes it.
pub(crate) struct Head {
    pub title: String,
    /// The site's address, without a slash at its end.
    pub site: String,
    /// The feed's own address, and that of the page beside it.
    pub own: String,
    pub page: String,
    pub updated: String,
}

impl Head {
    /// That of a feed beside a page, of which the newest entry is from a moment; a feed without entries is as new as can be.
    pub(crate) fn new(
        dashboard: &Dashboard,
        title: String,
        (own, page): (String, String),
        newest: Option<Timestamp>,
    ) -> Self {
        let site = dashboard.site().public_url.as_str().trim_end_matches('/').to_owned();
        Self { title, site, own, page, updated: newest.unwrap_or_else(|| dashboard.now()).to_string() }
    }
}
