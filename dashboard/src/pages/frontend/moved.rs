//! Addresses that pgxn.org has given up (pgxn-site, its 301s), for links that still have them.

use axum::response::Redirect;

use crate::answer::Ask;

/// Old addresses, and where what stood there is now.
pub(crate) const MOVED: [(&str, &str); 6] = [
    ("/index.html", "/"),
    ("/contact.html", "/feedback/"),
    ("/contributors.html", "/donors/"),
    ("/mirroring.html", "/mirroring/"),
    ("/faq.html", "/faq/"),
    ("/meta/spec.html", "/spec/"),
];

/// The answer to an old address.
pub(crate) async fn show(ask: Ask) -> Redirect {
    let to = MOVED.iter().find(|(old, _)| *old == ask.path()).map_or("/", |(_, new)| new);
    ask.moved(to)
}
