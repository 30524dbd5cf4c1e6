//! Takes out of a line what differs from place to place. Doing it twice changes nothing more.

use std::borrow::Cow;
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
pub(super) struct Own(Vec<(Regex, &'static str)>);

impl Own {
    pub(super) fn new(dist: &Name, version: &Version, extensions: &[String]) -> Self {
        let names = extensions.iter().take(MAX_NAMES).map(String::as_str).chain([dist.as_str()]);
        let mut names: Vec<String> = names.filter(|name| (2..=128).contains(&name.len())).map(regex::escape).collect();
        // Of two names that begin alike the longer one has to be tried first.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.dedup();
        let (names, version) = (names.join("|"), regex::escape(version.as_str()));
        let patterns = [
            (r"--\d[\w.+]*(?:--\d[\w.+]*)*\.sql\b".to_owned(), "--<version>.sql"),
            (format!(r#"(^|['"\s(]){version}(['"\s),;]|$)"#), "$1<version>$2"),
            (format!(r#"(['"])(?i:{names})(['"])"#), "$1<extension>$2"),
            (format!(r"\b((?i:extension) )(?i:{names})([\s:;,]|$)"), "$1<extension>$2"),
            (
                format!(
                    r"(^|[^\w.<-])(?i:{names})((?:--<version>)?\.(?:control|sql|sql\.in|so|c|h|o|bc|cc|cpp|out|pl|sh))\b"
                ),
                "$1<extension>$2",
            ),
        ];
        // A name that makes a pattern too large for the engine is not taken out.
        Self(patterns.into_iter().filter_map(|(pattern, with)| Some((Regex::new(&pattern).ok()?, with))).collect())
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
        for (pattern, with) in COMPILED.iter().chain(&self.0) {
            if let Cow::Owned(replaced) = pattern.replace_all(&text, *with) {
                text = Cow::Owned(replaced);
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
