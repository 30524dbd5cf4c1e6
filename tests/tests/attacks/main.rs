//! Distributions that attack the machine which tests them, run by the real program in the real engine, and watched from outside.
//!
//! Each test is a table of `docs/attacks.md`, which has to say what the test saw; `PGXN_RECORD_ATTACKS=1` writes it anew.

mod case;
mod images;
mod lanes;
mod limits;
mod logs;
mod prerequisites;
mod probes;
mod processes;
mod truth;
