//! From a release in the registry to an accepted report.
