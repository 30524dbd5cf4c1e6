//! The contract between images and runs, on a real image in a real container; and what is said where no image can be had.

use std::io::Write;
use std::sync::Mutex as StdMutex;
use std::time::Duration;

use protocol::{Clock, RunId, SystemClock};

use super::*;
use crate::Limits;
use crate::sandbox::{Command, Log, Place, Sandbox};

/// A distribution with everything that PGXS installs: a module, a header, a document, a script, a test.
const WIDGET: &[(&str, &str)] = &[
    (
        "Makefile",
        "EXTENSION = widget\nMODULES = widget\nDATA = widget--1.0.sql\nDOCS = README.widget\nHEADERS_widget = widget.h\n\
         SCRIPTS = widgetize\nREGRESS = widget\nPG_CONFIG = pg_config\nPGXS := $(shell $(PG_CONFIG) --pgxs)\ninclude $(PGXS)\n",
    ),
    (
        "widget.c",
        "#include \"postgres.h\"\n#include \"fmgr.h\"\n#include \"widget.h\"\nPG_MODULE_MAGIC;\nPG_FUNCTION_INFO_V1(widget);\n\
         Datum widget(PG_FUNCTION_ARGS) { PG_RETURN_INT32(WIDGET); }\n",
    ),
    ("widget.h", "#define WIDGET 42\n"),
    ("README.widget", "A widget.\n"),
    ("widgetize", "#!/bin/sh\n"),
    ("widget.control", "default_version = '1.0'\nmodule_pathname = '$libdir/widget'\n"),
    ("widget--1.0.sql", "CREATE FUNCTION widget() RETURNS int LANGUAGE c AS 'MODULE_PATHNAME';\n"),
    ("sql/widget.sql", "CREATE EXTENSION widget;\nSELECT widget();\n"),
    ("expected/widget.out", "CREATE EXTENSION widget;\nSELECT widget();\n widget \n--------\n     42\n(1 row)\n\n"),
];

async fn images(matrix: Matrix, options: Options) -> Images {
    let engine = Engine::connect(&crate::engine_host()).await.expect("a test that says so needs an engine");
    Images::new(engine, matrix, options)
}

/// A file that holds the widget, as a tar archive with the top `src/`.
fn widget() -> std::fs::File {
    let mut archive = tar::Builder::new(tempfile::tempfile().unwrap());
    for (path, text) in WIDGET {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("src/{path}"), text.as_bytes()).unwrap();
    }
    let mut file = archive.into_inner().unwrap();
    file.flush().unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    file
}

/// Runs a piece of shell as a phase; what it printed. It must succeed.
async fn shell(sandbox: &Sandbox, script: &str) -> String {
    let mut log = Log::new(1 << 20);
    let command = Command::shell("/sandbox/src", &format!("set -e; {script}"));
    let ended = sandbox.run(&command, Duration::from_mins(5), &mut log, &mut |_| {}).await.unwrap();
    let text = String::from_utf8(log.finish().bytes).unwrap();
    assert_eq!(ended.exit, Some(0), "{script}: {ended:?}\n{text}");
    assert!(ended.peak_bytes.is_some_and(|bytes| bytes > 1 << 20), "{ended:?}");
    text
}

async fn check_contract(image: &Image) {
    let place = Place::new(Engine::connect(&crate::engine_host()).await.unwrap(), "images-test".into());
    let run = RunId::new(SystemClock.now());
    let sandbox = Sandbox::start(&place, image, run, &Limits::default()).await.unwrap();
    sandbox.copy_in(widget(), "/sandbox").await.unwrap();

    // Built and installed as the only user there is, in a tree that is otherwise read-only.
    assert_eq!(shell(&sandbox, "id -un; id -u; id -g").await, "postgres\n1000\n1000\n");
    shell(&sandbox, "make").await;
    shell(&sandbox, "make install").await;
    shell(&sandbox, "! touch /usr/new 2> /dev/null").await;
    shell(&sandbox, "cp widget.h $(\"$PG_CONFIG\" --includedir-server)/").await;

    // The server of the ready cluster, in the place and of the version that the labels say.
    shell(
        &sandbox,
        "until [ -e /run/pgxn-server ]; do sleep 0.01; [ ! -e /run/pgxn-failed ] || cat /run/pgxn-failed; done",
    )
    .await;
    let version = shell(&sandbox, "\"$PG_CONFIG\" --version; psql -XAtc 'SHOW server_version'").await;
    assert!(version.contains(&image.facts.postgresql_full) && version.contains(&image.facts.postgresql), "{version}");
    let settings = "psql -XAtc \"SELECT name, setting FROM pg_settings WHERE name IN \
                    ('fsync', 'full_page_writes', 'synchronous_commit', 'data_directory') ORDER BY 1\"";
    let expected = "data_directory|/data/cluster\nfsync|off\nfull_page_writes|off\nsynchronous_commit|off\n";
    assert_eq!(shell(&sandbox, settings).await, expected);
    let database = "psql -h /tmp -XAtc \"SELECT rolsuper, pg_encoding_to_char(encoding), datcollate \
                    FROM pg_roles, pg_database WHERE rolname = 'postgres' AND datname = 'postgres'\"";
    assert_eq!(shell(&sandbox, database).await, "t|UTF8|C.UTF-8\n");

    assert_eq!(shell(&sandbox, "psql -XAtc 'SELECT pg_jit_available()'").await, "f\n");

    let tests = shell(&sandbox, "make installcheck").await;
    assert!(tests.contains("All 1 tests passed"), "{tests}");
    shell(
        &sandbox,
        "for name in hstore pgcrypto postgres_fdw; do psql -v ON_ERROR_STOP=1 -Xqc \"CREATE EXTENSION $name\"; done",
    )
    .await;
    shell(
        &sandbox,
        "for tool in pg_prove prove gcc g++ cmake autoconf flex bison git pkg-config; do command -v $tool; done",
    )
    .await;
    shell(&sandbox, "perl -e 'use IPC::Run'; echo 'int main(void){return 0;}' > a.c; gcc a.c -lpgcommon -lpgport")
        .await;
    shell(&sandbox, "locale -a | grep -i 'en_us.utf'; grep '^gcc' /pgxn/packages.txt").await;
    sandbox.remove().await;
    place.tasks.idle().await;
}

#[tokio::test]
async fn an_image_is_built_found_again_and_keeps_its_contract_with_runs_needs_an_engine() {
    let images = images(Matrix::embedded(), Options::default()).await;
    let target: Target = format!("pg17-{}", Platform::native()).parse().unwrap();
    let heard = StdMutex::new(Vec::new());
    let listener = |_: Target, event: Event| heard.lock().unwrap().push(event);
    let image = match images.ensure(target, &listener).await {
        Ok(image) => image,
        Err(error) => panic!("{error}\n{:#?}", heard.into_inner().unwrap()),
    };
    check_contract(&image).await;

    // Nothing is built a second time.
    heard.lock().unwrap().clear();
    assert_eq!(images.ensure(target, &listener).await.unwrap(), image);
    assert_eq!(*heard.lock().unwrap(), []);
    let listed = images.list().await.unwrap();
    assert!(listed.iter().any(|listed| listed.image == image && listed.current && listed.size_bytes > 1 << 28));
    let checked = images.check(&[target], SystemClock.now()).await.unwrap();
    assert!(checked[0].condition.usable(), "{checked:?}");
}

#[tokio::test]
async fn every_source_says_why_it_gave_no_image_needs_an_engine() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere: Url = format!("http://{closed}/").parse().unwrap();
    let pgdg = Pgdg { repository: nowhere.clone(), key: nowhere.clone() };
    let matrix = "platforms = [\"amd64\", \"arm64\"]\n[[postgresql]]\nmajor = 14\nsources = [{ kind = \"pgdg\", suite = \"nosuite\" }, \
                  { kind = \"portable\", suite = \"nosuite\" }]\n";
    let options = Options { pgdg, portable: nowhere, ..Options::default() };
    let images = images(Matrix::parse(matrix).unwrap(), options).await;
    let error = images.ensure("pg14-amd64".parse().unwrap(), &()).await.unwrap_err().to_string();
    for part in ["pg14-amd64", "pgdg on nosuite", "portable on nosuite", "refused", "images build"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let error = images.ensure("pg13-amd64".parse().unwrap(), &()).await.unwrap_err().to_string();
    assert!(error.contains("the image matrix knows no PostgreSQL 13"), "{error}");
}

#[tokio::test]
async fn offline_an_image_that_is_not_here_is_named_with_what_builds_it_needs_an_engine() {
    let matrix =
        "platforms = [\"amd64\"]\n[[postgresql]]\nmajor = 14\nsources = [{ kind = \"debian\", suite = \"nosuite\" }]\n";
    let images = images(Matrix::parse(matrix).unwrap(), Options { offline: true, ..Options::default() }).await;
    let error = images.ensure("pg14-amd64".parse().unwrap(), &()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no image of PostgreSQL 14 on amd64 here, and offline nothing is fetched or built; `pgxn-testers images build --pg 14 \
         --platform amd64` builds it"
    );
}

#[tokio::test]
async fn a_base_image_tells_where_debians_archive_is_needs_an_engine() {
    let images = images(Matrix::embedded(), Options::default()).await;
    let text = images.apt_sources("pg17-amd64".parse().unwrap(), &()).await.unwrap();
    let archive = text.lines().filter(|line| line.starts_with("deb ") || line.starts_with("URIs:")).count();
    assert!(archive >= 1, "{text}");
}

#[tokio::test]
async fn what_the_machine_brings_is_known_while_an_image_is_made_needs_an_engine() {
    let images = images(Matrix::embedded(), Options::default()).await;
    let _held = images.work.lock().await;
    let input = tokio::time::timeout(Duration::from_secs(20), images.host_input()).await.expect("it waits for nobody");
    assert!(input.apt_conf.ends_with('\n') && input.server.is_empty());
}

mod steps;
