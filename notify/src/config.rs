//! What an operator turns on. Secrets come from files, and `Debug` does not show them.

use std::fmt;

use url::Url;

/// Which channels there are, and what they need.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address under which people reach the farm, for links.
    pub public_url: Url,
    /// Whether there are webhooks.
    pub webhooks: bool,
    /// Whether webhooks and proofs may be on this machine, over plain HTTP: for tests alone.
    pub loopback: bool,
    /// How mail is sent.
    pub mail: Option<Mail>,
    /// How issues are opened.
    pub github: Option<GitHub>,
}

impl Config {
    /// A farm that tells nobody anything.
    pub fn new(public_url: Url) -> Self {
        Self { public_url, webhooks: false, loopback: false, mail: None, github: None }
    }

    /// An address of this farm, for other places than its own pages.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// The name of the farm's host.
    pub(crate) fn host(&self) -> &str {
        self.public_url.host_str().unwrap_or("localhost")
    }
}

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Whom it is from, as `Name <address>`.
    pub from: String,
    /// Who takes it.
    pub server: SmtpServer,
}

/// A server that takes mail.
#[derive(Clone)]
pub struct SmtpServer {
    /// `smtps://USER@HOST:PORT`, `smtp://…` with STARTTLS, and on this machine without.
    pub url: Url,
    /// The user's password.
    pub password: Option<String>,
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpServer({})", self.url.host_str().unwrap_or_default())
    }
}

/// How issues are opened.
#[derive(Clone)]
pub struct GitHub {
    /// The address of GitHub's API.
    pub api: Url,
    /// A token that may write issues, such as that of an account made for it.
    pub token: String,
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitHub({})", self.api)
    }
}
