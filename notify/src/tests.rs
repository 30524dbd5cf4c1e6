//! Notifications against real servers on this machine: a farm whose verdicts turn, receivers, a mail server, GitHub's API.

mod farm;
mod hub;
mod issues;
mod mails;
mod postbox;
mod receiver;
mod webhooks;
mod wishes;
