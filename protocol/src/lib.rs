//! The words that both ends of the wire share: ids, releases, targets, jobs, phases, grades, reasons and reports.
//!
//! Nothing here reads a file, a socket or the clock. Every other crate of the workspace imports this one.

mod api;
mod circumstances;
mod comparison;
mod facts;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod grade;
mod ids;
mod job;
mod join;
mod key;
mod matrix;
mod name;
mod notice;
mod overrides;
mod phase;
mod pre_release;
mod presence;
mod progress;
mod range;
mod reason;
mod record;
mod release;
mod report;
mod signature;
mod signed;
mod statement;
mod target;
mod time;
mod version;

pub use api::{
    Assignment, ClaimRequest, IMAGES_HEADER, Lease, MAX_FILE_BYTES, MAX_REPORT_BYTES, Problem, RenewRequest,
};
pub use circumstances::{Circumstances, Crash, LimitFacts, Origin, Prerequisite, Provided, Warning};
pub use comparison::{Comparison, Judged, compare, predecessors};
pub use facts::{ArchiveFacts, ImageFacts, Overhead, RunnerFacts};
pub use grade::{Blame, Flag, Grade};
pub use ids::{
    InvalidId, InvitationId, JobId, JoinRequestId, PreReleaseId, ReleaseId, RunId, RunnerId, SubscriptionId,
    UploadTokenId,
};
pub use job::{IllegalMove, JobState, Priority};
pub use join::{Asked, JoinRequest, JoinState, Joined, Membership, NewToken};
pub use key::{Fingerprint, InvalidKey, KeyProof, KeyWish, PublicKey, rotation};
pub use matrix::{Major, Matrix, MatrixError, Source, SourceKind, Support};
pub use name::{InvalidName, Name};
pub use notice::{Channel, DeliveryState, Proof, SubscriptionState};
pub use overrides::{Download, LimitOverrides, Override, Overrides, OverridesError, Provision};
pub use phase::{Outcome, Phase};
pub use pre_release::{Excerpt, MAX_PRE_RELEASE_BYTES, PreRelease, PreReleaseResult, PreReleaseTaken};
pub use presence::{Absence, Away, PROTOCOL, PROTOCOL_HEADER, ProtocolVersion};
pub use progress::{MAX_PROGRESS_BYTES, MAX_PROGRESS_TEXT, PhaseProgress, Printed, Progress};
pub use range::{PostgresRange, Range, RangeError};
pub use reason::{Reason, UnknownReason};
pub use record::{FileKind, FileRecord, PhaseRecord, Suite, TestOutcome, TestRecord};
pub use release::{Release, Status};
pub use report::{Decisive, InvalidReport, Report, Verdict, is_file_name};
pub use signature::{Failure, InvalidSignature, Signature, Symptom};
pub use signed::{SIGNATURE_HEADER, Seal, SignedReport, Unsigned};
pub use statement::{Field, InvalidStatement, Statement, Subject};
pub use target::{InvalidTarget, PgMajor, Platform, Target};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use version::{InvalidVersion, Version};
