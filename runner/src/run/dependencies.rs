//! Phase dependencies: the container with the source in it. Other distributions as prerequisites come with a later issue; until then, one
//! that META requires and the server does not ship shows where it is missed.

use std::future::Future;
use std::pin::Pin;

use futures_util::future::MaybeDone;
use protocol::Phase;
use tokio::time::Instant;

use crate::error::Result;
use crate::run::stop::in_phase;
use crate::run::{Book, Step, Subject, book};
use crate::sandbox::{Image, Sandbox};

/// Waits for the container and copies the source in.
pub(crate) async fn run<S>(
    mut subject: Subject,
    mut started: Pin<&mut MaybeDone<S>>,
    book: &mut Book<'_>,
) -> Step<(Image, Sandbox, Subject)>
where
    S: Future<Output = Result<(Image, Sandbox)>>,
{
    book.begin(Phase::Dependencies).await;
    started.as_mut().await;
    let (image, sandbox) = match started.take_output().expect("it is done, and nobody else takes it") {
        Ok(both) => both,
        Err(error) => return Err(in_phase(Phase::Dependencies)(error)),
    };
    book.image = Some(image.facts.clone());
    book.overhead.start_ms = book::millis(sandbox.start);
    let archive = subject.packed.take().expect("it is packed once and copied once");
    let began = Instant::now();
    sandbox.copy_in(archive, "/sandbox").await.map_err(in_phase(Phase::Dependencies))?;
    book.overhead.copy_in_ms = book::millis(began.elapsed());
    book.pass().await;
    Ok((image, sandbox, subject))
}
