//! What an operator's flags turn on of notifications: the secrets are read from their files.

use std::path::Path;

use anyhow::{Context, Result, bail};
use notify::{Config, GitHub, Mail, SmtpServer};
use url::Url;

use crate::args::NotifyArgs;

/// The configuration of the flags.
pub(crate) fn config(args: &NotifyArgs, public_url: Url) -> Result<Config> {
    let mail = match (&args.mail_server, &args.mail_from) {
        (Some(url), Some(from)) => {
            let password = args.mail_password_file.as_deref().map(secret).transpose()?;
            Some(Mail { from: from.clone(), server: SmtpServer { url: url.clone(), password } })
        }
        _ => None,
    };
    let token = args.github_token_file.as_deref().map(secret).transpose()?;
    Ok(Config {
        webhooks: args.webhooks,
        loopback: args.notify_loopback,
        mail,
        github: token.map(|token| GitHub { api: args.github_api.clone(), token }),
        ..Config::new(public_url)
    })
}

/// The one line of a file.
fn secret(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read the secret in {}", file.display()))?;
    match text.trim_end_matches(['\r', '\n']) {
        line if line.is_empty() || line.contains('\n') => bail!("{} should hold one line, the secret", file.display()),
        line => Ok(line.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn args(more: &[&str]) -> Result<NotifyArgs, clap::Error> {
        let line = ["pgxn-testers", "coordinator"].iter().chain(more);
        let Command::Coordinator(args) = Cli::try_parse_from(line)?.command else { panic!("not `coordinator`") };
        Ok(args.at.notify)
    }

    #[test]
    fn nothing_is_told_unless_an_operator_says_so() {
        let config = config(&args(&[]).unwrap(), "https://example.org/".parse().unwrap()).unwrap();
        assert!(!config.webhooks && !config.loopback && config.mail.is_none() && config.github.is_none());
    }

    #[test]
    fn secrets_come_from_files_and_are_not_printed() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("github"), "ghp_hidden\n").unwrap();
        std::fs::write(path("mail"), "two words\n").unwrap();
        let given = args(&[
            "--github-token-file",
            &path("github"),
            "--mail-server",
            "smtps://farm@mail.example.org",
            "--mail-from",
            "Farm <farm@example.org>",
            "--mail-password-file",
            &path("mail"),
        ]);
        let config = config(&given.unwrap(), "https://example.org/".parse().unwrap()).unwrap();
        assert_eq!(config.github.as_ref().unwrap().token, "ghp_hidden");
        assert_eq!(config.mail.as_ref().unwrap().server.password.as_deref(), Some("two words"));
        let printed = format!("{config:?}");
        assert!(!printed.contains("hidden") && !printed.contains("two words"), "{printed}");
        std::fs::write(path("mail"), "\n").unwrap();
        assert!(secret(&dir.path().join("mail")).is_err());
        assert!(args(&["--mail-server", "smtps://mail.example.org"]).is_err(), "whom it is from is missing");
    }
}
