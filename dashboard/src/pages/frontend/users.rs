//! `/users/`: the users of a letter.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::line;
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::{Dashboard, address};

/// The users of a letter as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The letter.
    pub letter: char,
    /// Those whose nickname begins with it: their page, and their name.
    pub users: Vec<User>,
    /// Why this may be out of date.
    pub stale: Option<String>,
}

/// A user in the list.
#[derive(Debug, Serialize)]
pub(crate) struct User {
    /// Their page.
    #[serde(flatten)]
    pub link: Link,
    /// Their name for people.
    pub name: String,
}

#[derive(Template)]
#[template(path = "users.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// Every letter that a list can have.
const LETTERS: std::ops::RangeInclusive<char> = 'a'..='z';

/// `/users/`, with the letter in `c` as on pgxn.org.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let asked = ask.get("c").and_then(|text| text.chars().next()).map(|letter| letter.to_ascii_lowercase());
    let letter = asked.filter(char::is_ascii_lowercase).unwrap_or('a');
    let read = dashboard.documents().userlist(letter).await?;
    let (list, stale) = read.map_or_else(Default::default, |read| (read.value, read.stale));
    let user = |entry: &pgxn::UserEntry| User {
        link: Link { href: address::user(entry.user.as_str()), text: entry.user.to_string() },
        name: line(entry.name.as_deref().unwrap_or_default()),
    };
    let view = View { letter, users: list.iter().map(user).collect(), stale };
    ask.answer(&view, || {
        let json = ask.keeping("/users/?format=json", &["c"]);
        let frame = Frame::new(dashboard.site(), "Users", "Who has uploaded to the registry.").with_json(json);
        Page { frame, view: &view }
    })
}
