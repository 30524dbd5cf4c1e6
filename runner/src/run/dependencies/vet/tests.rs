use std::collections::BTreeMap;

use protocol::{Name, PostgresRange, Provision, Range, Release, Status, Timestamp};

use super::*;
use crate::prerequisites::{Cache, Key, Known};

const EXTENSION: &str = "usr/share/postgresql/17/extension";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A prerequisite that provides one extension, and has installed these files.
fn installed(dist: &str, extension: &str, files: &[&str]) -> (Planned, Entry) {
    let release = Release {
        dist: name(dist),
        version: "1.0.0".parse().unwrap(),
        status: Status::Stable,
        user: name("mallory"),
        sha1: "0".repeat(40),
        released_at: Timestamp::from_millis(0),
    };
    let mut builder = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        builder.append_data(&mut header, file, &b""[..]).unwrap();
    }
    let archive = builder.into_inner().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new(&release, "sha256:1", "", None);
    let kept = (archive.as_slice(), &["/usr".to_owned()][..]);
    let entry = Cache::new(dir.path().to_owned()).keep(&key, kept, Timestamp::from_millis(0)).unwrap();
    let (postgres, provision) = (PostgresRange::default(), Provision::default());
    let known = Known { release, needs: Vec::new(), postgres, provides: vec![name(extension)], provision };
    (Planned { known, wanted: name(extension), range: Range::any() }, entry)
}

/// What is wrong with it for a distribution `honest`, where the server ships hstore and PL/pgSQL.
fn found(seen: &str, installed: &[(Planned, Entry)]) -> String {
    let root = Root { dist: name("honest"), provides: vec![name("honest")], needs: Vec::new() };
    let versions = ["hstore", "plpgsql"].map(|shipped| (name(shipped), "1.0".parse().unwrap()));
    let shipped: Shipped = BTreeMap::from(versions);
    let trouble = trouble(seen, (&root, &shipped), installed);
    trouble.map(|(item, why)| format!("{}: {why}", item.known.release.dist)).unwrap_or_default()
}

#[test]
fn an_extension_with_its_programs_and_headers_is_welcome() {
    let files =
        [&format!("{EXTENSION}/a.control"), "usr/lib/postgresql/17/bin/a_tool", "usr/include/postgresql/17/server/a.h"];
    assert_eq!(found("pgxn-room 500000 400000 /usr/lib\n", &[installed("a", "a", &files)]), "");
}

#[test]
fn a_newer_release_of_what_the_server_ships_may_replace_its_own_files_and_no_other() {
    let seen = |file: &str| format!("pgxn-replaced /{file}\n");
    for (file, extension, may) in [
        ("usr/lib/postgresql/17/lib/hstore.so", "hstore", true),
        ("usr/share/postgresql/17/extension/hstore--1.0.sql", "hstore", true),
        ("usr/share/doc/postgresql-doc-17/readme", "a", true),
        ("usr/lib/postgresql/17/lib/hstore.so", "a", false),
        ("usr/lib/postgresql/17/lib/plpgsql.so", "plpgsql", false),
        ("usr/lib/postgresql/17/lib/libpqwalreceiver.so", "libpqwalreceiver", false),
        ("usr/lib/postgresql/17/bin/hstore", "hstore", false),
        ("usr/lib/postgresql/17/bin/psql", "a", false),
        ("usr/include/postgresql/17/server/postgres.h", "a", false),
        ("usr/share/postgresql/17/postgres.bki", "a", false),
    ] {
        let why = found(&seen(file), &[installed("b", "b", &[]), installed("mallory", extension, &[file])]);
        let expected = format!("mallory: it replaces a file of the server: `{file}`");
        assert_eq!(why, if may { String::new() } else { expected }, "{file} by {extension}");
    }
}

#[test]
fn what_stands_before_the_systems_own_or_is_the_distributions_is_refused() {
    let file = "usr/lib/postgresql/17/bin/make";
    let why = found(&format!("pgxn-shadows /{file}\n"), &[installed("a", "a", &[file]), installed("b", "b", &[])]);
    assert_eq!(why, format!("a: it installs a file in front of the system's own: `{file}`"));
    for (file, why) in [
        ("usr/lib/postgresql/17/lib/pgxs/src/Makefile.custom", "a: it installs a part of the server's makefiles"),
        (&format!("{EXTENSION}/honest--1.0.control"), "a: it installs files of the extension honest of honest"),
    ] {
        assert!(found("", &[installed("a", "a", &[file])]).starts_with(why), "{file}");
    }
    assert_eq!(found("", &[installed("a", "a", &[&format!("{EXTENSION}/honestly--1.0.sql")])]), "");
}

#[test]
fn room_has_to_be_left_and_whatever_cannot_be_told_whose_it_is_is_somebodys() {
    let all = [installed("a", "a", &[]), installed("b", "b", &[])];
    assert_eq!(found("pgxn-room 1K-blocks Avail Mounted\npgxn-room 80000 10000 /usr\n", &all), "");
    assert_eq!(found("pgxn-room 80000 9999 /usr\n", &all), "b: it leaves no room in the server's directories");
    assert_eq!(found("pgxn-replaced /x\n", &all), "b: it replaces a file of the server: `x`");
    assert_eq!(found("noise\n\npgxn-unknown x\n", &all), "");
}
