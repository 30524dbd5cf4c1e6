//! `/users/`: the users of a letter; and `/users/{letter}.json`, where the registry has no such lists, in PGXN's shape.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use pgxn::UserEntry;
use serde::Serialize;
use serde_json::json;
use store::releases;

use super::{line, own};
use crate::answer::Ask;
use crate::fault::{Fault, Link};
use crate::frame::Frame;
use crate::pages::nothing_here;
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
    /// Whether the farm made the list itself, of those whose releases it has read.
    pub own: bool,
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

/// No letter of the registry has so many.
const MOST: u32 = 1_000;

/// Every letter that a list can have.
const LETTERS: std::ops::RangeInclusive<char> = 'a'..='z';

/// `/users/`, with the letter in `c` as on pgxn.org.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let asked = ask.get("c").and_then(|text| text.chars().next()).map(|letter| letter.to_ascii_lowercase());
    let letter = asked.filter(char::is_ascii_lowercase).unwrap_or('a');
    let read = dashboard.documents().userlist(letter).await?;
    let own = read.is_none();
    let (list, stale) = match read {
        Some(read) => (read.value, read.stale),
        None => (uploaders(&dashboard, letter).await?, None),
    };
    let user = |entry: &UserEntry| User {
        link: Link { href: address::user(entry.user.as_str()), text: entry.user.to_string() },
        name: line(entry.name.as_deref().unwrap_or_default()),
    };
    let view = View { letter, users: list.iter().map(user).collect(), stale, own };
    ask.answer(&view, || {
        let json = ask.keeping("/users/?format=json", &["c"]);
        let frame = Frame::new(dashboard.site(), "Users", "Who has uploaded to the registry.").with_json(json);
        Page { frame, view: &view }
    })
}

/// `/users/{letter}.json`, where the registry has none of the kind; where it has, its own is passed on before it comes to this.
pub(crate) async fn document(
    State(dashboard): State<Dashboard>,
    Path(file): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let Some(letter) = file.strip_suffix(".json") else { return Err(nothing_here().await) };
    let letter = letter.parse::<char>().ok().filter(char::is_ascii_lowercase);
    let Some(letter) = letter else { return Ok(own::missing()) };
    let users = uploaders(&dashboard, letter).await?;
    let entry = |entry: &UserEntry| json!({ "user": entry.user.key(), "name": entry.name });
    let list: Vec<_> = users.iter().map(entry).collect();
    if list.is_empty() { Ok(own::missing()) } else { own::document(&ask, &list) }
}

/// Who uploaded what the farm has read, by nickname; with their names, where those are known.
async fn uploaders(dashboard: &Dashboard, letter: char) -> Result<Vec<UserEntry>, Fault> {
    let users = releases::uploaders(&mut dashboard.store().read().await?, letter, MOST).await?;
    let made = dashboard.catalogue().made();
    let name = |key: &str| made.as_ref().and_then(|made| made.user_name(key)).map(str::to_owned);
    let entry = |user: protocol::Name| UserEntry { name: name(&user.key()).or(Some(user.to_string())), user };
    Ok(users.into_iter().map(entry).collect())
}
