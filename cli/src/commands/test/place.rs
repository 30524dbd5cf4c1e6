//! Where in its author's source a failure shows: the line that a compiler names, or the expected output that a test did not give.

use super::Cell;

/// The directory of the source in a sandbox.
const SOURCE: &str = "/sandbox/src/";
/// So many lines after and before a decisive one are looked at.
const AROUND: usize = 12;
/// At most so many lines of a difference are told.
const MOST_LINES: usize = 12;

/// A place, and what is wrong there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Relative to the source; none where it is not known.
    pub(super) file: Option<String>,
    pub(super) line: Option<u64>,
    pub(super) column: Option<u64>,
    /// Empty where there is nothing to add to the verdict.
    pub(super) text: String,
}

/// The places of a failed run; at least one.
pub(super) fn places(cell: &Cell) -> Vec<Place> {
    if let Some(diffs) = cell.diffs() {
        let found = of_diffs(&diffs);
        if !found.is_empty() {
            return found;
        }
    }
    let Some(decisive) = &cell.completed.report.verdict.decisive else { return vec![Place::default()] };
    let found = of_compiler(&decisive.text).unwrap_or_else(|| {
        let log = cell.text(|record| record.name == decisive.file).map(|(_, text)| text).unwrap_or_default();
        Place { text: decisive.text.clone(), ..near(&log, decisive.line).unwrap_or_default() }
    });
    vec![found]
}

/// The place below the source that is named next to a line of a log, counted from 1: an error in a header of the server is told with the line that
/// uses what is in it.
fn near(log: &str, line: u64) -> Option<Place> {
    let lines: Vec<&str> = log.lines().collect();
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    let after = lines.iter().skip(at).take(AROUND);
    let before = lines.iter().take(at).rev().take(AROUND);
    after.chain(before).find_map(|line| {
        let line = line.trim_start();
        let named = line.strip_prefix("In file included from ").or_else(|| line.strip_prefix("from ")).unwrap_or(line);
        of_compiler(named).or_else(|| of_compiler(&named.replace(',', ":")))
    })
}

/// `src/main.c:22:10: fatal error: gmp.h: No such file or directory`, with or without a column.
fn of_compiler(text: &str) -> Option<Place> {
    let (file, rest) = text.split_once(':')?;
    let (line, rest) = rest.split_once(':')?;
    let line = line.trim().parse().ok()?;
    let (column, said) = match rest.split_once(':') {
        Some((column, said)) if column.trim().parse::<u64>().is_ok() => (column.trim().parse().ok(), said),
        _ => (None, rest),
    };
    Some(Place { file: Some(inside(file)?), line: Some(line), column, text: said.trim().to_owned() })
}

/// A path below the source, by whatever the sandbox calls it; none for one outside.
pub(super) fn inside(path: &str) -> Option<String> {
    let path = path.trim().strip_prefix(SOURCE).or_else(|| Some(path.trim()).filter(|path| !path.starts_with('/')))?;
    let path = path.trim_start_matches("./");
    let is_plain = !path.is_empty() && !path.contains(' ') && path.split('/').all(|part| part != "..");
    is_plain.then(|| path.to_owned())
}

/// The first difference of each file in `regression.diffs`.
fn of_diffs(diffs: &str) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut lines = diffs.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(expected) = line.strip_prefix("--- ") else { continue };
        if !lines.peek().is_some_and(|next| next.starts_with("+++ ")) {
            continue;
        }
        lines.next();
        let Some(at) = lines.next_if(|next| next.starts_with("@@ -")).and_then(first_line) else { continue };
        let path = expected.split('\t').next().unwrap_or(expected);
        let hunk = |next: &&str| next.starts_with([' ', '-', '+']) && !next.starts_with("--- ");
        let mut told = Vec::new();
        let mut before = 0;
        while let Some(next) = lines.next_if(hunk) {
            if told.is_empty() && next.starts_with(' ') {
                before += 1;
            } else if told.len() < MOST_LINES && !next.starts_with(' ') {
                told.push(next);
            }
        }
        let text = format!("The output is not what was expected:\n{}", told.join("\n"));
        places.push(Place { file: inside(path), line: Some(at + before), column: None, text });
    }
    places
}

/// The first line of a hunk, `@@ -12,7 +12,8 @@`.
fn first_line(head: &str) -> Option<u64> {
    head.strip_prefix("@@ -")?.split([',', ' ']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_s_line_is_a_place_and_what_is_not_below_the_source_is_none() {
        let place = of_compiler("/sandbox/src/src/main.c:22:10: fatal error: gmp.h: No such file").unwrap();
        let file = Some("src/main.c".to_owned());
        let text = "fatal error: gmp.h: No such file".to_owned();
        assert_eq!(place, Place { file, line: Some(22), column: Some(10), text });
        assert_eq!(of_compiler("src/x.y:7: syntax error").unwrap().column, None);
        for text in ["/usr/include/x.h:1:2: error: x", "../x.c:1:2: error", "make: *** [x] Error 1", "psql:1: x y"] {
            let place = of_compiler(text);
            assert!(place.as_ref().is_none_or(|place| place.file.as_deref() == Some("psql")), "{text}: {place:?}");
        }
    }

    #[test]
    fn an_error_in_a_header_of_the_server_is_where_the_source_uses_it() {
        let log = "gcc -c src/x.c\nIn file included from src/x.c:1:\n/usr/include/pg/fmgr.h:362:34: error: expected ;\n\
            \x20 362 | extern\nsrc/x.c:5:1: note: in expansion of macro ‘PG_FUNCTION_INFO_V1’\n";
        let place = near(log, 3).unwrap();
        assert_eq!((place.file.as_deref(), place.line), (Some("src/x.c"), Some(5)));
        let before = near("In file included from src/y.c:7:\n/usr/include/z.h:3:4: error: x\n", 2).unwrap();
        assert_eq!((before.file.as_deref(), before.line), (Some("src/y.c"), Some(7)));
        assert_eq!(near("make: *** [x] Error 1\n", 1), None);
    }

    #[test]
    fn the_first_difference_of_each_file_is_told() {
        let diffs = "diff -U3 /sandbox/src/test/expected/a.out /sandbox/src/results/a.out\n\
            --- /sandbox/src/test/expected/a.out\t2026-11-20\n+++ /sandbox/src/results/a.out\t2026-11-20\n\
            @@ -10,3 +10,3 @@\n one\n-two\n+three\n@@ -40,3 +40,3 @@\n x\n-y\n+z\n\
            diff -U3 x y\n--- /sandbox/src/expected/b.out\n+++ y\n@@ -1 +1 @@\n-p\n+q\n";
        let found = of_diffs(diffs);
        let places: Vec<_> = found.iter().map(|place| (place.file.as_deref().unwrap(), place.line.unwrap())).collect();
        assert_eq!(places, [("test/expected/a.out", 11), ("expected/b.out", 1)]);
        assert!(found[0].text.ends_with("\n-two\n+three"), "{found:?}");
    }
}
