//! Badges: an SVG that is as wide as its words, whatever font draws it, and the same for who draws it elsewhere (shields.io).

use askama::Template;
use serde::Serialize;

use crate::mark::Mark;

mod width;

use width::{harmless, width};

const PADDING: u32 = 6;

/// What a badge says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    /// What about: the left half.
    pub label: String,
    /// What: the right half.
    pub message: String,
    /// The colour of the right half is that of this mark.
    pub mark: Mark,
}

impl Badge {
    /// The colour of its right half, dark enough for white words.
    pub(crate) const fn colour(&self) -> &'static str {
        match self.mark {
            Mark::Pass | Mark::Untested => "#00734f",
            Mark::Fail => "#b8320b",
            _ => "#5b6570",
        }
    }

    /// Its words, for who does not see it.
    pub(crate) fn words(&self) -> String {
        harmless(&format!("{}: {}", self.label, self.message))
    }

    /// The badge as an SVG.
    pub(crate) fn draw(&self) -> Result<String, askama::Error> {
        let (label, message) = (harmless(&self.label), harmless(&self.message));
        let (label_width, message_width) = (width(&label), width(&message));
        Drawing { label: &label, message: &message, colour: self.colour(), label_width, message_width }.render()
    }
}

#[derive(Template)]
#[template(path = "badge.svg", escape = "html")]
struct Drawing<'a> {
    label: &'a str,
    message: &'a str,
    colour: &'static str,
    label_width: u32,
    message_width: u32,
}

impl Drawing<'_> {
    fn label_box(&self) -> u32 {
        self.label_width + 2 * PADDING
    }

    fn message_box(&self) -> u32 {
        self.message_width + 2 * PADDING
    }

    fn width(&self) -> u32 {
        self.label_box() + self.message_box()
    }
}

/// A badge as shields.io asks for it: <https://shields.io/badges/endpoint-badge>.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Endpoint {
    schema_version: u8,
    label: String,
    message: String,
    color: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_error: bool,
}

impl Endpoint {
    /// What shields.io is told of a badge; `is_error` where there is nothing to say.
    pub(crate) fn of(badge: &Badge, is_error: bool) -> Self {
        Self {
            schema_version: 1,
            label: harmless(&badge.label),
            message: harmless(&badge.message),
            color: badge.colour(),
            is_error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn badge(label: &str, message: &str) -> Badge {
        Badge { label: label.into(), message: message.into(), mark: Mark::Pass }
    }

    #[test]
    fn a_hostile_text_stays_text() {
        let svg = badge("<script>", "\"&'\u{202e}\0").draw().unwrap();
        assert!(!svg.contains("<script>") && !svg.contains("\"&'"), "{svg}");
        assert!(!svg.contains('\u{202e}') && !svg.contains('\0'), "{svg}");
        assert_eq!(badge("a\u{202e}b", "c\nd").words(), "ab: c d");
    }

    #[test]
    fn a_badge_says_its_words_to_everybody() {
        insta::assert_snapshot!(badge("PostgreSQL", "15–18 passing").draw().unwrap());
    }

    #[test]
    fn who_draws_it_elsewhere_is_told_the_same() {
        let told = serde_json::to_value(Endpoint::of(&badge("PostgreSQL", "15–18 passing"), false)).unwrap();
        let expected = serde_json::json!({ "schemaVersion": 1, "label": "PostgreSQL", "message": "15–18 passing", "color": "#00734f" });
        assert_eq!(told, expected);
        assert_eq!(serde_json::to_value(Endpoint::of(&badge("a", "b"), true)).unwrap()["isError"], true);
    }
}
