//! What a prerequisite wrote into the server's directories, taken out of its container and kept for the next run.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use protocol::Phase;

use super::blocked;
use crate::error::Error;
use crate::prerequisites::{Entry, Key, Planned, SiftError};
use crate::run::phase::Bench;
use crate::run::quote::quoted;
use crate::run::stop::in_phase;
use crate::run::{Step, Stop};

/// Is older than whatever a prerequisite writes.
pub(super) const MARK: &str = ": >/run/pgxn-prerequisite";

/// Pieces that wait until they are looked at.
const WAITING: usize = 4;

/// Takes it out, and removes its source.
pub(super) async fn run(bench: &Bench<'_>, item: &Planned, key: &Key, dir: &str) -> Step<Entry> {
    let dirs: Vec<String> = bench.image.writable.iter().filter(|path| !path.starts_with("/data/")).cloned().collect();
    let script = script(&dirs, dir);
    let (sender, pieces) = sync_channel(WAITING);
    let (cache, key, now) = (bench.site.prerequisites.clone(), key.clone(), bench.site.clock.now());
    let keeping =
        tokio::task::spawn_blocking(move || cache.keep(&key, (Pieces { pieces, rest: Vec::new() }, &dirs), now));
    let mut sink = |piece: &[u8]| pass_on(&sender, Some(piece));
    let streamed = bench.sandbox.stream_out(&script, &mut sink).await;
    if matches!(streamed, Ok(true)) {
        // Where nobody listens any more, it is decided already.
        let _ = pass_on(&sender, None);
    }
    drop(sender);
    match keeping.await.expect("writing does not panic") {
        Ok(entry) => Ok(entry),
        Err(SiftError::Kept(error)) => {
            Err(in_phase(Phase::Dependencies)(Error::file("write below", &bench.site.work_dir)(error)))
        }
        Err(SiftError::Refused(why)) => match streamed {
            Err(error) => Err(in_phase(Phase::Dependencies)(error)),
            Ok(_) => Err(Stop::Decided(blocked(item, &why))),
        },
    }
}

fn pass_on(sender: &SyncSender<Option<Vec<u8>>>, piece: Option<&[u8]>) -> io::Result<()> {
    sender.send(piece.map(<[u8]>::to_vec)).map_err(|_| io::ErrorKind::BrokenPipe.into())
}

/// What comes out of a container, as something to read: it ends where its end was said, and not where it broke off.
struct Pieces {
    pieces: Receiver<Option<Vec<u8>>>,
    rest: Vec<u8>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.pieces.recv() {
                Ok(Some(piece)) => self.rest = piece,
                Ok(None) => return Ok(0),
                Err(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let read = self.rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.rest[..read]);
        self.rest.drain(..read);
        Ok(read)
    }
}

/// Prints a tar file of what was written since the mark into the directories that `make install` may write into. The cluster is the server's.
fn script(dirs: &[String], dir: &str) -> String {
    let dirs: Vec<String> = dirs.iter().filter_map(|path| path.strip_prefix('/')).map(quoted).collect();
    format!(
        "cd / && [ -f /run/pgxn-prerequisite ] || exit 1
find {} -xdev \\( -type f -o -type l \\) -cnewer /run/pgxn-prerequisite -print0 \
         | tar -c --format=gnu -f - --null --verbatim-files-from --no-recursion -T -; code=$?; rm -rf {}; exit $code",
        dirs.join(" "),
        quoted(&format!("/sandbox/{dir}"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_off_is_told_from_what_has_ended() {
        let read = |pieces: &[Option<&[u8]>]| {
            let (sender, receiver) = sync_channel(WAITING);
            for piece in pieces {
                pass_on(&sender, *piece).unwrap();
            }
            drop(sender);
            let mut text = String::new();
            Pieces { pieces: receiver, rest: Vec::new() }.read_to_string(&mut text).map(|_| text).ok()
        };
        assert_eq!(read(&[Some(b"a"), Some(b""), Some(b"bc"), None]).as_deref(), Some("abc"));
        assert_eq!(read(&[Some(b"abc")]), None);
    }
}
