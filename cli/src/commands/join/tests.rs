use super::*;

#[test]
fn an_invitation_is_an_address_with_a_secret_behind_it() {
    let read = |text: &str| Invitation::read(text).map(|read| (read.farm.to_string(), read.secret)).unwrap();
    assert_eq!(read("https://farm.example/#abc"), ("https://farm.example/".into(), Some("abc".into())));
    assert_eq!(read("https://farm.example/pg?x#abc"), ("https://farm.example/pg/".into(), Some("abc".into())));
    assert_eq!(read("http://farm.example"), ("http://farm.example/".into(), None));
    assert_eq!(read("http://farm.example/#").1, None);
}

#[test]
fn an_address_that_is_none_is_refused_without_its_secret() {
    for (text, says) in [("example#abcdef", "looks like https://"), ("ftp://example.org/#abcdef", "not with ftp:")] {
        let Err(error) = Invitation::read(text) else { panic!("{text} was taken") };
        let said = error.to_string();
        assert!(said.contains(says) && !said.contains("abcdef"), "{said}");
    }
}

#[test]
fn the_name_of_any_machine_becomes_one_of_a_runner() {
    for (host, name) in
        [("attic\n", "attic"), ("..hidden", "hidden"), ("a b/ü", "a-b--"), ("", "runner"), ("x.lan", "x.lan")]
    {
        assert_eq!(as_name(host), name);
        assert!(as_name(host).parse::<Name>().is_ok());
    }
    assert_eq!(as_name(&"x".repeat(300)).len(), 64);
}
