//! The languages that are known, as tables.

use super::lexer::Kind;

/// What has to be known of a language.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says what languages differ in by itself")]
pub(crate) struct Language {
    pub line_comments: &'static [&'static str],
    /// A comment's mark begins a word, as that of shells.
    pub comments_need_space: bool,
    pub block_comment: Option<(&'static str, &'static str)>,
    pub comments_nest: bool,
    pub quotes: &'static str,
    pub quotes_span_lines: bool,
    pub backslashes: bool,
    /// Strings between `$$`.
    pub dollars: bool,
    /// Lines that begin with `#`.
    pub directives: bool,
    pub ignores_case: bool,
    /// With spaces between them.
    pub keywords: &'static str,
    pub types: &'static str,
}

const PLAIN: Language = Language {
    line_comments: &["#"],
    comments_need_space: true,
    block_comment: None,
    comments_nest: false,
    quotes: "\"'",
    quotes_span_lines: false,
    backslashes: true,
    dollars: false,
    directives: false,
    ignores_case: false,
    keywords: "",
    types: "",
};

pub(crate) static SQL: Language = Language {
    line_comments: &["--"],
    comments_need_space: false,
    block_comment: Some(("/*", "*/")),
    comments_nest: true,
    quotes: "'",
    quotes_span_lines: true,
    backslashes: false,
    dollars: true,
    ignores_case: true,
    keywords: SQL_WORDS,
    types: SQL_TYPES,
    ..PLAIN
};

static SHELL: Language = Language {
    quotes_span_lines: true,
    keywords: "apt apt-get case cd createdb do done echo elif else env esac exit export fi for function git gmake if in \
               local make pgxn psql return set sudo then while",
    ..PLAIN
};

static C: Language = Language {
    line_comments: &["//"],
    comments_need_space: false,
    block_comment: Some(("/*", "*/")),
    directives: true,
    keywords: "break case class const continue default do else enum extern false for goto if inline namespace new \
               private public return sizeof static struct switch template this true typedef union using volatile while",
    types: "Datum Oid bool char double float int int16 int32 int64 long short size_t text uint16 uint32 uint64 \
               uint8_t unsigned void",
    ..PLAIN
};

static JSON: Language = Language { line_comments: &[], quotes: "\"", keywords: "false null true", ..PLAIN };

static PYTHON: Language = Language {
    comments_need_space: false,
    keywords: "False None True and as assert async await break class continue def del elif else except finally for from \
               global if import in is lambda not or pass raise return try while with yield",
    ..PLAIN
};

static LUA: Language = Language {
    line_comments: &["--"],
    comments_need_space: false,
    keywords: "and break do else elseif end false for function if in local nil not or repeat return then true until \
               while",
    ..PLAIN
};

static SCRIPT: Language = Language {
    line_comments: &["//"],
    comments_need_space: false,
    block_comment: Some(("/*", "*/")),
    quotes: "\"'`",
    keywords: "async await break case catch class const continue default else export false fn for function if impl \
               import in let match mod mut new null pub return self struct switch this throw true try typeof undefined \
               use var while",
    ..PLAIN
};

static PERL: Language = Language {
    keywords: "and die else elsif eq for foreach if last local my ne next not or our package print require return shift \
               sub unless use while",
    ..PLAIN
};

static SETTINGS: Language = Language { keywords: "false no null off on true yes", line_comments: &["#", ";"], ..PLAIN };

/// Whether a word is among some.
pub(crate) fn has(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|known| known == word)
}

/// The language of a name.
pub(crate) fn named(name: &str) -> Option<&'static Language> {
    Some(match name {
        "sql" | "pgsql" | "postgresql" | "postgres" | "plpgsql" | "psql" | "plsql" | "pgpl" => &SQL,
        "sh" | "bash" | "shell" | "zsh" | "console" | "shell-session" | "sh-session" | "make" | "makefile"
        | "dockerfile" => &SHELL,
        "c" | "cpp" | "c++" | "h" | "cc" | "java" => &C,
        "json" | "jsonc" | "json5" => &JSON,
        "python" | "py" | "python3" | "ruby" => &PYTHON,
        "lua" => &LUA,
        "js" | "javascript" | "ts" | "typescript" | "rust" | "rs" | "go" => &SCRIPT,
        "perl" | "pl" => &PERL,
        "yaml" | "yml" | "toml" | "ini" | "conf" | "cfg" | "properties" => &SETTINGS,
        _ => return None,
    })
}

impl Language {
    /// What a word is.
    pub(crate) fn kind_of(&self, word: &str, before: Option<char>) -> Kind {
        // What comes after a dot or a sigil is a name.
        if matches!(before, Some('.' | '$' | '@' | '%')) {
            return Kind::Plain;
        }
        let lower;
        let word = if self.ignores_case {
            lower = word.to_ascii_lowercase();
            lower.as_str()
        } else {
            word
        };
        if has(self.keywords, word) {
            Kind::Keyword
        } else if has(self.types, word) {
            Kind::Type
        } else {
            Kind::Plain
        }
    }
}

/// What statements begin with.
pub(crate) const STATEMENTS: &str = "alter begin call comment copy create declare delete do drop execute explain grant insert load merge \
    prepare refresh reset select set show truncate update with";

const SQL_WORDS: &str = "add after aggregate all alter always analyze and any as asc atomic before begin between both by call \
    cascade case cast check collate column comment commit concurrently constraint copy create cross \
    current_date current_timestamp current_user cursor database declare default deferrable delete desc \
    distinct do domain drop each else elsif end enum event except exception exclude execute exists explain \
    extension false fetch filter first following for foreach foreign from full function generated grant group \
    having identity if ilike immutable in index inherits initially inner insert intersect into is join key \
    language last lateral leading leakproof left like limit local loop match materialized merge natural next \
    not notice null nulls of offset on only operator option options or order out outer over owner parallel \
    partition perform policy preceding prepare primary procedure public raise range record recursive \
    references refresh rename replace reset restrict return returning returns revoke right role rollback row \
    rows rule safe schema security select sequence server session set setof show stable storage strict table \
    tablespace temp temporary then to trigger true truncate type unbounded union unique unlogged update user \
    using vacuum values variadic verbose version view volatile when where while window with without wrapper";

const SQL_TYPES: &str = "anyarray anyelement bigint bigserial bit bool boolean box bytea char character cidr circle date double \
    float float4 float8 hstore inet int int2 int4 int8 integer interval json jsonb jsonpath macaddr name \
    numeric oid point polygon precision real regclass regtype serial smallint text time timestamp timestamptz \
    tsquery tsvector uuid varchar varying vector void xml zone";
