//! The last step: what the page adds to a document that was sanitised. Headings at the page's levels that can be linked to, a list of them, coloured code,
//! tables that scroll by themselves, and words where a picture cannot be shown.

use std::collections::HashSet;
use std::fmt::Write;

use crate::clean::{ID_PREFIX, LANGUAGE};
use crate::code;
use crate::outline::{Heading, Levels, Slugs};
use crate::tags::{Piece, escape, pieces, unescape};

/// Lines longer than this make a text scroll sideways by itself, on pages that may be narrow.
const WIDE: usize = 60;

/// A document that is ready for a page.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    pub html: String,
    pub headings: Vec<Heading>,
}

/// What is open and gathered until it ends.
struct Held {
    name: String,
    id: Option<String>,
    language: Option<String>,
    html: String,
    text: String,
}

struct Finish {
    out: Finished,
    held: Option<Held>,
    levels: Levels,
    slugs: Slugs,
    /// The ids that were written.
    seen: HashSet<String>,
    tables: usize,
}

/// Finishes a document whose highest heading gets the level `top`.
pub(crate) fn finish(clean: &str, top: u8) -> Finished {
    let (highest, slugs) = survey(clean);
    let mut finish = Finish {
        out: Finished::default(),
        held: None,
        levels: Levels::new(highest, top),
        slugs,
        seen: HashSet::new(),
        tables: 0,
    };
    for piece in pieces(clean) {
        match piece {
            Piece::Text(text) => finish.text(text),
            Piece::Open(name, attributes) => finish.open(&name, &attributes),
            Piece::Close(name) => finish.close(&name),
        }
    }
    finish.out
}

/// The highest level of a heading that says something, and the ids that there are.
fn survey(clean: &str) -> (u8, Slugs) {
    let (mut highest, mut slugs, mut within) = (6, Slugs::default(), None);
    for piece in pieces(clean) {
        let says = match piece {
            Piece::Open(name, attributes) => {
                within = level(&name).or(within);
                let get = |key: &str| attributes.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
                if let Some(id) = get("id") {
                    slugs.take(id);
                }
                name == "img" && get("src").is_none() && get("alt").is_some_and(|alt| !alt.trim().is_empty())
            }
            Piece::Close(name) => {
                within = within.filter(|_| level(&name).is_none());
                false
            }
            Piece::Text(text) => !text.trim().is_empty(),
        };
        if let Some(level) = within.filter(|_| says) {
            highest = highest.min(level);
        }
    }
    (highest, slugs)
}

/// The level of a heading.
fn level(name: &str) -> Option<u8> {
    let level = name.strip_prefix('h')?.parse().ok()?;
    (1..=6).contains(&level).then_some(level)
}

impl Finish {
    fn push(&mut self, html: &str) {
        let to = self.held.as_mut().map_or(&mut self.out.html, |held| &mut held.html);
        to.push_str(html);
    }

    fn text(&mut self, text: &str) {
        if let Some(held) = &mut self.held {
            held.text.push_str(&unescape(text));
        }
        self.push(text);
    }

    fn open(&mut self, name: &str, attributes: &[(String, &str)]) {
        let get = |key: &str| attributes.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
        let id = get("id").filter(|id| self.seen.insert((*id).to_owned())).map(str::to_owned);
        if name == "img" && get("src").is_none() {
            let alt = get("alt").unwrap_or_default().to_owned();
            return self.text(&alt);
        }
        if self.held.is_none() && (level(name).is_some() || name == "pre") {
            let (name, html, text) = (name.to_owned(), String::new(), String::new());
            self.held = Some(Held { name, id, language: None, html, text });
            return;
        }
        if name == "code"
            && let Some(held) = self.held.as_mut().filter(|held| held.name == "pre")
        {
            held.language = get("class").and_then(|class| class.strip_prefix(LANGUAGE)).map(str::to_lowercase);
        }
        if name == "table" {
            self.tables += 1;
            let group =
                format!("<div class=\"across\" role=\"group\" tabindex=\"0\" aria-label=\"Table {}\">", self.tables);
            self.push(&group);
        }
        let mut tag = format!("<{name}");
        for (key, value) in attributes {
            match key.as_str() {
                "id" => {
                    if let Some(id) = &id {
                        let _ = write!(tag, " id=\"{id}\"");
                    }
                }
                "class" => {}
                // Who is linked to says nothing of other sites where it is this one.
                "rel" if get("href").is_none_or(|href| href.starts_with(['/', '#'])) => {}
                key => {
                    let _ = write!(tag, " {key}=\"{value}\"");
                }
            }
        }
        tag.push('>');
        self.push(&tag);
    }

    fn close(&mut self, name: &str) {
        if let Some(held) = self.held.take_if(|held| held.name == name) {
            return if name == "pre" { self.code(&held) } else { self.heading(&held) };
        }
        self.push(&format!("</{name}>"));
        if name == "table" {
            self.push("</div>");
        }
    }

    fn heading(&mut self, held: &Held) {
        let text = held.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let Some(level) = level(&held.name).filter(|_| !text.is_empty()) else {
            // A picture alone is no heading.
            let id = held.id.as_ref().map(|id| format!(" id=\"{id}\"")).unwrap_or_default();
            let _ = write!(self.out.html, "<p{id}>{}</p>", held.html);
            return;
        };
        let level = self.levels.next(level);
        let id = match &held.id {
            Some(id) => id.clone(),
            None => format!("{ID_PREFIX}{}", self.slugs.new_for(&text)),
        };
        self.seen.insert(id.clone());
        let label = escape(&text);
        let _ = write!(
            self.out.html,
            "<h{level} id=\"{id}\">{} <a class=\"here\" href=\"#{id}\" aria-label=\"Link to “{label}”\">#</a></h{level}>",
            held.html
        );
        self.out.headings.push(Heading { level, id, text });
    }

    fn code(&mut self, held: &Held) {
        let id = held.id.as_ref().map(|id| format!(" id=\"{id}\"")).unwrap_or_default();
        let is_wide = held.text.lines().any(|line| line.chars().count() > WIDE);
        let wide = if is_wide { " class=\"wide\" tabindex=\"0\"" } else { "" };
        // What has tags of its own keeps them.
        let inner = held.html.strip_prefix("<code>").and_then(|html| html.strip_suffix("</code>"));
        let bare = inner.unwrap_or(&held.html);
        let html = if bare.contains('<') { bare.to_owned() } else { code::html(&held.text, held.language.as_deref()) };
        let _ = match inner {
            Some(_) => write!(self.out.html, "<pre{id}{wide}><code>{html}</code></pre>"),
            None => write!(self.out.html, "<pre{id}{wide}>{html}</pre>"),
        };
    }
}
