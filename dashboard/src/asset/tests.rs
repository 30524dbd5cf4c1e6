use std::collections::BTreeMap;

use super::*;

/// The custom properties of the light theme, and those of the dark one on top of them.
fn themes() -> [BTreeMap<&'static str, &'static str>; 2] {
    let (light, dark) = STYLE.split_once("@media (prefers-color-scheme: dark)").expect("the sheet has a dark theme");
    let read = |text: &'static str| {
        let root = text.split_once(":root").expect("the theme has a root").1.split_once('{').unwrap().1;
        let block = root.split_once('}').unwrap().0;
        block.split(';').filter_map(|line| line.trim().strip_prefix("--")?.split_once(": ")).collect::<BTreeMap<_, _>>()
    };
    let light = read(light);
    let mut both = light.clone();
    both.extend(read(dark));
    [light, both]
}

fn luminance(colour: &str) -> f64 {
    let hex = colour.strip_prefix('#').unwrap_or_else(|| panic!("{colour} is not #rrggbb"));
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

fn contrast(left: &str, right: &str) -> f64 {
    let (left, right) = (luminance(left), luminance(right));
    (left.max(right) + 0.05) / (left.min(right) + 0.05)
}

#[test]
fn every_word_can_be_read_in_both_themes() {
    let words = ["fg", "soft", "accent", "pass", "fail", "blocked", "env"];
    for theme in themes() {
        for word in words {
            for ground in ["bg", "tint"] {
                let ratio = contrast(theme[word], theme[ground]);
                assert!(ratio >= 4.5, "{word} {} on {ground} {}: {ratio:.2}", theme[word], theme[ground]);
            }
        }
        for (word, ground) in
            [("pass", "pass-bg"), ("fail", "fail-bg"), ("fg", "fail-bg"), ("fg", "pass-bg"), ("fg", "mark-bg")]
        {
            let ratio = contrast(theme[word], theme[ground]);
            assert!(ratio >= 4.5, "{word} {} on {ground} {}: {ratio:.2}", theme[word], theme[ground]);
        }
    }
}

#[test]
fn every_terminal_colour_can_be_read_in_both_themes() {
    for theme in themes() {
        for colour in (0..16).map(|number| format!("t{number}")) {
            let ratio = contrast(theme[colour.as_str()], theme["tint"]);
            assert!(ratio >= 4.5, "{colour} {}: {ratio:.2}", theme[colour.as_str()]);
        }
    }
}

#[test]
fn the_style_asks_for_nothing_from_elsewhere() {
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains("@font-face"));
}

#[test]
fn a_theme_that_is_forced_is_the_theme_that_is_asked_for() {
    let properties = |from: &str| -> Vec<&str> {
        let block = STYLE.split_once(from).expect("the sheet has it").1.split_once('}').unwrap().0;
        block.split('{').next_back().unwrap().split(';').map(str::trim).filter(|line| line.starts_with("--")).collect()
    };
    let dark = properties("@media (prefers-color-scheme: dark)");
    assert_eq!(properties(".theme-dark {"), dark);
    assert!(dark.len() > 20 && STYLE.contains(":root, .theme-light {"), "{dark:?}");
}
