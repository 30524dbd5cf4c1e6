use proptest::prelude::*;

use super::*;

fn place() -> Place {
    Place { files: "/src/a/a-1/".to_owned(), path: "doc/guide.md".to_owned() }
}

fn markdown(text: &str) -> String {
    render(text, Format::Markdown, &place())
}

#[test]
fn markdown_is_what_people_know_from_github() {
    let html = markdown(
        "# Title\n\nSome *text*, ~~gone~~.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sql\nSELECT 1 < 2;\n```\n",
    );
    assert!(html.contains("<h3") && html.contains("Title"), "the page has the first two levels: {html}");
    for piece in ["<em>text</em>", "<del>gone</del>", "<td>1</td>", "SELECT 1 &lt; 2;"] {
        assert!(html.contains(piece), "{piece} in {html}");
    }
}

#[test]
fn links_lead_to_the_files_of_the_distribution_and_headings_to_themselves() {
    let html = markdown(
        "[a](other.md) [b](../README.md#use it) [c](/LICENSE) [d](#part) [e](https://example.org/x) [f](../../../etc)",
    );
    for link in [
        "href=\"/src/a/a-1/doc/other.md\"",
        "href=\"/src/a/a-1/LICENSE\"",
        "href=\"#doc-part\"",
        "href=\"https://example.org/x\"",
    ] {
        assert!(html.contains(link), "{link} in {html}");
    }
    assert!(!html.contains("etc\"") && html.contains("nofollow noopener"), "{html}");
    let html = markdown("## Part two");
    assert!(html.contains("id=\"doc-part-two\"") && html.contains("<a href=\"#doc-part-two\""), "{html}");
    assert!(html.contains(">#</a>"), "{html}");
}

#[test]
fn pictures_come_from_the_distribution_alone() {
    let html = markdown("![own](../img/a.png) ![badge](https://example.org/b.svg) ![worse](//example.org/c.png)");
    assert!(html.contains("src=\"/src/a/a-1/img/a.png\""), "{html}");
    assert!(!html.contains("example.org") && html.contains("alt=\"badge\""), "{html}");
}

/// All that stands in tags.
fn tags(html: &str) -> String {
    let tags: Vec<_> = html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()).collect();
    tags.iter().map(|tag| format!("<{tag}>")).collect::<Vec<_>>().concat()
}

#[test]
fn nothing_of_a_document_runs_or_looks_like_the_page() {
    for text in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "<a href=\"java\nscript:alert(1)\">x</a>",
        "<a href=\"data:text/html,x\">x</a>",
        "<p style=\"position:fixed\" class=\"verdict-box\" id=\"main\">x</p>",
        "<iframe src=\"https://example.org\"></iframe><object></object><embed>",
        "<form action=\"/\"><input name=q><button>x</button></form>",
        "<svg onload=alert(1)><script>1</script></svg>",
        "<style>*{display:none}</style><link rel=stylesheet href=x><base href=\"https://example.org\">",
        "<math><mi//xlink:href=\"javascript:alert(1)\">",
    ] {
        for format in [Format::Markdown, Format::Html, Format::Text] {
            let html = tags(&render(text, format, &place()).to_lowercase());
            if format == Format::Text {
                assert!(!html.replace("<pre>", "").replace("</pre>", "").contains('<'), "{html}");
                continue;
            }
            for bad in [
                "<script",
                "onerror=",
                "onload=",
                "javascript:",
                "data:",
                "style",
                "class=",
                "id=\"main",
                "<iframe",
                "<form",
                "<input",
                "<base",
                "<svg",
            ] {
                assert!(!html.contains(bad), "{bad} of {text} in {html}");
            }
        }
    }
}

#[test]
fn a_format_is_told_by_the_end_of_a_name() {
    for (path, format) in [
        ("README.md", Format::Markdown),
        ("doc/Guide.MARKDOWN", Format::Markdown),
        ("doc/index.html", Format::Html),
        ("README", Format::Text),
        ("README.rst", Format::Text),
        ("a.md/README", Format::Text),
    ] {
        assert_eq!(Format::of(path), format, "{path}");
    }
    assert_eq!(Format::document("doc/a.b.md"), Some("doc/a.b"));
    assert_eq!(Format::document("README.rst"), Some("README"));
    for path in ["Makefile", "sql/a.sql", ".md", "doc/.txt", "README"] {
        assert_eq!(Format::document(path), None, "{path}");
    }
}

#[test]
fn a_long_document_is_cut_at_a_character() {
    let html = render(&"é".repeat(MAX_BYTES), Format::Text, &place());
    assert_eq!(html.len(), MAX_BYTES + "<pre></pre>".len());
}

proptest! {
    #[test]
    fn no_text_of_any_format_brings_a_script(text in "[<>a-z\"'=:/ !()\\[\\]#*_`|\n-]{0,120}") {
        for format in [Format::Markdown, Format::Html, Format::Text] {
            let html = tags(&render(&text, format, &place()));
            prop_assert!(!html.contains("<script") && !html.contains("javascript:") && !html.contains(" on"), "{}", html);
        }
    }
}
