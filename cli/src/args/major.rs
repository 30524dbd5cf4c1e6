//! PostgreSQL majors on the command line: only those that there are images for.

use protocol::{Matrix, PgMajor};

/// Reads a major of the image matrix.
pub(super) fn known_major(text: &str) -> Result<PgMajor, String> {
    let major: PgMajor = text.parse().map_err(|error| format!("{error}"))?;
    let matrix = Matrix::embedded();
    if matrix.get(major).is_some() {
        return Ok(major);
    }
    let known: Vec<String> = matrix.postgresql.iter().rev().map(|entry| entry.major.to_string()).collect();
    Err(format!("there is no image for PostgreSQL {major}; choose from {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_without_an_image_is_refused_with_those_that_have_one() {
        assert_eq!(known_major("17").unwrap().number(), 17);
        let refused = known_major("99").unwrap_err();
        assert!(refused.contains("PostgreSQL 99; choose from 13, 14, 15, 16, 17"), "{refused}");
        assert!(known_major("x").is_err());
    }
}
