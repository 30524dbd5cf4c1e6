//! What goes into a container and what comes out of it: tar streams through commands, as the engine's own copying cannot write into
//! file systems in memory of a container whose root is read-only.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use pgxn::archive::Tree;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::error::{Error, Result};
use crate::sandbox::docker::{Chunk, Engine, ExecSpec};

const PIECE: usize = 256 * 1024;

/// A copy in may take this long before the engine counts as hung.
const COPY_IN: Duration = Duration::from_mins(5);

/// A copy out may take this long before what has come is taken as all there is.
const COPY_OUT: Duration = Duration::from_secs(30);

/// Files that came out of a container, and what the script that found them said.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Path and bytes, in the order in which the script named them; long ones without their middle.
    pub files: Vec<(String, super::LogText)>,
    /// What it said on standard error.
    pub said: String,
    /// Whether more was there than is taken.
    pub cut: bool,
}

/// Packs a tree into a tar file without a name in `dir`, so that it can be copied in as soon as the container is there. Its top is named
/// `top`. It may be as large as the tree, which the system's own place for temporary files, often in memory, was not made for.
pub(crate) fn pack(tree: &Tree, top: &str, dir: &Path) -> Result<File> {
    let spool = tempfile::tempfile_in(dir).map_err(Error::file("make a temporary file in", dir))?;
    let mut builder = tar::Builder::new(std::io::BufWriter::new(spool));
    builder.follow_symlinks(false);
    builder.append_dir(top, &tree.root).map_err(Error::file("pack", &tree.root))?;
    for entry in &tree.entries {
        let path = tree.root.join(&entry.path);
        let packed = builder.append_path_with_name(&path, Path::new(top).join(&entry.path));
        packed.map_err(Error::file("pack", path))?;
    }
    let writer = builder.into_inner().map_err(Error::file("pack", &tree.root))?;
    let mut spool = writer.into_inner().map_err(|error| Error::file("pack", &tree.root)(error.into_error()))?;
    spool.rewind().map_err(Error::file("pack", &tree.root))?;
    Ok(spool)
}

/// When files that are copied in count as changed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    /// When the archive says.
    AsPacked,
    /// When they arrive, by the container's own clock.
    Now,
}

/// Unpacks a tar file below a directory of the container.
pub(crate) async fn copy_in(
    engine: &Engine,
    container: &str,
    (archive, times): (impl Read + Send + 'static, Times),
    dir: &str,
) -> Result<()> {
    let mut words = ["tar", "-x", "--no-same-owner", "-C", dir].map(str::to_owned).to_vec();
    if times == Times::Now {
        words.push("--touch".to_owned());
    }
    let spec = ExecSpec { command: words, env: &[], with_input: true, bare: false };
    let copying = async {
        let mut exec = engine.exec(container, spec).await?;
        let mut pieces = pieces(archive);
        let mut broken = None;
        while let Some(piece) = pieces.recv().await {
            let piece = piece.map_err(Error::file("read the archive for", dir))?;
            if let Err(error) = exec.input.write_all(&piece).await {
                broken = Some(error);
                break;
            }
        }
        // What tar itself says tells more than the pipe that it closed.
        let _ = exec.input.shutdown().await;
        let mut said = Vec::new();
        while let Some(Ok(Chunk::Out(bytes) | Chunk::Err(bytes))) = exec.output.next().await {
            said.extend_from_slice(&bytes[..bytes.len().min(4_096_usize.saturating_sub(said.len()))]);
        }
        let exit = engine.exec_exit(&exec.id).await;
        if exit == Some(0) && broken.is_none() {
            return Ok(());
        }
        let why = broken.map(|error| error.to_string()).unwrap_or_default();
        Err(Error::CopyIn { why: format!("{}{why}", String::from_utf8_lossy(&said)) })
    };
    timeout(COPY_IN, copying).await.unwrap_or_else(|_| Err(Error::CopyIn { why: "it took more than 5 minutes".into() }))
}

/// Reads in a thread that may block, a piece ahead.
fn pieces(mut from: impl Read + Send + 'static) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            let read = from.read(&mut piece);
            let is_last = read.is_err();
            match read {
                Ok(0) => return,
                Ok(read) => piece.truncate(read),
                Err(_) => piece.clear(),
            }
            if sender.blocking_send(read.map(|_| piece)).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// Runs a script that prints a tar archive, and reads that within bounds; what is too much is left out, never an error.
pub(crate) async fn copy_out(engine: &Engine, container: &str, script: &str, bounds: Bounds) -> Result<Collected> {
    let words = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let mut exec =
        engine.exec(container, ExecSpec { command: words, env: &[], with_input: false, bare: false }).await?;
    let mut archive = Vec::new();
    let mut said = Vec::new();
    let mut cut = false;
    let reading = async {
        while let Some(chunk) = exec.output.next().await {
            match chunk? {
                Chunk::Out(bytes) => {
                    let room = bounds.total.saturating_sub(archive.len()).min(bytes.len());
                    archive.extend_from_slice(&bytes[..room]);
                    cut |= room < bytes.len();
                }
                Chunk::Err(bytes) => {
                    said.extend_from_slice(&bytes[..bytes.len().min(65_536_usize.saturating_sub(said.len()))]);
                }
            }
            if cut {
                break;
            }
        }
        Ok::<(), Error>(())
    };
    match timeout(COPY_OUT, reading).await {
        Ok(outcome) => outcome?,
        Err(_) => cut = true,
    }
    let files = unpack(&archive, bounds.each);
    Ok(Collected { files, said: String::from_utf8_lossy(&said).into_owned(), cut })
}

/// How much may come out of a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Bytes of all files.
    pub(crate) total: usize,
    /// Bytes that are kept of one.
    pub(crate) each: usize,
}

/// The regular files of a tar archive, up to where it is cut or broken.
fn unpack(archive: &[u8], each: usize) -> Vec<(String, super::LogText)> {
    let mut files = Vec::new();
    let mut archive = tar::Archive::new(archive);
    let Ok(entries) = archive.entries() else { return files };
    for mut entry in entries.map_while(Result::ok) {
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut log = super::Log::new(each);
        let mut piece = vec![0; PIECE];
        while let Ok(read @ 1..) = entry.read(&mut piece) {
            log.push(&piece[..read]);
        }
        files.push((path, log.finish()));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, bytes) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, *bytes).unwrap();
        }
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "link", "/etc/passwd").unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn only_regular_files_come_out_and_long_ones_lose_their_middle() {
        let files = unpack(&archive(&[("a", b"short"), ("b", "0123456\n".repeat(100).as_bytes())]), 100);
        assert_eq!(files.len(), 2);
        assert_eq!((files[0].0.as_str(), files[0].1.bytes.as_slice()), ("a", b"short".as_slice()));
        assert!(files[1].1.omitted_bytes > 600, "{}", files[1].1.omitted_bytes);
    }

    #[test]
    fn an_archive_that_breaks_off_gives_what_came_before() {
        let whole = archive(&[("a", b"short"), ("b", b"second")]);
        assert_eq!(unpack(&whole[..1_024 + 512], 100)[0].1.bytes, b"short");
        assert_eq!(unpack(b"this is no archive", 100), []);
    }

    #[test]
    fn a_tree_is_packed_with_its_links_as_links() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("Makefile"), "all:\n").unwrap();
        std::os::unix::fs::symlink("Makefile", dir.path().join("link")).unwrap();
        let tree = Tree::of_directory(dir.path(), &pgxn::archive::Limits::default(), |_| false).unwrap();
        let work = tempfile::tempdir().unwrap();
        let packed = pack(&tree, "src", work.path()).unwrap();
        assert!(crate::sandbox::tests::path_of(&packed).starts_with(work.path()));
        let mut archive = tar::Archive::new(packed);
        let entries = archive.entries().unwrap().map(Result::unwrap);
        let found: Vec<_> =
            entries.map(|entry| (entry.path().unwrap().display().to_string(), entry.header().entry_type())).collect();
        assert!(found.contains(&("src/link".into(), tar::EntryType::Symlink)), "{found:?}");
        assert!(found.contains(&("src/Makefile".into(), tar::EntryType::Regular)), "{found:?}");
    }
}
