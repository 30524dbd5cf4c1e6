use std::io::Write;

use super::*;

fn contents(lines: &[&str]) -> Contents {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(lines.join("\n").as_bytes()).unwrap();
    Contents { compressed: encoder.finish().unwrap() }
}

fn trixie() -> Contents {
    contents(&[
        "usr/bin/geos-config\tlibdevel/libgeos-dev",
        "usr/include/kannel/gwlib/pcre.h\tdevel/kannel-dev",
        "usr/include/libical/ical.h\tlibdevel/libical-dev",
        "usr/include/mariadb/mysql.h\tlibdevel/libmariadb-dev",
        "usr/include/mariadb/server/mysql.h\tlibdevel/libmariadbd-dev",
        "usr/include/x86_64-linux-gnu/curl/curl.h\tlibdevel/libcurl4-gnutls-dev,libdevel/libcurl4-openssl-dev",
        "usr/lib/x86_64-linux-gnu/libcurl.so\tlibdevel/libcurl4-gnutls-dev,libdevel/libcurl4-openssl-dev",
        "usr/lib/x86_64-linux-gnu/libicuuc.so.76\tlibs/libicu76",
        "usr/lib/x86_64-linux-gnu/pkgconfig/libical.pc\tlibdevel/libical-dev",
        "usr/share/perl5/JSON/XS.pm\tperl/libjson-xs-perl",
    ])
}

fn names(reason: Reason, missing: &str) -> Vec<String> {
    trixie().candidates(reason, missing).into_iter().map(|candidate| candidate.package).collect()
}

#[test]
fn a_header_is_found_where_it_lies_nearest() {
    assert_eq!(names(Reason::MissingHeader, "libical/ical.h"), ["libical-dev"]);
    assert_eq!(names(Reason::MissingHeader, "mysql.h"), ["libmariadb-dev", "libmariadbd-dev"]);
    assert_eq!(names(Reason::MissingHeader, "curl/curl.h"), ["libcurl4-gnutls-dev", "libcurl4-openssl-dev"]);
    assert!(names(Reason::MissingHeader, "url.h").is_empty(), "no other header ends so");
}

#[test]
fn a_library_is_found_by_whatever_name_a_tool_has_for_it() {
    for (missing, package) in [
        ("libical", "libical-dev"),
        ("-lcurl", "libcurl4-gnutls-dev"),
        ("curl", "libcurl4-gnutls-dev"),
        ("libicuuc.so.76", "libicu76"),
        ("the Perl module JSON::XS", "libjson-xs-perl"),
    ] {
        assert_eq!(names(Reason::MissingLibrary, missing).first().map(String::as_str), Some(package), "{missing}");
    }
    assert_eq!(names(Reason::MissingProgram, "geos-config"), ["libgeos-dev"]);
    assert_eq!(names(Reason::MissingProgram, "/usr/bin/geos-config"), ["libgeos-dev"]);
}

#[test]
fn words_that_name_no_file_find_nothing() {
    for missing in ["", "no usable library", "a\u{1b}b", "../../etc"] {
        assert!(names(Reason::MissingHeader, missing).is_empty(), "{missing}");
        assert!(names(Reason::MissingProgram, missing).is_empty(), "{missing}");
    }
    assert!(names(Reason::TestsFailed, "libical/ical.h").is_empty());
}

#[test]
fn the_best_place_is_found_however_many_come_before_it() {
    let far: Vec<String> =
        (0..1_000).map(|number| format!("usr/include/a/b/{number:04}/ical.h\tlibdevel/far-{number:04}-dev")).collect();
    let mut lines: Vec<&str> = far.iter().map(String::as_str).collect();
    lines.push("usr/include/ical.h\tlibdevel/libical-dev");
    lines.push("usr/include/z/ical.h\tlibdevel/libical-dev");
    let found = contents(&lines).candidates(Reason::MissingHeader, "ical.h");
    assert_eq!((found[0].package.as_str(), found[0].path.as_str()), ("libical-dev", "usr/include/ical.h"));
    assert_eq!(found.len(), MAX_CANDIDATES);
}

#[test]
fn an_index_is_fetched_anew_after_a_week_and_kept_whole() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("contents/trixie-amd64.gz");
    let epoch = Duration::from_hours(490_920);
    let now = Timestamp::from_millis(0).plus(epoch);
    assert!(!is_fresh(&file, now));
    keep(&file, b"one").unwrap();
    keep(&file, b"other").unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), b"other");
    assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    let written = SystemTime::UNIX_EPOCH + epoch;
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(written).unwrap();
    let later = |hours| now.plus(Duration::from_hours(hours));
    assert!(is_fresh(&file, now) && is_fresh(&file, later(24 * 6)));
    assert!(!is_fresh(&file, later(24 * 7)));
}
