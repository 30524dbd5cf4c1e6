//! What a dying server process wrote down (`images/files/backtrace.c`): addresses, the files that were mapped where, and names.
//!
//! Everything in it may be made up, as any code in the container can write such a file. It is read within bounds, nothing in it is used as
//! anything but a number, a text to show, or a quoted path for a program that runs in the same container.

use std::collections::BTreeMap;

use crate::judge::shown;

/// So many frames of a file are read.
const MAX_FRAMES: usize = 64;
const MAX_LINES: usize = 1_000;
const MAX_PATH_CHARS: usize = 400;
const MAX_NAME_CHARS: usize = 200;

/// One file of `/data/crashes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dump {
    /// The process, as the file's name has it.
    pub(crate) pid: u32,
    /// How the process called itself.
    pub(crate) title: String,
    pub(crate) signal: i32,
    /// The address that could not be used, where the processor itself found fault.
    pub(crate) address: Option<u64>,
    /// Who sent the signal, where a process did.
    pub(crate) sender: Option<u32>,
    /// Innermost first.
    pub(crate) frames: Vec<Frame>,
    maps: Vec<Map>,
    /// Names of functions that libraries export, by address.
    names: BTreeMap<u64, String>,
}

/// Where a function of the stack was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) address: u64,
    /// Whether it is the instruction itself, or the one after a call.
    exact: bool,
}

/// A part of a file in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Map {
    start: u64,
    end: u64,
    is_first: bool,
    path: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) path: String,
    /// The address of the instruction, or of the call, as the file has it.
    pub(crate) offset: u64,
}

impl Dump {
    /// Reads a file; what cannot be read of it is left out.
    pub(crate) fn read(pid: u32, bytes: &[u8]) -> Self {
        let mut dump = Self { pid, ..Self::default() };
        let text = String::from_utf8_lossy(bytes);
        let mut names = false;
        for line in text.lines().take(MAX_LINES) {
            if names {
                dump.names.extend(name(line));
                continue;
            }
            let Some((word, rest)) = line.split_once(' ') else {
                names = line == "names";
                continue;
            };
            dump.take(word, rest);
        }
        dump
    }

    fn take(&mut self, word: &str, rest: &str) {
        match word {
            "title" => self.title = shown(rest, MAX_NAME_CHARS),
            "signal" => self.signal = rest.parse().ok().filter(|signal| (1..=64).contains(signal)).unwrap_or_default(),
            "address" => self.address = number(rest),
            "sender" => self.sender = rest.parse().ok(),
            "map" => self.maps.extend(map(rest)),
            "at" | "from" if self.frames.len() < MAX_FRAMES => {
                self.frames.extend(number(rest).map(|address| Frame { address, exact: word == "at" }));
            }
            _ => {}
        }
    }

    /// Whether it is the postmaster, whose title is still its command.
    pub(crate) fn is_postmaster(&self) -> bool {
        self.title.starts_with('/')
    }

    /// Where a frame is; none where no file is mapped there.
    pub(crate) fn place(&self, frame: Frame) -> Option<Place> {
        // The address after a call may belong to the next line, or to the next function.
        let address = if frame.exact { frame.address } else { frame.address.checked_sub(1)? };
        let map = self.maps.iter().find(|map| (map.start..map.end).contains(&address))?;
        let first = self.maps.iter().filter(|one| one.is_first && one.path == map.path && one.start <= address);
        let base = first.map(|one| one.start).max()?;
        Some(Place { path: map.path.clone(), offset: address - base })
    }

    /// The function that a library exports there.
    pub(crate) fn name(&self, frame: Frame) -> Option<&str> {
        self.names.get(&frame.address).map(String::as_str)
    }
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// `start-end rights offset device inode path`.
fn map(line: &str) -> Option<Map> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let hex = |text| u64::from_str_radix(text, 16).ok();
    let is_first = hex(words.nth(1)?)? == 0;
    let path = shown(&line[line.find('/')?..], MAX_PATH_CHARS);
    Some(Map { start: hex(start)?, end: hex(end)?, is_first, path })
}

/// `library(function+0x12) [0x7f0000001234]`, in which the function may be missing.
fn name(line: &str) -> Option<(u64, String)> {
    let (before, address) = line.strip_suffix(']')?.rsplit_once("[0x")?;
    let inside = before.trim_end().strip_suffix(')')?.rsplit_once('(')?.1;
    let function = inside.rsplit_once("+0x").map_or(inside, |(function, _)| function);
    let function = shown(function, MAX_NAME_CHARS);
    let address = u64::from_str_radix(address, 16).ok()?;
    (!function.is_empty()).then_some((address, function))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Written by a server of PostgreSQL 17 whose extension followed a null pointer; libraries without a frame were taken out.
    const NULL_POINTER: &[u8] = include_bytes!("dumps/null-pointer-on-17");
    const NULL_FUNCTION: &[u8] = include_bytes!("dumps/null-function-on-17");

    #[test]
    fn a_frame_is_found_in_its_library() {
        let dump = Dump::read(222, NULL_POINTER);
        assert_eq!((dump.signal, dump.address, dump.sender, dump.frames.len()), (11, Some(0), None, 17));
        assert!(!dump.is_postmaster(), "{}", dump.title);
        let [first, second, ..] = dump.frames[..] else { panic!("{dump:?}") };
        let path = "/usr/lib/postgresql/17/lib/crashy.so".to_owned();
        assert_eq!(dump.place(first), Some(Place { path: path.clone(), offset: 0x12c0 }));
        assert_eq!((dump.place(second), dump.name(second)), (Some(Place { path, offset: 0x15b4 }), Some("crashy")));
        assert_eq!(dump.name(first), None, "a static function has no name there");
        assert_eq!(dump.name(dump.frames[6]), Some("PortalRun"));
    }

    #[test]
    fn who_called_a_function_that_is_not_there_is_known() {
        let dump = Dump::read(237, NULL_FUNCTION);
        assert_eq!((dump.frames[0].address, dump.place(dump.frames[0])), (0, None));
        assert_eq!(dump.name(dump.frames[1]), Some("crashy"));
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(lines in prop::collection::vec("(at|from|map|names|signal|title|sender|address|end)? ?[0-9a-fx/() \\[\\]é+-]{0,40}", 0..40)) {
            let dump = Dump::read(1, lines.join("\n").as_bytes());
            for frame in &dump.frames {
                let _ = (dump.place(*frame), dump.name(*frame));
            }
        }
    }
}
