//! The PGXN registry: clients for API and mirror, META, archives.
