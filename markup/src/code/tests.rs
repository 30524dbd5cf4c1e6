use proptest::prelude::*;

use super::*;
use crate::tags::{Piece, pieces, unescape};

#[test]
fn sql_is_told_apart_into_words_strings_numbers_and_comments() {
    assert_eq!(
        html("SELECT a.select, 'it''s', 42::int -- why\nFROM t1 /* a /* b */ c */;", Some("sql")),
        "<span class=\"hk\">SELECT</span> a.select, <span class=\"hs\">'it'</span><span class=\"hs\">'s'</span>, \
         <span class=\"hn\">42</span>::<span class=\"ht\">int</span> <span class=\"hc\">-- why</span>\n<span class=\"hk\">FROM</span> t1 \
         <span class=\"hc\">/* a /* b */ c */</span>;"
    );
    let function = html("CREATE FUNCTION f() RETURNS text AS $body$ SELECT 'x' $body$ LANGUAGE sql;", None);
    assert!(
        function.contains("<span class=\"ht\">text</span>") && function.contains("$body$ <span class=\"hk\">SELECT")
    );
}

#[test]
fn sql_is_known_by_its_looks_where_nobody_names_it() {
    for code in [
        "select 1;",
        "-- first\nCREATE EXTENSION x;\n",
        "postgres=# SELECT 1;\n ?column?",
        "WITH a AS (\nSELECT 1)\nSELECT 2;",
    ] {
        assert!(html(code, None).contains("<span"), "{code}");
    }
    for code in ["make install", "Select one of these", "set(x)", "{\"a\": 1}", "$ git clone x; cd x", ""] {
        assert!(!html(code, None).contains("<span"), "{code}");
    }
}

#[test]
fn what_psql_answered_is_left_as_it_is() {
    let html = html("=# SELECT name;\n name | type\n------+------\n 1    | text\n(1 row)\n\nSELECT 2; -- end\n", None);
    assert!(
        html.contains(";\n name | type\n------+------\n 1    | text\n(1 row)\n\n<span class=\"hk\">SELECT"),
        "{html}"
    );
    assert!(html.contains("<span class=\"hc\">-- end</span>"), "{html}");
}

#[test]
fn other_languages_have_their_own_words_and_an_unknown_one_has_none() {
    assert!(html("$ sudo make install # now", Some("sh")).contains("<span class=\"hc\"># now</span>"));
    assert!(html("#include <x.h>\nint a;", Some("c")).starts_with("<span class=\"hk\">#include </span>&lt;x.h&gt;"));
    assert!(html("{\"a\": true}", Some("json")).contains("<span class=\"hk\">true</span>"));
    assert_eq!(html("select < 1", Some("brainfuck")), "select &lt; 1");
    assert_eq!(html("echo ${#a} it's", Some("sh")), "<span class=\"hk\">echo</span> ${#a} it's");
}

#[test]
fn long_code_is_left_as_it_is() {
    assert!(!html(&"SELECT 1;\n".repeat(MOST_BYTES), Some("sql")).contains("<span"));
}

proptest! {
    #[test]
    fn marking_changes_nothing_of_the_code(code in "[a-zA-Z0-9'\"$`/*#<>& \n\\\\é-]{0,80}", name in "sql|sh|c|json|python|lua|js|perl|yaml") {
        let text = |piece| if let Piece::Text(text) = piece { unescape(text) } else { String::new() };
        prop_assert_eq!(pieces(&html(&code, Some(&name))).map(text).collect::<String>(), code);
    }
}
