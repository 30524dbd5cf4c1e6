//! META 1, key by key, as the registry's validator has it: <https://pgxn.org/spec/>.

/// The licences that are known by a word (META 1, <https://pgxn.org/spec/#license>).
pub const LICENSES: [&str; 28] = [
    "agpl_3",
    "apache_1_1",
    "apache_2_0",
    "artistic_1",
    "artistic_2",
    "bsd",
    "freebsd",
    "gfdl_1_2",
    "gfdl_1_3",
    "gpl_1",
    "gpl_2",
    "gpl_3",
    "lgpl_2_1",
    "lgpl_3_0",
    "mit",
    "mozilla_1_0",
    "mozilla_1_1",
    "open_source",
    "openssl",
    "perl_5",
    "postgresql",
    "qpl_1_0",
    "restricted",
    "ssleay",
    "sun",
    "unknown",
    "unrestricted",
    "zlib",
];

/// What stands at a key.
pub(super) enum Kind {
    Anything,
    Text,
    /// A text of lower case.
    Lower,
    /// A path; an empty one is taken.
    File,
    Term,
    Tag,
    Version,
    Range,
    Url,
    Email,
    License,
    Status,
    /// Several of a kind, or a single one as it is.
    List(&'static Kind),
    /// The same, or an object of names and addresses.
    ListOr(&'static Kind, &'static Keys),
    Object(&'static Keys),
}

/// What keys an object may have.
pub(super) struct Keys {
    pub(super) known: &'static [Key],
    pub(super) others: Others,
}

/// A key that the specification names.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) kind: Kind,
}

/// What other keys an object may have.
pub(super) enum Others {
    /// Those that begin with `x_`, whose values are of a kind.
    Custom(&'static Kind),
    /// Names of distributions or extensions.
    Terms(&'static Kind),
    /// One of these words, or with `x_` in it.
    Words(&'static [&'static str], &'static Kind),
    /// Any.
    Any(&'static Kind),
}

const fn may(name: &'static str, kind: Kind) -> Key {
    Key { name, required: false, kind }
}

const fn must(name: &'static str, kind: Kind) -> Key {
    Key { name, required: true, kind }
}

/// The whole document.
pub(super) static META: Keys = Keys {
    known: &[
        must("abstract", Kind::Text),
        must("license", Kind::ListOr(&Kind::License, &Keys { known: &[], others: Others::Any(&Kind::Url) })),
        must("maintainer", Kind::List(&Kind::Text)),
        must("meta-spec", Kind::Object(&META_SPEC)),
        must("name", Kind::Term),
        must("provides", Kind::Object(&Keys { known: &[], others: Others::Terms(&Kind::Object(&PROVIDED)) })),
        must("version", Kind::Version),
        may("description", Kind::Text),
        may("generated_by", Kind::Text),
        may("no_index", Kind::Object(&NO_INDEX)),
        may("prereqs", Kind::Object(&PREREQS)),
        may("release_status", Kind::Status),
        may("resources", Kind::Object(&RESOURCES)),
        may("tags", Kind::List(&Kind::Tag)),
    ],
    others: Others::Custom(&Kind::Anything),
};

static META_SPEC: Keys =
    Keys { known: &[must("version", Kind::Version), may("url", Kind::Url)], others: Others::Custom(&Kind::Anything) };

static PROVIDED: Keys = Keys {
    known: &[
        must("file", Kind::File),
        must("version", Kind::Version),
        may("abstract", Kind::Text),
        may("docfile", Kind::File),
    ],
    others: Others::Custom(&Kind::Anything),
};

static NO_INDEX: Keys = Keys {
    known: &[may("directory", Kind::List(&Kind::Text)), may("file", Kind::List(&Kind::Text))],
    others: Others::Custom(&Kind::Anything),
};

static PREREQS: Keys = Keys {
    known: &[],
    others: Others::Words(
        &["configure", "build", "test", "runtime", "develop"],
        &Kind::Object(&Keys {
            known: &[],
            others: Others::Words(
                &["requires", "recommends", "suggests", "conflicts"],
                &Kind::Object(&Keys { known: &[], others: Others::Terms(&Kind::Range) }),
            ),
        }),
    ),
};

static RESOURCES: Keys = Keys {
    known: &[
        may("bugtracker", Kind::Object(&BUGTRACKER)),
        may("homepage", Kind::Url),
        may("license", Kind::List(&Kind::Url)),
        may("repository", Kind::Object(&REPOSITORY)),
    ],
    others: Others::Custom(&Kind::Text),
};

static BUGTRACKER: Keys =
    Keys { known: &[may("mailto", Kind::Email), may("web", Kind::Url)], others: Others::Custom(&Kind::Anything) };

static REPOSITORY: Keys = Keys {
    known: &[may("type", Kind::Lower), may("url", Kind::Url), may("web", Kind::Url)],
    others: Others::Custom(&Kind::Anything),
};
