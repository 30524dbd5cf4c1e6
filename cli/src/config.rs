//! The environment, read here and in `args.rs` only, and the constants that the command line refers to.

use std::path::PathBuf;

/// The public API server of PGXN.
pub(crate) const PUBLIC_REGISTRY: &str = "https://api.pgxn.org/";

/// Whether the person has asked for no colour: <https://no-color.org>.
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
pub(crate) fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Whether the terminal can do no more than print (`TERM=dumb`).
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
pub(crate) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Which diagnostics go to standard error, in the form of `RUST_LOG`; only warnings by default.
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
pub(crate) fn log_filter() -> String {
    std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into())
}

/// The right to tell a farm of a test: a secret, and so no argument, which other users of the machine would see.
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
pub(crate) fn upload_token() -> Option<String> {
    std::env::var("PGXN_TESTERS_UPLOAD_TOKEN")
        .ok()
        .map(|token| token.trim().to_owned())
        .filter(|token| !token.is_empty())
}

/// The files and the directory that GitHub names for a step of a workflow: <https://docs.github.com/actions/reference/variables-reference>.
#[derive(Debug, Default)]
pub(crate) struct Github {
    /// What is shown of the job.
    pub(crate) summary: Option<PathBuf>,
    /// What the step gives to those after it.
    pub(crate) output: Option<PathBuf>,
    /// Where the repository is.
    pub(crate) workspace: Option<PathBuf>,
}

/// What GitHub names; nothing outside of a workflow.
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
pub(crate) fn github() -> Github {
    let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    Github { summary: path("GITHUB_STEP_SUMMARY"), output: path("GITHUB_OUTPUT"), workspace: path("GITHUB_WORKSPACE") }
}

/// Where this person's programs keep what may be lost: <https://specifications.freedesktop.org/basedir-spec>.
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
pub(crate) fn cache_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
}
