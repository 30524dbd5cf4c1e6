//! The `pgxn-testers` binary: only wires.

fn main() {}
