use askama::Template;
use proptest::prelude::*;

use super::*;

fn line(bytes: &[u8]) -> Line {
    paint(bytes, 1, &mut Style::default(), &mut Budget::of_a_part())
}

fn spans(bytes: &[u8]) -> Vec<(String, String)> {
    line(bytes).spans.into_iter().map(|span| (span.class, span.text)).collect()
}

fn owned(spans: &[(&str, &str)]) -> Vec<(String, String)> {
    spans.iter().map(|(class, text)| ((*class).to_owned(), (*text).to_owned())).collect()
}

type Painted = &'static [(&'static str, &'static str)];

#[test]
fn colours_become_classes() {
    let cases: [(&[u8], Painted); 13] = [
        (b"plain", &[("", "plain")]),
        (b"\x1b[31mred\x1b[0m not", &[("f1", "red"), ("", " not")]),
        (b"\x1b[1;31merror:\x1b[m x", &[("b f1", "error:"), ("", " x")]),
        (b"\x1b[01;31m\x1b[Kerror: \x1b[m\x1b[Kno", &[("b f1", "error: "), ("", "no")]),
        (b"\x1b[92mok\x1b[39m.", &[("f10", "ok"), ("", ".")]),
        (b"\x1b[44;97mx", &[("f15 k4", "x")]),
        (b"\x1b[38;5;9mx\x1b[38;5;200my", &[("f9", "x"), ("", "y")]),
        (b"\x1b[38:5:3mx", &[("f3", "x")]),
        (b"\x1b[38;2;1;2;3;1mx", &[("b", "x")]),
        (b"\x1b[4mx\x1b[24my", &[("u", "x"), ("", "y")]),
        (b"\x1b[3;2mx\x1b[22;23my", &[("d i", "x"), ("", "y")]),
        (b"\x1b[999mx", &[("", "x")]),
        (b"\x1b[38mx", &[("", "x")]),
    ];
    for (bytes, expected) in cases {
        assert_eq!(spans(bytes), owned(expected), "{}", bytes.escape_ascii());
    }
}

#[test]
fn every_other_sequence_vanishes() {
    let cases: [(&[u8], &str); 8] = [
        (b"a\x1b[2Jb", "ab"),
        (b"a\x1b[10;10Hb", "ab"),
        (b"a\x1b]0;title\x07b", "ab"),
        (b"a\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        (b"a\x1b[?1049hb", "ab"),
        (b"a\x1bPq#0;2;0;0;0\x1b\\b", "ab"),
        (b"a\x1bcb", "ab"),
        (b"a\x1b]never ends", "a"),
    ];
    for (bytes, text) in cases {
        assert_eq!(line(bytes).text(), text, "{}", bytes.escape_ascii());
    }
}

#[test]
fn control_characters_are_made_visible() {
    assert_eq!(line(b"a\0b\tc\x08d\x07").text(), "aNULb\tcBSdBEL");
    assert_eq!(line(b"10%\r20%\r\n".strip_suffix(b"\n").unwrap()).text(), "10%CR20%");
}

#[test]
fn text_cannot_reorder_or_hide_itself() {
    assert_eq!(line("a\u{202e}b\u{200b}c".as_bytes()).text(), "aU+202EbU+200Bc");
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    assert_eq!(line(b"a\xff\xfeb\xc3").text(), "a\u{fffd}\u{fffd}b\u{fffd}");
}

#[test]
fn an_endless_line_is_cut_between_characters() {
    let bytes = "é".repeat(10_000).into_bytes();
    let line = line(&bytes);
    assert_eq!((line.text().chars().count(), line.cut), (2_000, 16_000));
    assert_eq!(floor_char(format!("a{}", "é".repeat(4_000)).as_bytes(), 4_000), 3_999);
    assert!(!line.text().contains('\u{fffd}'));
}

#[test]
fn a_line_of_many_looks_is_cut_before_the_first_that_has_no_room() {
    let painted = line("a\u{1}".repeat(1_000).as_bytes());
    assert_eq!((painted.spans.len(), painted.cut), (200, 1_800));
    let broken = line(&b"\x01\xff\xfe".repeat(1_000));
    assert_eq!((broken.spans.len(), broken.cut), (200, 2_700), "what is no text counts as what it was");
    let wide = line("é\u{202e}".repeat(200).as_bytes());
    assert_eq!((wide.spans.len(), wide.cut), (200, 500));
    let plain = line("a".repeat(4_000).as_bytes());
    assert_eq!((plain.spans.len(), plain.cut), (1, 0));
}

#[test]
fn what_the_lines_before_took_is_not_there_for_the_next() {
    let mut budget = Budget { bytes: 200, spans: 1_000 };
    let mut next = |text: &str| paint(text.as_bytes(), 1, &mut Style::default(), &mut budget).cut;
    let long = "x".repeat(300);
    assert_eq!([next(&long), next(&long), next("short")], [100, 220, 0]);
}

#[test]
fn a_style_lasts_over_the_end_of_a_line() {
    let mut style = Style::default();
    let mut budget = Budget::of_a_part();
    paint(b"\x1b[31mred", 1, &mut style, &mut budget);
    assert_eq!(paint(b"still", 2, &mut style, &mut budget).spans[0].class, "f1");
}

/// A line as every page writes it.
#[derive(Template)]
#[template(path = "line.html")]
struct Written<'a> {
    line: &'a Line,
}

/// Takes out the tags that the template writes; whatever is left of `<` or `"` came out of the log.
fn without_our_tags(html: &str) -> String {
    let mut rest = html;
    let mut text = String::new();
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start..=end];
        let ours = tag == "</span>"
            || tag.strip_prefix("<span class=\"").and_then(|it| it.strip_suffix("\">")).is_some_and(is_our_class);
        assert!(ours, "{tag} in {html}");
        text.push_str(&rest[..start]);
        rest = &rest[end + 1..];
    }
    text + rest
}

fn is_our_class(classes: &str) -> bool {
    let numbered =
        |class: &str, letter| class.strip_prefix(letter).is_some_and(|it| it.parse::<u8>().is_ok_and(|it| it < 16));
    classes.split(' ').all(|it| ["b", "d", "i", "u", "ctl"].contains(&it) || numbered(it, 'f') || numbered(it, 'k'))
}

fn check(log: &[u8]) {
    let part = crate::log::Part::cut(log, 1).unwrap();
    for line in &part.lines {
        let html = Written { line }.render().unwrap();
        let text = without_our_tags(&html);
        assert!(!text.contains(['<', '>', '"', '\'']), "{html}");
        assert!(!html.chars().any(|c| c.is_control() && c != '\t'), "{}", html.escape_debug());
        assert!(html.len() < 6 * OF_A_LINE.bytes + 60 * OF_A_LINE.spans, "{} bytes", html.len());
    }
}

proptest! {
    #[test]
    fn no_bytes_of_a_log_become_a_tag_that_we_did_not_write(log in prop::collection::vec(any::<u8>(), 0..600)) {
        check(&log);
    }

    #[test]
    fn no_mix_of_sequences_and_markup_becomes_a_tag_that_we_did_not_write(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "<script>", "\x1b[", "31m", "38;5;", "\x1b]8;;", "\x07", "\x1b\\", "\">", "</pre>", "'", "&lt;", "é", "\0", "\n", "\r",
            "\x1bP", "\u{202e}", "\u{9b}31m", "\x1b[48:2::1:2:3m", "0m", ";", "<img src=x>",
        ]), 0..60)
    ) {
        check(pieces.concat().as_bytes());
    }
}
