use std::time::Duration;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

fn chart(shape: Shape, unit: Unit, series: &[(&str, &'static str, &[u64])]) -> Chart {
    let length = series.first().map_or(0, |(_, _, values)| values.len());
    let one = |(name, ink, values): &(&str, &'static str, &[u64])| Series {
        name: (*name).to_owned(),
        ink,
        values: values.to_vec(),
    };
    Chart {
        title: "Results".into(),
        sentence: "As many as there were.".into(),
        unit,
        shape,
        steps: steps(Span::until(NOW, u32::try_from(length).unwrap(), 1)),
        series: series.iter().map(one).collect(),
    }
}

#[test]
fn a_chart_of_bars_is_words_and_paths_with_classes_and_nothing_of_a_style() {
    let chart = chart(Shape::Bars, Unit::Count, &[("pass", "pass", &[3, 0, 12]), ("fail", "fail", &[1, 0, 2])]);
    let svg = draw(&chart).unwrap().svg;
    assert!(!svg.contains("style=") && !svg.contains("fill=") && !svg.contains('#') && !svg.contains("font"), "{svg}");
    assert_eq!((svg.matches("<path class=\"fill pass\"").count(), svg.matches('z').count()), (1, 4), "{svg}");
    assert!(svg.contains(">20 Nov</text>") || svg.contains(">19 Nov</text>"), "{svg}");
    insta::assert_snapshot!("bars", svg);
}

#[test]
fn a_chart_of_lines_has_one_path_for_each() {
    let chart =
        chart(Shape::Lines, Unit::Milliseconds, &[("all", "f4", &[1_000, 90_000]), ("one", "f5", &[500, 20_000])]);
    let svg = draw(&chart).unwrap().svg;
    assert_eq!(svg.matches("<path class=\"line f4\"").count(), 1, "{svg}");
    assert!(svg.contains(">50 s</text>"), "{svg}");
}

#[test]
fn every_size_can_be_drawn() {
    for value in [0, 1, 2, 9, 10, 99, 12_345, 1_000_000_000, u64::MAX] {
        for unit in [Unit::Count, Unit::Milliseconds] {
            for shape in [Shape::Bars, Shape::Lines] {
                for values in [vec![value], vec![value; 2], vec![0, value], vec![value; 400]] {
                    let drawn = draw(&chart(shape, unit, &[("all", "f4", &values)])).unwrap().svg;
                    assert_eq!(drawn.is_empty(), value == 0);
                    assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
                }
            }
        }
    }
}

#[test]
fn the_table_has_the_latest_first_and_leaves_out_what_is_empty() {
    let chart = chart(Shape::Bars, Unit::Milliseconds, &[("a", "f4", &[61_000, 0, 7]), ("b", "f5", &[0, 0, 1_500])]);
    let rows = chart.rows();
    let expected = [("2026-11-20", ["7 ms", "1.5 s"]), ("2026-11-18", ["1 min 1 s", "0 ms"])];
    assert_eq!(rows, expected.map(|(day, values)| (day, values.map(str::to_owned).to_vec())));
    assert!(chart.series[0].total() == 61_007 && !chart.is_empty());
}

#[test]
fn steps_are_named_by_their_first_day_and_by_their_month_where_they_are_many_years() {
    let month = steps(Span::until(NOW, 30, 1));
    assert_eq!((month[29].from.as_str(), month[29].short.as_str()), ("2026-11-20", "20 Nov"));
    let decade = steps(Span::until(NOW, 60, 70));
    assert_eq!((decade[59].from.as_str(), decade[59].short.as_str()), ("2026-09-12", "Sep 2026"));
    let new_year = Timestamp::parse_rfc3339("2026-01-01T23:59:59Z").unwrap();
    assert_eq!(steps(Span::until(new_year.plus(Duration::from_secs(1)), 1, 1))[0].short, "2 Jan");
}

#[test]
fn what_is_beyond_the_last_step_is_left_out_of_a_series() {
    let mut series = Series::empty("a", "f4", 2);
    series.add(1, 3);
    series.add(2, 5);
    series.add(u32::MAX, 5);
    assert_eq!((series.values.as_slice(), series.total()), ([0, 3].as_slice(), 3));
}
