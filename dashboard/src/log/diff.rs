//! What each line of `regression.diffs` is, in unified and in context form.

use serde::Serialize;

/// What a line of a diff is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DiffLine {
    /// Names the files.
    Head,
    /// Names the place.
    Hunk,
    /// Got, but not expected.
    Added,
    /// Expected, but not got.
    Removed,
    /// Differs, in context form.
    Changed,
    /// The same on both sides.
    Same,
}

impl DiffLine {
    /// Its class in the style sheet.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Head => "dh",
            Self::Hunk => "dk",
            Self::Added => "da",
            Self::Removed => "dr",
            Self::Changed => "dc",
            Self::Same => "",
        }
    }
}

/// Says what a line is by how it starts. Within a hunk `--- x` may also be a removed `-- x`: a comment in SQL, so a file's head has a
/// path or a date after its name.
pub(crate) fn classify(line: &str) -> DiffLine {
    let heads = ["diff ", "Index: ", "====", "\\ No newline"];
    if heads.iter().any(|head| line.starts_with(head)) || is_file_line(line) {
        return DiffLine::Head;
    }
    match line.as_bytes() {
        [b'@', b'@', ..] | [b'*', b'*', b'*', ..] => DiffLine::Hunk,
        [b'-', b'-', b'-', b' ', digit, .., b'-', b'-', b'-', b'-'] if digit.is_ascii_digit() => DiffLine::Hunk,
        [b'+', ..] => DiffLine::Added,
        [b'-', ..] => DiffLine::Removed,
        [b'!', b' ', ..] => DiffLine::Changed,
        _ => DiffLine::Same,
    }
}

fn is_file_line(line: &str) -> bool {
    let name = ["--- ", "+++ ", "*** "].iter().find_map(|start| line.strip_prefix(start));
    name.is_some_and(|name| name.contains('\t') || name.starts_with('/') && !name.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_forms_of_diff_are_told_apart() {
        use DiffLine::{Added, Changed, Head, Hunk, Removed, Same};
        let cases = [
            ("diff -U3 /sandbox/expected/a.out /sandbox/results/a.out", Head),
            ("--- /sandbox/expected/a.out\t2026-11-20 10:00:00.000000000 +0000", Head),
            ("+++ /sandbox/results/a.out\t2026-11-20 10:00:00.000000000 +0000", Head),
            ("*** /sandbox/expected/a.out\tFri Nov 20 10:00:00 2026", Head),
            ("--- /sandbox/results/a.out", Head),
            ("@@ -1,3 +1,3 @@", Hunk),
            ("***************", Hunk),
            ("*** 1,5 ****", Hunk),
            ("--- 1,5 ----", Hunk),
            ("+ERROR:  type \"x\" does not exist", Added),
            ("- 1 row", Removed),
            ("--- a comment of SQL that was removed", Removed),
            ("! (2 rows)", Changed),
            ("  CREATE TABLE", Same),
            ("", Same),
        ];
        for (line, expected) in cases {
            assert_eq!(classify(line), expected, "{line}");
        }
    }
}
