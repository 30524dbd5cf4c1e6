//! A run that is over, and whose container is left as it was: for a person who looks around in it ([`super::Shell`]), and for the next run of
//! the same directory (`resume`).

use protocol::{Phase, Target};

use crate::error::Result;
use crate::run::phase::Bench;
use crate::run::stop::in_phase;
use crate::run::sync::Sent;
use crate::run::{Book, Completed, Request, Step, Stop, Subject};
use crate::sandbox::{Command, Image, Log, Sandbox};
use crate::site::Site;

/// Lists what the server's directories hold before the distribution installs anything, so that a later run can begin there again.
const LIST: &str = "while read -r directory; do
    [ \"$directory\" = /data/cluster ] || find \"$directory\" -xdev \\( -type f -o -type l \\)
done </pgxn/writable >/run/pgxn-before";

/// What of a run is left when it ends; by default nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hold {
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Nothing,
    Look(Option<Phase>),
    Again,
}

impl Hold {
    /// Its container, to look around in; also where this phase has passed, after which the run then ends.
    pub const fn to_look(after: Option<Phase>) -> Self {
        Self { kind: Kind::Look(after) }
    }

    /// Its container, for [`Standing::resume`].
    pub const fn to_resume() -> Self {
        Self { kind: Kind::Again }
    }

    pub(super) fn is_wanted(self) -> bool {
        self.kind != Kind::Nothing
    }

    /// What a source is before it is copied in, for a later run to compare with.
    pub(super) fn sent(self, subject: &Subject) -> Sent {
        if self.kind == Kind::Again { Sent::of(subject.packed.as_ref()) } else { Sent::default() }
    }

    /// Writes down what a later run has to find again.
    pub(super) async fn before(self, bench: &Bench<'_>, book: &mut Book<'_>) -> Step<()> {
        if self.kind != Kind::Again {
            return Ok(());
        }
        let listed = command(bench, LIST).await.map_err(in_phase(Phase::Configure))?;
        if !listed {
            book.note("The server's directories could not be listed, so that the next run begins anew.").await;
        }
        Ok(())
    }

    /// Ends the run after the phase that somebody wants to look around after.
    pub(super) fn after(self, phase: Phase) -> Step<()> {
        if self.kind == Kind::Look(Some(phase)) { Err(Stop::Paused) } else { Ok(()) }
    }
}

/// Runs a script of the farm's own; whether it did well.
pub(super) async fn command(bench: &Bench<'_>, script: &str) -> Result<bool> {
    let (mut log, mut heard) = (Log::new(64 * 1024), |_: &[u8]| {});
    let ended = bench.sandbox.run(&Command::shell("/", script), bench.site.limits.phase, &mut log, &mut heard).await?;
    if ended.exit != Some(0) {
        tracing::debug!(?ended, said = %String::from_utf8_lossy(&log.finish().bytes), "a script of the farm failed");
    }
    Ok(ended.exit == Some(0))
}

/// What came of a run that may be held.
#[derive(Debug, Default)]
pub struct Held {
    /// The run; none where it paused before its verdict, as it was told to.
    pub completed: Option<Completed>,
    /// Its container, where that was wanted, and it came to one.
    pub standing: Option<Standing>,
    /// What was not here, of a run that was to fetch and build nothing: a sentence.
    pub lacks: Option<String>,
}

/// The container of a run that is over, with all that the run was. It is removed when this is dropped.
#[derive(Debug)]
pub struct Standing {
    pub(super) site: Site,
    pub(super) image: Image,
    /// None only while a run goes on in it.
    pub(super) sandbox: Option<Sandbox>,
    pub(super) subject: Subject,
    pub(super) request: Request,
    pub(super) sent: Sent,
}

impl Standing {
    pub(super) fn of(bench: Bench<'_>, request: &Request, sent: Sent) -> Self {
        let (site, image) = (bench.site.clone(), bench.image.clone());
        Self { site, image, sandbox: Some(bench.sandbox), subject: bench.subject, request: request.clone(), sent }
    }

    /// What its run was made on.
    pub fn target(&self) -> Target {
        self.request.target
    }

    /// Removes the container and waits for it.
    pub async fn remove(mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            sandbox.remove().await;
        }
    }
}
