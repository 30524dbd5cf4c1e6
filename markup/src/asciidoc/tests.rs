use super::html;

#[test]
fn titles_paragraphs_and_blocks_are_read() {
    assert_eq!(
        html(
            "= Title\n:v: 2\n\nVersion {v} of\n*bold* _em_ `code`.\n\n== Part\n\n[source,sql]\n.Try it\n----\nSELECT 1 <2; <1>\n----\n\n....\n lit\n....\n\n\
             NOTE: Mind it.\n\n[WARNING]\n====\nHot.\n====\n\n[quote, Someone]\n____\nWords.\n____\n\nSub\n~~~\n\n////\nno\n////\n// no\n'''\n"
        ),
        "<h1>Title</h1><p>Version 2 of\n<strong>bold</strong> <em>em</em> <code>code</code>.</p><h2>Part</h2><p><strong>Try it</strong></p>\
         <pre><code class=\"language-sql\">SELECT 1 &lt;2; (1)</code></pre><pre><code> lit</code></pre>\
         <blockquote><p><strong>Note</strong> Mind it.</p></blockquote><blockquote><p><strong>Warning</strong></p><p>Hot.</p></blockquote>\
         <blockquote><p>Words.</p><p>— Someone</p></blockquote><h3>Sub</h3><hr>"
    );
}

#[test]
fn lists_nest_by_their_marks_and_hold_what_is_joined_to_them() {
    for (text, expected) in [
        ("* a\n** b\n* c\nd", "<ul><li>a<ul><li>b</li></ul></li><li>c\nd</li></ul>"),
        (". a\n+\n----\nx\n----\n. b\n", "<ol><li>a<pre><code>x</code></pre></li><li>b</li></ol>"),
        ("- a\n\n- b\n\nc", "<ul><li>a</li><li>b</li></ul><p>c</p>"),
        ("f(x):: Does f.\ng(x)::\n  Does g.\n", "<dl><dt>f(x)</dt><dd>Does f.</dd><dt>g(x)</dt><dd>Does g.</dd></dl>"),
        ("a::\n* x\n* y\nb:: z", "<dl><dt>a</dt><dd><ul><li>x</li><li>y</li></ul></dd><dt>b</dt><dd>z</dd></dl>"),
    ] {
        assert_eq!(html(text), expected, "{text}");
    }
}

#[test]
fn links_lead_to_places_files_and_addresses() {
    for (text, expected) in [
        (
            "https://a.org[site^] https://a.org.",
            "<a href=\"https://a.org\">site</a> <a href=\"https://a.org\">https://a.org</a>.",
        ),
        (
            "link:other.adoc[Other] xref:b.adoc#_use_it[B]",
            "<a href=\"other.adoc\">Other</a> <a href=\"b.adoc#use-it\">B</a>",
        ),
        ("<<use-it,Use>> <<_use_it>>", "<a href=\"#use-it\">Use</a> <a href=\"#use-it\">_use_it</a>"),
        ("image:i.png[I] pass:[<b>]", "<img src=\"i.png\" alt=\"I\"> <b>"),
        ("a_b_c 2*3*4 \\*x* a+b+c", "a_b_c 2*3*4 *x* a+b+c"),
        ("**a**b H~2~O [.r]#x#", "<strong>a</strong>b H<sub>2</sub>O x"),
    ] {
        assert_eq!(html(text), format!("<p>{expected}</p>"), "{text}");
    }
    assert_eq!(html("[[here]]\n== T"), "<h2 id=\"here\">T</h2>");
}

#[test]
fn tables_have_the_columns_that_they_say_or_show() {
    let expected = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2\n3</td></tr></table>";
    for text in ["|===\n|a |b\n\n|1 |2\n3\n|===", "[cols=\"1,2\", options=\"header\"]\n|===\n|a\n|b\n|1\n|2\n3\n|==="] {
        assert_eq!(html(text), expected, "{text}");
    }
    assert_eq!(html("|===\n|a h|b c\n|==="), "<table><tr><td>a</td><th>b c</th></tr></table>");
}

#[test]
fn what_depends_on_an_attribute_is_shown_where_it_is_set() {
    assert_eq!(
        html("ifdef::x[]\nno\nifdef::y[]\nno\nendif::[]\nendif::[]\n:x:\n\nifdef::x[]\nyes\n\nendif::x[]\nend"),
        "<p>yes</p><p>end</p>"
    );
}
