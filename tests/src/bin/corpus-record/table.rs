//! Tables in Markdown, and text from logs made harmless in them.

/// As much of a text as a table shows.
const MAX_CHARS: usize = 160;

/// A table; the first column is text, further ones too.
pub(crate) struct Table {
    columns: usize,
    text: String,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new<S: AsRef<str>>(headings: &[S]) -> Self {
        let mut table = Self { columns: headings.len(), text: String::new() };
        table.row(headings);
        table.text.push('|');
        table.text.push_str(&"---|".repeat(headings.len()));
        table.text.push('\n');
        table
    }

    /// Adds a row; cells that are missing are empty.
    pub(crate) fn row<S: AsRef<str>>(&mut self, cells: &[S]) {
        self.text.push('|');
        for column in 0..self.columns {
            for part in [" ", cells.get(column).map_or("", AsRef::as_ref), " |"] {
                self.text.push_str(part);
            }
        }
        self.text.push('\n');
    }

    /// The whole table, with an empty line after it.
    pub(crate) fn end(self) -> String {
        self.text + "\n"
    }
}

/// A text of a log as code within a line: one line, not too long, unable to leave its cell.
pub(crate) fn code(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let line = words.join(" ").replace('`', "'").replace('|', "\\|");
    if line.is_empty() {
        return String::new();
    }
    let cut: String = line.chars().take(MAX_CHARS).collect();
    let dots = if cut.len() < line.len() { "…" } else { "" };
    // A backslash at the cut would take the bar's part.
    format!("`{}{dots}`", cut.trim_end_matches('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_log_cannot_leave_its_cell() {
        assert_eq!(code("a|b`c\nd\u{1b}[31m"), "`a\\|b'c d [31m`");
        assert_eq!(code(&"x".repeat(500)).chars().count(), MAX_CHARS + 3);
        assert_eq!(code(" \n"), "");
    }

    #[test]
    fn every_row_has_every_column() {
        let mut table = Table::new(&["a", "b"]);
        table.row(&["1"]);
        assert_eq!(table.end(), "| a | b |\n|---|---|\n| 1 |  |\n\n");
    }
}
