//! Headings: their levels, their ids, and which of them a list of contents shows.

use std::collections::{HashMap, HashSet};

use crate::clean::ID_PREFIX;

/// A longer list of contents is cut.
const MOST: usize = 120;
const MOST_SLUG_CHARS: usize = 80;

/// A heading of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// Its level on the page.
    pub level: u8,
    /// Its id, with [`ID_PREFIX`].
    pub id: String,
    /// Its text.
    pub text: String,
}

/// The headings that a list of contents shows: those of the two highest levels, without a title that stands alone above all. Fewer than three headings
/// need no list.
pub fn contents(headings: &[Heading]) -> Vec<Heading> {
    let mut levels: Vec<u8> = headings.iter().map(|heading| heading.level).collect();
    levels.sort_unstable();
    let has_title = levels.first().is_some_and(|first| levels.get(1) != Some(first));
    levels.dedup();
    let shown = levels.iter().skip(usize::from(has_title)).take(2).copied().collect::<Vec<_>>();
    let listed = headings.iter().filter(|heading| shown.contains(&heading.level)).take(MOST);
    if headings.len() < 3 { Vec::new() } else { listed.cloned().collect() }
}

/// What a heading's id is made of, as GitHub does it.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.trim().to_lowercase().chars().take(MOST_SLUG_CHARS) {
        match c {
            ' ' => slug.push('-'),
            '-' | '_' => slug.push(c),
            c if c.is_alphanumeric() => slug.push(c),
            _ => {}
        }
    }
    if slug.is_empty() { "section".to_owned() } else { slug }
}

/// The ids of a document.
#[derive(Default)]
pub(crate) struct Slugs {
    taken: HashSet<String>,
    next: HashMap<String, u32>,
}

impl Slugs {
    /// An id that the document has itself.
    pub(crate) fn take(&mut self, id: &str) {
        self.taken.insert(id.strip_prefix(ID_PREFIX).unwrap_or(id).to_owned());
    }

    /// An id for a heading that has none.
    pub(crate) fn new_for(&mut self, text: &str) -> String {
        let slug = slug(text);
        let next = self.next.entry(slug.clone()).or_default();
        loop {
            let id = if *next == 0 { slug.clone() } else { format!("{slug}-{next}") };
            *next += 1;
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// Levels of headings as a page has them: from its own on, and none left out on the way down.
pub(crate) struct Levels {
    highest: u8,
    top: u8,
    before: u8,
}

impl Levels {
    /// For a document whose highest level is `highest`, on a page where that is to be `top`.
    pub(crate) const fn new(highest: u8, top: u8) -> Self {
        Self { highest, top, before: top.saturating_sub(1) }
    }

    /// The level of the next heading.
    pub(crate) fn next(&mut self, level: u8) -> u8 {
        self.before = (level.saturating_sub(self.highest) + self.top).min(self.before + 1).min(6);
        self.before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(levels: &[u8]) -> Vec<Heading> {
        let heading = |level: &u8| Heading { level: *level, id: String::new(), text: String::new() };
        levels.iter().map(heading).collect()
    }

    fn shown(levels: &[u8]) -> Vec<u8> {
        contents(&headings(levels)).iter().map(|heading| heading.level).collect()
    }

    #[test]
    fn contents_are_two_levels_below_a_title_where_there_are_three_headings() {
        assert_eq!(shown(&[2, 3, 4, 5, 3, 4]), [3, 4, 3, 4]);
        assert_eq!(shown(&[2, 2, 2]), [2, 2, 2]);
        assert_eq!(shown(&[2, 3, 3]), [3, 3]);
        assert_eq!(shown(&[2, 3, 4, 4]), [3, 4, 4]);
        assert!(shown(&[2, 3]).is_empty() && shown(&[]).is_empty());
        assert_eq!(shown(&[3; 500]).len(), MOST);
    }

    #[test]
    fn levels_begin_with_the_pages_and_leave_none_out() {
        let mut levels = Levels::new(1, 3);
        assert_eq!([1, 2, 4, 3, 6, 6, 6, 2].map(|level| levels.next(level)), [3, 4, 5, 5, 6, 6, 6, 4]);
        let mut levels = Levels::new(2, 2);
        assert_eq!([4, 2, 3].map(|level| levels.next(level)), [2, 2, 3]);
    }

    #[test]
    fn ids_are_those_of_github_and_each_is_there_once() {
        assert_eq!(slug(" Use it: `CREATE EXTENSION`, _now_! "), "use-it-create-extension-_now_");
        assert_eq!(slug("!?"), "section");
        let mut slugs = Slugs::default();
        slugs.take("doc-a");
        assert_eq!(["A", "a", "b", "b-1", "b"].map(|text| slugs.new_for(text)), ["a-1", "a-2", "b", "b-1", "b-2"]);
    }
}
