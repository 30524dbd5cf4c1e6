//! What is left of what is found.

use super::*;

/// A distribution with what stands of it: targets with outcomes.
struct Case {
    name: &'static str,
    user: &'static str,
    licence: &'static str,
    tags: &'static [&'static str],
    days: i64,
    seen: &'static [(&'static str, Outcome)],
}

const CASES: [Case; 5] = [
    Case {
        name: "good",
        user: "Ann",
        licence: "PostgreSQL",
        tags: &["Time", "json"],
        days: 1,
        seen: &[("pg18-amd64", Outcome::Pass), ("pg17-amd64", Outcome::Pass), ("pg18-arm64", Outcome::Pass)],
    },
    Case {
        name: "half",
        user: "ann",
        licence: "mit",
        tags: &["time"],
        days: 9,
        seen: &[("pg18-amd64", Outcome::Pass), ("pg17-amd64", Outcome::Fail)],
    },
    Case {
        name: "plain",
        user: "bob",
        licence: "postgresql",
        tags: &[],
        days: 3,
        seen: &[("pg18-amd64", Outcome::Untested), ("pg17-amd64", Outcome::Untested)],
    },
    Case {
        name: "broken",
        user: "bob",
        licence: "mit",
        tags: &["json"],
        days: 5,
        seen: &[("pg18-amd64", Outcome::Fail)],
    },
    Case { name: "new", user: "cyd", licence: "mit", tags: &["json"], days: 0, seen: &[] },
];

fn farm() -> (Index, Standings) {
    let ago = |days: i64| Timestamp::from_millis(NOW.as_millis() - days * 86_400_000);
    let made = |case: &Case| Entry {
        user: case.user.to_owned(),
        licences: vec![case.licence.to_owned()],
        date: ago(case.days),
        ..entry(case.name, "a thing", "", case.tags)
    };
    let seen = |case: &Case| {
        let one = |(target, outcome): &(&str, Outcome)| Seen {
            target: target.parse().unwrap(),
            outcome: *outcome,
            tests: *outcome == Outcome::Pass,
            at: ago(case.days),
        };
        case.seen.iter().map(one).collect()
    };
    let majors = [18, 17].map(|number: u16| number.try_into().unwrap());
    (
        Index::build(&CASES.iter().map(made).collect::<Vec<_>>()).unwrap(),
        Standings::new(CASES.iter().map(seen).collect(), &majors),
    )
}

fn choose(address: &str) -> Choice {
    let pairs: Vec<_> = address.split('&').filter_map(|pair| pair.split_once('=')).collect();
    Choice::read(|key| pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| *value), NOW).unwrap()
}

fn names(dists: &[usize]) -> Vec<&'static str> {
    dists.iter().map(|at| CASES[*at].name).collect()
}

/// The list, and a search that finds everything: both are narrowed down alike.
fn left(address: &str) -> Vec<&'static str> {
    let ((index, standings), choice) = (farm(), choose(address));
    let narrow = Narrow { choice: &choice, standings: &standings, now: NOW };
    let listed = index.list("", (0, 100), narrow);
    let ask = Ask::read(Some("thing"), None, None).unwrap();
    let found = index.search(In::Dists, &ask, narrow).unwrap();
    let (mut one, mut other) = (names(&listed.dists), names(&found.dists));
    assert_eq!((listed.count, found.answer.count), (one.len(), other.len()));
    assert_eq!(listed.facets, found.facets, "{address}");
    if choice.sort.is_some() {
        assert_eq!(one, other, "{address}");
    }
    one.sort_unstable();
    other.sort_unstable();
    assert_eq!(one, other, "{address}");
    names(&listed.dists)
}

#[test]
fn every_condition_takes_away_what_does_not_meet_it() {
    for (address, names) in [
        ("", &["broken", "good", "half", "new", "plain"][..]),
        ("verdict=pass", &["good"]),
        ("verdict=works", &["good", "plain"]),
        ("verdict=untested", &["plain"]),
        ("verdict=fail", &["broken", "half"]),
        ("verdict=none", &["new"]),
        ("verdict=na", &[]),
        ("pg=18", &["good", "half", "plain"]),
        ("pg=18&verdict=any", &["broken", "good", "half", "new", "plain"]),
        ("platform=arm64", &["good"]),
        ("pg=17&platform=arm64", &[]),
        ("since=4d", &["good", "plain"]),
        ("since=4d&verdict=none", &["broken", "half", "new"]),
        ("tests=yes", &["good", "half"]),
        ("tests=no", &["plain"]),
        ("licence=PostgreSQL", &["good", "plain"]),
        ("tag=TIME", &["good", "half"]),
        ("user=ANN", &["good", "half"]),
        ("user=ann&tag=json&licence=postgresql&tests=yes&pg=18&verdict=pass", &["good"]),
        ("tag=nobody+knows+it", &[]),
    ] {
        assert_eq!(left(address), names, "{address}");
    }
}

#[test]
fn what_is_left_is_in_the_order_that_is_asked_for() {
    assert_eq!(left("sort=name"), ["broken", "good", "half", "new", "plain"]);
    assert_eq!(left("sort=recent"), ["new", "good", "plain", "broken", "half"]);
    assert_eq!(
        left("sort=health"),
        ["good", "plain", "half", "new", "broken"],
        "of two that work nowhere, the one that fails is last"
    );
}

#[test]
fn extensions_and_documents_are_narrowed_down_with_their_distribution_and_users_and_tags_are_not() {
    let (index, standings) = farm();
    let choice = choose("verdict=pass");
    let narrow = Narrow { choice: &choice, standings: &standings, now: NOW };
    let find = |within, query| {
        let found = index.search(within, &Ask::read(Some(query), None, None).unwrap(), narrow).unwrap();
        (found.answer.count, found.facets.tag.len())
    };
    assert_eq!(find(In::Extensions, "good_core half_core"), (1, 2));
    assert_eq!(find(In::Users, "bob"), (1, 0));
    assert_eq!(find(In::Tags, "json"), (1, 0));
}

fn facets(address: &str) -> Facets {
    let ((index, standings), choice) = (farm(), choose(address));
    index.list("", (0, 0), Narrow { choice: &choice, standings: &standings, now: NOW }).facets
}

fn counts(buckets: &[Bucket]) -> Vec<(&str, usize)> {
    buckets.iter().map(|bucket| (bucket.value.as_str(), bucket.count)).collect()
}

#[test]
fn a_facet_says_how_much_there_would_be() {
    let all = facets("");
    assert_eq!(
        counts(&all.verdict),
        [("any", 5), ("works", 2), ("pass", 1), ("untested", 1), ("fail", 2), ("na", 0), ("none", 1)]
    );
    assert_eq!(counts(&all.pg), [("18", 3), ("17", 2)]);
    assert_eq!(counts(&all.platform), [("amd64", 2), ("arm64", 1)]);
    assert_eq!(counts(&all.since), [("7d", 3), ("30d", 4), ("90d", 4), ("365d", 4)]);
    assert_eq!(counts(&all.tests), [("yes", 2), ("no", 1)]);
    assert_eq!(counts(&all.licence), [("mit", 3), ("postgresql", 2)]);
    assert_eq!(counts(&all.tag), [("json", 3), ("time", 2)]);
    assert_eq!(counts(&all.user), [("ann", 2), ("bob", 2), ("cyd", 1)]);
    assert_eq!((all.without, all.total), (vec![], 5));
    let some = facets("tag=json&verdict=fail");
    assert_eq!(counts(&some.tag), [("json", 1), ("time", 1)], "of those that fail");
    assert_eq!(counts(&some.verdict)[1..3], [("works", 1), ("pass", 1)], "of those that carry the tag");
    assert_eq!(counts(&some.without), [("verdict", 3), ("tag", 2)]);
    assert_eq!(some.total, 5);
}

#[test]
fn every_count_of_a_facet_is_what_choosing_it_gives() {
    for address in
        ["", "tag=json", "pg=18&tests=yes", "since=4d", "licence=mit&verdict=fail", "user=bob&pg=17&verdict=untested"]
    {
        let all = facets(address);
        for (key, buckets) in [
            ("verdict", &all.verdict),
            ("pg", &all.pg),
            ("platform", &all.platform),
            ("since", &all.since),
            ("tests", &all.tests),
            ("licence", &all.licence),
            ("tag", &all.tag),
            ("user", &all.user),
        ] {
            for bucket in buckets {
                let kept: Vec<_> = address.split('&').filter(|pair| !pair.starts_with(&format!("{key}="))).collect();
                let chosen = format!("{}&{key}={}", kept.join("&"), bucket.value);
                assert_eq!(left(&chosen).len(), bucket.count, "{chosen}");
            }
        }
    }
}

#[test]
fn a_value_that_is_chosen_is_offered_though_it_finds_nothing() {
    assert_eq!(counts(&facets("tag=unheard").tag), [("json", 3), ("time", 2), ("unheard", 0)]);
}

#[test]
fn a_list_is_by_any_part_of_a_name_and_comes_in_parts() {
    let (index, standings) = farm();
    let choice = Choice::default();
    let narrow = Narrow { choice: &choice, standings: &standings, now: NOW };
    assert_eq!(names(&index.list("N", (0, 9), narrow).dists), ["new", "broken", "plain"]);
    let part = index.list("N", (1, 1), narrow);
    assert_eq!((part.count, names(&part.dists)), (3, vec!["broken"]));
    assert_eq!(names(&index.near("plian", 3)), ["plain"]);
    assert_eq!(names(&index.tagged("JSON")), ["good", "broken", "new"]);
    assert_eq!(index.tags().into_iter().collect::<Vec<_>>(), [("json", 3), ("time", 2)]);
}
