//! Takes out of a line what differs from place to place. Doing it twice changes nothing more.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::LazyLock;

use regex::Regex;

use crate::name::Name;
use crate::version::Version;

/// A line longer than this is cut first.
const MAX_CHARS: usize = 500;
/// A distribution with more extensions than this keeps the names of the others.
const MAX_NAMES: usize = 50;
/// What one rule takes out may uncover something for another; so many times they are all applied.
const MAX_PASSES: usize = 24;

/// What to look for, and what takes its place. Their order matters where two could match.
const RULES: [(&str, &str); 18] = [
    // Quotes of every kind of message become one kind.
    ("[‘’`´]", "'"),
    ("[“”]", "\""),
    // The mark of a line of a diff or a comment.
    (r"^[-+#!>]+\s*", ""),
    // Times, process ids, addresses.
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?: ?Z| [A-Z]{3,5}\b| ?[+-]\d\d(?::?\d\d)?)?", ""),
    (r"\[\d+\]", ""),
    (r"(?i)\(?\bpid[:=]? ?\d+\)?", ""),
    (r"\(\.text[^)]*\):?", ""),
    (r"\b0x[0-9a-fA-F]+\b", "<address>"),
    // Temporary files.
    (r#"(?:/var)?/tmp/[^\s:;,'"()]+"#, "<temporary>"),
    (r"\bcc[A-Za-z0-9]{6}\.(?:o|s|c|i|ld|res|le)\b", "<temporary>"),
    // An address keeps its host, a path its last name.
    (r#"\b[a-z]{2,8}://([^/\s'"]+)[^\s'"]*"#, "$1"),
    (r"(?:[\w.+@~-]*/)+([\w.+@~-]+)", "$1"),
    // Where in a file: `file.c:12:5: error`, `psql:file.sql:3: ERROR`, `line 3`.
    (r#"^(?:psql:)?[^\s:'"<>]+:\d+(?::\d+)?:+\s*"#, ""),
    (r"(?i)\bline \d+\b", "line"),
    // Tests: their number and their time.
    (r"\b((?:not )?ok)\s+\d+\b(?:\s+-)?", "$1 -"),
    (r"\b(Failed test) \d+", "$1"),
    (r"\s\d+ ms\b", ""),
    // What the compiler proposes depends on what else the major has.
    (r"; did you mean '[^']*'\??", ""),
];

static COMPILED: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let compile = |(pattern, with): &(&str, &'static str)| {
        (Regex::new(pattern).expect("the patterns are constants, and a test compiles them"), *with)
    };
    RULES.iter().map(compile).collect()
});

static SERVER_ERROR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:ERROR|FATAL|PANIC): ").expect("the pattern is a constant, and a test compiles it")
});

/// Whether a normalised line is a message of the server.
pub(super) fn is_server_error(text: &str) -> bool {
    SERVER_ERROR.is_match(text)
}

/// The distribution's own names and version, which say nothing in another distribution.
pub(super) struct Own {
    patterns: [Pattern; 5],
    version: String,
    names: Vec<String>,
}

/// A pattern that is compiled once a text comes that it may match: that takes longer than all the rest.
struct Pattern {
    text: String,
    with: &'static str,
    needs: Needs,
    compiled: OnceCell<Option<Regex>>,
}

/// What a text has that a pattern matches.
#[derive(Clone, Copy)]
enum Needs {
    /// The end of an extension's script.
    Script,
    /// The version.
    Version,
    /// A name, in any case.
    Name,
}

impl Own {
    pub(super) fn new(dist: &Name, version: &Version, extensions: &[String]) -> Self {
        let names = extensions.iter().take(MAX_NAMES).map(String::as_str).chain([dist.as_str()]);
        let mut names: Vec<String> = names.filter(|name| (2..=128).contains(&name.len())).map(str::to_owned).collect();
        // Of two names that begin alike the longer one has to be tried first.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.dedup();
        let any = names.iter().map(|name| regex::escape(name)).collect::<Vec<_>>().join("|");
        let exactly = regex::escape(version.as_str());
        let patterns = [
            (r"--\d[\w.+]*(?:--\d[\w.+]*)*\.sql\b".to_owned(), "--<version>.sql", Needs::Script),
            (format!(r#"(^|['"\s(]){exactly}(['"\s),;]|$)"#), "$1<version>$2", Needs::Version),
            (format!(r#"(['"])(?i:{any})(['"])"#), "$1<extension>$2", Needs::Name),
            (format!(r"\b((?i:extension) )(?i:{any})([\s:;,]|$)"), "$1<extension>$2", Needs::Name),
            (
                format!(
                    r"(^|[^\w.<-])(?i:{any})((?:--<version>)?\.(?:control|sql|sql\.in|so|c|h|o|bc|cc|cpp|out|pl|sh))\b"
                ),
                "$1<extension>$2",
                Needs::Name,
            ),
        ];
        let patterns = patterns.map(|(text, with, needs)| Pattern { text, with, needs, compiled: OnceCell::new() });
        Self {
            patterns,
            version: version.to_string(),
            names: names.iter().map(|name| name.to_ascii_lowercase()).collect(),
        }
    }

    /// Whether a text has what a pattern needs. A letter that is not of ASCII may be another case of one that is.
    fn may_match(&self, needs: Needs, text: &str) -> bool {
        match needs {
            _ if !text.is_ascii() => true,
            Needs::Script => text.contains(".sql"),
            Needs::Version => text.contains(&self.version),
            Needs::Name => {
                let text = text.to_ascii_lowercase();
                self.names.iter().any(|name| !name.is_ascii() || text.contains(name))
            }
        }
    }

    /// The line without what differs from place to place.
    pub(super) fn normalise(&self, line: &str) -> String {
        let mut text: String = line.chars().take(MAX_CHARS).collect();
        for _ in 0..MAX_PASSES {
            let next = self.pass(&text);
            if next == text {
                break;
            }
            text = next;
        }
        text
    }

    fn pass(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for (pattern, with) in COMPILED.iter() {
            if let Cow::Owned(replaced) = pattern.replace_all(&text, *with) {
                text = Cow::Owned(replaced);
            }
        }
        for pattern in &self.patterns {
            if !self.may_match(pattern.needs, &text) {
                continue;
            }
            // A name that makes a pattern too large for the engine is not taken out.
            let compiled = pattern.compiled.get_or_init(|| Regex::new(&pattern.text).ok());
            if let Some(Cow::Owned(replaced)) = compiled.as_ref().map(|regex| regex.replace_all(&text, pattern.with)) {
                text = Cow::Owned(replaced);
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
impl Own {
    /// Whether a pattern matches a text that does not have what it needs.
    pub(super) fn overlooks(&self, text: &str) -> bool {
        let matches = |pattern: &Pattern| Regex::new(&pattern.text).unwrap().is_match(text);
        self.patterns.iter().any(|pattern| matches(pattern) && !self.may_match(pattern.needs, text))
    }
}
