//! A PGXN mirror tree made from real extension sources, and its server.
