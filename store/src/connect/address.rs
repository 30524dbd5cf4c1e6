//! Addresses of databases: which engine they name, and how messages show them.

use std::path::{Path, PathBuf};

use url::Url;

use crate::{Error, Result};

/// The file of a SQLite address; none for PostgreSQL.
pub(super) fn sqlite_path(url: &str) -> Result<Option<PathBuf>> {
    let fail = |why: &str| Err(Error::Address { url: shown(url), why: why.into() });
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(None);
    }
    let Some(path) = url.strip_prefix("sqlite://") else {
        return fail("expected something like sqlite:///var/lib/pgxn-testers/farm.db or postgres://user@host/database");
    };
    if path.is_empty() || path.contains('?') || path == ":memory:" {
        return fail("expected the path of a file after sqlite://, without parameters");
    }
    Ok(Some(PathBuf::from(path)))
}

/// The address of a file as sqlx reads it: percent-encoded.
pub(super) fn sqlite_address(path: &Path) -> String {
    let mut address = String::from("sqlite://");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            address.push(char::from(*byte));
        } else {
            address.push('%');
            address.push_str(&hex::encode_upper([*byte]));
        }
    }
    address
}

/// The address without its password, for messages, wherever the password stands in it.
pub(super) fn shown(url: &str) -> String {
    // An `@` that ends up elsewhere stood in a password that was not percent-encoded.
    let is_whole =
        |url: &Url| ![url.path(), url.query().unwrap_or(""), url.fragment().unwrap_or("")].concat().contains('@');
    let Some(mut parsed) = Url::parse(url).ok().filter(is_whole) else {
        let Some((before, after)) = url.rsplit_once('@') else { return url.to_owned() };
        let name = before.find("://").map_or(0, |at| at + 3);
        let end = before[name..].find(':').map_or(before.len(), |at| name + at);
        return format!("{}:***@{after}", &before[..end]);
    };
    if parsed.password().is_some() {
        let _ = parsed.set_password(Some("***"));
    }
    if parsed.query_pairs().any(|(key, _)| key == "password") {
        let hide = |(key, value): (String, String)| if key == "password" { (key, "***".into()) } else { (key, value) };
        let pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().map(hide).collect();
        parsed.query_pairs_mut().clear().extend_pairs(pairs);
    }
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;
    use crate::testing::{insert, new_postgres_database, release};
    use crate::{Store, dists};

    #[test]
    fn no_message_shows_a_password_wherever_it_stands() {
        for (url, expected) in [
            ("postgres://farm@db/farm?sslmode=require", "postgres://farm@db/farm?sslmode=require"),
            ("postgres://farm:secret@db/farm", "postgres://farm:***@db/farm"),
            (
                "postgres://farm@db/farm?password=a&sslmode=require",
                "postgres://farm@db/farm?password=***&sslmode=require",
            ),
            // Characters that a password may not hold unescaped, as people write them.
            ("postgres://farm:se#cret@db/farm", "postgres://farm:***@db/farm"),
            ("postgres://farm:se@cr/et@db:port/farm", "postgres://farm:***@db:port/farm"),
            ("postgres://farm:12#cret@db/farm", "postgres://farm:***@db/farm"),
            ("no address", "no address"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }

    #[tokio::test]
    async fn a_postgres_server_that_demands_tls_is_a_store() {
        let (url, _) = new_postgres_database().await;
        let mut url = Url::parse(&url).unwrap();
        // `scripts/with-postgres` lets this role in by TLS only, with a certificate that nobody else has signed.
        url.set_username("tls").unwrap();
        let by = |query: &str| format!("{url}?{query}");
        Store::connect(&by("sslmode=disable")).await.unwrap_err();
        let store = Store::connect(&by("sslmode=require")).await.unwrap();
        let sql = "SELECT CAST(ssl AS TEXT) AS ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let mut conn = store.read().await.unwrap();
        let row = sqlx::query(sql).fetch_one(conn.raw()).await.unwrap();
        assert_eq!(row.get::<String, _>("ssl"), "true");
        insert(&store, &release("pair", "1.0.0")).await;
        assert_eq!(dists::count(&mut conn).await.unwrap(), 1);
        drop(conn);
        store.close().await;

        let refused = Store::connect(&by("sslmode=verify-full")).await.unwrap_err();
        let Error::Open { source, .. } = &refused else { panic!("{refused}") };
        assert!(source.to_string().contains("certificate"), "{source}");
    }
}
