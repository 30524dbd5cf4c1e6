use proptest::prelude::*;
use protocol::Timestamp;

use super::*;

mod narrowed;

const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

fn entry(dist: &str, summary: &str, readme: &str, tags: &[&str]) -> Entry {
    Entry {
        dist: dist.to_owned(),
        version: "1.0.0".to_owned(),
        summary: summary.to_owned(),
        description: String::new(),
        date: NOW,
        user: "Theory".to_owned(),
        user_name: "David E. Wheeler".to_owned(),
        licences: vec!["PostgreSQL".to_owned()],
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        extensions: vec![Extension { name: format!("{dist}_core"), summary: summary.to_owned() }],
        readme: readme.to_owned(),
    }
}

fn index() -> Index {
    Index::build(&[
        entry(
            "pgTAP",
            "Unit testing for PostgreSQL",
            "Write tests with pgTAP & run them: <b>fast</b>.",
            &["testing", "unit testing"],
        ),
        entry("pg_partman", "Manage partitioned tables", "Its tests need pgTAP.", &["partitions"]),
        entry("semver", "A semantic version data type", "", &[]),
    ])
    .unwrap()
}

/// Nothing chosen, nothing known of verdicts.
fn search(index: &Index, within: In, ask: &Ask) -> Answer {
    let narrow = Narrow { choice: &Choice::default(), standings: &Standings::default(), now: NOW };
    index.search(within, ask, narrow).unwrap().answer
}

fn find(within: In, query: &str) -> Vec<String> {
    let answer = search(&index(), within, &Ask::read(Some(query), None, None).unwrap());
    assert_eq!(answer.count, answer.hits.len());
    let name = |hit: Hit| hit.extension.or(hit.tag).or(hit.dist).or(hit.user);
    answer.hits.into_iter().filter_map(name).collect()
}

#[test]
fn a_name_counts_for_more_than_a_mention() {
    assert_eq!(find(In::Docs, "pgtap"), ["pgTAP", "pg_partman"]);
    assert_eq!(find(In::Dists, "pgtap"), ["pgTAP", "pg_partman"]);
    assert_eq!(find(In::Dists, "partman"), ["pg_partman"]);
}

#[test]
fn the_language_is_that_of_the_registry() {
    assert_eq!(find(In::Dists, "semver partman").len(), 2, "words are alternatives");
    assert_eq!(find(In::Dists, "tests AND partitioned"), ["pg_partman"]);
    for query in ["tests -partitioned", "tests AND NOT partitioned", "+tests (pgtap OR x) -partitioned"] {
        assert_eq!(find(In::Dists, query), ["pgTAP"], "{query}");
    }
    assert_eq!(find(In::Dists, "\"semantic version\""), ["semver"]);
    assert_eq!(find(In::Dists, "\"semantic NOT version\""), [""; 0], "in quotes it is a word");
    assert_eq!(find(In::Dists, "tags:partitions"), ["pg_partman"]);
    assert_eq!(find(In::Dists, "versions"), ["semver"], "words are found in every form");
    assert_eq!(find(In::Dists, "nothing"), [""; 0]);
}

#[test]
fn each_kind_is_found_alone() {
    assert_eq!(find(In::Extensions, "semver"), ["semver_core"]);
    assert_eq!(find(In::Users, "wheeler"), ["Theory"]);
    assert_eq!(find(In::Users, "theory"), ["Theory"]);
    assert_eq!(find(In::Tags, "testing"), ["testing", "unit testing"]);
    assert_eq!(find(In::Docs, "semver"), [""; 0], "it has no README");
}

#[test]
fn a_hit_has_the_fields_of_the_registry_and_an_escaped_excerpt() {
    let ask = Ask::read(Some("fast"), Some("0"), Some("5")).unwrap();
    let answer = serde_json::to_value(search(&index(), In::Docs, &ask)).unwrap();
    let hit = answer["hits"][0].as_object().unwrap();
    let keys: Vec<&str> = hit.keys().map(String::as_str).collect();
    for key in ["abstract", "date", "dist", "docpath", "excerpt", "score", "title", "user", "user_name", "version"] {
        assert!(keys.contains(&key), "{key} in {keys:?}");
    }
    assert_eq!(keys.len(), 10);
    assert_eq!(hit["date"], "2026-11-20T22:00:00Z");
    assert!(hit["score"].as_str().unwrap().parse::<f64>().unwrap() > 0.0);
    let excerpt = hit["excerpt"].as_str().unwrap();
    assert!(
        excerpt.contains("&amp;") && excerpt.contains("<strong>fast</strong>") && !excerpt.contains("<b>"),
        "{excerpt}"
    );
    assert_eq!((&answer["offset"], &answer["limit"], &answer["count"]), (&0.into(), &5.into(), &1.into()));
}

#[test]
fn a_part_of_the_answer_begins_where_it_is_asked_to() {
    let index = index();
    let part = |offset| search(&index, In::Dists, &Ask::read(Some("pgtap"), Some(offset), Some("1")).unwrap());
    assert_eq!(part("0").hits[0].dist.as_deref(), Some("pgTAP"));
    assert_eq!((part("1").count, part("1").hits[0].dist.as_deref()), (2, Some("pg_partman")));
    assert!(part("99999999999999999999").hits.is_empty());
}

#[test]
fn what_is_no_question_is_refused_as_the_registry_does() {
    let read = |query, offset, limit| Ask::read(Some(query), offset, limit).map(|ask| (ask.offset, ask.limit));
    for query in ["", " ", "*", "?"] {
        assert_eq!(read(query, None, None), None);
    }
    assert_eq!(read("a", Some("x"), None), None);
    assert_eq!(read("a", None, Some("-1")), None);
    assert_eq!(read("a", Some("7"), Some("20")), Some((7, 20)));
    assert_eq!(read("a", None, Some("0")), Some((0, 50)));
    assert_eq!(read("a", None, Some("1024")), Some((0, 50)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_an_answer(query in "[a-z\"()+:^~*? \\[\\]{}<>=/\\\\ANDORT-]{1,60}") {
        thread_local!(static INDEX: Index = index());
        if let Some(ask) = Ask::read(Some(&query), None, None) {
            for within in In::ALL {
                INDEX.with(|index| search(index, within, &ask));
            }
        }
    }
}
