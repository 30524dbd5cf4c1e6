//! Another run of a directory in the container of the one before, so that `make` builds only what has changed.
//!
//! What a run finds is the same as in a container of its own but for the objects of the last build: the server's directories hold what they
//! held before the distribution installed anything, the cluster is the image's own once more, and what tests left is gone. Changed files
//! get the time at which they arrive: one that is older than the objects, as after `git stash`, is built all the same. Where any of that
//! cannot be had, or where META.json has changed, a run has to begin anew, and nothing is decided here.

use std::fs::File;
use std::path::Path;

use protocol::{Phase, RunId, Verdict};
use tokio::time::Instant;

use crate::error::Error;
use crate::event::Events;
use crate::run::hold::{Standing, command};
use crate::run::phase::Bench;
use crate::run::quote::quoted;
use crate::run::stop::in_phase;
use crate::run::sync::{Changes, Sent};
use crate::run::{
    Book, Completed, Request, Step, Stop, Subject, build, configure, create, install, installcheck, lanes, obtain,
    provide,
};

/// More files than these are not removed one by one.
const MAX_REMOVED: usize = 200;

/// Puts the container into the state in which a run finds it, but for the source. What stands in the server's directories and was written
/// since `make install` began is the image's again, or goes; what a prerequisite had brought cannot be had back, and ends this.
const RESET: &str = r#"
[ ! -e /run/pgxn-failed ] || exit 1
{ /pgxn/bin/server stop --wait --timeout=30 --mode=fast || /pgxn/bin/server stop --wait --timeout=30 --mode=immediate; } 2>/dev/null
for space in /data/cluster/pg_tblspc/*; do [ ! -L "$space" ] || rm -rf "$space"/PG_*; done
rm -rf /data/cluster /data/crashes/[1-9]* /data/server.log /data/first-server.log /data/cut /tmp/* /tmp/.[!.]*
cp -a /pgxn/seed/data/cluster /data/ || exit 1
back() { { [ -e "/pgxn/seed$1" ] || [ -L "/pgxn/seed$1" ]; } && cp -a "/pgxn/seed$1" "$1"; }
if [ -e /run/pgxn-mark ]; then
    while read -r directory; do
        [ "$directory" = /data/cluster ] || find "$directory" -xdev \( -type f -o -type l \) -cnewer /run/pgxn-mark
    done </pgxn/writable >/run/pgxn-newer
    while read -r file; do
        rm -f "$file"
        back "$file" || ! grep -Fxq -e "$file" /run/pgxn-before || exit 1
    done </run/pgxn-newer
fi
while read -r file; do
    [ -e "$file" ] || [ -L "$file" ] || back "$file" || exit 1
done </run/pgxn-before
rm -f /run/pgxn-mark /run/pgxn-installed
find /sandbox/src -xdev -type f \( -name regression.diffs -o -name regression.out -o -name 'regress_log_*' \) -delete
/pgxn/bin/server start --wait --timeout=60
"#;

impl Standing {
    /// Runs what the directory holds now; none where that needs a container of its own, as when META.json has changed.
    ///
    /// Dropping the future removes the container.
    pub async fn resume(&mut self, events: &Events) -> Option<Completed> {
        let now = self.site.clock.now();
        let request = Request { run_id: RunId::new(now), ..self.request.clone() };
        let mut book = Book::new(events, now);
        book.circumstances.limits = Some(self.site.limit_facts());
        let verdict = match Box::pin(self.again(&request, &mut book)).await {
            Ok(verdict) => verdict?,
            Err(Stop::Decided(verdict)) => verdict,
            Err(Stop::Failed(_, error)) => {
                tracing::debug!(%error, "a run cannot go on in the container of the one before");
                return None;
            }
            Err(Stop::Paused) => return None,
        };
        Some(book.complete(request.run_id, verdict, self.site.facts(), self.site.clock.now()))
    }

    async fn again(&mut self, request: &Request, book: &mut Book<'_>) -> Step<Option<Verdict>> {
        let subject = obtain(&self.site, request, book).await?;
        book.begin(Phase::Dependencies).await;
        book.image = Some(self.image.facts.clone());
        let sent = Sent::of(subject.packed.as_ref());
        let changes = self.sent.until(&sent);
        // What it says may ask for something else before the build.
        let is_alike = !changes.concern(Path::new("src/META.json"));
        let Some(sandbox) = self.sandbox.take().filter(|_| is_alike) else { return Ok(None) };
        let (packed, subject) = prepared(subject, &self.subject);
        let mut bench = Bench::new(&self.site, &self.image, sandbox, subject, request.target);
        provide::record(bench.image, &bench.subject.provision, book).await;
        let outcome = match ready(&mut bench, &changes, packed.as_ref()).await {
            Ok(true) => {
                book.pass().await;
                phases(&mut bench, &changes, book).await.map(Some)
            }
            Ok(false) => Ok(None),
            Err(error) => Err(in_phase(Phase::Dependencies)(error)),
        };
        let Bench { sandbox, subject, .. } = bench;
        (self.sandbox, self.subject, self.sent) = (Some(sandbox), subject, sent);
        outcome
    }
}

/// The source as it is now, with what is known of its prerequisites since the first run.
fn prepared(now: Subject, before: &Subject) -> (Option<File>, Subject) {
    let (provision, create_first) = (before.provision.clone(), before.create_first.clone());
    let mut subject = Subject { provision, create_first, ..now };
    (subject.packed.take(), subject)
}

/// Makes the container and its source what they have to be; whether they are.
async fn ready(bench: &mut Bench<'_>, changes: &Changes, packed: Option<&File>) -> Result<bool, Error> {
    let Some(packed) = packed.filter(|_| changes.removed.len() <= MAX_REMOVED) else { return Ok(false) };
    let removed: Vec<String> = changes.removed.iter().map(|path| quoted(&path.to_string_lossy())).collect();
    let script = format!("cd /sandbox && rm -rf -- {} || exit 1\n{RESET}", removed.join(" "));
    if !command(bench, &script).await? {
        return Ok(false);
    }
    bench.sandbox.started = Instant::now();
    if !changes.changed.is_empty() {
        let work_dir = &bench.site.work_dir;
        let part = changes.pack(packed, work_dir).map_err(Error::file("pack what has changed in", work_dir))?;
        bench.sandbox.copy_in_as_new(part, "/sandbox").await?;
    }
    Ok(true)
}

/// The phases from the build on; the one before only where its input is another.
async fn phases(bench: &mut Bench<'_>, changes: &Changes, book: &mut Book<'_>) -> Step<Verdict> {
    if changes.concern_configure() || !is_configured(bench).await {
        configure::run(bench, book).await?;
    } else {
        book.skip(Phase::Configure).await;
    }
    build::run(bench, book).await?;
    install::run(bench, book).await?;
    create::run(bench, book).await?;
    let verdict = installcheck::run(bench, book).await?;
    lanes::run(bench, &verdict, book).await;
    Ok(verdict)
}

/// Whether an earlier run has configured it: then there is what `./configure` writes last.
async fn is_configured(bench: &Bench<'_>) -> bool {
    configure::plan(&bench.subject).is_none()
        || command(bench, "[ -e /sandbox/src/config.status ]").await.unwrap_or(false)
}
