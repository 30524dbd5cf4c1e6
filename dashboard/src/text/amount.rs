//! Numbers in human units.

/// A duration in milliseconds: `640 ms`, `2.4 s`, `42 s`, `3 min 20 s`, `1 h 05 min`, `3 d 4 h`.
pub(crate) fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..10_000 => format!("{}.{} s", seconds, millis % 1000 / 100),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600_000..86_400_000 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        return format!("{large} {large_unit}");
    }
    format!("{large} {large_unit} {small} {small_unit}")
}

/// A number of bytes in decimal units: `512 B`, `1.5 kB`, `84 MB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if number < 1000 {
        return format!("{number} B");
    }
    // Tenths of the unit, so that no float is needed and nothing rounds up to `1000 kB`.
    let mut tenths = number / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    if tenths < 100 && !tenths.is_multiple_of(10) {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        format!("{} {}", tenths / 10, UNITS[unit])
    }
}

/// A number with its noun, and its thousands apart: `1 run`, `12,400 runs`, `no runs`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    match number {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        _ => format!("{} {many}", grouped(number)),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_as_a_person_would_say_it() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1.0 s"),
            (9_999, "9.9 s"),
            (10_000, "10 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (200_000, "3 min 20 s"),
            (3_600_000, "1 h"),
            (3_900_000, "1 h 5 min"),
            (86_400_000, "1 d"),
            (100_800_000, "1 d 4 h"),
        ];
        for (millis, text) in cases {
            assert_eq!(duration(millis), text, "{millis}");
        }
        assert!(duration(u64::MAX).contains(" d "));
    }

    #[test]
    fn bytes_never_round_up_to_a_thousand() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1 kB"),
            (1_550, "1.5 kB"),
            (9_990, "9.9 kB"),
            (84_300, "84 kB"),
            (999_999, "999 kB"),
            (1_000_000, "1 MB"),
            (84_000_000, "84 MB"),
            (2_100_000_000, "2.1 GB"),
        ];
        for (number, text) in cases {
            assert_eq!(bytes(number), text, "{number}");
        }
        assert!(bytes(u64::MAX).ends_with(" PB"));
    }

    #[test]
    fn nothing_one_and_many_are_said_apart() {
        assert_eq!(count(0, "run", "runs"), "no runs");
        assert_eq!(count(1, "run", "runs"), "1 run");
        assert_eq!(count(999, "run", "runs"), "999 runs");
        assert_eq!(count(12_400, "run", "runs"), "12,400 runs");
        assert_eq!(count(1_234_567, "run", "runs"), "1,234,567 runs");
    }
}
