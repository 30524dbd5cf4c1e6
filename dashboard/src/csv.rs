//! Lines of CSV (RFC 4180) that a spreadsheet takes for text, whatever strangers wrote into them.

/// What makes a spreadsheet take a cell for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A line. Each field stands in quotes; one that would be a formula begins with an apostrophe, which spreadsheets read as "this is text".
pub(crate) fn line(fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<String> = fields.map(|field| format!("\"{}\"", safe(&field).replace('"', "\"\""))).collect();
    format!("{}\r\n", fields.join(","))
}

/// Leading spaces and line ends are looked through, as spreadsheets do.
fn safe(field: &str) -> String {
    let apostrophe = if field.trim_start_matches([' ', '\n']).starts_with(FORMULA) { "'" } else { "" };
    format!("{apostrophe}{field}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_a_formula_and_none_leaves_its_quotes() {
        for (field, expected) in [
            ("pgTAP", "\"pgTAP\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(1)", "\"'@SUM(1)\""),
            ("\t=1", "\"'\t=1\""),
            (" =1", "\"' =1\""),
            ("\n=1", "\"'\n=1\""),
            ("a\",=1", "\"a\"\",=1\""),
            ("a=1", "\"a=1\""),
            ("", "\"\""),
        ] {
            assert_eq!(line([field.to_owned()].into_iter()), format!("{expected}\r\n"));
        }
        assert_eq!(line(["a".to_owned(), "b".to_owned()].into_iter()), "\"a\",\"b\"\r\n");
    }
}
