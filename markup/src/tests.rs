use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::tags::Piece;

const ALL: [Format; 6] = [Format::Markdown, Format::Rst, Format::AsciiDoc, Format::Pod, Format::Html, Format::Text];

fn place() -> Place {
    let all = ["README.md", "LICENSE", "doc/guide.md", "doc/other.md", "img/a.png", "img/b.svg"].map(str::to_owned);
    Place {
        files: "/src/a/a-1/".to_owned(),
        pages: "/dist/a/1/".to_owned(),
        path: "doc/guide.md".to_owned(),
        all: Arc::new(BTreeSet::from(all)),
    }
}

fn shown(text: &str, format: Format) -> String {
    render(text, format, &place(), 3).html
}

fn markdown(text: &str) -> String {
    shown(text, Format::Markdown)
}

#[test]
fn markdown_is_what_people_know_from_github() {
    let html = markdown(
        "# Title\n\nSome *text*, ~~gone~~.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sql\nSELECT 1 < 2;\n```\n",
    );
    assert!(html.contains("<h3") && html.contains("Title"), "the page has the first two levels: {html}");
    for piece in ["<em>text</em>", "<del>gone</del>", "<td>1</td>", "<span class=\"hk\">SELECT</span>", " &lt; "] {
        assert!(html.contains(piece), "{piece} in {html}");
    }
}

#[test]
fn links_lead_to_the_documents_and_files_of_the_distribution() {
    let html = markdown(
        "[a](other.md) [b](../README.md#use it) [c](/LICENSE) [d](#part) [e](https://example.org/x) [f](../../../etc) [g](gone.md)",
    );
    for link in [
        "href=\"/dist/a/1/doc/other.html\"",
        "href=\"/dist/a/1/LICENSE.html\"",
        "href=\"#doc-part\"",
        "href=\"https://example.org/x\"",
    ] {
        assert!(html.contains(link), "{link} in {html}");
    }
    assert!(!html.contains("etc\"") && !html.contains("gone.md\"") && html.contains("nofollow noopener"), "{html}");
}

#[test]
fn headings_have_ids_of_their_own_and_links_to_themselves() {
    let document = render(
        "## Part *two*\n\n<h2 id=main>Own</h2>\n\n## Part two\n\n# ![logo](../img/a.png)\n",
        Format::Markdown,
        &place(),
        2,
    );
    let ids: Vec<_> = document.headings.iter().map(|heading| (heading.level, heading.id.as_str())).collect();
    assert_eq!(ids, [(2, "doc-part-two"), (2, "doc-main"), (2, "doc-part-two-1")]);
    let link = "<h2 id=\"doc-part-two\">Part <em>two</em> <a class=\"here\" href=\"#doc-part-two\" aria-label=\"Link to “Part two”\">#</a></h2>";
    assert!(document.html.contains(link), "{}", document.html);
}

#[test]
fn pictures_come_from_the_distribution_alone_and_others_are_their_words() {
    let html = markdown(
        "![own](../img/a.png) [![badge](https://example.org/b.svg)](https://example.org/) ![worse](//example.org/c.png) ![v](../img/b.svg)",
    );
    assert!(html.contains("src=\"/src/a/a-1/img/a.png\""), "{html}");
    assert!(!html.contains("example.org/b") && !html.contains("/c.png") && !html.contains("b.svg"), "{html}");
    assert!(html.contains(">badge</a>") && html.contains(" worse"), "{html}");
}

#[test]
fn wide_code_and_tables_can_be_scrolled_by_keyboard() {
    let html = markdown(&format!("```\n{}\n```\n\n```\nshort\n```\n\n|a|\n|-|\n|1|\n", "x".repeat(100)));
    assert!(
        html.contains("<pre class=\"wide\" tabindex=\"0\"><code>xxx") && html.contains("<pre><code>short"),
        "{html}"
    );
    assert!(
        html.contains("<div class=\"across\" role=\"group\" tabindex=\"0\" aria-label=\"Table 1\"><table>"),
        "{html}"
    );
}

/// What a page may not get from a document, however it is written.
fn assert_harmless(html: &str, of: &str) {
    for piece in tags::pieces(html) {
        let Piece::Open(name, attributes) = piece else { continue };
        assert!(ELEMENTS.contains(&name.as_str()), "{name} of {of} in {html}");
        for (key, value) in attributes {
            let is_fine = match key.as_str() {
                "href" => {
                    let starts = ["#doc-", "/src/a/", "/dist/a/1/", "http://", "https://", "mailto:"];
                    starts.iter().any(|start| value.to_lowercase().starts_with(start)) && !value.starts_with("//")
                }
                "src" => value.starts_with("/src/a/"),
                "id" => value.starts_with(ID_PREFIX),
                "class" => ["hk", "ht", "hs", "hn", "hc", "here", "wide", "across"].contains(&value),
                "tabindex" => value == "0",
                "role" => value == "group",
                "rel" => value == "nofollow noopener",
                key => {
                    ["alt", "title", "aria-label", "start", "colspan", "rowspan", "align", "valign", "lang", "datetime"]
                        .contains(&key)
                        || [
                            "width",
                            "height",
                            "border",
                            "summary",
                            "scope",
                            "hreflang",
                            "open",
                            "type",
                            "char",
                            "cellpadding",
                        ]
                        .contains(&key)
                }
            };
            assert!(is_fine, "{key}={value:?} of {of} in {html}");
        }
    }
}

/// What a document may be made of.
const ELEMENTS: [&str; 58] = [
    "a",
    "abbr",
    "acronym",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    "u",
];

const HTML_ATTACKS: [&str; 26] = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<img src=\"data:image/svg+xml;base64,PHN2Zz4=\">",
    "<img src='https://evil.example/pixel.png' srcset='https://evil.example/2.png 2x'>",
    "<a href=\"java\nscript:alert(1)\">x</a>",
    "<a href=\"&#106;avascript:alert(1)\">x</a>",
    "<a href=\" javascript:alert(1)\">x</a>",
    "<a href='vbscript:x' onclick='alert(1)' ping='https://evil.example'>x</a>",
    "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
    "<a href=\"//evil.example/\">x</a><a href='\\\\evil.example\\x'>y</a><a href='/\\evil.example'>z</a>",
    "<p style=\"position:fixed;inset:0\" class=\"verdict-box pass\" id=\"main\">x</p>",
    "<iframe src=\"https://evil.example\" srcdoc='<script>1</script>'></iframe><object data=x></object><embed src=x>",
    "<form action=\"/\"><input name=q formaction=javascript:1><button>x</button></form>",
    "<svg onload=alert(1)><script>1</script><a xlink:href='javascript:1'>x</a></svg>",
    "<style>*{display:none}</style><link rel=stylesheet href=x><base href=\"https://evil.example\">",
    "<math><mi//xlink:href=\"javascript:alert(1)\"><mtext></table><mglyph><style><img src=x onerror=alert(1)>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<template><img src=x onerror=alert(1)></template>",
    "<video><source onerror=alert(1)></video><details open ontoggle=alert(1)>x</details>",
    "<b title='\"><script>alert(1)</script>'>x</b><i title=\"'><img src=x onerror=1>\">",
    "<textarea></textarea><script>alert(1)</script><xmp><img src=x onerror=1></xmp>",
    "<code class=\"language-sql verdict-box\">x</code><span class=here id=q>y</span><pre class=wide>z</pre>",
    "<!ENTITY a \"aaaa\"><!DOCTYPE x [<!ENTITY b \"&a;&a;&a;\">]>&b;<?xml version='1.0'?><![CDATA[<script>1</script>]]>",
    "<script\u{0}>alert(1)</script\u{0}><img\u{c}src=x\u{c}onerror=alert(1)><a href=\"java\u{0}script:alert(1)\">x</a>",
];

#[test]
fn nothing_of_a_document_runs_or_looks_like_the_page() {
    for text in HTML_ATTACKS {
        for format in ALL {
            assert_harmless(&shown(text, format), text);
        }
        // The ways that formats have to let HTML through.
        assert_harmless(&shown(&format!("++++\n{text}\n++++\n\npass:[{text}] +++{text}+++"), Format::AsciiDoc), text);
        assert_harmless(
            &shown(
                &format!(".. raw:: html\n\n   {text}\n\n.. |x| replace:: {text}\n\n|x| :raw-html:`{text}`"),
                Format::Rst,
            ),
            text,
        );
        assert_harmless(
            &shown(&format!("=begin html\n\n{text}\n\n=end html\n\n=for html {text}\n\nE<{text}>"), Format::Pod),
            text,
        );
    }
}

#[test]
fn no_way_of_a_format_to_write_a_link_or_a_picture_leads_to_a_script() {
    for address in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "//evil.example/x",
        "file:///etc/passwd",
    ] {
        for (format, text) in [
            (Format::Markdown, format!("[x]({address}) ![x]({address}) <{address}> [r][r]\n\n[r]: {address}")),
            (
                Format::Rst,
                format!(
                    "`x <{address}>`_ a_ |i|\n\n.. _a: {address}\n\n.. image:: {address}\n   :target: {address}\n\n.. figure:: {address}\n"
                ),
            ),
            (
                Format::AsciiDoc,
                format!(
                    ":a: {address}\n\nlink:{address}[x] {{a}}[x] image:{address}[x,link={address}] xref:{address}#x[x] <<{address},x>>\n\nimage::{address}[]\n"
                ),
            ),
            (Format::Pod, format!("=head1 X\n\nL<x|{address}> L<{address}> L<x|http://a{address}>")),
        ] {
            assert_harmless(&shown(&text, format), &text);
        }
    }
}

#[test]
fn attributes_cannot_be_left_by_what_stands_in_them() {
    let attack = "\" onerror=\"alert(1)\" x=\"";
    for (format, text) in [
        (
            Format::Markdown,
            format!("![{attack}](../img/a.png) [x](other.md '{attack}')\n\n```{attack}\nx\n```\n\n# {attack}"),
        ),
        (
            Format::Rst,
            format!(
                ".. image:: ../img/a.png\n   :alt: {attack}\n\n.. code-block:: {attack}\n\n   x\n\n.. _{attack}:\n\n`x <{attack}>`_"
            ),
        ),
        (
            Format::AsciiDoc,
            format!(
                "image::../img/a.png[{attack}]\n\n[source,{attack}]\n----\nx\n----\n\n[[{attack}]]\nx [[{attack}]] link:{attack}[x]"
            ),
        ),
        (Format::Pod, format!("=head1 {attack}\n\nL<x|http://{attack}>")),
    ] {
        assert_harmless(&shown(&text, format), &text);
    }
}

/// Small pieces that make a parser slow, or its result deep or large, where there are many of them.
const PIECES: &[&str] = &[
    "<div>",
    "<b><p>",
    "<font size=1><a href=x><p>x",
    "<table><tr><td>",
    "<table><b>x",
    "<a ",
    "<a b=c ",
    "<ul><li>",
    "<!--",
    "</",
    "<x",
    "&lt;",
    "> ",
    "- ",
    "* ",
    "1. ",
    "*a ",
    "**a",
    "_a_",
    "`",
    "``",
    "[",
    "[[",
    "](",
    "![",
    "|",
    "||",
    "|-",
    "<",
    "<<",
    "(((",
    "{",
    "{a}",
    "'",
    "\"",
    "\\",
    "B<",
    "B<< ",
    "L<a|",
    "=over\n\n",
    "=over\n\n=item x\n\n",
    "E<",
    "=begin x\n\n",
    "| a | b |\n|---|---|\n",
    "=== ===\n",
    "+-+-+\n",
    "+-",
    "=== ",
    ".. note::\n\n",
    ".. |a| replace:: |a|\n",
    "|a| ",
    "a_ ",
    "----",
    "====\n",
    "--\n",
    "----\nx\n",
    "|===\n",
    "* a\n+\n",
    "a::\n",
    ":a: {a}{a}\n",
    "ifdef::x[]\n",
    "[a]\n",
    "a:: ",
    "http://",
    "http://a(",
    "link:",
    "image:",
    "+++",
    "pass:[",
    "# a\n",
    "= a\n",
    "a\n-\n",
    "::\n\n",
    "$$",
    "'\\",
    "/*",
    "\n",
    " ",
    "\t",
    "\u{0}",
    "é",
    "~~~\n",
    "[^a]: x\n[^a]\n",
    "[a]: b\n[a] ",
];

/// What makes parsers slow, deep or large.
fn bombs() -> Vec<(&'static str, String)> {
    // What is quadratic shows with less than a document may have, and what is not is soon done.
    let fill = |text: &str| text.repeat(24 * 1024 / text.len());
    let mut all: Vec<(&str, String)> = PIECES.iter().map(|piece| (*piece, fill(piece))).collect();
    let nested = |line: &dyn Fn(usize) -> String| (0..200).map(line).collect::<String>();
    all.push(("deeper and deeper", nested(&|n| format!("{}* a\n\n", " ".repeat(n)))));
    all.push(("stars", nested(&|n| format!("{} a\n", "*".repeat(n)))));
    all.push(("delimiters", nested(&|n| format!("{}\n", "=".repeat(n + 4)))));
    all.push(("quotes", nested(&|n| format!("{}a\n\n", "> ".repeat(n)))));
    all.push(("names of names", format!(".. |a| replace:: {}\n\n{}", "x".repeat(390), fill("|a| "))));
    all.push(("attributes", format!(":a: {}\n\n{}", "x".repeat(390), fill("{a} "))));
    all.push(("columns", format!("{}\n{}", "== ".repeat(4000), "a b\n".repeat(3000))));
    all.push(("cells", format!("[cols=\"99999*\"]\n|===\n{}", fill("|"))));
    all.push(("one word", fill("a")));
    all
}

#[test]
fn no_document_takes_long_or_becomes_large() {
    for (what, text) in bombs() {
        for format in ALL {
            let start = Instant::now();
            let html = shown(&text, format);
            let took = start.elapsed();
            // Without optimisation, beside other tests: what is quadratic takes longer by far.
            assert!(took < Duration::from_secs(10), "{format:?} of {what:?} took {took:?}");
            assert!(html.len() < 8 * MAX_BYTES, "{format:?} of {what:?} is {} bytes", html.len());
        }
    }
}

#[test]
fn a_long_document_is_cut_at_a_character_and_a_mark_of_order_is_none() {
    let html = shown(&"é".repeat(MAX_BYTES), Format::Text);
    assert_eq!(html.len(), MAX_BYTES + "<pre></pre>".len());
    assert!(markdown("\u{feff}# T").starts_with("<h3"));
}

#[test]
fn a_format_and_a_role_are_told_by_a_name() {
    for (path, format, role) in [
        ("README.md", Format::Markdown, Some(Role::Readme)),
        ("doc/Guide.MARKDOWN", Format::Markdown, Some(Role::Document)),
        ("doc/index.html", Format::Html, Some(Role::Document)),
        ("README", Format::Text, Some(Role::Readme)),
        ("README.ip4r", Format::Text, Some(Role::Readme)),
        ("README.rst", Format::Rst, Some(Role::Readme)),
        ("doc/a.adoc", Format::AsciiDoc, Some(Role::Document)),
        ("lib/A.pod", Format::Pod, Some(Role::Document)),
        ("Changes", Format::Text, Some(Role::Changes)),
        ("CHANGELOG.md", Format::Markdown, Some(Role::Changes)),
        ("NEWS.txt", Format::Text, Some(Role::Changes)),
        ("LICENSE", Format::Text, Some(Role::License)),
        ("COPYING.LESSER", Format::Text, Some(Role::License)),
        ("LICENSE-MIT", Format::Text, Some(Role::License)),
        ("doc/LICENSE", Format::Text, None),
        ("license.sql", Format::Text, None),
        ("changes.c", Format::Text, None),
        ("a.md/Makefile", Format::Text, None),
    ] {
        assert_eq!((Format::of(path), Role::of(path)), (format, role), "{path}");
    }
    for (path, docpath) in
        [("doc/a.b.md", "doc/a.b"), ("README.rst", "README"), ("README", "README"), ("LICENSE.TXT", "LICENSE")]
    {
        assert_eq!(Format::document(path), Some(docpath));
    }
    for path in ["Makefile", "sql/a.sql", ".md", "doc/.txt"] {
        assert_eq!(Format::document(path), None, "{path}");
    }
}

/// What formats are written with, in no order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z <>\"'=:/()\\[\\]{}#*_`|+.~^\\\\-]{1,6}",
        prop::sample::select(HTML_ATTACKS.to_vec()).prop_map(str::to_owned),
        prop::sample::select(vec![
            "\n",
            "\n\n",
            "\n  ",
            "\n====\n",
            "\n----\n",
            "\n|===\n",
            "\n.. note:: ",
            "\n.. _a: ",
            "\n=item ",
            "\n=over\n",
            "::\n\n  ",
            "link:",
            "image::",
            "[x](",
            "<<a,",
            "L<a|",
            "javascript:alert(1)",
            "\u{e9}",
            "\n* ",
            "\n+---+\n",
            "\n[source,",
            "=== ===\n",
            "<b",
            "</td>",
            "<table>",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_of_any_format_does_harm(text in soup()) {
        for format in ALL {
            assert_harmless(&shown(&text, format), &text);
        }
    }

    #[test]
    fn no_reader_of_a_format_fails(text in soup()) {
        // Without the net that `render` has below it.
        for read in [markdown::html, rst::html, asciidoc::html, pod::html] {
            read(&text);
        }
    }
}
