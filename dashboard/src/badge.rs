//! The badge: an SVG that is as wide as its words, whatever font draws it.

use askama::Template;

use crate::mark::Mark;

/// Widths in Verdana at 2048 units to the em, from the space to the tilde: the font that badges elsewhere are set in, so that ours sit
/// well beside them. Other fonts are stretched to the same width by `textLength`.
const WIDTHS: [u16; 95] = [
    720, 806, 940, 1676, 1302, 2204, 1488, 550, 930, 930, 1302, 1676, 745, 930, 745, 930, 1302, 1302, 1302, 1302, 1302,
    1302, 1302, 1302, 1302, 1302, 930, 930, 1676, 1676, 1676, 1117, 2048, 1400, 1404, 1430, 1578, 1295, 1177, 1588,
    1539, 862, 931, 1419, 1140, 1726, 1532, 1612, 1235, 1612, 1424, 1400, 1262, 1499, 1400, 2025, 1403, 1260, 1403,
    930, 930, 930, 1676, 1302, 1302, 1230, 1276, 1067, 1276, 1220, 720, 1276, 1296, 562, 705, 1212, 562, 1992, 1296,
    1243, 1276, 1276, 874, 1067, 807, 1296, 1212, 1676, 1212, 1212, 1076, 1300, 930, 1300, 1676,
];

const FONT_PIXELS: u32 = 11;
const UNITS: u32 = 2048;
const PADDING: u32 = 6;

#[derive(Template)]
#[template(path = "badge.svg", escape = "html")]
struct Badge<'a> {
    label: &'a str,
    message: &'a str,
    colour: &'static str,
    label_width: u32,
    message_width: u32,
}

impl Badge<'_> {
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

/// Draws a badge; the colour is that of the mark, dark enough for white words.
pub(crate) fn draw(label: &str, message: &str, mark: Mark) -> Result<String, askama::Error> {
    let colour = match mark {
        Mark::Pass | Mark::Untested => "#00734f",
        Mark::Fail => "#b8320b",
        _ => "#5b6570",
    };
    Badge { label, message, colour, label_width: width(label), message_width: width(message) }.render()
}

/// The width of a text in pixels, rounded up.
fn width(text: &str) -> u32 {
    let units: u32 = text.chars().map(units).sum();
    (units * FONT_PIXELS).div_ceil(UNITS)
}

fn units(c: char) -> u32 {
    match u32::from(c) {
        code @ 0x20..=0x7e => u32::from(WIDTHS[code as usize - 0x20]),
        // The en dash is as wide as a digit; what is not Latin is taken to be as wide as it is high.
        0x2013 => 1302,
        0x80..0x250 => 1300,
        _ => UNITS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_covers_every_printable_character_of_ascii() {
        assert!(('\u{20}'..='\u{7e}').all(|c| (500..=2204).contains(&units(c))));
        assert!(units('i') < units('n') && units('n') < units('W'));
    }

    #[test]
    fn a_wider_text_makes_a_wider_badge() {
        assert!(width("15–18 passing") > width("18 passing"));
        assert_eq!((width(""), width("18")), (0, 14));
        assert!(width("iiii") < width("WWWW") / 3);
    }

    #[test]
    fn a_hostile_text_stays_text() {
        let svg = draw("<script>", "\"&'", Mark::Pass).unwrap();
        assert!(!svg.contains("<script>") && !svg.contains("\"&'"), "{svg}");
    }

    #[test]
    fn a_badge_says_its_words_to_everybody() {
        insta::assert_snapshot!(draw("PostgreSQL", "15–18 passing", Mark::Pass).unwrap());
    }
}
