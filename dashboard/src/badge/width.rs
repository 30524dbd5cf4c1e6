//! How wide a text is on a badge, and which of its characters may stand there.
//!
//! ASCII has the widths of Verdana, in which badges are set elsewhere, so that ours sit well beside them; what Verdana may lack those of
//! `DejaVu` Sans, which is made to match it (`widths.txt`, by `widths.py`). Another font is stretched to the same width.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

/// Widths in Verdana at 2048 units to the em, from the space to the tilde.
const ASCII: [u16; 95] = [
    720, 806, 940, 1676, 1302, 2204, 1488, 550, 930, 930, 1302, 1676, 745, 930, 745, 930, 1302, 1302, 1302, 1302, 1302,
    1302, 1302, 1302, 1302, 1302, 930, 930, 1676, 1676, 1676, 1117, 2048, 1400, 1404, 1430, 1578, 1295, 1177, 1588,
    1539, 862, 931, 1419, 1140, 1726, 1532, 1612, 1235, 1612, 1424, 1400, 1262, 1499, 1400, 2025, 1403, 1260, 1403,
    930, 930, 930, 1676, 1302, 1302, 1230, 1276, 1067, 1276, 1220, 720, 1276, 1296, 562, 705, 1212, 562, 1992, 1296,
    1243, 1276, 1276, 874, 1067, 807, 1296, 1212, 1676, 1212, 1212, 1076, 1300, 930, 1300, 1676,
];

/// Widths beyond ASCII, by character.
static WIDTHS: LazyLock<BTreeMap<u32, u16>> = LazyLock::new(|| read(include_str!("widths.txt")));

const FONT_PIXELS: u32 = 11;
const UNITS: u32 = 2048;
/// An en dash in Verdana is as wide as a digit.
const EN_DASH: u32 = 1302;
/// A longer text is cut off.
const MOST_CHARS: usize = 80;

/// What cannot be seen: the soft hyphen, marks of direction, joiners, invisible operators, variation selectors, tags.
const UNSEEN: [RangeInclusive<char>; 10] = [
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{e0000}'..='\u{e0fff}',
];

fn read(table: &str) -> BTreeMap<u32, u16> {
    let mut widths = BTreeMap::new();
    for line in table.lines() {
        let mut words = line.split(' ');
        let first = words.next().and_then(|word| u32::from_str_radix(word, 16).ok());
        widths.extend(first.into_iter().flat_map(|first| first..).zip(words.filter_map(|word| word.parse().ok())));
    }
    widths
}

/// The width of a text in pixels, rounded up.
pub(super) fn width(text: &str) -> u32 {
    let units: u32 = text.chars().map(units).sum();
    (units * FONT_PIXELS).div_ceil(UNITS)
}

fn units(c: char) -> u32 {
    match u32::from(c) {
        code @ 0x20..=0x7e => u32::from(ASCII[code as usize - 0x20]),
        0x2013 => EN_DASH,
        // What no table has, such as the scripts of East Asia and pictures, is taken to be as wide as it is high.
        code => WIDTHS.get(&code).map_or(UNITS, |width| u32::from(*width)),
    }
}

/// A text that can stand on a badge, whoever wrote it: of one line, without what cannot be seen or what turns the order of words around.
pub(super) fn harmless(text: &str) -> String {
    let mut shown: String = text.chars().filter_map(shown).take(MOST_CHARS + 1).collect();
    if let Some((end, _)) = shown.char_indices().nth(MOST_CHARS) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

fn shown(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        // XML has no way to write these at all.
        '\u{fffe}' | '\u{ffff}' => Some('\u{fffd}'),
        _ if c.is_control() => Some('\u{fffd}'),
        _ if UNSEEN.iter().any(|range| range.contains(&c)) => None,
        _ => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_covers_every_printable_character_of_ascii() {
        assert!(('\u{20}'..='\u{7e}').all(|c| (500..=2204).contains(&units(c))));
        assert!(units('i') < units('n') && units('n') < units('W'));
    }

    #[test]
    fn letters_beyond_ascii_have_their_own_widths_and_accents_that_stand_on_others_none() {
        assert!(WIDTHS.len() > 2_000, "{}", WIDTHS.len());
        for (narrow, wide) in [('í', 'ñ'), ('ι', 'ω'), ('г', 'ж'), ('i', '漢'), ('–', '—')] {
            assert!(units(narrow) < units(wide), "{narrow} {wide}");
        }
        assert_eq!((units('é'), units('\u{301}'), units('漢'), units('🦀')), (1_260, 0, UNITS, UNITS));
    }

    #[test]
    fn a_wider_text_makes_a_wider_badge() {
        assert!(width("15–18 passing") > width("18 passing"));
        assert_eq!((width(""), width("18")), (0, 14));
        assert!(width("iiii") < width("WWWW") / 3);
    }

    #[test]
    fn nothing_turns_the_words_around_or_hides_in_them() {
        assert_eq!(harmless("gnp.\u{202e}exe\u{200b}\u{feff}"), "gnp.exe");
        assert_eq!(harmless("a\nb\u{1}c\u{2028}d\u{7f}"), "a b\u{fffd}c d\u{fffd}");
        assert_eq!(harmless(&"x".repeat(MOST_CHARS)), "x".repeat(MOST_CHARS));
        assert_eq!(harmless(&"x".repeat(500)).chars().count(), MOST_CHARS + 1);
    }

    proptest! {
        #[test]
        fn whatever_is_written_stays_within_bounds(text in "\\PC{0,200}|(?s).{0,200}") {
            let shown = harmless(&text);
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert_eq!(&harmless(&shown), &shown);
            prop_assert!(width(&shown) <= u32::try_from(MOST_CHARS + 1).unwrap() * 14);
        }
    }
}
