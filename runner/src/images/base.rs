//! The images that the others stand on: Debian's own from a registry, or one that mmdebstrap makes where no registry answers.

use std::process::Stdio;
use std::time::Duration;

use protocol::Platform;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::error::{Error, Result, in_words};
use crate::images::build::{given_up, wall};
use crate::images::progress::{Told, plain};
use crate::sandbox::docker::Engine;

/// A registry that says nothing for so long is one that does not answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// The last lines of mmdebstrap that an error shows.
const TAIL: usize = 12;

/// The name of a base image.
pub(crate) fn tag(suite: &str, platform: Platform) -> String {
    format!("pgxn-testers/base:{suite}-{platform}")
}

/// Pulls Debian's image of a suite and gives it our name.
pub(super) async fn pull(engine: &Engine, suite: &str, platform: Platform) -> Result<()> {
    let reference = format!("debian:{suite}-slim");
    let pull = engine.pull_image(&reference, platform, PATIENCE);
    pull.await?;
    engine.tag_image(&reference, &tag(suite, platform)).await
}

/// Makes the image of a suite from Debian's archive, by mmdebstrap; an error says what to do, in words.
pub(super) async fn bootstrap(
    engine: &Engine,
    suite: &str,
    platform: Platform,
    settings: &[String],
    told: Told<'_>,
) -> Result<(), String> {
    let child = start(suite, platform, settings)?;
    import(engine, child, (suite, platform), told, wall(platform)).await
}

/// Makes the image of what a program prints, which may take so long.
async fn import(
    engine: &Engine,
    mut child: Child,
    (suite, platform): (&str, Platform),
    told: Told<'_>,
    wall: Duration,
) -> Result<(), String> {
    let archive = child.stdout.take().expect("its output was asked for");
    let errors = child.stderr.take().expect("its errors were asked for");
    let mut tail = Vec::new();
    let listen = async {
        let mut lines = BufReader::new(errors).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let line = plain(&line);
            told.line(line.clone());
            tail.push(line);
            if tail.len() > TAIL {
                tail.remove(0);
            }
        }
    };
    let importing = async { tokio::join!(take(engine, archive, (suite, platform)), listen).0 };
    // An import that is broken off leaves no image.
    let Ok(imported) = timeout(wall, importing).await else {
        end(child).await;
        return Err(format!("mmdebstrap: {}\n{}", given_up(wall), tail.join("\n")));
    };
    let status = child.wait().await.map_err(|error| format!("mmdebstrap: {error}"))?;
    match (status.success(), imported) {
        (true, Ok(Taken::Image(image))) => {
            engine.tag_image(&image, &tag(suite, platform)).await.map_err(|error| in_words(&error))
        }
        (true, Ok(Taken::Layer(layer))) => {
            engine.load_root(layer, platform, &tag(suite, platform)).await.map_err(|error| in_words(&error))
        }
        (true, Err(error)) => Err(in_words(&error)),
        // What was imported is the beginning of a file system.
        (false, Ok(Taken::Image(image))) => {
            engine.remove_image(&image).await.map_err(|error| in_words(&error))?;
            Err(explain(&tail, suite, platform))
        }
        // It ended because the engine had stopped listening.
        (false, Err(error)) if tail.iter().any(|line| line.contains("Broken pipe")) => Err(in_words(&error)),
        (false, Ok(Taken::Layer(_)) | Err(_)) => Err(explain(&tail, suite, platform)),
    }
}

/// What came of a program's output.
enum Taken {
    /// An image, by its identity.
    Image(String),
    /// A file with no name: what is of another platform than the engine's has to be given to it as a whole.
    Layer(std::fs::File),
}

async fn take(engine: &Engine, mut archive: ChildStdout, (suite, platform): (&str, Platform)) -> Result<Taken> {
    if platform == Platform::native() {
        return engine.import_image(archive, platform).await.map(Taken::Image);
    }
    let unwritten = |source| Error::file("write the root file system of", suite)(source);
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(unwritten)?);
    tokio::io::copy(&mut archive, &mut file).await.map_err(unwritten)?;
    file.flush().await.map_err(unwritten)?;
    Ok(Taken::Layer(file.into_std().await))
}

/// Asks a program to end, which lets mmdebstrap remove what it has unpacked; kills one that does not.
async fn end(mut child: Child) {
    if let Some(id) = child.id() {
        let asked = Command::new("kill").arg(id.to_string()).stdin(Stdio::null()).stderr(Stdio::null()).status().await;
        if asked.is_ok_and(|status| status.success()) && timeout(PATIENCE, child.wait()).await.is_ok() {
            return;
        }
    }
    if let Err(error) = child.kill().await {
        tracing::warn!(%error, "could not end mmdebstrap");
    }
}

fn start(suite: &str, platform: Platform, settings: &[String]) -> Result<Child, String> {
    let mut command = Command::new("mmdebstrap");
    command.arg("--variant=minbase").arg("--format=tar").arg(format!("--architectures={platform}"));
    for setting in settings {
        command.arg(format!("--aptopt={setting}"));
    }
    // Where the archive is, mmdebstrap knows from the machine's own configuration.
    command.arg(suite).arg("-");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            "mmdebstrap is not installed: install the package `mmdebstrap`, or let the engine reach a registry"
                .to_owned()
        }
        _ => format!("mmdebstrap: {error}"),
    })
}

/// What mmdebstrap said last, and what can be done about it.
fn explain(tail: &[String], suite: &str, platform: Platform) -> String {
    let text = tail.join("\n");
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let remedy = if has(&["arch-test"]) {
        format!(
            "To make one of {platform}, it asks arch-test whether this machine can run that: `pgxn-testers runner doctor --fix` installs it."
        )
    } else if has(&["NO_PUBKEY", "is not signed", "Missing key", "not available: "]) {
        format!("This machine lacks the key that signs {suite}: install a newer package `debian-archive-keyring`.")
    } else if has(&["cannot be executed", "Exec format error", "qemu-user"]) {
        format!(
            "This machine cannot run programs of {platform}: `pgxn-testers runner doctor --fix` sets it up (qemu-user-static, binfmt_misc)."
        )
    } else if has(&["newuidmap", "uidmap", "unshare", "Operation not permitted"]) {
        "It needs root, or user namespaces: install the package `uidmap`, or run this as root.".to_owned()
    } else {
        "Check that this machine reaches Debian's archive (`apt-get update`).".to_owned()
    };
    format!("mmdebstrap could not make a base image of {suite}. {remedy}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_mmdebstrap_comes_with_what_to_do() {
        let said = |line: &str| explain(&[line.to_owned()], "forky", Platform::Arm64);
        for (line, remedy) in [
            ("E: The repository is not signed.", "debian-archive-keyring"),
            ("E: arm64 can neither be executed natively nor via qemu-user", "qemu-user-static"),
            ("E: install arch-test for foreign architecture support", "doctor --fix"),
            ("E: newuidmap failed", "uidmap"),
            ("E: Temporary failure resolving", "apt-get update"),
        ] {
            let text = said(line);
            assert!(text.contains(remedy) && text.contains(line) && text.contains("forky"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_program_that_makes_no_image_is_ended_in_time_which_needs_an_engine() {
        let engine = Engine::connect(&crate::engine_host()).await.unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'I: downloading' >&2; exec sleep 600"]).kill_on_drop(true);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let id = child.id().unwrap();
        let told = Told { target: "pg17-amd64".parse().unwrap(), to: &() };
        let wall = Duration::from_secs(2);
        let why = import(&engine, child, ("forky", Platform::native()), told, wall).await.unwrap_err();
        assert!(why.contains("given up after 2 s") && why.contains("I: downloading"), "{why}");
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists(), "it has ended");
    }
}
