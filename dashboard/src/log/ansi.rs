//! One line of a log: SGR escape sequences become classes, other sequences vanish, control characters become visible.

use anstyle_parse::{DefaultCharAccumulator, Params, Parser, Perform};
use serde::Serialize;

/// At most this much of a line is shown; the plain file has it all.
const OF_A_LINE: Budget = Budget { bytes: 4_000, spans: 200 };
/// At most this much of a line beside the decisive one is shown, so that it does not push that one away.
const OF_A_NEIGHBOUR: Budget = Budget { bytes: 400, spans: 60 };
/// As much of a line is shown whatever the lines before it took.
const AT_LEAST: Budget = Budget { bytes: 80, spans: 2 };
/// At most this much of a part is shown, and the least of each line beyond it: a page of it has less than 100 kB.
const OF_A_PART: Budget = Budget { bytes: 40_000, spans: 500 };

/// The names of the control characters, which few fonts can draw.
const CONTROLS: [&str; 32] = [
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI", "DLE",
    "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
];

/// A piece of a line that looks the same from end to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Span {
    /// Classes of the style sheet, apart by spaces, out of a closed list; empty for plain text.
    pub class: String,
    /// The text, not escaped.
    pub text: String,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    /// Its number in the file, from 1.
    pub number: u64,
    /// Its text.
    pub spans: Vec<Span>,
    /// Bytes at its end that are not shown.
    pub cut: usize,
}

impl Line {
    /// How much of it is not shown, in words.
    pub(crate) fn cut_words(&self) -> String {
        crate::text::bytes(self.cut as u64)
    }

    /// The text without its looks.
    pub(crate) fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// How much may be shown. Every address shows all of its lines under their numbers, however long they are, so what is too much is
/// taken from the ends of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    bytes: usize,
    spans: usize,
}

impl Budget {
    /// What one address may show.
    pub(super) const fn of_a_part() -> Self {
        OF_A_PART
    }

    /// What a line that stands beside the decisive one may show.
    pub(super) const fn of_a_neighbour() -> Self {
        OF_A_NEIGHBOUR
    }

    /// What the next line may take.
    fn of_next_line(self) -> Self {
        Self {
            bytes: self.bytes.clamp(AT_LEAST.bytes, OF_A_LINE.bytes),
            spans: self.spans.clamp(AT_LEAST.spans, OF_A_LINE.spans),
        }
    }

    fn spend(&mut self, bytes: usize, spans: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.spans = self.spans.saturating_sub(spans);
    }
}

/// How text looks at a point of the log; it lasts from line to line, as on a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a terminal switches each of them by itself")]
pub(super) struct Style {
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    foreground: Option<u16>,
    background: Option<u16>,
}

impl Style {
    fn class(self) -> String {
        let words = [(self.bold, "b"), (self.dim, "d"), (self.italic, "i"), (self.underline, "u")];
        let mut classes: Vec<String> =
            words.into_iter().filter(|(on, _)| *on).map(|(_, class)| class.to_owned()).collect();
        classes.extend(self.foreground.map(|colour| format!("f{colour}")));
        classes.extend(self.background.map(|colour| format!("k{colour}")));
        classes.join(" ")
    }

    /// Applies the numbers of one `ESC [ … m`.
    fn apply(&mut self, params: &Params) {
        let mut numbers = params.iter();
        while let Some(group) = numbers.next() {
            match group.first().copied().unwrap_or(0) {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = group.get(1) != Some(&0),
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                code @ 30..=37 => self.foreground = Some(code - 30),
                code @ 90..=97 => self.foreground = Some(code - 82),
                code @ 40..=47 => self.background = Some(code - 40),
                code @ 100..=107 => self.background = Some(code - 92),
                39 => self.foreground = None,
                49 => self.background = None,
                38 => self.foreground = extended(group, &mut numbers),
                48 => self.background = extended(group, &mut numbers),
                _ => {}
            }
        }
    }
}

/// Reads `38;5;N`, `38:5:N`, `38;2;R;G;B`; only the sixteen named colours have a class.
fn extended<'a>(group: &[u16], rest: &mut impl Iterator<Item = &'a [u16]>) -> Option<u16> {
    let mut numbers: Vec<u16> = group.iter().skip(1).copied().collect();
    let mut next = |numbers: &mut Vec<u16>| numbers.extend(rest.next().and_then(|group| group.first().copied()));
    if numbers.is_empty() {
        next(&mut numbers);
        let more = match numbers.first() {
            Some(5) => 1,
            Some(2) => 3,
            _ => 0,
        };
        for _ in 0..more {
            next(&mut numbers);
        }
    }
    match numbers.as_slice() {
        [5, colour @ 0..=15, ..] => Some(*colour),
        _ => None,
    }
}

struct Painter<'a> {
    style: &'a mut Style,
    spans: Vec<Span>,
    most_spans: usize,
    /// Whether something did not find room any more.
    is_full: bool,
}

impl Painter<'_> {
    fn push(&mut self, class: String, text: &str) {
        let has_room = self.spans.len() < self.most_spans;
        match self.spans.last_mut() {
            Some(last) if last.class == class => last.text.push_str(text),
            _ if !has_room => self.is_full = true,
            _ => self.spans.push(Span { class, text: text.to_owned() }),
        }
    }
}

impl Perform for Painter<'_> {
    fn print(&mut self, c: char) {
        if is_deceptive(c) {
            self.push("ctl".to_owned(), &format!("U+{:04X}", u32::from(c)));
        } else {
            self.push(self.style.class(), c.encode_utf8(&mut [0; 4]));
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.push(self.style.class(), "\t"),
            _ => self.push("ctl".to_owned(), CONTROLS.get(usize::from(byte)).copied().unwrap_or("\u{fffd}")),
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        if action == b'm' && intermediates.is_empty() && !ignore {
            self.style.apply(params);
        }
    }
}

/// Characters that reorder or hide text: they are shown by their number.
const fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Paints one line, which goes without its line feed; `style` is what the lines before it left, `budget` what they left to show.
///
/// The parser starts afresh on each line, so that an escape sequence that never ends hides the rest of its own line and no more.
pub(super) fn paint(bytes: &[u8], number: u64, style: &mut Style, budget: &mut Budget) -> Line {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let most = budget.of_next_line();
    let mut painter = Painter { style, spans: Vec::new(), most_spans: most.spans, is_full: false };
    let shown = paint_until_full(&bytes[..floor_char(bytes, most.bytes)], &mut painter);
    budget.spend(shown, painter.spans.len());
    Line { number, spans: painter.spans, cut: bytes.len() - shown }
}

/// Paints until the painter is full; returns how many bytes it took.
fn paint_until_full(bytes: &[u8], painter: &mut Painter<'_>) -> usize {
    let mut parser = Parser::<DefaultCharAccumulator>::new();
    let mut taken = 0;
    for chunk in bytes.utf8_chunks() {
        // The parser drops bytes that are not UTF-8; a reader should see that they were there.
        let replaced = (!chunk.invalid().is_empty()).then_some(('\u{fffd}', chunk.invalid().len()));
        for (c, length) in chunk.valid().chars().map(|c| (c, c.len_utf8())).chain(replaced) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                parser.advance(painter, byte);
            }
            if painter.is_full {
                return taken;
            }
            taken += length;
        }
    }
    taken
}

/// The largest length up to `most` that does not cut a UTF-8 character in two.
fn floor_char(bytes: &[u8], most: usize) -> usize {
    if bytes.len() <= most {
        return bytes.len();
    }
    (most.saturating_sub(3)..=most).rev().find(|at| bytes[*at] & 0xC0 != 0x80).unwrap_or(most)
}

#[cfg(test)]
mod tests;
