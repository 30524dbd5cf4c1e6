//! The pages, the badges and the same as JSON.
