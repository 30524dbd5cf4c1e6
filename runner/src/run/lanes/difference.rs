//! What two catalogs differ in, in words. A line is a sign, a class, an identity, a property and its value: `-` is what the catalog has with
//! which the other one is compared, `+` what the other one has instead.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::shown;

/// Things beyond these are counted.
const MAX_NAMED: usize = 6;
/// A value that is longer is not shown.
const MAX_VALUE: usize = 24;
/// The property that everything has which is there.
const THERE: &str = "there";

/// One thing that differs: what each side has of a property.
type Differences<'a> = BTreeMap<&'a str, [Option<&'a str>; 2]>;

/// In words, such as `function f(integer) differs in body; table column t.c is missing`.
pub(super) fn describe(lines: &[String]) -> String {
    let mut things: BTreeMap<(&str, &str), Differences<'_>> = BTreeMap::new();
    for line in lines {
        let mut fields = line.splitn(5, '\t');
        let (Some(sign), Some(class), Some(identity), Some(property)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let side = usize::from(sign == "+");
        things.entry((class, identity)).or_default().entry(property).or_default()[side] = fields.next();
    }
    let alone: BTreeSet<&str> =
        things.iter().filter(|(_, it)| it.contains_key(THERE)).map(|((_, identity), _)| *identity).collect();
    let is_part = |identity: &str| alone.iter().any(|whole| is_part_of(identity, whole));
    let told: Vec<String> = things
        .iter()
        .filter(|((_, identity), _)| !is_part(identity))
        .map(|((class, identity), it)| thing(class, identity, it))
        .collect();
    named(told, "; ")
}

/// The first of them, and how many more there are.
pub(super) fn named(mut things: Vec<String>, divider: &str) -> String {
    let more = things.len().saturating_sub(MAX_NAMED);
    things.truncate(MAX_NAMED);
    if more > 0 {
        things.push(format!("and {more} more"));
    }
    things.join(divider)
}

/// Whether a thing goes without saying where the whole is named: a column of a table, a constraint on it, a member of an operator family.
pub(super) fn is_part_of(identity: &str, whole: &str) -> bool {
    let ends = |word: &str| identity.strip_suffix(whole).is_some_and(|rest| rest.ends_with(word));
    identity.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.')) || ends(" on ") || ends(" of ")
}

fn thing(class: &str, identity: &str, differences: &Differences<'_>) -> String {
    let name = shown(&format!("{class} {identity}"), 200);
    match differences.get(THERE) {
        Some([Some(_), None]) => format!("{name} is missing"),
        Some([None, Some(_)]) => format!("{name} is there and should not"),
        _ => {
            let properties: Vec<String> =
                differences.iter().map(|(property, sides)| in_property(property, *sides)).collect();
            format!("{name} differs in {}", named(properties, ", "))
        }
    }
}

fn in_property(property: &str, sides: [Option<&str>; 2]) -> String {
    let short = |value: &str| !value.is_empty() && value.len() <= MAX_VALUE && !value.contains('\\');
    match sides {
        [Some(fresh), Some(other)] if short(fresh) && short(other) => {
            shown(&format!("{property} ({other} instead of {fresh})"), 100)
        }
        _ => shown(property, 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(lines: &[&str]) -> String {
        describe(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_function_with_another_body_is_told_from_one_that_is_missing() {
        let text = described(&[
            "-\tfunction\tpublic.f(integer)\tbody\tSELECT $1 + 1",
            "+\tfunction\tpublic.f(integer)\tbody\tSELECT $1 + 2 -- which is a good deal longer",
            "-\tfunction\tpublic.f(integer)\tvolatility\ti",
            "+\tfunction\tpublic.f(integer)\tvolatility\tv",
            "-\tfunction\tpublic.g()\tcomment\tcounts",
            "-\tfunction\tpublic.h()\tbody\tSELECT 1",
            "-\tfunction\tpublic.h()\tthere\ttrue",
        ]);
        assert_eq!(
            text,
            "function public.f(integer) differs in body, volatility (v instead of i); function public.g() differs in comment; \
             function public.h() is missing"
        );
    }

    #[test]
    fn what_belongs_to_something_missing_goes_without_saying() {
        let text = described(&[
            "+\ttable\tpublic.t\tthere\ttrue",
            "+\ttable column\tpublic.t.a\tthere\ttrue",
            "+\ttable constraint\tt_check on public.t\tthere\ttrue",
            "-\ttable column\tpublic.tt.b\tthere\ttrue",
        ]);
        assert_eq!(text, "table public.t is there and should not; table column public.tt.b is missing");
    }

    #[test]
    fn many_differences_are_counted() {
        let lines: Vec<String> = (0..20).map(|number| format!("-\tfunction\tf{number:02}()\tthere\ttrue")).collect();
        let text = describe(&lines);
        assert!(text.ends_with("function f05() is missing; and 14 more"), "{text}");
    }
}
