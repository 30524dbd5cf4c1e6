use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::{PostgresRange, Provision, Release, Status, Timestamp};

use super::*;
use crate::prerequisites::catalogue::Offer;

/// A registry in a few lines: `name version [testing] [provides extension version …] [needs name range …] [pg range]`, parts divided by `;`.
#[derive(Default)]
struct World {
    releases: Vec<(Known, BTreeMap<Name, Version>)>,
    shipped: Shipped,
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn need(text: &str) -> Need {
    let (text, to_use) = text.strip_prefix("build ").map_or((text, true), |rest| (rest, false));
    let (wanted, range) = text.split_once(' ').unwrap_or((text, "0"));
    Need { name: name(wanted), named: Named::Extension, range: range.parse().unwrap(), to_use }
}

fn release(line: &str) -> (Known, BTreeMap<Name, Version>) {
    let mut parts = line.split(';').map(str::trim);
    let head: Vec<&str> = parts.next().unwrap().split(' ').collect();
    let mut provides = BTreeMap::new();
    let mut needs = Vec::new();
    let mut postgres = PostgresRange::default();
    for part in parts {
        match part.split_once(' ').unwrap() {
            ("provides", rest) => {
                let (extension, number) = rest.split_once(' ').unwrap_or((rest, head[1]));
                provides.insert(name(extension), version(number));
            }
            ("needs", rest) => needs.push(need(rest)),
            ("pg", range) => postgres.requires = range.parse().unwrap(),
            other => panic!("{other:?}"),
        }
    }
    if provides.is_empty() {
        provides.insert(name(head[0]), version(head[1]));
    }
    let release = Release {
        dist: name(head[0]),
        version: version(head[1]),
        status: head.get(2).map_or(Status::Stable, |word| word.parse().unwrap()),
        user: name("ann"),
        sha1: "0".repeat(40),
        released_at: Timestamp::from_millis(0),
    };
    (
        Known {
            release,
            needs,
            postgres,
            provides: provides.keys().cloned().collect(),
            provision: Provision::default(),
        },
        provides,
    )
}

impl World {
    fn of(lines: &[&str]) -> Self {
        let shipped = [("hstore", "1.8"), ("plperl", "1.0")].map(|(one, number)| (name(one), version(number)));
        Self { releases: lines.iter().map(|line| release(line)).collect(), shipped: shipped.into() }
    }

    /// Resolves as the registry's client does, answering whatever is asked; how many rounds of questions that took.
    fn resolve(&self, needs: &[&str]) -> (Result<Plan, Refusal>, usize) {
        let needs = needs.iter().map(|text| need(text)).collect();
        let root = Root { dist: name("widget"), provides: vec![name("widget"), name("gadget")], needs };
        let server = Server { major: "17".parse().unwrap(), shipped: &self.shipped };
        let mut catalogue = Catalogue::default();
        for round in 0..1_000 {
            match resolve(&root, server, &catalogue) {
                Outcome::Plan(plan) => return (Ok(plan), round),
                Outcome::Refused(refusal) => return (Err(refusal), round),
                Outcome::Ask(questions) => {
                    assert!(!questions.is_empty());
                    for question in questions {
                        self.answer(question, &mut catalogue);
                    }
                }
            }
        }
        panic!("it asks for ever");
    }

    fn answer(&self, question: Question, catalogue: &mut Catalogue) {
        match question {
            Question::Offers(wanted, named) => {
                let offer = |(known, provides): &(Known, BTreeMap<Name, Version>)| {
                    let Release { dist, version, status, .. } = known.release.clone();
                    let own = (dist == wanted).then_some(&version);
                    let compared = provides.get(&wanted).or(own)?.clone();
                    Some(Offer { dist, version, status, compared })
                };
                let offers = self.releases.iter().filter_map(offer).collect();
                catalogue.add_offers(wanted, named, offers);
            }
            Question::Release(dist, number) => {
                let is_it = |known: &Known| known.release.dist == dist && known.release.version == number;
                let (known, _) = self.releases.iter().find(|(known, _)| is_it(known)).unwrap();
                let known = if known.needs.len() > 900 { Err("it is broken".to_owned()) } else { Ok(known.clone()) };
                catalogue.add_release(dist, number, known);
            }
        }
    }

    fn order(&self, needs: &[&str]) -> Vec<String> {
        let plan = self.resolve(needs).0.unwrap();
        plan.items.iter().map(|item| item.known.release.to_string()).collect()
    }

    fn refusal(&self, needs: &[&str]) -> String {
        self.resolve(needs).0.unwrap_err().to_string()
    }
}

#[test]
fn without_needs_nothing_is_asked() {
    assert_eq!(World::default().resolve(&[]), (Ok(Plan::default()), 0));
}

#[test]
fn what_the_server_ships_is_taken_whatever_its_version_and_asks_nothing() {
    let (plan, rounds) = World::of(&["hstore 17.11.0"]).resolve(&["hstore >= 9.1.0", "build PLPERL"]);
    let plan = plan.unwrap();
    let served: Vec<String> =
        plan.served.iter().map(|one| format!("{} {} {}", one.wanted, one.range, one.version)).collect();
    assert_eq!(served, ["hstore >= 9.1.0 1.8", "PLPERL 0 1.0"]);
    assert_eq!((plan.items.len(), rounds, plan.create), (0, 0, vec!["hstore".to_owned()]));
}

#[test]
fn the_newest_stable_release_in_the_range_is_taken() {
    let world = World::of(&["unit 1.0.0", "unit 2.0.0", "unit 2.1.0", "unit 3.0.0 testing", "only 0.1.0 unstable"]);
    assert_eq!(world.order(&["unit"]), ["unit 2.1.0"]);
    assert_eq!(world.order(&["unit < 2.1.0"]), ["unit 2.0.0"]);
    assert_eq!(world.order(&["unit >= 3.0.0"]), ["unit 3.0.0"], "a testing release, where only that fits");
    assert_eq!(world.order(&["only"]), ["only 0.1.0"]);
    assert_eq!(world.order(&["UNIT != 2.1.0, != 2.0.0"]), ["unit 1.0.0"]);
}

#[test]
fn a_range_is_about_the_extensions_version_and_not_its_distributions() {
    let world = World::of(&["kit 5.0.0; provides unit 1.2.0; provides other 9", "kit 4.0.0; provides unit 1.1.0"]);
    assert_eq!(world.order(&["unit < 1.2.0"]), ["kit 4.0.0"]);
    assert_eq!(
        world.refusal(&["unit >= 5.0.0"]),
        "no release of unit fits what is asked for: >= 5.0.0 by widget; the newest is 1.2.0"
    );
    assert_eq!(world.order(&["kit >= 5.0.0"]), ["kit 5.0.0"], "a distribution may be named, too");
}

#[test]
fn each_comes_after_what_it_needs_and_only_once() {
    let world = World::of(&["a 1; needs b; needs c", "b 1; needs d", "c 1; needs d; needs hstore", "d 1"]);
    let (plan, rounds) = world.resolve(&["a", "d"]);
    let plan = plan.unwrap();
    let order: Vec<&str> = plan.items.iter().map(|item| item.known.release.dist.as_str()).collect();
    assert_eq!(order, ["d", "b", "c", "a"]);
    assert_eq!(plan.create, ["d", "b", "hstore", "c", "a"]);
    assert!(rounds <= 6, "{rounds}");
}

#[test]
fn what_is_only_built_or_tested_with_is_not_created() {
    let world = World::of(&["tap 1; needs deep", "deep 1", "lib 1; needs build deep"]);
    let plan = world.resolve(&["build tap", "lib"]).0.unwrap();
    assert_eq!(plan.create, ["lib"]);
    assert_eq!(plan.items.len(), 3);
}

#[test]
fn of_a_distribution_all_is_created_and_of_an_extension_that_alone() {
    let world = World::of(&["kit 1; provides b 1; provides a 1"]);
    assert_eq!(world.resolve(&["kit"]).0.unwrap().create, ["a", "b"]);
    assert_eq!(world.resolve(&["A"]).0.unwrap().create, ["a"], "as its author spells it");
}

#[test]
fn several_who_ask_get_one_release_that_fits_them_all() {
    let world = World::of(&["a 1; needs c < 2", "b 1; needs c >= 1.1", "c 1.0", "c 1.1", "c 2.0; needs gone"]);
    assert_eq!(world.order(&["a", "b", "c"]), ["c 1.1", "a 1", "b 1"]);
    let world = World::of(&["a 1; needs c < 2", "b 1; needs c >= 2", "c 1.0", "c 2.0"]);
    assert_eq!(
        world.refusal(&["a", "b"]),
        "no release of c fits what is asked for: < 2 by a, >= 2 by b; the newest is 2.0"
    );
}

#[test]
fn choices_that_exclude_each_others_neighbours_settle() {
    let world = World::of(&["b 3; needs c < 2", "b 2", "c 2.1; needs b < 3", "c 1.9"]);
    assert_eq!(world.resolve(&["b", "c"]).0.map(|plan| plan.items.len()), Ok(2));
    let world = World::of(&["b 2; needs c < 2", "b 1; needs c >= 2", "c 1", "c 2; needs d", "d 1; needs b < 2", "d 2"]);
    assert!(world.resolve(&["b"]).0.is_ok());
}

#[test]
fn extensions_of_one_distribution_come_from_one_release_of_it() {
    let world =
        World::of(&["kit 3; provides a 3", "kit 2; provides a 2; provides b 2", "kit 1; provides a 1; provides b 1"]);
    assert_eq!(world.order(&["a", "b"]), ["kit 2"]);
    assert_eq!(world.order(&["a < 2", "b"]), ["kit 1"]);
    assert_eq!(
        world.refusal(&["a >= 3", "b"]),
        "no release of kit has all of what is asked for: a >= 3 by widget; b 0 by widget"
    );
}

#[test]
fn the_newest_release_that_supports_the_major_is_taken_and_none_is_named() {
    let world = World::of(&["hint 1.8; pg >= 18.0.0", "hint 1.7; pg >= 17.0.0, < 18.0.0", "hint 1.6; pg < 17.0.0"]);
    assert_eq!(world.order(&["hint"]), ["hint 1.7"]);
    assert_eq!(world.refusal(&["hint < 1.7"]), "hint 1.6 does not support PostgreSQL 17: it asks for < 17.0.0");
}

#[test]
fn a_cycle_is_named_with_its_path() {
    let world = World::of(&["a 1; needs b", "b 1; needs c", "c 1; needs a", "d 1; needs widget", "e 1; needs gadget"]);
    assert_eq!(world.refusal(&["a"]), "a → b → c → a need each other");
    assert_eq!(world.refusal(&["d"]), "widget → d → widget need each other");
    assert_eq!(world.refusal(&["e"]), "widget → e → widget need each other");
}

#[test]
fn whoever_needs_what_it_has_itself_needs_nothing() {
    let world = World::of(&["kit 1; provides a 1; provides b 1; needs a; needs kit", "widget 0.1"]);
    assert_eq!(world.order(&["widget", "gadget", "b"]), ["kit 1"]);
}

#[test]
fn what_nobody_has_is_named_with_who_asks_for_it() {
    let world = World::of(&["a 1; needs gone", "b 1; needs plv8; needs pltcl"]);
    assert_eq!(world.refusal(&["a"]), "a needs gone, which neither the server ships nor the registry has");
    assert_eq!(world.refusal(&["b"]), "b needs the language pltcl");
    assert_eq!(World::of(&["plv8 3"]).order(&["plv8"]), ["plv8 3"], "a language that the registry has");
    for (needs, reason) in [("a", protocol::Reason::PrerequisiteMissing), ("b", protocol::Reason::MissingLanguage)] {
        assert_eq!(world.resolve(&[needs]).0.unwrap_err().reason(), reason);
    }
}

#[test]
fn a_part_of_postgresql_is_never_looked_for_in_the_registry() {
    let root = |text: &str| Root {
        dist: name("widget"),
        provides: Vec::new(),
        needs: vec![Need { named: Named::Server, ..need(text) }],
    };
    let world = World::of(&[]);
    let server = Server { major: "17".parse().unwrap(), shipped: &world.shipped };
    let resolve = |text: &str| resolve(&root(text), server, &Catalogue::default());
    assert_eq!(resolve("pg_regress"), Outcome::Plan(Plan::default()));
    assert!(matches!(resolve("hstore"), Outcome::Plan(plan) if plan.served.len() == 1));
    assert!(matches!(resolve("plpython3u"), Outcome::Refused(Refusal::Language { .. })));
}

#[test]
fn what_is_too_much_or_too_deep_is_refused() {
    let chain: Vec<String> = (0..20).map(|at| format!("n{at} 1; needs n{}", at + 1)).collect();
    let chain: Vec<&str> = chain.iter().map(String::as_str).chain(["n20 1"]).collect();
    assert_eq!(World::of(&chain).refusal(&["n0"]), "it needs more than 8 distributions below each other");
    assert_eq!(World::of(&chain).order(&["n14"]).len(), 7);
    let wide: Vec<String> = (0..40).map(|at| format!("n{at} 1")).collect();
    let wide: Vec<&str> = wide.iter().map(String::as_str).collect();
    let needs: Vec<&str> = wide.iter().map(|line| line.split_once(' ').unwrap().0).collect();
    assert_eq!(World::of(&wide).refusal(&needs), "it needs more than 32 other distributions");
    assert_eq!(World::of(&wide).order(&needs[..32]).len(), 32);
}

/// Distributions `n0` to `n5` in two versions each, whose needs point anywhere, or only to higher numbers.
fn any_world(acyclic: bool) -> impl Strategy<Value = Vec<String>> {
    let needs = prop::collection::vec((0..6_usize, 0..4_usize), 0..4);
    prop::collection::vec(needs, 12).prop_map(move |releases| {
        let ranges = ["0", ">= 2", "< 2", "!= 1"];
        let line = |(at, needs): (usize, Vec<(usize, usize)>)| {
            let (number, version) = (at / 2, at % 2 + 1);
            let mut line = format!("n{number} {version}");
            for (to, range) in needs {
                if !acyclic {
                    line += &["; needs n", &to.to_string(), " ", ranges[range]].concat();
                } else if to > number {
                    line += &["; needs n", &to.to_string()].concat();
                }
            }
            line
        };
        releases.into_iter().enumerate().map(line).collect()
    })
}

proptest! {
    /// A plan holds what it promises; a cycle is one.
    #[test]
    fn every_plan_is_in_order_and_fits_all_who_ask(lines in any_world(false), wanted in prop::collection::vec(0..6_usize, 1..4)) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let world = World::of(&lines);
        let needs: Vec<String> = wanted.iter().map(|at| format!("n{at}")).collect();
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        match world.resolve(&needs).0 {
            Ok(plan) => {
                let mut there: BTreeMap<&Name, &Version> = BTreeMap::new();
                for item in &plan.items {
                    for need in item.known.needs.iter().filter(|need| need.name != item.known.release.dist) {
                        prop_assert!(there.contains_key(&need.name), "{} comes before {}", item.known.release, need.name);
                    }
                    prop_assert!(there.insert(&item.known.release.dist, &item.known.release.version).is_none());
                }
                for item in &plan.items {
                    for need in item.known.needs.iter().filter(|need| need.name != item.known.release.dist) {
                        prop_assert!(need.range.contains(there[&need.name]), "{} does not fit {}", need.name, item.known.release);
                    }
                }
                prop_assert!(needs.iter().all(|need| there.contains_key(&name(need))));
                prop_assert_eq!(plan.create.len(), plan.items.len());
            }
            Err(Refusal::Cycle(path)) => {
                prop_assert!(path.len() > 2 && path.first() == path.last());
                for pair in path.windows(2) {
                    let asks = |(known, _): &(Known, _)| known.release.dist == pair[0] && known.needs.iter().any(|need| need.name == pair[1]);
                    prop_assert!(world.releases.iter().any(asks), "{:?}", path);
                }
            }
            Err(Refusal::NoRelease { .. } | Refusal::Unsettled(_)) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn without_cycles_and_ranges_there_is_always_a_plan(lines in any_world(true), wanted in 0..6_usize) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let order = World::of(&lines).order(&[&format!("n{wanted}")]);
        prop_assert!(order.iter().all(|release| release.ends_with(" 2")));
        let last = format!("n{wanted} 2");
        prop_assert_eq!(order.last(), Some(&last));
    }
}
