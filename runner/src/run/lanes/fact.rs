//! What the script of a lane told the runner: facts, a line each, with fields divided by tabs; lines that begin with a tab belong to the fact
//! before. The distribution's code can write into the same file: nothing in here is more than text.

use crate::judge::shown;

/// Facts beyond these are not read.
const MAX_FACTS: usize = 2_000;
/// Lines of a fact beyond these are not read, as each is compared with all others of its fact; the script writes fewer.
const MAX_LINES: usize = 200;

/// One fact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fact {
    /// What kind of fact it is.
    pub(super) word: String,
    /// The extension, why, and what else there is; missing ones are empty.
    fields: Vec<String>,
    /// The list that belongs to it.
    pub(super) lines: Vec<String>,
}

impl Fact {
    /// The extension that it is about.
    pub(super) fn extension(&self) -> &str {
        self.field(0)
    }

    /// The message that says why.
    pub(super) fn why(&self) -> &str {
        self.field(1)
    }

    /// What else there is, from 0.
    pub(super) fn detail(&self, at: usize) -> &str {
        self.field(at + 2)
    }

    fn field(&self, at: usize) -> &str {
        self.fields.get(at).map_or("", String::as_str)
    }
}

/// Reads what came back.
pub(super) fn read(text: &str) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(item) = line.strip_prefix('\t') {
            if let Some(fact) = facts.last_mut().filter(|fact| fact.lines.len() < MAX_LINES) {
                fact.lines.push(item.split('\t').map(clean).collect::<Vec<_>>().join("\t"));
            }
        } else if facts.len() < MAX_FACTS {
            let mut fields = line.split('\t').map(clean);
            let word = fields.next().unwrap_or_default();
            facts.push(Fact { word, fields: fields.collect(), lines: Vec::new() });
        }
    }
    facts
}

/// Without what nobody can see, of a length that a sentence can bear.
fn clean(text: &str) -> String {
    shown(text.trim(), 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_belongs_to_the_fact_before_it() {
        let facts = read("\tnobody's\ntried\twidget\t\t1.0\n\ta\tb\n\tc\n\nleft-out\t\t3\n");
        assert_eq!((facts[0].word.as_str(), facts[0].detail(0), facts[0].detail(7)), ("tried", "1.0", ""));
        assert_eq!(facts[0].lines, ["a\tb", "c"]);
        assert_eq!((facts.len(), facts[1].why()), (2, "3"));
    }

    #[test]
    fn neither_facts_nor_their_lines_are_without_end() {
        let facts = read(&format!("updated\tw\n{}", "\tx\n".repeat(100_000)).repeat(2));
        assert_eq!((facts.len(), facts[0].lines.len()), (2, MAX_LINES));
        assert_eq!(read(&"tried\n".repeat(10_000)).len(), MAX_FACTS);
    }

    #[test]
    fn what_is_told_cannot_paint_a_terminal() {
        assert_eq!(read("tried\t\u{1b}[31mred\u{7}\n")[0].extension(), "red");
        let facts = read("objects-left\tw\n\ttable\tpublic.\u{1b}[31mred\u{202e}\n");
        assert_eq!(facts[0].lines, ["table\tpublic.red"]);
    }
}
