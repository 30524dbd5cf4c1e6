//! End to end: the real binary, a real engine, real databases, a real browser. One binary, because linking it takes long.

mod bad_input;
mod client;
mod confirmation;
mod endurance;
mod fates;
mod going;
mod join;
mod local;
mod modes;
mod pages;
mod real;
mod releases;
mod whole;
