//! End to end: the real binary, a real engine, real databases, a real browser. One binary, because linking it takes long.

mod action;
mod away;
mod bad_input;
mod bundle;
mod client;
mod confirmation;
mod doctor;
mod emulated;
mod endurance;
mod fates;
mod going;
mod join;
mod local;
mod modes;
mod network;
mod network_loss;
mod pages;
mod pre_release;
mod real;
mod releases;
mod signed;
mod whole;
mod workflows;
