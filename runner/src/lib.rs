//! From a claimed job to a signed report: the sandbox, the phases, the judge, the images.

pub mod bench;
pub mod courtesy;
pub mod doctor;
pub mod images;
pub mod judge;
pub mod local;
pub mod sandbox;
pub mod suggest;

mod budget;
mod claim;
mod client;
mod config;
mod engines;
mod error;
mod event;
mod journal;
mod kept;
mod limits;
mod prerequisites;
mod private;
mod run;
mod signing;
mod site;
mod status;
mod task;
mod web;

pub use claim::{Agent, AgentEvent, EnsureImage, Listener, Offer, Refused, RenewImage, Tick, Trouble};
pub use client::{Admission, CallError, Coordinator, LookUp, fresh_token};
pub use config::{Lanes, RunnerConfig, SiteConfig, engine_found, engine_host, native_targets};
pub use engines::Found;
pub use error::{Error, Result};
pub use event::{Events, RunEvent};
pub use limits::{Limits, WantedLimits};
pub use private::keep_json;
pub use run::{Completed, Held, Hold, Request, Shell, Source, Standing, StoredFile, VERSION, run, run_held};
pub use signing::{Keys, Next};
pub use site::Site;
pub use status::{DiskUse, RunNow, State, Status};
pub use task::{Tasks, work};
