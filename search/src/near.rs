//! Names that are spelt almost like what was asked for.

/// So many words of a question are looked at, and names of such lengths.
const WORDS: usize = 4;
const CHARS: std::ops::RangeInclusive<usize> = 3..=40;
/// From here on, two words are thought to be the same one, misspelt.
const ALIKE: f64 = 0.7;

/// Those of the names, in lower case, that are most like a word of the question, the most alike first; by their places.
pub(crate) fn near<'a>(question: &str, names: impl Iterator<Item = &'a str>, most: usize) -> Vec<usize> {
    let question = question.to_lowercase();
    let words = question.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
    let words: Vec<&str> = words.filter(|word| CHARS.contains(&word.chars().count())).take(WORDS).collect();
    let mut found: Vec<(f64, usize)> = Vec::new();
    for (at, name) in names.enumerate().filter(|(_, name)| name.len() <= 2 * CHARS.end()) {
        let short = name.trim_start_matches("pg").trim_start_matches(['_', '-']);
        let alike = |word: &&str| {
            let whole = strsim::normalized_damerau_levenshtein(word, name);
            whole.max(if short == name { 0.0 } else { strsim::normalized_damerau_levenshtein(word, short) })
        };
        let best = words.iter().map(alike).fold(0.0, f64::max);
        if best >= ALIKE {
            found.push((best, at));
        }
    }
    found.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    found.into_iter().take(most).map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_though_it_is_misspelt() {
        let names = ["pgtap", "pg_partman", "semver", "ip4r", "pg"];
        let found =
            |question: &str| near(question, names.into_iter(), 3).into_iter().map(|at| names[at]).collect::<Vec<_>>();
        assert_eq!(found("PGTPA"), ["pgtap"]);
        assert_eq!(found("patman for tables"), ["pg_partman"]);
        assert_eq!(found("semvar"), ["semver"]);
        assert_eq!(found("nothing like it"), [""; 0]);
        assert_eq!(found(&"x".repeat(10_000)), [""; 0]);
        assert_eq!(found(""), [""; 0]);
    }
}
