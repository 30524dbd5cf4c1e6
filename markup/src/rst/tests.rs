use super::html;

#[test]
fn titles_paragraphs_and_code_are_read() {
    assert_eq!(
        html(
            "=====\nTitle\n=====\n\nPart\n----\n\nRun ``make``::\n\n  make <x>\n    all\n\nSub\n~~~\nText\n*em* **b**\n\n----\n\nEnd\n====\n"
        ),
        "<h1>Title</h1><h2>Part</h2><p>Run <code>make</code>:</p><pre><code>make &lt;x&gt;\n  all</code></pre><h3>Sub</h3>\
         <p>Text <em>em</em> <strong>b</strong></p><hr><h4>End</h4>"
    );
}

#[test]
fn lists_of_every_kind_are_read() {
    for (text, expected) in [
        ("* a\n  b\n* c\n\n  - d\n", "<ul><li>a b</li><li><p>c</p><ul><li>d</li></ul></li></ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("term\n  What it is.\n", "<dl><dt>term</dt><dd>What it is.</dd></dl>"),
        (":Author: A. B.\n:Date: now", "<dl><dt>Author</dt><dd>A. B.</dd><dt>Date</dt><dd>now</dd></dl>"),
        (
            "-o FILE, --output=FILE  Where to.\n-v                      More.",
            "<dl><dt><code>-o FILE, --output=FILE</code></dt><dd>Where to.</dd><dt><code>-v</code></dt><dd>More.</dd></dl>",
        ),
        ("| a\n| b", "<p>a<br>b</p>"),
        ("a\n\n  quoted\n", "<p>a</p><blockquote><p>quoted</p></blockquote>"),
    ] {
        assert_eq!(html(text), expected, "{text}");
    }
}

#[test]
fn links_lead_where_their_names_say() {
    for (text, expected) in [
        ("`a <https://a.org>`_", "<a href=\"https://a.org\">a</a>"),
        ("See site_.\n\n.. _site: https://b.org\n", "See <a href=\"https://b.org\">site</a>."),
        ("See part_.\n\nPart\n----\n", "See <a href=\"#part\">part</a>."),
        ("`Use it`_", "<a href=\"#use-it\">Use it</a>"),
        ("`x`__\n\n__ https://c.org", "<a href=\"https://c.org\">x</a>"),
        (":doc:`usage` :ref:`t <l x>`", "<a href=\"usage.rst\">usage</a> <a href=\"#l-x\">t</a>"),
        ("https://d.org/x.", "<a href=\"https://d.org/x\">https://d.org/x</a>."),
        ("|v| [1]_\n\n.. |v| replace:: 2.0\n", "2.0 <a href=\"#note-1\">[1]</a>"),
        ("snake_case_ x* y \\*z*", "snake_case_ x* y *z*"),
    ] {
        let found = html(text);
        assert!(found.starts_with(&format!("<p>{expected}")), "{text}: {found}");
    }
}

#[test]
fn a_title_has_the_id_that_it_is_given() {
    assert_eq!(html(".. _a:\n.. _b:\n\nPart\n----\n"), "<span id=\"a\"></span><h1 id=\"b\">Part</h1>");
}

#[test]
fn directives_show_what_is_for_reading() {
    for (text, expected) in [
        (
            ".. code-block:: sql\n   :linenos:\n\n   SELECT 1;\n",
            "<pre><code class=\"language-sql\">SELECT 1;</code></pre>",
        ),
        (".. note:: Mind it.\n", "<blockquote><p><strong>Note</strong></p><p>Mind it.</p></blockquote>"),
        (".. image:: a.png\n   :alt: A\n", "<p><img src=\"a.png\" alt=\"A\"></p>"),
        (".. contents::\n\n.. raw:: html\n\n   <script>x</script>\n\n.. a comment\n   of two lines\n", ""),
        (".. _part: \n\nText", "<span id=\"part\"></span><p>Text</p>"),
        (
            ".. toctree::\n   :maxdepth: 1\n\n   usage\n   More <more>\n",
            "<ul><li><a href=\"usage.rst\">usage</a></li><li><a href=\"more.rst\">More</a></li></ul>",
        ),
        (
            ".. list-table:: T\n   :header-rows: 1\n\n   * - a\n     - b\n   * - 1\n     - 2\n",
            "<p><strong>T</strong></p><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>",
        ),
        (".. c:function:: int f(a)\n\n   Does f.\n", "<dl><dt><code>int f(a)</code></dt><dd><p>Does f.</p></dd></dl>"),
    ] {
        assert_eq!(html(text), expected, "{text}");
    }
}

#[test]
fn drawn_tables_are_tables() {
    let expected = "<table><tr><th>a</th><th>b</th></tr><tr><td>1 2</td><td>é</td></tr></table>";
    assert_eq!(html("+---+---+\n| a | b |\n+===+===+\n| 1 | é |\n| 2 |   |\n+---+---+\n"), expected);
    assert_eq!(html("===  ===\na    b\n===  ===\n1 2  é\n===  ===\n"), expected);
}
