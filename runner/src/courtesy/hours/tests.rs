use super::*;

fn hours(texts: &[&str], zone: &str) -> Hours {
    let windows = texts.iter().map(|text| text.parse().unwrap()).collect();
    Hours::new(windows, TimeZone::get(zone).unwrap()).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("{text}"))
}

/// Whether each of these times of Friday, 2026-11-27, UTC, is in.
fn friday(expression: &str, times: &[&str]) -> Vec<bool> {
    let hours = hours(&[expression], "UTC");
    times.iter().map(|time| hours.include(at(&format!("2026-11-27T{time}:00Z")))).collect()
}

#[test]
fn a_range_of_hours_runs_over_midnight_and_its_last_hour_is_in_it() {
    let times = ["21:59", "22:00", "23:30", "00:00", "05:59", "06:59", "07:00", "12:00"];
    assert_eq!(friday("* 22-6 * * *", &times), [false, true, true, true, true, true, false, false]);
}

#[test]
fn fields_are_read_as_crontab_has_them() {
    assert_eq!(
        friday("*/20 9 * * *", &["09:00", "09:19", "09:20", "09:40", "10:00"]),
        [true, false, true, true, false]
    );
    assert_eq!(friday("5-59/30 * * * *", &["08:05", "08:30", "08:35"]), [true, false, true]);
    assert_eq!(
        friday("50-10/10 * * * *", &["08:50", "08:55", "08:00", "08:10", "08:20"]),
        [true, false, true, true, false]
    );
    for matches in [
        "* * * * fri",
        "* * * * 5",
        "* * * * thu-sat",
        "* * * * fri-mon",
        "* * * nov *",
        "* * * 10-1 *",
        "* * 27 * *",
        "* * 25-3 11 FRI",
    ] {
        assert_eq!(friday(matches, &["12:00"]), [true], "{matches}");
    }
    for does_not in ["* * * * sat-thu", "* * * * 6,0,7", "* * * dec *", "* * 28 * *", "* * * 1-10 *"] {
        assert_eq!(friday(does_not, &["12:00"]), [false], "{does_not}");
    }
    let sunday = at("2026-11-29T12:00:00Z");
    assert!(
        ["0", "7", "sun", "6-7", "sat-sun"]
            .iter()
            .all(|day| hours(&[&format!("* * * * {day}")], "UTC").include(sunday))
    );
}

#[test]
fn a_day_matches_by_its_date_or_by_its_weekday_where_both_are_given() {
    let either = "* * 13 * fri";
    assert_eq!(friday(either, &["12:00"]), [true]);
    let hours = hours(&[either], "UTC");
    assert!(hours.include(at("2026-12-13T12:00:00Z")), "a Sunday");
    assert!(!hours.include(at("2026-12-14T12:00:00Z")), "a Monday");
    let stepped = "* * */2 * fri";
    assert_eq!(friday(stepped, &["12:00"]), [true], "the 27th is odd, and a Friday");
    assert!(
        !super::tests::hours(&[stepped], "UTC").include(at("2026-12-04T12:00:00Z")),
        "a Friday, and even: one that begins with * is a condition"
    );
}

#[test]
fn any_of_several_expressions_is_enough() {
    let hours = hours(&["* 22-6 * * *", "* * * * sat,sun"], "UTC");
    assert!(hours.include(at("2026-11-28T12:00:00Z")) && !hours.include(at("2026-11-27T12:00:00Z")));
    assert_eq!(hours.to_string(), "* 22-6 * * * or * * * * sat,sun");
    assert_eq!(hours.next_change(at("2026-11-27T12:00:30Z")), Some(at("2026-11-27T22:00:00Z")));
    assert_eq!(hours.next_change(at("2026-11-27T22:00:00Z")), Some(at("2026-11-30T07:00:00Z")));
    assert_eq!(super::tests::hours(&["* * * * *"], "UTC").next_change(at("2026-11-27T22:00:00Z")), None);
}

#[test]
fn the_clock_on_the_wall_decides_also_where_it_is_changed() {
    let berlin = hours(&["* 2 * * *"], "Europe/Berlin");
    assert!(berlin.include(at("2026-11-27T01:30:00Z")) && !berlin.include(at("2026-11-27T02:30:00Z")));
    // On 2026-03-29 the clock goes from 01:59 to 03:00.
    let night: Vec<Timestamp> =
        (0..6 * 60).map(|minute| at("2026-03-28T23:00:00Z").plus(Duration::from_mins(minute))).collect();
    assert!(!night.iter().any(|now| berlin.include(*now)), "that hour does not come");
    // On 2026-10-25 it goes from 02:59 to 02:00.
    let night = (0..6 * 60).map(|minute| at("2026-10-24T22:00:00Z").plus(Duration::from_mins(minute)));
    assert_eq!(night.filter(|now| berlin.include(*now)).count(), 120, "that hour comes twice");
}

#[test]
fn an_expression_that_is_wrong_is_refused_with_its_field_and_an_example() {
    for (text, field, example) in [
        ("", "five fields: minute, hour", "`* 22-6 * * *`"),
        ("22-6", "five fields", "`* 22-6 * * *`"),
        ("0 * 22-6 * * *", "five fields", "`* 22-6 * * *`"),
        ("60 * * * *", "the minute `60` is not from 0 to 59", "`*/15`"),
        ("* 24 * * *", "the hour `24` is not from 0 to 23", "`22-6`"),
        ("* 22- * * *", "the hour `22-` is not understood", "`22-6`"),
        ("* 22..6 * * *", "the hour `22..6` is not understood", "`22-6`"),
        ("* * 0 * *", "the day of month `0` is not from 1 to 31", "`1-7`"),
        ("* * * june *", "the month `june` is not understood", "`jul,aug`"),
        ("* * * * 8", "the day of week `8` is not from 0 to 7", "`mon-fri`"),
        ("*/0 * * * *", "the minute `*/0` has a step that is no number", "`*/15`"),
        ("* * 30 2 *", "the day of month 30 does not come in the month 2", "`*`"),
        ("* 99999999999999999999 * * *", "is not from 0 to 23", "`22-6`"),
    ] {
        let why = text.parse::<Window>().unwrap_err();
        assert!(why.contains(field) && why.contains(example), "{text}: {why}");
    }
}
