//! One file per subcommand.

pub(crate) mod admin;
pub(crate) mod admit;
pub(crate) mod bench;
pub(crate) mod control;
pub(crate) mod coordinator;
pub(crate) mod images;
pub(crate) mod join;
pub(crate) mod manual;
pub(crate) mod runner;
pub(crate) mod suggest;
pub(crate) mod test;
pub(crate) mod up;
