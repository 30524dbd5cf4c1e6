use std::sync::Mutex;

use protocol::{Source, SourceKind, Target};

use super::*;
use crate::images::progress::Event;

fn recipe() -> Recipe {
    let source = Source { kind: SourceKind::Debian, suite: "trixie".into(), overlay: None };
    Recipe { target: "pg17-amd64".parse().unwrap(), source }
}

fn heard(pieces: &[&str]) -> (Output, Vec<Event>) {
    let events = Mutex::new(Vec::new());
    let listener = |_: Target, event| events.lock().unwrap().push(event);
    let mut output = Output::default();
    for piece in pieces {
        output.take(piece, Told { target: recipe().target, to: &listener });
    }
    (output, events.into_inner().unwrap())
}

#[test]
fn output_in_pieces_becomes_steps_and_lines() {
    let (_, events) = heard(&[
        "Step 2/4 : COPY a b\nStep 3/4 : RUN exec sh /pgxn/bu",
        "ild/packages\n",
        " ---> Running in 1\nGet:1",
        " x\nrest",
    ]);
    let step = Event::Step { text: "install compilers, libraries and tools".into(), percent: Some(5) };
    assert_eq!(events, [step, Event::Line("Get:1 x".into())]);
}

#[test]
fn a_failure_holds_the_last_lines_and_the_builder_s_words() {
    let lines: Vec<String> = (0..100).map(|number| format!("line {number}\n")).collect();
    let (output, _) = heard(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let Failure::Failed(why) = output.failure("returned a non-zero code: 100") else { panic!("it is no such failure") };
    assert!(why.starts_with("returned a non-zero code: 100\nline 80\n") && why.ends_with("line 99"), "{why}");
}

#[test]
fn a_source_without_the_server_is_told_from_a_failure() {
    let (output, _) = heard(&["pgxn-unavailable: debian on sid has no postgresql-20\n"]);
    assert!(matches!(output.failure("code: 69"), Failure::Unavailable(why) if why.contains("postgresql-20")));
}

#[test]
fn a_suite_in_the_making_is_told_from_a_source_without_the_server() {
    let (output, _) = heard(&["pgxn-inconsistent: libpq-dev\n"]);
    assert_eq!(output.failure("code: 75"), Failure::Inconsistent("libpq-dev".into()));
}

#[tokio::test]
async fn a_build_that_does_not_end_is_given_up_and_leaves_no_container_which_needs_an_engine() {
    let (place, image) = crate::sandbox::tests::place().await;
    let label = "org.pgxn.testers.test";
    let dockerfile = format!("FROM {}\nLABEL {label}={}\nRUN sleep 600\n", image.facts.digest, place.instance);
    let spec = BuildSpec {
        context: context::pack_dockerfile(&dockerfile),
        platform: image.facts.platform,
        arguments: HashMap::new(),
        labels: HashMap::new(),
        tag: None,
        afresh: true,
    };
    let told = Told { target: recipe().target, to: &() };
    let containers = async || place.engine.labelled_containers(label, &place.instance).await.unwrap().len();
    let most = tokio::sync::Mutex::new(0);
    let watching = async {
        loop {
            *most.lock().await += containers().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let wall = Duration::from_secs(20);
    let failure = tokio::select! {
        ended = follow_within(wall, &place.engine, spec, told) => ended.unwrap().unwrap_err(),
        () = watching => unreachable!("it goes on for ever"),
    };
    assert!(matches!(&failure, Failure::Failed(why) if why.contains("given up after 20 s")), "{failure:?}");
    assert!(*most.lock().await > 0, "it had begun");
    tokio::time::timeout(Duration::from_mins(1), async {
        while containers().await > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("the engine removes it");
}

#[test]
fn labels_say_what_a_run_relies_on() {
    let facts = r#"{"pg_full": "PostgreSQL 17.11 (Debian 17.11-0+deb13u1)", "pg_version": "17.11",
        "pg_config": "/usr/lib/postgresql/17/bin/pg_config", "bindir": "/usr/lib/postgresql/17/bin",
        "library_path": "/usr/lib/postgresql/17/lib"}"#;
    let spec = finish(&recipe(), "sha256:1", facts, "/data/cluster\n/usr/lib/postgresql/17/lib\n").unwrap();
    let image = crate::sandbox::Image::from_labels("tag", "sha256:2", &spec.labels).unwrap();
    assert_eq!(image.pg_config, "/usr/lib/postgresql/17/bin/pg_config");
    assert_eq!(image.writable, ["/data/cluster", "/usr/lib/postgresql/17/lib"]);
    assert_eq!((image.facts.postgresql.as_str(), image.facts.suite.as_str()), ("17.11", "trixie"));
    assert_eq!(image.facts.recipe, recipe().digest());
    assert_eq!(spec.labels["org.pgxn.testers.pg"], "17");
    assert_eq!(spec.tag, Some(recipe().tag()));
}

#[test]
fn facts_that_are_none_are_an_error_not_a_panic() {
    assert!(finish(&recipe(), "sha256:1", "", "").unwrap_err().contains("facts.json"));
}

#[test]
fn the_dockerfile_s_slow_steps_are_announced_in_order() {
    let (_, text) = crate::images::recipe::FILES[0];
    let steps: Vec<_> = text.lines().filter_map(|line| step(&format!("Step 1/9 : {line}"))).collect();
    assert_eq!(steps.len(), 3, "{steps:?}");
    assert!(steps.is_sorted(), "{steps:?}");
}
