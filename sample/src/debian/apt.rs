//! Debian's archive, asked through the machine's own apt with a private state, so that addresses, proxies, keys and settings are
//! those that the machine uses, every index is checked against its signature and every tarball against its index.

use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Progress;
use super::sources::{self, Source};
use crate::Error;

/// Downloads with a digest to check, and decompresses.
pub(super) const HELPER: &str = "/usr/lib/apt/apt-helper";

const KEYRINGS: [&str; 2] =
    ["/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp"];
/// Of what a program said, this much is repeated.
const MAX_SAID: usize = 400;

/// Where Debian's archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    uri: String,
}

impl Archive {
    /// The archive that this machine's apt uses; none on a machine that is not Debian.
    pub fn of_host() -> Option<Self> {
        let format = "$(REPO_URI) $(ORIGIN) $(LABEL)";
        let out = Command::new("apt-get")
            .args(["indextargets", "--format", format, "Created-By: Packages"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        Self::of_targets(&String::from_utf8_lossy(&out.stdout))
    }

    /// Picks Debian's own archive, neither its security updates nor anybody else's.
    fn of_targets(targets: &str) -> Option<Self> {
        let fields = targets.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let own = |line: &Vec<&str>| match line[..] {
            [_, "Debian", "Debian"] => true,
            // Nothing was ever downloaded, so origins are not known.
            [uri, "$(ORIGIN)", _] => uri.trim_end_matches('/').ends_with("/debian"),
            _ => false,
        };
        fields.into_iter().find(own).map(|line| Self { uri: line[0].to_owned() })
    }

    /// The archive that a `sources.list` or `debian.sources` names, such as that of a Debian container's base image.
    pub fn of_sources(text: &str) -> Option<Self> {
        let words = text.lines().filter(|line| line.starts_with("deb") || line.starts_with("URIs:"));
        let mut uris = words.flat_map(str::split_whitespace).filter(|word| word.contains(":/"));
        let uri = uris.find(|uri| uri.trim_end_matches('/').ends_with("/debian"))?;
        Some(Self { uri: uri.to_owned() })
    }

    /// The line of a `sources.list` for the sources of a suite.
    fn line(&self, suite: &str) -> String {
        let keyring = KEYRINGS.into_iter().find(|keyring| Path::new(keyring).exists());
        let signed = keyring.map(|keyring| format!("[signed-by={keyring}] ")).unwrap_or_default();
        format!("deb-src {signed}{} {suite} main\n", self.uri)
    }
}

/// apt with a state of its own below a directory.
pub(super) struct Apt<'a> {
    dir: PathBuf,
    progress: &'a dyn Progress,
}

impl<'a> Apt<'a> {
    /// Prepares the state for these suites.
    pub(super) fn prepare(
        dir: &Path,
        archive: &Archive,
        suites: &[&str],
        progress: &'a dyn Progress,
    ) -> Result<Self, Error> {
        let dir = std::path::absolute(dir).map_err(Error::io("find", dir))?;
        for part in ["lists/partial", "cache/archives/partial"] {
            let part = dir.join(part);
            std::fs::create_dir_all(&part).map_err(Error::io("create directory", &part))?;
        }
        let lines: String = suites.iter().map(|suite| archive.line(suite)).collect();
        for (name, text) in [("sources.list", lines.as_str()), ("status", "")] {
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(Error::io("write", &path))?;
        }
        Ok(Self { dir, progress })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C.UTF-8").arg("-qq");
        for (key, name) in [
            ("Dir::Etc::sourcelist", "sources.list"),
            ("Dir::State", ""),
            ("Dir::State::lists", "lists"),
            ("Dir::State::status", "status"),
            ("Dir::Cache", "cache"),
        ] {
            command.arg("-o").arg(format!("{key}={}", self.dir.join(name).display()));
        }
        for option in [
            "Dir::Etc::sourceparts=/dev/null",
            "Acquire::Languages=none",
            "APT::Sandbox::User=root",
            "APT::Update::Error-Mode=any",
            "Acquire::Retries=2",
            "Acquire::http::Timeout=20",
            "Acquire::https::Timeout=20",
        ] {
            command.args(["-o", option]);
        }
        command
    }

    /// Downloads the indexes; what a suite that failed said comes back, for the others may serve.
    pub(super) fn update(&self) -> Result<Option<String>, Error> {
        let mut command = self.command("apt-get");
        command.arg("update");
        match run(command, "apt-get update", self.progress) {
            Ok(_) => Ok(None),
            Err(Error::Apt { said, .. }) => Ok(Some(said)),
            Err(error) => Err(error),
        }
    }

    /// The newest source of each of these packages, in each suite whose index is here: `(suite, source)`.
    pub(super) fn sources(&self, packages: &[&str]) -> Result<Vec<(String, Source)>, Error> {
        let mut command = self.command("apt-get");
        command.args(["indextargets", "--format", "$(RELEASE) $(REPO_URI) $(FILENAME)", "Created-By: Sources"]);
        let mut found = Vec::new();
        for line in run(command, "apt-get indextargets", self.progress)?.lines() {
            let mut parts = line.splitn(3, ' ');
            let (Some(suite), Some(uri), Some(file)) = (parts.next(), parts.next(), parts.next()) else { continue };
            let index = self.index(file, packages, uri)?;
            found.extend(index.into_iter().map(|source| (suite.to_owned(), source)));
        }
        Ok(found)
    }

    /// Removes the private state: indexes are large, and are asked once.
    pub(super) fn remove(self) -> Result<(), Error> {
        std::fs::remove_dir_all(&self.dir).map_err(Error::io("remove", &self.dir))
    }

    fn index(&self, file: &str, packages: &[&str], uri: &str) -> Result<Vec<Source>, Error> {
        let mut command = self.command(HELPER);
        command.args(["cat-file", file]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut helper = command.spawn().map_err(Error::io("start", Path::new(HELPER)))?;
        let out = helper.stdout.take().expect("its output was asked for");
        let lines = BufReader::new(out).lines().map_while(Result::ok);
        let sources = sources::parse(lines, packages, uri);
        helper.wait().map_err(Error::io("wait for", Path::new(HELPER)))?;
        Ok(sources)
    }

    /// Downloads a tarball, whose SHA-256 apt checks, to `path`; there is nothing at `path` otherwise.
    pub(super) fn download(&self, source: &Source, path: &Path) -> Result<(), Error> {
        let dir = path.parent().expect("a tarball lies in a directory");
        let beside = tempfile::Builder::new().prefix(".new-").tempdir_in(dir).map_err(Error::io("write in", dir))?;
        let partial = beside.path().join(&source.file);
        let mut command = self.command(HELPER);
        command.args(["download-file", &source.uri]).arg(&partial).arg(format!("SHA256:{}", source.sha256));
        run(command, "apt-helper download-file", self.progress)?;
        std::fs::rename(&partial, path).map_err(Error::io("rename", &partial))
    }
}

/// Runs a program to its end, or until the caller wants to stop; gives its output.
fn run(mut command: Command, name: &str, progress: &dyn Progress) -> Result<String, Error> {
    let file = || tempfile::tempfile().map_err(Error::io("create a file in", &std::env::temp_dir()));
    let (mut out, mut err) = (file()?, file()?);
    let clone = |file: &std::fs::File| file.try_clone().map_err(Error::io("use", Path::new("a temporary file")));
    command.stdin(Stdio::null()).stdout(clone(&out)?).stderr(clone(&err)?);
    let mut child = command.spawn().map_err(Error::io("start", Path::new(command.get_program())))?;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(Error::io("wait for", Path::new(name)))? {
            break status;
        }
        if progress.stopped() {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::Stopped);
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if status.success() {
        return Ok(text(&mut out));
    }
    let said = text(&mut err);
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("E:")).collect();
    let said = if errors.is_empty() { said.trim().to_owned() } else { errors.join(" ") };
    Err(Error::Apt { program: name.to_owned(), said: said.chars().take(MAX_SAID).collect() })
}

fn text(file: &mut std::fs::File) -> String {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.take(4 << 20).read_to_end(&mut bytes));
    if read.is_err() {
        bytes.clear();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(archive: Option<Archive>) -> Option<String> {
        archive.map(|archive| archive.uri)
    }

    #[test]
    fn the_archive_is_debians_own_and_neither_security_nor_a_vendors() {
        let targets = "https://vendor.example/apt/ Vendor Vendor\n\
            http://one.example/debian-security/ Debian Debian-Security\n\
            http://one.example/debian/ Debian Debian\n";
        assert_eq!(uri(Archive::of_targets(targets)).as_deref(), Some("http://one.example/debian/"));
        assert_eq!(Archive::of_targets("http://two.example/ubuntu/ Ubuntu Ubuntu\n"), None);
        let fresh = "http://one.example/debian/ $(ORIGIN) $(LABEL)\n";
        assert_eq!(uri(Archive::of_targets(fresh)).as_deref(), Some("http://one.example/debian/"));
    }

    #[test]
    fn the_archive_of_a_base_image_is_read_in_both_forms() {
        let old = "deb [signed-by=/k.gpg] http://one.example/debian trixie main\n";
        assert_eq!(uri(Archive::of_sources(old)).as_deref(), Some("http://one.example/debian"));
        let new = "Types: deb\n# URIs: http://no.example/debian\nURIs: http://one.example/debian/\nSuites: trixie\n";
        assert_eq!(uri(Archive::of_sources(new)).as_deref(), Some("http://one.example/debian/"));
        assert_eq!(Archive::of_sources("deb http://two.example/ubuntu noble main\n"), None);
    }
}
