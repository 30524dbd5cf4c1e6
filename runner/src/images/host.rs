//! What the machine that builds knows of package archives, and the images should know as well: proxies, archives whose dates are past.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use url::Url;

/// Apt says what it is set to within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The groups of settings that make a difference to whether an archive can be read.
const TAKEN: [&str; 8] = [
    "Acquire::Check-Date",
    "Acquire::Check-Valid-Until",
    "Acquire::ForceIPv4",
    "Acquire::ForceIPv6",
    "Acquire::Max-FutureTime",
    "Acquire::Min-ValidTime",
    "Acquire::http::",
    "Acquire::https::",
];

/// The machine's settings of apt, one a line in the syntax of apt.conf; none on a machine that has no apt.
pub(super) async fn apt_settings() -> Vec<String> {
    let dump = Command::new("apt-config").arg("dump").stdin(Stdio::null()).kill_on_drop(true).output();
    match tokio::time::timeout(PATIENCE, dump).await {
        Ok(Ok(output)) if output.status.success() => select(&String::from_utf8_lossy(&output.stdout)),
        _ => Vec::new(),
    }
}

/// The proxy that the machine's apt is told of for http.
pub(crate) async fn apt_proxy() -> Option<String> {
    let settings = apt_settings().await;
    let value = settings.iter().find_map(|line| line.strip_prefix("Acquire::http::Proxy \""))?;
    value.strip_suffix("\";").map(str::to_owned)
}

/// The first archive that the machine's apt has its packages from; none on a machine that has no apt, or has none over http.
pub(crate) async fn apt_archive() -> Option<Url> {
    let targets = ["indextargets", "--format", "$(REPO_URI)"];
    let listed = Command::new("apt-get").args(targets).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, listed).await.ok()?.ok()?;
    first_archive(&String::from_utf8_lossy(&output.stdout))
}

fn first_archive(listed: &str) -> Option<Url> {
    let mut urls = listed.lines().filter_map(|line| line.trim().parse::<Url>().ok());
    urls.find(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The lines that also hold inside a container: no files and programs of the machine, no proxy that only the machine itself reaches. No
/// password either: what is in an image, every distribution can read and print into a log that everybody may see.
fn select(dump: &str) -> Vec<String> {
    let inside = |line: &&str| {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        let local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| value.contains(host));
        let taken = TAKEN.iter().any(|prefix| {
            name == *prefix
                || (prefix.ends_with("::") && name.get(..prefix.len()).is_some_and(|start| start == *prefix))
        });
        taken && !local && !value.contains('@') && !value.contains("\"/") && value != "\"\";" && line.len() < 500
    };
    dump.lines().filter(inside).take(64).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_one_that_is_asked_over_http() {
        let listed = "file:/srv/packages\ncdrom://disk/\n\nmirror+https://list.example.org/\nhttps://archive.example.org/debian/\nhttp://b.example.org/\n";
        assert_eq!(first_archive(listed).unwrap().as_str(), "https://archive.example.org/debian/");
        assert_eq!(first_archive("E: no such command\n"), None);
    }

    #[test]
    fn what_makes_an_archive_readable_is_taken_and_what_only_the_machine_has_is_not() {
        let dump = "APT \"\";\n\
                    APT::Update::Post-Invoke:: \"rm -f /x\";\n\
                    Acquire::Check-Valid-Until \"false\";\n\
                    Acquire::Check-Valid-Until-Not \"false\";\n\
                    Acquire::http \"\";\n\
                    Acquire::http::Proxy \"http://proxy.example:3128\";\n\
                    Acquire::https::Proxy \"http://127.0.0.1:3142\";\n\
                    Acquire::http::Proxy::deb.example \"http://name:password@proxy.example:3128\";\n\
                    Acquire::https::CAInfo \"/etc/ssl/mine.pem\";\n\
                    Acquire::http::Proxy-Auto-Detect \"/usr/bin/auto-apt-proxy\";\n";
        assert_eq!(
            select(dump),
            ["Acquire::Check-Valid-Until \"false\";", "Acquire::http::Proxy \"http://proxy.example:3128\";"]
        );
    }
}
