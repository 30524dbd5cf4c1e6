//! A part of an archive, for whoever goes on with a download that broke off: one range of bytes (RFC 9110 §14), and only of what they have the rest of.

use std::ops::RangeInclusive;

use axum::http::header::{IF_RANGE, RANGE};
use axum::http::{HeaderMap, Method};
use http_range_header::{
    EndPosition, RangeUnsatisfiableError, StartPosition, SyntacticallyCorrectRange, parse_range_header,
};

/// What of a document is to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes, of which there is at least one.
    Part(RangeInclusive<u64>),
    /// Bytes that it does not have.
    Beyond,
}

/// What a request wants of a document of `bytes` bytes, with its strong tag and the time of its last change.
///
/// Several ranges at once, another unit, and what cannot be read are answered with the whole, as everybody has to be able to take that.
pub(crate) fn wanted(method: &Method, asked: &HeaderMap, bytes: u64, (tag, changed): (&str, Option<&str>)) -> Wanted {
    if *method != Method::GET || !is_still_the_same(asked, tag, changed) {
        return Wanted::Whole;
    }
    let Some(text) = asked.get(RANGE).and_then(|value| value.to_str().ok()) else { return Wanted::Whole };
    match parse_range_header(text) {
        Ok(parsed) if parsed.ranges.len() == 1 => part(&parsed.ranges[0], bytes),
        Err(RangeUnsatisfiableError::ZeroSuffix) => Wanted::Beyond,
        Ok(_) | Err(_) => Wanted::Whole,
    }
}

/// Without `If-Range` it is; with it only where it names this very tag, or the time by which it was sent.
fn is_still_the_same(asked: &HeaderMap, tag: &str, changed: Option<&str>) -> bool {
    match asked.get(IF_RANGE).map(|value| value.to_str().unwrap_or_default().trim()) {
        None => true,
        Some(known) => known == tag || changed == Some(known),
    }
}

fn part(range: &SyntacticallyCorrectRange, bytes: u64) -> Wanted {
    let Some(last) = bytes.checked_sub(1) else { return Wanted::Beyond };
    let (from, to) = match (range.start, range.end) {
        (StartPosition::Index(from), EndPosition::Index(to)) if from > to => return Wanted::Whole,
        (StartPosition::Index(from), EndPosition::Index(to)) => (from, to.min(last)),
        (StartPosition::Index(from), EndPosition::LastByte) => (from, last),
        (StartPosition::FromLast(count), _) => (bytes.saturating_sub(count), last),
    };
    if from > last { Wanted::Beyond } else { Wanted::Part(from..=to) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";
    const CHANGED: &str = "Fri, 20 Nov 2026 22:00:00 GMT";

    fn asking(headers: &[(&'static str, &str)], bytes: u64) -> Wanted {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        wanted(&Method::GET, &headers.collect(), bytes, (TAG, Some(CHANGED)))
    }

    #[test]
    fn one_range_is_a_part_and_ends_where_the_document_ends() {
        for (range, from, to) in [
            ("bytes=0-9", 0, 9),
            ("bytes=90-", 90, 99),
            ("bytes=-10", 90, 99),
            ("bytes=-1000", 0, 99),
            ("bytes=50-5000", 50, 99),
            ("bytes=99-99", 99, 99),
        ] {
            assert_eq!(asking(&[("range", range)], 100), Wanted::Part(from..=to), "{range}");
        }
    }

    #[test]
    fn what_lies_behind_the_end_is_not_there() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=18446744073709551615-"] {
            assert_eq!(asking(&[("range", range)], 100), Wanted::Beyond, "{range}");
        }
        assert_eq!(asking(&[("range", "bytes=0-0")], 0), Wanted::Beyond);
    }

    #[test]
    fn what_is_no_single_range_is_the_whole() {
        for range in ["bytes=5-2", "bytes=0-1,5-6", "lines=1-2", "bytes=", "bytes=a-b", "bytes=--5", "5-6", ""] {
            assert_eq!(asking(&[("range", range)], 100), Wanted::Whole, "{range}");
        }
        assert_eq!(asking(&[], 100), Wanted::Whole);
        let asked = [(RANGE, "bytes=0-1".parse().unwrap())].into_iter().collect();
        assert_eq!(wanted(&Method::HEAD, &asked, 100, (TAG, None)), Wanted::Whole);
    }

    #[test]
    fn whoever_has_the_beginning_of_another_archive_gets_this_one_whole() {
        let part = Wanted::Part(50..=99);
        assert_eq!(asking(&[("range", "bytes=50-"), ("if-range", TAG)], 100), part);
        assert_eq!(asking(&[("range", "bytes=50-"), ("if-range", CHANGED)], 100), part);
        for other in ["\"abd\"", "W/\"abc\"", "Fri, 20 Nov 2026 22:00:01 GMT", ""] {
            assert_eq!(asking(&[("range", "bytes=50-"), ("if-range", other)], 100), Wanted::Whole, "{other}");
        }
    }
}
