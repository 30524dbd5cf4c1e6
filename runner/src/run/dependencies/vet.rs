//! What prerequisites have installed, looked at before the distribution comes: what another distribution's files may not be.
//!
//! Whatever they installed is there for the distribution to use, and may be as bad as it likes. But a prerequisite that changes the server's
//! own programs, makefiles and headers, or puts others in front of the system's, decides what comes of a distribution that does nothing
//! wrong: the run is blocked, and says by whom. It is looked at in a container in which nothing of theirs has run.

use std::path::Path;
use std::time::Duration;

use protocol::Phase;

use super::blocked;
use crate::prerequisites::{Entry, Planned, Root, Shipped, shown};
use crate::run::phase::Bench;
use crate::run::stop::in_phase;
use crate::run::{Step, Stop};
use crate::sandbox::{Command, Log};

/// Comparing takes milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// Tells which of the server's files are others now, which new ones stand in front of the system's, and how much room is left.
const LOOK: &str = r#"
{
    dirs=$(grep -v '^/data/' /pgxn/writable)
    df -k --output=size,avail,target $dirs | sed 's/^/pgxn-room /'
    find $dirs -xdev \( -type f -o -type l \) -cnewer /run/pgxn-tree -print0 | xargs -0 -r /bin/sh -c '
        for file; do
            if [ -e "/pgxn/seed$file" ] || [ -L "/pgxn/seed$file" ]; then
                [ ! -L "$file" ] && cmp -s "/pgxn/seed$file" "$file" || echo "pgxn-replaced $file"
                continue
            fi
            case $file in
            */bin/*) for there in /usr/local/bin /usr/bin /bin; do
                [ ! -e "$there/${file##*/}" ] || { echo "pgxn-shadows $file"; break; }
            done ;;
            /usr/include/* | */include/*) for rest in "${file##*/server/}" "${file##*/internal/}" "${file##*/include/postgresql/}" "${file##*/include/}"; do
                for there in /usr/include/"$rest" /usr/include/*-linux-gnu*/"$rest" /usr/lib/gcc/*/*/include/"$rest"; do
                    [ ! -e "$there" ] || [ "$there" = "$file" ] || { echo "pgxn-shadows $file"; break 2; }
                done
            done ;;
            esac
        done' look
} >&2 2>/dev/null
"#;

/// Looks, and blocks the run where something may not be.
pub(super) async fn run(
    bench: &Bench<'_>,
    (root, shipped): (&Root, &Shipped),
    installed: &[(Planned, Entry)],
) -> Step<()> {
    let args = vec!["/bin/true".to_owned()];
    let command = Command { before: LOOK.into(), args, ..Command::shell("/", "") };
    let ended = bench.sandbox.run(&command, PATIENCE, &mut Log::new(1_000), &mut |_| {}).await;
    let seen = ended.map_err(in_phase(Phase::Dependencies))?.side;
    match trouble(&seen, (root, shipped), installed) {
        Some((item, why)) => Err(Stop::Decided(blocked(item, &why))),
        None => Ok(()),
    }
}

/// Whose fault it is, and what.
fn trouble<'a>(
    seen: &str,
    (root, shipped): (&Root, &Shipped),
    installed: &'a [(Planned, Entry)],
) -> Option<(&'a Planned, String)> {
    for (item, entry) in installed {
        for name in entry.names() {
            if name.iter().any(|part| part == "pgxs") {
                return Some((item, format!("it installs a part of the server's makefiles: {}", shown(name))));
            }
            if let Some(own) = root.provides.iter().find(|own| is_of(name, own.as_str())) {
                return Some((
                    item,
                    format!("it installs files of the extension {own} of {}: {}", root.dist, shown(name)),
                ));
            }
        }
    }
    for line in seen.lines() {
        if let Some(rest) = line.strip_prefix("pgxn-room ") {
            if is_full(rest) {
                return Some((&installed.last()?.0, "it leaves no room in the server's directories".into()));
            }
            continue;
        }
        let Some((word, file)) = line.split_once(' ') else { continue };
        let name = Path::new(file.trim_start_matches('/'));
        let item = &installed.iter().rfind(|(_, entry)| entry.has(name)).or(installed.last())?.0;
        match word {
            "pgxn-replaced" if !may_replace(item, shipped, name) => {
                return Some((item, format!("it replaces a file of the server: {}", shown(name))));
            }
            "pgxn-shadows" => {
                return Some((item, format!("it installs a file in front of the system's own: {}", shown(name))));
            }
            _ => {}
        }
    }
    None
}

/// Whether less than an eighth is left.
fn is_full(room: &str) -> bool {
    let mut numbers = room.split_whitespace().map_while(|word| word.parse::<u64>().ok());
    matches!((numbers.next(), numbers.next()), (Some(size), Some(left)) if left < size / 8)
}

/// A newer release of an extension that the server ships takes its place, and so does documentation.
fn may_replace(item: &Planned, shipped: &Shipped, name: &Path) -> bool {
    let known = &item.known;
    let mut own = known.provides.iter().chain([&known.release.dist]);
    let is_code = ["bin", "include", "pgxs"].iter().any(|dir| name.iter().any(|part| part == *dir));
    let is_shipped = |own: &protocol::Name| shipped.contains_key(own) && own.as_str() != "plpgsql";
    name.iter().any(|part| part == "doc")
        || (!is_code && own.any(|own| is_shipped(own) && begins_with(name, own.as_str())))
}

/// Whether a file is one that `CREATE EXTENSION` of that name reads.
fn is_of(name: &Path, extension: &str) -> bool {
    name.iter().any(|part| part == "extension") && begins_with(name, extension)
}

/// Whether a file, or a directory that it is in, is called after an extension: `hstore.so`, `hstore--1.0.sql`, `bitcode/hstore/hstore_io.bc`.
fn begins_with(name: &Path, extension: &str) -> bool {
    let is_called = |part: &str| {
        part.strip_prefix(extension)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("--"))
    };
    name.iter().filter_map(|part| part.to_str()).any(is_called)
}

#[cfg(test)]
mod tests;
