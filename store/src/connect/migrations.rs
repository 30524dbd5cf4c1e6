//! The migrations, which are part of the program. sqlx has a macro for this, but builds its drivers a second time for it, for the compiler.

use std::sync::LazyLock;

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// By number. One that was in a release is never changed: sqlx compares what it has run with what is here.
pub(super) static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let read = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, SqlStr::from_static(sql), false)
    };
    Migrator::with_migrations(FILES.iter().map(read).collect())
});

const FILES: [(i64, &str, &str); 17] = [
    (1, "farm", include_str!("../../migrations/0001_farm.sql")),
    (2, "circumstances", include_str!("../../migrations/0002_circumstances.sql")),
    (3, "confirmation", include_str!("../../migrations/0003_confirmation.sql")),
    (4, "symptoms", include_str!("../../migrations/0004_symptoms.sql")),
    (5, "bounds", include_str!("../../migrations/0005_bounds.sql")),
    (7, "standing", include_str!("../../migrations/0007_standing.sql")),
    (8, "trends", include_str!("../../migrations/0008_trends.sql")),
    (9, "notify", include_str!("../../migrations/0009_notify.sql")),
    (10, "search", include_str!("../../migrations/0010_search.sql")),
    (11, "joining", include_str!("../../migrations/0011_joining.sql")),
    (12, "signatures", include_str!("../../migrations/0012_signatures.sql")),
    (13, "presence", include_str!("../../migrations/0013_presence.sql")),
    (14, "emulation", include_str!("../../migrations/0014_emulation.sql")),
    (15, "pre_releases", include_str!("../../migrations/0015_pre_releases.sql")),
    (16, "losses", include_str!("../../migrations/0016_losses.sql")),
    (17, "images", include_str!("../../migrations/0017_images.sql")),
    (18, "claims", include_str!("../../migrations/0018_claims.sql")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_directory_is_a_migration_under_its_number_and_name() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(FILES.map(|(version, name, _)| format!("{version:04}_{name}.sql")).to_vec(), files);
    }
}
