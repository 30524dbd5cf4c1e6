//! What the making of images says while it goes on: a minute or two pass, and a person wants to see on what.

use protocol::Target;

/// Something that happened while an image was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A new part of the work begins.
    Step {
        /// What is done now, in a few words: `install packages`.
        text: String,
        /// How much of the work is behind, where that is known.
        percent: Option<u8>,
    },
    /// A line that a tool printed; without escape sequences, at most 500 characters.
    Line(String),
    /// Something a person should know although the work goes on, such as a source that does not answer.
    Note(String),
}

/// Listens to the making of images.
pub trait Progress: Send + Sync {
    /// Hears of an event; returns at once.
    fn heard(&self, target: Target, event: Event);
}

/// Listens to nothing.
impl Progress for () {
    fn heard(&self, _: Target, _: Event) {}
}

impl<F: Fn(Target, Event) + Send + Sync> Progress for F {
    fn heard(&self, target: Target, event: Event) {
        self(target, event);
    }
}

/// A [`Progress`] that knows of which target it is told.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) target: Target,
    pub(super) to: &'a dyn Progress,
}

impl Told<'_> {
    pub(super) fn step(&self, text: impl Into<String>, percent: Option<u8>) {
        self.to.heard(self.target, Event::Step { text: text.into(), percent });
    }

    pub(super) fn line(&self, text: String) {
        self.to.heard(self.target, Event::Line(text));
    }

    pub(super) fn note(&self, text: impl Into<String>) {
        self.to.heard(self.target, Event::Note(text.into()));
    }
}

/// A line of a tool as a person may see it: no escape sequences, no control characters, not too long. Progress bars that overwrite
/// themselves leave their last state.
pub(super) fn plain(line: &str) -> String {
    let line = line.trim_end_matches(['\n', '\r']);
    let line = line.rsplit('\r').next().unwrap_or_default();
    let mut text = String::new();
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            if rest.next_if_eq(&'[').is_some() {
                rest.by_ref().find(char::is_ascii_alphabetic);
            }
        } else if c == '\t' {
            text.push(' ');
        } else if !c.is_control() {
            text.push(c);
        }
        if text.len() >= 500 {
            break;
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_loses_colours_and_overwritten_bars() {
        assert_eq!(plain("\u{1b}[91mE: no\u{1b}[0m\n"), "E: no");
        assert_eq!(plain("Reading 5%\rReading 100%\r\n"), "Reading 100%");
        assert_eq!(plain(&"x".repeat(9_000)).len(), 500);
    }
}
