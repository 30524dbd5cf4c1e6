//! Which of a row of majors to test next, to find where a distribution turns: a pure function.
//!
//! The ends come first: where they agree, there is nothing to halve. Between two that differ, the one in the middle is next, until they are
//! neighbours. A major without a verdict (NA, ENV, BLOCKED, ERROR) says nothing, and another takes its place.

/// What is known of a major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It was not tested.
    Nothing,
    /// It works on it, or not.
    Works(bool),
    /// It was tested, and nobody can tell.
    Unclear,
}

/// What to do next. Places are those in the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Test on this one.
    Test(usize),
    /// It turns between these two, and nothing between them has a verdict.
    Turns(usize, usize),
    /// The first and the last that have a verdict have the same.
    Agree(usize, usize),
    /// None has a verdict.
    Unclear,
}

/// The next step of the search.
pub(super) fn next(row: &[Known]) -> Next {
    let mut candidates = (0..row.len()).filter(|at| row[*at] != Known::Unclear);
    let Some(first) = candidates.next() else { return Next::Unclear };
    let last = candidates.next_back().unwrap_or(first);
    let (Known::Works(before), Known::Works(after)) = (row[first], row[last]) else {
        return Next::Test(if row[first] == Known::Nothing { first } else { last });
    };
    if before == after {
        return Next::Agree(first, last);
    }
    // Of what is known, the last that is as the first, and the first after it that is not.
    let low = (first..last).rfind(|at| row[*at] == Known::Works(before)).unwrap_or(first);
    let high = (low..=last).find(|at| row[*at] == Known::Works(after)).unwrap_or(last);
    let open: Vec<usize> = (low..high).filter(|at| row[*at] == Known::Nothing).collect();
    open.get(open.len() / 2).map_or(Next::Turns(low, high), |middle| Next::Test(*middle))
}

/// Every pair of neighbours with a verdict that differ.
pub(super) fn turns(row: &[Known]) -> Vec<(usize, usize)> {
    let clear: Vec<(usize, bool)> = row
        .iter()
        .enumerate()
        .filter_map(|(at, known)| match known {
            Known::Works(works) => Some((at, *works)),
            Known::Nothing | Known::Unclear => None,
        })
        .collect();
    clear.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| (pair[0].0, pair[1].0)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Searches in a row of verdicts; what came of it, and how many were tested.
    fn search(truth: &[Known]) -> (Next, usize) {
        let mut row = vec![Known::Nothing; truth.len()];
        for tested in 0..=truth.len() {
            match next(&row) {
                Next::Test(at) => {
                    assert_eq!(row[at], Known::Nothing, "nothing is tested twice");
                    row[at] = truth[at];
                }
                end => return (end, tested),
            }
        }
        panic!("it does not end: {truth:?}");
    }

    #[test]
    fn two_majors_take_two_tests_and_sixteen_take_six() {
        let row = |length: usize, turn: usize| (0..length).map(|at| Known::Works(at < turn)).collect::<Vec<_>>();
        assert_eq!(search(&row(2, 1)), (Next::Turns(0, 1), 2));
        for turn in 1..16 {
            let (end, tested) = search(&row(16, turn));
            assert_eq!(end, Next::Turns(turn - 1, turn));
            assert!(tested <= 6, "{turn}: {tested}");
        }
    }

    #[test]
    fn ends_that_agree_and_rows_without_a_verdict_end_the_search() {
        assert_eq!(search(&[Known::Works(true); 6]), (Next::Agree(0, 5), 2));
        assert_eq!(search(&[Known::Works(false)]), (Next::Agree(0, 0), 1));
        assert_eq!(search(&[Known::Unclear, Known::Works(true), Known::Unclear]), (Next::Agree(1, 1), 3));
        assert_eq!(search(&[Known::Unclear; 3]).0, Next::Unclear);
        assert_eq!(search(&[]), (Next::Unclear, 0));
    }

    #[test]
    fn every_turn_of_a_row_that_turns_more_than_once_is_found_where_all_is_known() {
        let works = Known::Works;
        let row = [works(true), works(false), Known::Unclear, works(true), works(true), works(false)];
        assert_eq!(turns(&row), [(0, 1), (1, 3), (4, 5)]);
        assert_eq!(turns(&[works(true); 3]), []);
    }

    proptest! {
        #[test]
        fn one_turn_is_found_whatever_has_no_verdict(
            length in 1..40_usize, turn in 0..41_usize, begins in any::<bool>(), unclear in prop::collection::vec(0..40_usize, 0..12),
        ) {
            let truth: Vec<Known> = (0..length)
                .map(|at| if unclear.contains(&at) { Known::Unclear } else { Known::Works((at < turn) == begins) })
                .collect();
            let clear: Vec<usize> = (0..length).filter(|at| truth[*at] != Known::Unclear).collect();
            let (end, _) = search(&truth);
            match turns(&truth)[..] {
                [(before, after)] => prop_assert_eq!(end, Next::Turns(before, after)),
                _ if clear.is_empty() => prop_assert_eq!(end, Next::Unclear),
                _ => prop_assert_eq!(end, Next::Agree(clear[0], clear[clear.len() - 1])),
            }
        }

        #[test]
        fn a_turn_that_is_told_is_one_also_where_there_are_several(truth in prop::collection::vec(any::<bool>(), 1..40)) {
            let row: Vec<Known> = truth.iter().map(|works| Known::Works(*works)).collect();
            match search(&row).0 {
                Next::Turns(before, after) => prop_assert!(before + 1 == after && truth[before] != truth[after]),
                Next::Agree(first, last) => prop_assert_eq!(truth[first], truth[last]),
                end => prop_assert!(false, "{:?}", end),
            }
        }
    }
}
