//! What the judge promises.
