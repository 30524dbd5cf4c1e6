//! Flags of what a farm tells maintainers. All of it is off; the feeds need no flag.

use std::path::PathBuf;

use clap::Args;
use url::Url;

/// By what maintainers are told what turned.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Notifications")]
pub(crate) struct NotifyArgs {
    /// Let maintainers have signed requests sent to an address of theirs when something turns red or green
    #[arg(long, env = "PGXN_TESTERS_WEBHOOKS")]
    pub(crate) webhooks: bool,

    /// The server that takes mail, as `smtps://USER@HOST` or `smtp://USER@HOST:PORT` with STARTTLS; turns mail on
    #[arg(long, value_name = "URL", requires = "mail_from", env = "PGXN_TESTERS_MAIL_SERVER")]
    pub(crate) mail_server: Option<Url>,

    /// Whom mail is from, as `NAME <ADDRESS>`
    #[arg(long, value_name = "MAILBOX", requires = "mail_server", env = "PGXN_TESTERS_MAIL_FROM")]
    pub(crate) mail_from: Option<String>,

    /// The file that holds the password of the mail server's user
    #[arg(long, value_name = "FILE", requires = "mail_server", env = "PGXN_TESTERS_MAIL_PASSWORD_FILE")]
    pub(crate) mail_password_file: Option<PathBuf>,

    /// The file that holds a token of GitHub's that may write issues; lets maintainers have an issue opened while something fails
    #[arg(long, value_name = "FILE", env = "PGXN_TESTERS_GITHUB_TOKEN_FILE")]
    pub(crate) github_token_file: Option<PathBuf>,

    /// The address of GitHub's API
    #[arg(long, value_name = "URL", default_value = "https://api.github.com", hide = true)]
    pub(crate) github_api: Url,

    /// Let webhooks and proofs be on this machine, over plain HTTP; for tests alone, as a stranger could reach what listens here
    #[arg(long, hide = true)]
    pub(crate) notify_loopback: bool,
}
