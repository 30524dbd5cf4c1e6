use proptest::prelude::*;

use super::*;

fn range(text: &str) -> Range {
    text.parse().unwrap()
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn majors(allows: impl Fn(PgMajor) -> bool) -> Vec<u16> {
    (10..=20).filter(|number| allows(PgMajor::try_from(*number).unwrap())).collect()
}

#[test]
fn a_range_holds_what_the_specification_says() {
    for (text, inside, outside) in [
        ("1.2.0", vec!["1.2.0", "1.2", "1.3.0", "2.0.0"], vec!["1.1.9", "1.2.0-rc1"]),
        (">= 1.2.0, < 2.0.0", vec!["1.2.0", "1.9.9"], vec!["2.0.0", "1.1.0"]),
        (">=1.2.0,<=1.4.0,!=1.3.0", vec!["1.2.0", "1.4.0"], vec!["1.3.0", "1.3", "1.4.1"]),
        ("== 1.2.0", vec!["1.2.0", "1.2"], vec!["1.2.1"]),
        ("= 1.2.0", vec!["1.2.0"], vec!["1.2.1"]),
        ("> 1.2.0", vec!["1.2.1"], vec!["1.2.0"]),
        ("0", vec!["0.0.1", "99.0.0"], vec![]),
        ("0.0.0", vec!["0.0.1-a"], vec![]),
        ("", vec!["1.0.0"], vec![]),
        ("1.0.0b3", vec!["1.0.0", "1.0.0b4"], vec!["1.0.0b2"]),
    ] {
        for inside in inside {
            assert!(range(text).contains(&version(inside)), "{inside} is in {text}");
        }
        for outside in outside {
            assert!(!range(text).contains(&version(outside)), "{outside} is not in {text}");
        }
    }
}

#[test]
fn a_major_is_allowed_if_one_of_its_minors_is() {
    let all: Vec<u16> = (10..=20).collect();
    for (text, expected) in [
        ("0", all.clone()),
        ("9.1.0", all.clone()),
        ("12.0.0", (12..=20).collect()),
        (">= 12.0.0, < 17.0.0", (12..=16).collect()),
        ("< 17.0.0", (10..=16).collect()),
        ("<= 16.4.0", (10..=16).collect()),
        ("<= 16.0.0", (10..=16).collect()),
        ("!= 13.2.0", all.clone()),
        ("== 15.0.0", vec![15]),
        ("== 15.4", vec![15]),
        ("== 15.0.3", vec![15]),
        ("> 16.0.0, < 17", vec![16]),
        ("> 16.0.0, < 16.1.0", vec![]),
        ("> 16.3.0, <= 16.4.0", vec![16]),
        (">= 18.0.0-beta1", (18..=20).collect()),
        ("< 9.0.0", vec![]),
        ("17.0.0, < 15.0.0", vec![]),
    ] {
        assert_eq!(majors(|major| range(text).allows_postgres(major)), expected, "{text}");
    }
}

#[test]
fn a_conflict_takes_majors_away() {
    let allowed = |requires: &str, conflicts: &[&str]| {
        let range =
            PostgresRange { requires: range(requires), conflicts: conflicts.iter().map(|c| range(c)).collect() };
        majors(|major| range.allows_postgres(major))
    };
    assert_eq!(allowed("13.0.0", &[">= 17.0.0"]), (13..=16).collect::<Vec<_>>());
    assert_eq!(allowed("13.0.0", &["== 14.0.0"]), (13..=20).collect::<Vec<_>>());
    assert_eq!(allowed("13.0.0", &[">= 14.0.0, < 15.0.0", "17.0.0"]), vec![13, 15, 16]);
    assert_eq!(allowed("== 15.3.0", &["15.2.0"]), Vec::<u16>::new());
}

#[test]
fn a_range_is_shown_in_one_form_and_reads_back() {
    for (text, shown) in [
        (">=12.0.0,<17.0.0", ">= 12.0.0, < 17.0.0"),
        ("9.1.0", ">= 9.1.0"),
        ("0", "0"),
        (" , ", "0"),
        ("==1.0.0", "== 1.0.0"),
    ] {
        assert_eq!(range(text).to_string(), shown);
        assert_eq!(range(shown), range(text));
    }
}

#[test]
fn a_range_that_would_not_read_back_is_refused() {
    let versions = |chars: usize| vec!["9".repeat(chars); 32].join(",");
    let longest = range(&versions(27));
    assert_eq!(longest.to_string().parse(), Ok(longest));
    let refused = versions(31).parse::<Range>().unwrap_err().to_string();
    assert!(refused.ends_with("it is longer than 1024 characters when it is written out"), "{refused}");
}

#[test]
fn what_is_no_range_is_refused_with_its_text() {
    for text in ["latest", ">=", "~> 1.2", "^1.0", "1.0 || 2.0", ">= x", "1.0.0 - 2.0.0", "<> 3"] {
        let error = text.parse::<Range>().unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
    assert!("1.0.0,".repeat(40).parse::<Range>().is_err());
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,80}") {
        let _ = text.parse::<Range>();
    }

    #[test]
    fn what_was_shown_reads_back_as_the_same(text in "(([<>=!]=|[<>])? ?[0-9]{1,2}(\\.[0-9]{1,3}){0,2}(-rc[0-9])?, ?){0,4}0") {
        let range: Range = text.parse().unwrap();
        prop_assert_eq!(range.to_string().parse::<Range>().unwrap(), range);
    }

    /// The shortcut by boundaries says what trying every minor says.
    #[test]
    fn no_minor_is_overlooked(
        clauses in prop::collection::vec(("(>=|<=|==|!=|<|>)", 14u16..18, 0u32..6), 0..4),
        conflicts in prop::collection::vec(("(>=|<=|==|!=|<|>)", 14u16..18, 0u32..6), 0..3),
        major in 13u16..19,
    ) {
        let text = |clauses: &[(String, u16, u32)]| -> String {
            let parts: Vec<String> =
                clauses.iter().map(|(operator, major, minor)| format!("{operator} {major}.{minor}.0")).collect();
            parts.join(",")
        };
        let range = PostgresRange {
            requires: text(&clauses).parse().unwrap(),
            conflicts: conflicts.iter().map(|clause| text(std::slice::from_ref(clause)).parse().unwrap()).collect(),
        };
        let tried = (0..20).any(|minor| range.contains(&format!("{major}.{minor}.0").parse().unwrap()));
        prop_assert_eq!(range.allows_postgres(PgMajor::try_from(major).unwrap()), tried, "{}", range);
    }
}
