//! One lexer for all languages, which differ in a table.

use super::language::Language;

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing in particular.
    Plain,
    /// A word of the language.
    Keyword,
    /// A type.
    Type,
    /// A string.
    Text,
    /// A number.
    Number,
    /// A comment.
    Comment,
}

/// A longer string is none.
const MOST_STRING: usize = 2000;

/// The pieces of code: together they are the code.
pub(crate) fn lex<'a>(code: &'a str, language: &Language) -> Vec<(Kind, &'a str)> {
    let (mut all, mut at, mut plain) = (Vec::new(), 0, 0);
    // What is plain is gathered until something else comes.
    while at < code.len() {
        let rest = &code[at..];
        let before = code[..at].chars().next_back();
        let (kind, len) = one(rest, before, language);
        if kind != Kind::Plain {
            if plain < at {
                all.push((Kind::Plain, &code[plain..at]));
            }
            all.push((kind, &code[at..at + len]));
            plain = at + len;
        }
        at += len;
    }
    if plain < code.len() {
        all.push((Kind::Plain, &code[plain..]));
    }
    all
}

fn one(rest: &str, before: Option<char>, language: &Language) -> (Kind, usize) {
    let Some(first) = rest.chars().next() else { return (Kind::Plain, 1) };
    let starts_line = before.is_none_or(|c| c == '\n');
    for mark in language.line_comments {
        let is_one =
            rest.starts_with(mark) && (!language.comments_need_space || before.is_none_or(char::is_whitespace));
        if is_one {
            return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
        }
    }
    if let Some((open, close)) = language.block_comment
        && rest.starts_with(open)
    {
        return (Kind::Comment, closed(rest, open, close, language.comments_nest));
    }
    if language.dollars
        && let Some(len) = dollar(rest)
    {
        return (Kind::Plain, len);
    }
    if language.quotes.contains(first) {
        // An apostrophe within a word is none.
        let is_word = first == '\'' && before.is_some_and(char::is_alphanumeric) && !language.dollars;
        return if is_word { (Kind::Plain, 1) } else { (Kind::Text, quoted(rest, first, language)) };
    }
    if language.directives && starts_line && first == '#' {
        let end = rest[1..].find(|c: char| !c.is_ascii_alphabetic() && c != ' ').map_or(rest.len(), |at| at + 1);
        return (Kind::Keyword, end);
    }
    if first.is_ascii_digit() && !before.is_some_and(|c| is_word(c) || c == '.') {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
        return (Kind::Number, end);
    }
    if is_word(first) {
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        return (language.kind_of(&rest[..end], before), end);
    }
    (Kind::Plain, first.len_utf8())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How long a comment is; in SQL they nest.
fn closed(rest: &str, open: &str, close: &str, nests: bool) -> usize {
    let (mut at, mut depth) = (open.len(), 1);
    while depth > 0 {
        let Some(end) = rest[at..].find(close) else { return rest.len() };
        let inner = if nests { rest[at..at + end].find(open) } else { None };
        (at, depth) = match inner {
            Some(inner) => (at + inner + open.len(), depth + 1),
            None => (at + end + close.len(), depth - 1),
        };
    }
    at
}

/// How long a tag of SQL's dollar quotes is: what they hold is mostly code, and so not one string.
fn dollar(rest: &str) -> Option<usize> {
    let end = rest.strip_prefix('$')?.find(|c: char| !is_word(c))? + 1;
    rest[end..].starts_with('$').then_some(end + 1)
}

fn quoted(rest: &str, quote: char, language: &Language) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1).take_while(|(at, _)| *at < MOST_STRING) {
        match c {
            _ if escaped => escaped = false,
            '\\' if language.backslashes => escaped = true,
            '\n' if !language.quotes_span_lines => return at,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    // What does not end soon is no string but an apostrophe.
    1
}
