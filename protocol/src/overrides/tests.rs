use super::*;

fn provision(text: &str, dist: &str, version: &str, major: u16) -> Provision {
    let overrides = Overrides::parse(text).unwrap();
    overrides.provision(&dist.parse().unwrap(), &version.parse().unwrap(), major.try_into().unwrap())
}

fn refusal(text: &str) -> String {
    let error = Overrides::parse(&format!("[[override]]\ndist = \"widget\"\n{text}")).unwrap_err();
    match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

const TWO: &str = r#"
[[override]]
dist = "Widget"
versions = ">= 1.0.0, < 2.0.0"
why = "It needs a library."
packages = ["libwidget-dev | libwidget2-dev"]
settings = { wal_level = "logical", "widget.level" = "1" }
requires = { pgtap = ">= 1.0" }

[[override]]
dist = "widget"
postgresql = [17]
why = "It needs more."
packages = ["libgadget-dev"]
preload = ["widget"]
settings = { "widget.level" = "2" }
make = { WIDGET_DIR = "/usr/include" }
downloads = [{ url = "https://example.org/widget-1.0.tar.gz", sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }]
before_build = ["tar -xzf /sandbox/downloads/widget-1.0.tar.gz"]
prepare = ["mkdir /tmp/widget"]
stand_in = "widget.example.org"
limits = { phase_s = 1800 }
"#;

#[test]
fn the_embedded_overrides_parse_and_every_entry_says_why() {
    let overrides = Overrides::embedded();
    assert!(!overrides.entries().is_empty());
    assert!(overrides.entries().iter().all(|entry| entry.why.len() > 20), "{overrides:#?}");
}

#[test]
fn entries_hold_for_their_versions_and_majors_and_add_up() {
    let both = provision(TWO, "WIDGET", "1.5.0", 17);
    assert_eq!(both.packages, ["libwidget-dev | libwidget2-dev", "libgadget-dev"]);
    assert_eq!(both.settings["widget.level"], "2", "the later entry goes first");
    assert_eq!((both.settings["wal_level"].as_str(), both.limits.phase_s), ("logical", Some(1_800)));
    assert_eq!(both.why, ["It needs a library.", "It needs more."]);
    assert_eq!((both.before_build.len(), both.downloads[0].name()), (1, "widget-1.0.tar.gz"));
    assert_eq!(both.stand_in.as_deref(), Some("widget.example.org"));
    assert_eq!(both.requires.keys().map(Name::as_str).collect::<Vec<_>>(), ["pgtap"]);
    assert_eq!(provision(TWO, "widget", "1.5.0", 16).why, ["It needs a library."]);
    assert_eq!(provision(TWO, "widget", "2.0.0", 17).why, ["It needs more."]);
    assert_eq!(provision(TWO, "widget", "2.0.0", 16), Provision::default());
    assert_eq!(provision(TWO, "gadget", "1.5.0", 17), Provision::default());
}

#[test]
fn a_release_that_is_skipped_says_why() {
    let text = "[[override]]\ndist = \"widget\"\nskip = true\nwhy = \"It needs a graphics card.\"\n";
    assert_eq!(provision(text, "widget", "1.0.0", 17).skip.as_deref(), Some("It needs a graphics card."));
}

#[test]
fn what_could_not_stand_where_it_is_used_is_refused_and_named() {
    let why = "why = \"It is so.\"\n";
    for (text, expected) in [
        ("", "missing field `why`"),
        (why, "it asks for nothing"),
        ("why = \"so\"\nskip = true", "not a sentence"),
        ("why = \"It is so.\"\npackages = [\"lib x\"]", "`lib x` is not the name of a Debian package"),
        ("why = \"It is so.\"\npackages = [\"-o=x\"]", "`-o=x` is not"),
        ("why = \"It is so.\"\npackages = [\"ab | \"]", "`` is not"),
        ("why = \"It is so.\"\nversions = \"x\"\nskip = true", "`x` is not a version range"),
        ("why = \"It is so.\"\npostgresql = [9]\nskip = true", "`9` is not a PostgreSQL major"),
        ("why = \"It is so.\"\npreload = [\"../x\"]", "`../x` is not the name of a library"),
        ("why = \"It is so.\"\nsettings = { \"a b\" = \"1\" }", "`a b` is not the name of a server setting"),
        ("why = \"It is so.\"\nsettings = { shared_preload_libraries = \"x\" }", "belong into `preload`"),
        ("why = \"It is so.\"\nsettings = { a = \"1\\n2\" }", "is not a value of one line"),
        ("why = \"It is so.\"\nmake = { \"A=B\" = \"1\" }", "`A=B` is not the name of a variable"),
        ("why = \"It is so.\"\nprepare = [\"a\\nb\"]", "is not a line of shell"),
        ("why = \"It is so.\"\nbefore_build = [\"\"]", "is not a line of shell"),
        ("why = \"It is so.\"\nstand_in = \" \"", "is not what the farm has a stand-in for"),
        ("why = \"It is so.\"\ndownloads = [{ url = \"https://a.org/b\" }]", "missing field `sha256`"),
        ("why = \"It is so.\"\ndownloads = [{ url = \"https://a.org/b\", sha256 = \"B\" }]", "`B` is not a SHA-256"),
        ("why = \"It is so.\"\nlimits = { phase_s = 0 }", "a limit is zero"),
        ("why = \"It is so.\"\nlimit = { phase_s = 1 }", "unknown field `limit`"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(expected), "{text}: {refusal}");
    }
}

#[test]
fn a_download_has_an_address_whose_end_is_the_name_of_a_file() {
    for url in [
        "file:///etc/passwd",
        "https://a.org/",
        "https://a.org",
        "https:///a",
        "https://a.org/..",
        "https://a.org/a b",
        "https://a.org/$x",
    ] {
        let text = format!("why = \"It is so.\"\ndownloads = [{{ url = \"{url}\", sha256 = \"{}\" }}]", "0".repeat(64));
        assert!(refusal(&text).contains("is not the address of a file"), "{url}");
    }
}

#[test]
fn a_file_without_bounds_is_refused() {
    let many = format!("packages = [{}]", "\"libx-dev\",".repeat(65));
    assert!(refusal(&format!("why = \"It is so.\"\n{many}")).contains("at most 64"));
    let long = format!("why = \"It is so.\"\nprepare = [\"{}\"]", "x".repeat(1_001));
    assert!(refusal(&long).contains("longer than 1000 bytes"));
    let entry = "[[override]]\ndist = \"a\"\nskip = true\nwhy = \"It is so.\"\n";
    let error = Overrides::parse(&entry.repeat(2_001)).unwrap_err().to_string();
    assert_eq!(error, "the overrides have 2001 entries, at most 2000 are taken");
}
