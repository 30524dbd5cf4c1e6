//! Constants of the product that the command line refers to.

/// The public API server of PGXN.
pub(crate) const PUBLIC_REGISTRY: &str = "https://api.pgxn.org/";
