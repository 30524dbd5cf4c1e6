//! Sentences that name commands and files between backticks.

/// A piece of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// Whether it stood between backticks.
    pub is_code: bool,
    /// The text, without them.
    pub text: &'a str,
}

/// Cuts a sentence at its backticks; one without a partner stays as it is.
pub(crate) fn prose(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, (code, after))) =
        rest.split_once('`').and_then(|(before, after)| Some((before, after.split_once('`')?)))
    {
        pieces.extend([Piece { is_code: false, text: before }, Piece { is_code: true, text: code }]);
        rest = after;
    }
    pieces.push(Piece { is_code: false, text: rest });
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code_and_nothing_is_lost() {
        let cases = [
            ("plain", "plain"),
            ("`make all` runs.", "[make all] runs."),
            ("DROP and `make uninstall` run, `x`", "DROP and [make uninstall] run, [x]"),
            ("one ` alone", "one ` alone"),
            ("`a` and ` alone", "[a] and ` alone"),
            ("``", ""),
            ("", ""),
        ];
        for (text, expected) in cases {
            let one =
                |piece: Piece<'_>| if piece.is_code { format!("[{}]", piece.text) } else { piece.text.to_owned() };
            assert_eq!(prose(text).into_iter().map(one).collect::<String>(), expected, "{text}");
        }
    }
}
