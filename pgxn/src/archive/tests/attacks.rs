//! Names, links and types of files that no archive should hold.

use super::*;

#[test]
fn a_name_that_is_no_plain_path_is_refused() {
    for (name, word) in [
        ("/etc/cron.d/x", "absolute"),
        ("//x/y", "absolute"),
        ("../x", "climbs"),
        ("widget-1.0.0/../../x", "climbs"),
        ("widget-1.0.0/a/../b", "climbs"),
        ("widget-1.0.0/..", "climbs"),
        ("widget-1.0.0\\..\\x", "backslash"),
        ("widget-1.0.0/a\\b", "backslash"),
        ("C:/windows/x", "drive letter"),
        ("c:x", "drive letter"),
        ("widget-1.0.0/a\0b", "NUL"),
        ("widget-1.0.0/\u{1b}[31m\\", "backslash"),
    ] {
        Zip::good().file(name, "x").unpack().refused(Reason::UnsafePath, word);
        Zip::new().file(name, "x").unpack().refused(Reason::UnsafePath, word);
    }
    Zip::good().file(".", "x").unpack().refused(Reason::UnsafePath, "names nothing");
    Zip::good().link("./.", "x").unpack().refused(Reason::UnsafePath, "names nothing");
    Zip::good().directory("widget-1.0.0/../../x/").unpack().refused(Reason::UnsafePath, "climbs");
    Zip::good().link("../x", "y").unpack().refused(Reason::UnsafePath, "climbs");
}

#[test]
fn a_name_that_is_too_long_or_too_deep_is_refused() {
    let long = format!("widget-1.0.0/{}", "x".repeat(256));
    Zip::good().file(&long, "").unpack().refused(Reason::UnsafePath, "255 bytes");
    let deep = format!("widget-1.0.0/{}x", "d/".repeat(60));
    Zip::good().file(&deep, "").unpack().refused(Reason::UnsafePath, "directories deep");
    let endless = format!("widget-1.0.0/{}", "abcdefgh/".repeat(200));
    Zip::good().file(&endless, "").unpack().refused(Reason::UnsafePath, "1024 bytes");
}

#[test]
fn a_link_that_can_lead_out_of_the_root_is_refused() {
    for (target, word) in [
        ("/etc/passwd", "absolute"),
        ("..", "leads out"),
        ("../widget-1.0.0", "leads out"),
        ("sub/../../x", "leads out"),
        ("./.././x", "leads out"),
        ("nowhere/../..", "leads out"),
        ("a\\b", "backslash"),
        ("a\0b", "no target"),
        ("", "no target"),
    ] {
        Zip::good().link("widget-1.0.0/x", target).unpack().refused(Reason::UnsafeLink, word);
    }
    Zip::good().link("widget-1.0.0/x", &"a/".repeat(1_000)).unpack().refused(Reason::UnsafeLink, "longer than");
}

#[test]
fn a_link_that_leads_out_through_other_links_is_refused() {
    // Each target alone adds up to a path inside; together they do not.
    Zip::good()
        .file("widget-1.0.0/a/b/c/file", "")
        .link("widget-1.0.0/a/b/c/up", "../../..")
        .link("widget-1.0.0/x", "a/b/c/up/../../../etc")
        .unpack()
        .refused(Reason::UnsafeLink, "widget-1.0.0/x");
    Zip::good()
        .link("widget-1.0.0/x", "y/../z")
        .link("widget-1.0.0/y", "widget")
        .link("widget-1.0.0/z", "y/../../etc")
        .unpack()
        .refused(Reason::UnsafeLink, "leads out");
}

#[test]
fn a_link_that_stays_inside_is_kept_even_if_it_leads_nowhere() {
    let attempt = Zip::good()
        .link("widget-1.0.0/sql/a", "../Makefile")
        .link("widget-1.0.0/b", "sql/../sql/a")
        .link("widget-1.0.0/nowhere", "not/there")
        .link("widget-1.0.0/circle", "circle")
        .link("widget-1.0.0/self", ".")
        .unpack();
    let root = &attempt.tree().root;
    assert_eq!(fs::read_to_string(root.join("b")).unwrap(), "all:\n");
    assert_eq!(fs::read_link(root.join("nowhere")).unwrap(), Path::new("not/there"));
    assert_eq!(fs::read_link(root.join("circle")).unwrap(), Path::new("circle"));
}

#[test]
fn nothing_is_written_through_a_link() {
    let through = "both as a file and as a directory";
    let before = Zip::good().link("widget-1.0.0/x", "sql").file("widget-1.0.0/x/y", "z");
    before.unpack().refused(Reason::DuplicateName, through);
    let after = Zip::good().file("widget-1.0.0/x/y", "z").link("widget-1.0.0/x", "sql");
    after.unpack().refused(Reason::DuplicateName, through);
    let root = Zip::new().link("widget-1.0.0", "/tmp").file("widget-1.0.0/y", "z");
    root.unpack().refused(Reason::SeveralRoots, "one top directory");
}

#[test]
fn a_device_pipe_or_socket_is_refused() {
    for (mode, word) in [
        (0o010_644, "pipe"),
        (0o020_644, "device"),
        (0o060_644, "device"),
        (0o140_644, "socket"),
        (0o150_644, "unknown"),
    ] {
        Zip::good().special("widget-1.0.0/x", mode).unpack().refused(Reason::SpecialFile, word);
    }
}

#[test]
fn no_special_bit_of_a_mode_survives() {
    let attempt = Zip::good().special("widget-1.0.0/x", 0o107_755).special("widget-1.0.0/y", 0o100_000).unpack();
    let mode = |path: &str| attempt.tree().root.join(path).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!([mode("x"), mode("y")], [0o755, 0o644]);
}

#[test]
fn two_members_of_one_name_are_refused() {
    let mut bytes = Zip::good().file("widget-1.0.0/aaa", "1").file("widget-1.0.0/bbb", "2").bytes();
    patch(&mut bytes, b"widget-1.0.0/bbb", b"widget-1.0.0/aaa");
    Attempt::of(&bytes, &Limits::default()).refused(Reason::DuplicateName, "`widget-1.0.0/aaa` twice");
    let spelled = Zip::good().file("widget-1.0.0/a", "1").file("widget-1.0.0/./a", "2");
    spelled.unpack().refused(Reason::DuplicateName, "`widget-1.0.0/a` twice");
    let link = Zip::good().file("widget-1.0.0/a", "1").link("widget-1.0.0//a", "b");
    link.unpack().refused(Reason::DuplicateName, "`widget-1.0.0/a` twice");
}

#[test]
fn names_that_differ_in_case_are_two_names() {
    let attempt = Zip::good().file("widget-1.0.0/a", "1").file("widget-1.0.0/A", "2").unpack();
    assert_eq!(attempt.tree().files(), 4);
}

#[test]
fn a_file_where_a_directory_is_needed_is_refused() {
    for zip in [
        Zip::good().file("widget-1.0.0/a", "1").file("widget-1.0.0/a/b", "2").bytes(),
        Zip::good().file("widget-1.0.0/a/b", "2").file("widget-1.0.0/a", "1").bytes(),
        Zip::good().directory("widget-1.0.0/a").file("widget-1.0.0/a", "1").bytes(),
        Zip::good().file("widget-1.0.0/a", "1").directory("widget-1.0.0/a").bytes(),
    ] {
        Attempt::of(&zip, &Limits::default()).refused(Reason::DuplicateName, "`widget-1.0.0/a` both");
    }
}

#[test]
fn a_directory_listed_twice_is_one_directory() {
    let attempt = Zip::good().directory("widget-1.0.0/a/").directory("widget-1.0.0/./a/").unpack();
    assert_eq!(everything(&attempt.tree().root).len(), 3);
}

#[test]
fn more_than_one_root_is_refused_with_both_names() {
    Zip::good().file("other/x", "").unpack().refused(Reason::SeveralRoots, "`other` beside `widget-1.0.0`");
    Zip::good().file("README", "").unpack().refused(Reason::SeveralRoots, "`README` beside `widget-1.0.0`");
    Zip::new().file("META.json", META).unpack().refused(Reason::SeveralRoots, "META.json");
    Zip::good().file("Widget-1.0.0/x", "").unpack().refused(Reason::SeveralRoots, "`Widget-1.0.0`");
}

#[test]
fn a_name_is_shown_without_what_would_drive_a_terminal() {
    let error = Zip::good().file("\u{1b}[2J\n/x", "").unpack();
    error.refused(Reason::SeveralRoots, "\\u{1b}[2J\\n");
}
