//! The environment, read here and in `args.rs` only, and the constants that the command line refers to.

use std::path::PathBuf;

/// The public API server of PGXN.
pub(crate) const PUBLIC_REGISTRY: &str = "https://api.pgxn.org/";

/// Whether the person has asked for no colour: <https://no-color.org>.
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
pub(crate) fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Which diagnostics go to standard error, in the form of `RUST_LOG`; only warnings by default.
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
pub(crate) fn log_filter() -> String {
    std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into())
}

/// Where this person's programs keep what may be lost: <https://specifications.freedesktop.org/basedir-spec>.
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
pub(crate) fn cache_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
}
