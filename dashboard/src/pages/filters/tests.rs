use protocol::Timestamp;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

fn choose(pairs: &[(&str, &str)]) -> Choice {
    Choice::read(|key| pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| *value), NOW).unwrap()
}

fn filters(pairs: &[(&str, &str)], facets: Option<Facets>) -> Filters {
    let beside = vec![("q", "a&b".to_owned()), ("in", "dists".to_owned())];
    let remarks = vec![(19.try_into().unwrap(), ", devel")];
    Filters { chosen: choose(pairs), facets, action: "/search", beside, usual: "best match first", remarks }
}

fn texts(links: &[Link]) -> Vec<(&str, &str)> {
    links.iter().map(|link| (link.text.as_str(), link.href.as_str())).collect()
}

#[test]
fn every_condition_is_said_and_can_be_taken_back_on_its_own() {
    let all = filters(&[("pg", "18"), ("platform", "arm64"), ("tag", "a=b"), ("sort", "health")], None);
    assert_eq!(
        texts(&all.chips()),
        [
            ("works on PostgreSQL 18", "/search?q=a%26b&in=dists&platform=arm64&tag=a%3Db&sort=health"),
            ("on arm64", "/search?q=a%26b&in=dists&pg=18&tag=a%3Db&sort=health"),
            ("tag a=b", "/search?q=a%26b&in=dists&pg=18&platform=arm64&sort=health"),
        ]
    );
    assert_eq!((all.active(), all.cleared().as_str()), (3, "/search?q=a%26b&in=dists&sort=health"));
    let words = |pairs: &[(&str, &str)]| {
        filters(pairs, None).chips().iter().map(|chip| chip.text.clone()).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(words(&[("platform", "arm64")]), "works on arm64");
    assert_eq!(words(&[("pg", "18"), ("verdict", "fail")]), "on PostgreSQL 18; fails");
    assert_eq!(words(&[("since", "30d"), ("tests", "no")]), "verdict in the last 30 days; has no tests");
    assert_eq!(
        words(&[("since", "2026-11-01"), ("licence", "MIT"), ("user", "Ann")]),
        "verdict since 2026-11-01; licence mit; maintainer ann"
    );
    assert_eq!(words(&[]), "");
}

#[test]
fn the_form_says_what_the_address_says_and_sends_the_same_again() {
    for pairs in [
        &[][..],
        &[("pg", "18")],
        &[("pg", "18"), ("verdict", "any")],
        &[("platform", "arm64"), ("verdict", "none"), ("since", "2026-11-01"), ("sort", "recent")],
        &[("tests", "no"), ("licence", "mit"), ("tag", "a b"), ("user", "ann"), ("verdict", "pass")],
    ] {
        let all = filters(pairs, None);
        let verdict: Vec<_> = all.verdicts().into_iter().filter(|pick| pick.chosen).collect();
        assert_eq!(verdict.len(), 1, "{pairs:?}");
        let mut sent = vec![("verdict", verdict[0].value.clone())];
        for menu in all.menus() {
            let chosen: Vec<_> = menu.picks.iter().filter(|pick| pick.chosen).collect();
            assert_eq!(chosen.len(), 1, "{} of {pairs:?}", menu.key);
            sent.push((menu.key, chosen[0].value.clone()));
        }
        let again =
            Choice::read(|key| sent.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_str()), NOW);
        assert_eq!(again.unwrap().wanted(), choose(pairs).wanted(), "{pairs:?}");
    }
}

#[test]
fn an_empty_list_says_what_each_condition_takes_away() {
    let bucket = |value: &str, count| Bucket { value: value.to_owned(), count };
    let without = vec![bucket("verdict", 4), bucket("tag", 0), bucket("user", 1)];
    let facets = Facets { total: 9, without, ..Facets::default() };
    let all = filters(&[("pg", "18"), ("since", "7d"), ("tag", "x"), ("user", "ann")], Some(facets));
    assert_eq!(
        texts(&all.rescues()),
        [
            (
                "4 without “works on PostgreSQL 18” and “verdict in the last 7 days”",
                "/search?q=a%26b&in=dists&tag=x&user=ann"
            ),
            ("1 without “maintainer ann”", "/search?q=a%26b&in=dists&pg=18&since=7d&tag=x"),
            ("9 without any filter", "/search?q=a%26b&in=dists"),
        ]
    );
}

#[test]
fn a_major_says_whether_postgresql_maintains_it() {
    let facets = Facets {
        pg: vec![Bucket { value: "19".into(), count: 2 }, Bucket { value: "18".into(), count: 3 }],
        ..Facets::default()
    };
    let menus = filters(&[], Some(facets)).menus();
    let texts: Vec<_> = menus[0].picks.iter().map(|pick| (pick.text.as_str(), pick.count)).collect();
    assert_eq!(texts, [("all supported", None), ("19, devel", Some(2)), ("18", Some(3))]);
}
