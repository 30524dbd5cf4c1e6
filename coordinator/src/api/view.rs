//! What the API shows of the store, as JSON. These are the words of the wire: a column may change, these may not.

mod compare;
mod dist;
mod export;
mod farm;
mod join;
mod operator;
mod result;
mod run;
mod upload;

pub use compare::{Compared, Pair, Symptom, SymptomDetail, Symptoms};
pub use dist::{Broken, Cell, Dist, DistLine, DistRelease, Dists};
pub use export::{ExportedRelease, ExportedResult};
pub use farm::{Newest, Queue, QueueCount, QueuedJob, Registry, Status};
pub use join::{Invitation, MadeInvitation, NewInvitation, Own, PendingRequest};
pub use operator::{
    AdmittedRunner, ImagesWord, NewRunner, QuarantineRequest, RequeueAnswer, RequeueRequest, Revocation, Runner,
};
pub use result::{ResultLine, Results, Summary};
pub use run::{FullResult, Run, RunDetail};
pub use upload::{GrantedUploadToken, NewUploadToken, RevokedUploadToken, UploadRevocation, UploadToken};
