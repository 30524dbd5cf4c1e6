//! Where in the sources the frames of crashes are: one command in the container asks `addr2line` about the libraries that were built there.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::shown;
use crate::run::crash::dump::{Dump, Place};
use crate::run::quote::quoted;

/// So many libraries are asked, about so many places each.
const MAX_LIBRARIES: usize = 8;
const MAX_PLACES: usize = 64;
const MAX_FRAME_CHARS: usize = 300;

/// What is looked up is a library that was installed here since the image's own tree was there; `own` is what `make install` of the
/// distribution itself installed, after `run/install.rs` left its mark.
const SCRIPT: &str = r#"
exec >&2 2>/dev/null
look() {
    library=$1; shift
    [ -f "$library" ] && [ -n "$(find "$library" -maxdepth 0 -cnewer /run/pgxn-tree)" ] || return 0
    [ -e /run/pgxn-mark ] && [ -n "$(find "$library" -maxdepth 0 -cnewer /run/pgxn-mark)" ] && own=own || own=built
    printf 'pgxn-library %s %s\n' "$own" "$library"
    timeout -k 1 10 addr2line -a -C -f -i -p -e "$library" "$@" | head -n 400 | cut -c 1-600
}
"#;

/// The command that looks up the places of these dumps; none where there is nothing to look up.
pub(crate) fn script(dumps: &[Dump]) -> Option<String> {
    let mut libraries: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for dump in dumps {
        for place in dump.frames.iter().filter_map(|frame| dump.place(*frame)) {
            let offsets = libraries.entry(place.path).or_default();
            if offsets.len() < MAX_PLACES {
                offsets.insert(place.offset);
            }
        }
    }
    libraries.retain(|path, _| !is_of_the_system(path));
    let call = |(path, offsets): (&String, &BTreeSet<u64>)| {
        let offsets: Vec<String> = offsets.iter().map(|offset| format!("{offset:#x}")).collect();
        format!("look {} {}\n", quoted(path), offsets.join(" "))
    };
    let calls: String = libraries.iter().take(MAX_LIBRARIES).map(call).collect();
    (!calls.is_empty()).then(|| format!("{SCRIPT}{calls}"))
}

/// What the root file system holds, which nothing in a run can write.
fn is_of_the_system(path: &str) -> bool {
    let is_multiarch =
        |path: &str| path.starts_with("/usr/lib/x86_64-linux-gnu/") || path.starts_with("/usr/lib/aarch64-linux-gnu/");
    is_multiarch(path) || path.starts_with("/lib") || path.starts_with("/dev/") || path.ends_with("/bin/postgres")
}

/// What the command printed.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Functions and lines by place, innermost first where one was built into another.
    known: BTreeMap<Place, Vec<String>>,
    own: BTreeSet<String>,
}

impl Trace {
    /// Reads it. The file's own debug information says what is in it, so that nothing in it is more than a text to show.
    pub(crate) fn read(said: &str) -> Self {
        let mut trace = Self::default();
        let mut library = String::new();
        let mut place: Option<Place> = None;
        for line in said.lines() {
            if let Some((own, path)) = line.strip_prefix("pgxn-library ").and_then(|rest| rest.split_once(' ')) {
                path.clone_into(&mut library);
                trace.own.extend((own == "own").then(|| library.clone()));
                place = None;
                continue;
            }
            let inlined = line.strip_prefix(" (inlined by) ");
            let rest = inlined.or_else(|| {
                let (address, rest) = line.split_once(": ")?;
                let offset = u64::from_str_radix(address.strip_prefix("0x")?, 16).ok()?;
                place = Some(Place { path: library.clone(), offset });
                Some(rest)
            });
            if let Some((place, text)) = place.as_ref().zip(rest.and_then(|rest| in_source(&library, rest))) {
                trace.known.entry(place.clone()).or_default().push(text);
            }
        }
        trace
    }

    /// The frames of a dump in words, innermost first, each with whether it is in what the distribution itself installed.
    pub(crate) fn frames(&self, dump: &Dump) -> Vec<(String, bool)> {
        let mut frames = Vec::new();
        for frame in &dump.frames {
            let Some(place) = dump.place(*frame) else {
                frames.push((format!("{:#x}, where there is no code", frame.address), false));
                continue;
            };
            let is_own = self.own.contains(&place.path);
            if let Some(texts) = self.known.get(&place) {
                frames.extend(texts.iter().map(|text| (text.clone(), is_own)));
                continue;
            }
            let library = base(&place.path);
            let text = match dump.name(*frame) {
                Some(name) => format!("{name} in {library}"),
                None => format!("{:#x} in {library}", place.offset),
            };
            frames.push((shown(&text, MAX_FRAME_CHARS), is_own));
        }
        frames
    }
}

/// `function at /sandbox/src/file.c:12 (discriminator 3)`. What was built without debug information has no lines, and may have no file;
/// a function has its name nevertheless, as PGXS strips nothing.
fn in_source(library: &str, text: &str) -> Option<String> {
    let (function, rest) = text.rsplit_once(" at ")?;
    let (file, line) = rest.split(" (discriminator").next()?.rsplit_once(':')?;
    let file = file.strip_prefix(crate::run::SOURCE_DIR).map_or(file, |file| file.trim_start_matches('/'));
    let text = match (file.trim_start_matches("./"), line.parse::<u32>()) {
        _ if function == "??" => return None,
        ("??", _) => format!("{function} in {}", base(library)),
        (file, Ok(line @ 1..)) => format!("{function} at {file}:{line}"),
        (file, _) => format!("{function} at {file}"),
    };
    Some(shown(&text, MAX_FRAME_CHARS))
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NULL_POINTER: &[u8] = include_bytes!("dumps/null-pointer-on-17");
    const LIBRARY: &str = "/usr/lib/postgresql/17/lib/crashy.so";

    fn said() -> String {
        format!(
            "pgxn-library own {LIBRARY}\n\
             0x00000000000012c0: follow at /sandbox/src/crashy.c:15\n\
             0x00000000000015b4: inner at /sandbox/src/./src/inner.h:3 (discriminator 2)\n \
             (inlined by) crashy at /sandbox/src/crashy.c:22\n"
        )
    }

    #[test]
    fn only_what_was_built_here_is_looked_up_and_a_path_stays_one_word() {
        let dump = Dump::read(222, NULL_POINTER);
        let script = script(&[dump]).unwrap();
        let calls: Vec<&str> = script.lines().filter(|line| line.starts_with("look ")).collect();
        assert_eq!(calls, [format!("look '{LIBRARY}' 0x12c0 0x15b4")]);
        let hostile = String::from_utf8_lossy(NULL_POINTER).replace("crashy.so", "a'; touch $(x)\u{7}.so");
        let script = super::script(&[Dump::read(1, hostile.as_bytes())]).unwrap();
        assert!(script.contains(r"look '/usr/lib/postgresql/17/lib/a'\''; touch $(x).so' 0x12c0"), "{script}");
    }

    #[test]
    fn frames_are_lines_of_the_source_where_they_are_known_and_names_elsewhere() {
        let dump = Dump::read(222, NULL_POINTER);
        let frames = Trace::read(&said()).frames(&dump);
        let first: Vec<_> = frames.iter().take(5).map(|(text, own)| (text.as_str(), *own)).collect();
        assert_eq!(
            first,
            [
                ("follow at crashy.c:15", true),
                ("inner at src/inner.h:3", true),
                ("crashy at crashy.c:22", true),
                ("0x332e37 in postgres", false),
                ("0x368146 in postgres", false),
            ]
        );
        assert_eq!(frames[5].0, "standard_ExecutorRun in postgres");
    }

    #[test]
    fn without_debug_information_functions_still_have_names() {
        let dump = Dump::read(222, NULL_POINTER);
        let frames = |first: &str, second: &str| {
            let said =
                format!("pgxn-library own {LIBRARY}\n0x00000000000012c0: {first}\n0x00000000000015b4: {second}\n");
            Trace::read(&said).frames(&dump)[..2].iter().map(|(text, _)| text.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            frames("follow.constprop.0 at crashy.c:?", "crashy at ??:?"),
            ["follow.constprop.0 at crashy.c", "crashy in crashy.so"]
        );
        assert_eq!(frames("?? ??:0", "?? at ??:0"), ["0x12c0 in crashy.so", "crashy in crashy.so"]);
    }
}
