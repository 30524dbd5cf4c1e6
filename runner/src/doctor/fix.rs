//! Sets up the emulation of arm64: installs qemu-user by the system's package manager, mounts `binfmt_misc`, registers it with the flag F.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::doctor::emulation::{self, BINFMT, State};

/// Programs that emulate arm64 without a library of the machine.
const INTERPRETERS: [&str; 3] =
    ["/usr/bin/qemu-aarch64-static", "/usr/bin/qemu-aarch64", "/usr/local/bin/qemu-aarch64-static"];
/// Asks whether an architecture runs here: mmdebstrap wants it before it makes an image of another one.
const ARCH_TEST: &str = "/usr/bin/arch-test";
/// What systemd registers when the machine starts; the package brings it.
const CONF: [&str; 2] = ["/usr/lib/binfmt.d/qemu-aarch64.conf", "/usr/lib/binfmt.d/qemu-aarch64-static.conf"];

/// Package managers, and what they call it.
const MANAGERS: [(&str, &[&str]); 5] = [
    ("apt-get", &["install", "-y", "--no-install-recommends", "qemu-user-static", "arch-test"]),
    ("dnf", &["install", "-y", "qemu-user-static-aarch64"]),
    ("zypper", &["--non-interactive", "install", "qemu-linux-user"]),
    ("pacman", &["-S", "--noconfirm", "--needed", "qemu-user-static", "qemu-user-static-binfmt"]),
    ("apk", &["add", "qemu-aarch64"]),
];

/// What is to be done next, if anything.
type Step = fn() -> Result<Option<Fix>, String>;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// A command is run.
    Run(Vec<String>),
    /// A line is written into a file.
    Write(String, String),
}

impl std::fmt::Display for Fix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Run(words) => f.write_str(&words.join(" ")),
            Self::Write(text, file) => write!(f, "echo '{text}' > {file}"),
        }
    }
}

/// Does what is missing, and says each thing before it is done. An error says what could not be done, and what to do instead.
pub async fn fix(say: &(dyn Fn(&str) + Sync)) -> Result<(), String> {
    if cfg!(not(target_arch = "x86_64")) {
        return Err("only arm64 on amd64 is emulated; there is nothing to set up here".into());
    }
    if !is_root() {
        return Err(format!("this needs root; type: {}", emulation::FIX));
    }
    let mut did = false;
    // Each look comes after what was done before: a package may have registered it by itself.
    let steps: [Step; 4] = [install, || Ok(mount()), || Ok(unregister()), register];
    for step in steps {
        if let Some(fix) = step()? {
            say(&fix.to_string());
            apply(&fix).await?;
            did = true;
        }
    }
    say(if did { "arm64 is emulated from now on" } else { "nothing to do: arm64 is emulated already" });
    Ok(())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

fn interpreter() -> Option<&'static str> {
    INTERPRETERS.into_iter().find(|path| Path::new(path).exists())
}

fn install() -> Result<Option<Fix>, String> {
    let has_arch_test = Path::new(ARCH_TEST).exists() || find("mmdebstrap").is_none();
    if interpreter().is_some() && has_arch_test {
        return Ok(None);
    }
    let manager = MANAGERS.into_iter().find(|(name, _)| find(name).is_some());
    let (name, words) =
        manager.ok_or("no package manager is known here: install qemu-user-static by hand, then type this again")?;
    Ok(Some(Fix::Run(std::iter::once(name).chain(words.iter().copied()).map(str::to_owned).collect())))
}

fn find(program: &str) -> Option<std::path::PathBuf> {
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"]
        .iter()
        .map(|dir| Path::new(dir).join(program))
        .find(|path| path.exists())
}

fn mount() -> Option<Fix> {
    let words = ["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT];
    (emulation::state() == State::Unmounted).then(|| Fix::Run(words.map(str::to_owned).to_vec()))
}

/// What lacks the flag cannot be changed, only be made anew.
fn unregister() -> Option<Fix> {
    let entry = format!("{BINFMT}/qemu-aarch64");
    let is_there = Path::new(&entry).exists();
    (emulation::state() != State::Registered && is_there).then(|| Fix::Write("-1".into(), entry))
}

fn register() -> Result<Option<Fix>, String> {
    if emulation::registered() {
        return Ok(None);
    }
    let packaged = CONF.iter().find_map(|path| std::fs::read_to_string(path).ok());
    let line =
        line(packaged.as_deref(), interpreter()).ok_or("no interpreter of arm64 was found after the installation")?;
    Ok(Some(Fix::Write(line, format!("{BINFMT}/register"))))
}

/// What the kernel is told: the package's own line, or ours with its program; with the flag F in any case.
fn line(packaged: Option<&str>, interpreter: Option<&str>) -> Option<String> {
    let ours = |path: &str| {
        let magic = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00";
        let mask = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff";
        format!(":qemu-aarch64:M::{magic}:{mask}:{path}:OCF")
    };
    let lines = packaged.unwrap_or_default().lines().map(str::trim);
    let theirs = lines.into_iter().find(|line| line.starts_with(":qemu-aarch64:")).map(str::to_owned);
    let line = theirs.or_else(|| interpreter.map(ours))?;
    let flags = line.rsplit(':').next().unwrap_or_default();
    Some(if flags.contains('F') { line } else { format!("{line}F") })
}

async fn apply(fix: &Fix) -> Result<(), String> {
    let why = |why: String| format!("`{fix}` did not succeed: {why}");
    match fix {
        Fix::Write(text, file) => std::fs::write(file, text).map_err(|error| why(error.to_string())),
        Fix::Run(words) => {
            let mut command = Command::new(&words[0]);
            command.args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).kill_on_drop(true);
            let output = command.output().await.map_err(|error| why(error.to_string()))?;
            if output.status.success() {
                return Ok(());
            }
            let said = String::from_utf8_lossy(&output.stderr);
            Err(why(crate::judge::shown(said.lines().last().unwrap_or_default(), 300)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_has_the_flag_that_containers_need() {
        let packaged = "# a comment\n:qemu-aarch64:M::a:b:/usr/libexec/qemu:OP\n";
        assert_eq!(line(Some(packaged), None).unwrap(), ":qemu-aarch64:M::a:b:/usr/libexec/qemu:OPF");
        let packaged = ":qemu-aarch64:M::a:b:/usr/libexec/qemu:OPF\n";
        assert_eq!(line(Some(packaged), None).unwrap(), packaged.trim());
        let ours = line(None, Some("/usr/bin/qemu-aarch64-static")).unwrap();
        assert!(ours.ends_with(":/usr/bin/qemu-aarch64-static:OCF"), "{ours}");
        assert_eq!(line(None, None), None);
    }
}
