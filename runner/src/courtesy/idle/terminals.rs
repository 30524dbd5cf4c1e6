//! Whether somebody types, from the times at which terminals were last read: the kernel sets them, to eight seconds, when input comes, which is
//! also what `w` shows as IDLE. Consoles, serial lines and all that ssh, screen and terminal programs open are such. Who uses a graphical desktop
//! alone, without any terminal, is not seen here, but by the processors.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use protocol::Timestamp;

/// Where terminals are, and how their names begin.
const PLACES: [(&str, &str); 3] = [("dev/pts", ""), ("dev", "tty"), ("dev", "console")];

/// That input came to a terminal within so long, in words.
pub(super) fn in_use(root: &Path, within: Duration, now: Timestamp) -> Option<String> {
    let (name, read) =
        PLACES.iter().flat_map(|(dir, prefix)| terminals(root, dir, prefix)).max_by_key(|(_, read)| *read)?;
    let ago = now.since(read);
    // One from the future is of a clock that was set back: nobody knows.
    (ago < within && read <= now.plus(Duration::from_mins(1)))
        .then(|| format!("somebody typed on {name} {} min ago", ago.as_secs() / 60))
}

/// The terminals of a directory, and when each was last read.
fn terminals(root: &Path, dir: &str, prefix: &str) -> Vec<(String, Timestamp)> {
    let short = dir.trim_start_matches("dev").trim_start_matches('/');
    let terminal = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        // `/dev/tty` is whoever asks, and `ptmx` makes new ones.
        let is_one = name.starts_with(prefix) && name != "tty" && name != "ptmx";
        let read =
            entry.metadata().ok().filter(|_| is_one)?.accessed().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let name = Path::new(short).join(name).display().to_string();
        Some((name, Timestamp::from_millis(i64::try_from(read.as_millis()).ok()?)))
    };
    fs::read_dir(root.join(dir)).into_iter().flatten().flatten().filter_map(terminal).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

    /// A machine whose terminals were read so many seconds ago.
    fn machine(read: &[(&str, u64)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("dev/pts")).unwrap();
        for (name, seconds) in read {
            let at = NOW.minus(Duration::from_secs(*seconds)).as_millis();
            let at = SystemTime::UNIX_EPOCH + Duration::from_millis(at.unsigned_abs());
            let file = File::create(root.path().join(name)).unwrap();
            file.set_times(FileTimes::new().set_accessed(at)).unwrap();
        }
        root
    }

    #[test]
    fn the_terminal_that_was_read_last_decides() {
        let said = |read: &[(&str, u64)]| in_use(machine(read).path(), Duration::from_mins(10), NOW);
        let both = said(&[("dev/pts/0", 4_000), ("dev/pts/3", 130), ("dev/tty1", 9_000)]);
        assert_eq!(both.as_deref(), Some("somebody typed on pts/3 2 min ago"));
        assert_eq!(said(&[("dev/tty1", 5)]).as_deref(), Some("somebody typed on tty1 0 min ago"));
        assert_eq!(said(&[("dev/pts/0", 600), ("dev/tty", 1), ("dev/pts/ptmx", 1), ("dev/sda", 1)]), None);
        assert_eq!(said(&[]), None);
        assert_eq!(in_use(machine(&[("dev/pts/0", 0)]).path(), Duration::ZERO, NOW), None, "nobody looks");
    }
}
