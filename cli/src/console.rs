//! What a person sees in the terminal: one line per thing that happened, understandable without colour.
//!
//! Data goes to standard output, everything else to standard error, so that a pipe gets only what was asked for.

use std::io::{ErrorKind, IsTerminal, Result, Write, stderr, stdout};
use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use protocol::{Grade, Timestamp};

use crate::config;

/// The lines at the bottom that move, which make room for whatever is printed. There is one of it, as there is one terminal.
static MOVING: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// The terminal, or the file or pipe that stands for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    colour: bool,
    /// Whether lines can move.
    has_rows: bool,
}

/// A colour of the terminal's own palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Green,
    Red,
    Yellow,
    Dim,
    Bold,
}

impl Colour {
    const fn code(self) -> &'static str {
        match self {
            Self::Green => "32",
            Self::Red => "31",
            Self::Yellow => "33",
            Self::Dim => "2",
            Self::Bold => "1",
        }
    }
}

impl Console {
    /// Standard error, coloured only where a person reads it and has not asked for none (<https://no-color.org>).
    pub(crate) fn stderr(no_color: bool) -> Self {
        let has_rows = stderr().is_terminal() && !config::is_dumb();
        Self { colour: has_rows && !no_color, has_rows }
    }

    /// An output that is kept, without colours.
    #[cfg(test)]
    pub(crate) const fn kept() -> Self {
        Self { colour: false, has_rows: false }
    }

    /// Whether a person watches lines that move.
    pub(crate) const fn has_rows(self) -> bool {
        self.has_rows
    }

    /// A new line that moves, below all others; none where none can.
    pub(crate) fn row(self) -> Option<ProgressBar> {
        self.has_rows.then(|| MOVING.add(ProgressBar::new_spinner().with_style(row_style())))
    }

    /// The same of standard output, for lines that are what was asked for.
    pub(crate) fn stdout(no_color: bool) -> Self {
        let is_read = stdout().is_terminal() && !config::is_dumb();
        Self { colour: is_read && !no_color, has_rows: false }
    }

    /// Prints a line. An output that is gone is no reason to stop a farm.
    #[expect(clippy::unused_self, reason = "who prints has to have been given the console")]
    pub(crate) fn line(self, text: &str) {
        let _ = MOVING.suspend(|| writeln!(stderr().lock(), "{text}"));
    }

    /// Says what goes on now: in a line that moves, where a person watches, and in a line of its own where the output is kept.
    pub(crate) fn moves(self, bar: &mut Option<ProgressBar>, text: String) {
        if self.has_rows {
            bar.get_or_insert_with(|| MOVING.add(spinner(self.colour))).set_message(text);
        } else {
            self.line(&text);
        }
    }

    /// Text in a colour, where colours are shown.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", colour.code()) } else { text.to_owned() }
    }

    /// A grade, padded to the width of the longest, in its colour.
    pub(crate) fn grade(self, grade: Grade) -> String {
        self.paint(grade_colour(grade), &format!("{grade:<8}"))
    }
}

/// Nothing, until something is to be seen.
fn row_style() -> ProgressStyle {
    ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn spinner(colour: bool) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template(if colour {
        "{msg:.dim} {spinner} {elapsed:.dim}"
    } else {
        "{msg} {spinner} {elapsed}"
    });
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Standard error for diagnostics, which moving lines make room for as well.
pub(crate) struct Diagnostics;

impl Write for Diagnostics {
    fn write(&mut self, text: &[u8]) -> Result<usize> {
        MOVING.suspend(|| stderr().write(text))
    }

    fn flush(&mut self) -> Result<()> {
        stderr().flush()
    }
}

const fn grade_colour(grade: Grade) -> Colour {
    match grade {
        Grade::Pass | Grade::Untested => Colour::Green,
        Grade::Fail => Colour::Red,
        Grade::Blocked | Grade::Env | Grade::Error => Colour::Yellow,
        Grade::Na => Colour::Dim,
    }
}

/// Prints a line of what was asked for to standard output. A reader that has seen enough, such as `head`, ends the program quietly.
pub(crate) fn out(line: &str) -> Result<()> {
    match writeln!(stdout().lock(), "{line}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        printed => printed,
    }
}

/// Text from outside, made safe for a terminal: control characters become `?`, and tabs a space.
pub(crate) fn plain(text: &str) -> String {
    let safe = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '?',
        c => c,
    };
    text.chars().map(safe).collect()
}

/// A time by the clock of this machine, to the minute.
pub(crate) fn local(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => at.to_string(),
    }
}

/// A size for people, in the units that flags take.
pub(crate) fn size(bytes: u64) -> String {
    match bytes >> 20 {
        mib @ 0..1_024 => format!("{mib} MiB"),
        mib => format!("{}.{} GiB", mib / 1_024, mib % 1_024 * 10 / 1_024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_cannot_move_the_cursor() {
        assert_eq!(plain("a\x1b[2Jb\r\tc"), "a?[2Jb? c");
    }

    #[test]
    fn without_a_terminal_there_are_no_escape_sequences() {
        let console = Console::kept();
        assert_eq!(console.grade(Grade::Pass), "PASS    ");
    }
}
