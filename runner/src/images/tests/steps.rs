//! The scripts of an image where an archive does not give what it should: with programs in place of apt's, on this machine.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::images::{derived, recipe};

/// An archive of a suite that has `liba` and `libb`, which cannot be installed together, and PostgreSQL in two suites.
const APT_CACHE: &str = r#"case $* in
    pkgnames) printf 'liba\nlibb\n' ;;
    policy) echo "     release o=Debian,a=$KIND,n=suite,l=Debian,c=main,b=amd64" ;;
    madison*)
        echo " $2 | 17.6-1.pgdg13+1 | http://pgdg.example/apt trixie-pgdg/main amd64 Packages"
        echo " $2 | 17.7-0+deb13u1 | http://debian.example/debian trixie/main amd64 Packages" ;;
    *) echo "Package: x" ;;
esac"#;
const APT_GET: &str = r"case $* in *liba*libb*) exit 100 ;; esac";
const DPKG_QUERY: &str = r#"printf %s "$VERSION""#;

/// Runs a step; it may not take longer than half a minute.
fn step(name: &str, arguments: &[&str], (variable, value): (&str, &str)) -> Output {
    let dir = tempfile::tempdir().unwrap();
    for (program, text) in [("apt-cache", APT_CACHE), ("apt-get", APT_GET), ("dpkg-query", DPKG_QUERY)] {
        let path = dir.path().join(program);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    std::fs::write(dir.path().join("wanted"), "! liba\n! libb\n").unwrap();
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/steps");
    let mut command = Command::new("timeout");
    command.args(["30", "sh"]).arg(steps.join(name)).args(arguments).current_dir(dir.path()).env(variable, value);
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", dir.path().display())).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn packages_that_conflict_with_each_other_are_refused_and_do_not_go_on_for_ever() {
    let output = step("install", &["wanted"], ("KIND", "stable"));
    assert_eq!(said(&output), "pgxn-unavailable: liba libb cannot be installed together");
    assert_eq!(output.status.code(), Some(69));
}

#[test]
fn a_suite_in_the_making_is_no_answer_for_good() {
    for kind in ["testing", "unstable", "experimental"] {
        let output = step("install", &["wanted"], ("KIND", kind));
        assert_eq!(said(&output), "pgxn-inconsistent: liba libb cannot be installed together");
        assert_eq!(output.status.code(), Some(75), "{kind}");
    }
    assert_eq!(said(&step("refuse", &["liba"], ("KIND", "oldoldstable"))), "pgxn-unavailable: liba");
}

#[test]
fn what_another_suite_has_is_not_taken_for_the_project_s_own() {
    let of = |version| step("origin", &["trixie-pgdg", "postgresql-17"], ("VERSION", version));
    assert_eq!(of("17.6-1.pgdg13+1").status.code(), Some(0));
    let output = of("17.7-0+deb13u1");
    assert_eq!(said(&output), "postgresql-17 17.7-0+deb13u1 is not of trixie-pgdg");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_archive_that_does_not_answer_is_an_error_wherever_packages_are_installed() {
    let texts = recipe::FILES.iter().chain(&derived::FILES).map(|(_, text)| *text);
    let updates: Vec<&str> = texts.flat_map(str::lines).filter(|line| line.contains("apt-get update")).collect();
    assert_eq!(updates, ["apt-get update -q --error-on=any"; 3]);
}
