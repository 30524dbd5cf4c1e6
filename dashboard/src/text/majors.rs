//! Lists of PostgreSQL majors as people write them: `14 to 16 and 18`, or `14–16, 18` on a badge.

/// How a range is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dash {
    /// `14 to 16 and 18`, for sentences.
    Words,
    /// `14–16, 18`, where there is little room.
    Short,
}

/// Joins majors, in whatever order they come, and gives each its name by `name`.
///
/// Three or more in a row become a range; a devel major never does, so that its name keeps its word.
pub(crate) fn list(numbers: &[u16], devel: &[u16], dash: Dash) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let runs = runs(&sorted, devel);
    let name = |number: u16| {
        if devel.contains(&number) { format!("{number} devel") } else { number.to_string() }
    };
    let parts: Vec<String> = runs
        .iter()
        .flat_map(|run| match (run.as_slice(), dash) {
            ([first, .., last], Dash::Short) => vec![format!("{first}–{last}")],
            ([first, _, .., last], Dash::Words) => vec![format!("{first} to {last}")],
            (few, _) => few.iter().map(|number| name(*number)).collect(),
        })
        .collect();
    match dash {
        Dash::Short => parts.join(", "),
        Dash::Words => and(&parts),
    }
}

/// Numbers that follow one another; a devel major stands alone.
fn runs(sorted: &[u16], devel: &[u16]) -> Vec<Vec<u16>> {
    let mut runs: Vec<Vec<u16>> = Vec::new();
    for &number in sorted {
        match runs.last_mut() {
            Some(run) if run.last() == Some(&(number - 1)) && !devel.contains(&number) => run.push(number),
            _ => runs.push(vec![number]),
        }
    }
    runs
}

/// `a`, `a and b`, `a, b and c`.
fn and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majors_are_listed_as_a_person_would_write_them() {
        let cases: [(&[u16], &str, &str); 9] = [
            (&[], "", ""),
            (&[17], "17", "17"),
            (&[18, 17], "17 and 18", "17–18"),
            (&[18, 17, 16], "16 to 18", "16–18"),
            (&[18, 16], "16 and 18", "16, 18"),
            (&[14, 15, 16, 18], "14 to 16 and 18", "14–16, 18"),
            (&[13, 14, 16, 17], "13, 14, 16 and 17", "13–14, 16–17"),
            (&[17, 18, 19], "17, 18 and 19 devel", "17–18, 19 devel"),
            (&[15, 16, 17, 18, 19, 18], "15 to 18 and 19 devel", "15–18, 19 devel"),
        ];
        for (numbers, words, short) in cases {
            assert_eq!(list(numbers, &[19], Dash::Words), words);
            assert_eq!(list(numbers, &[19], Dash::Short), short);
        }
    }
}
