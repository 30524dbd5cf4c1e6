//! One file per subcommand.

pub(crate) mod admin;
pub(crate) mod admit;
pub(crate) mod bench;
pub(crate) mod bundle;
pub(crate) mod control;
pub(crate) mod coordinator;
pub(crate) mod doctor;
pub(crate) mod images;
pub(crate) mod join;
pub(crate) mod majors;
pub(crate) mod manual;
pub(crate) mod runner;
pub(crate) mod suggest;
pub(crate) mod test;
pub(crate) mod up;
pub(crate) mod uploads;
pub(crate) mod verify;
pub(crate) mod withdrawal;
