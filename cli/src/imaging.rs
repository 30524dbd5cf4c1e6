//! Images as commands need them: found or built, with what goes on told in the terminal.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use indicatif::ProgressBar;
use protocol::{Clock, Matrix, PgMajor, Platform, SystemClock, Target, Timestamp};
use runner::images::{Contents, Event, Images, Options, Progress};
use runner::sandbox::Image;
use runner::sandbox::docker::Engine;
use runner::{EnsureImage, RenewImage, Result, Site, native_targets};
use sample::debian::Archive;

use crate::args::EmulateArgs;
use crate::console::{Colour, Console, plain};

/// The images of one engine, and the terminal.
#[derive(Clone)]
pub(crate) struct Imaging {
    images: Arc<Images>,
    console: Console,
}

impl Imaging {
    /// The images of the embedded matrix.
    pub(crate) fn new(engine: Engine, console: Console) -> Self {
        let images = Arc::new(Images::new(engine, Matrix::embedded(), Options::default()));
        Self { images, console }
    }

    /// The images that the runs of a site use, so that nothing is made twice.
    pub(crate) fn of(site: &Site, console: Console) -> Self {
        Self { images: Arc::clone(&site.images), console }
    }

    /// What lists and checks them.
    pub(crate) fn images(&self) -> &Images {
        &self.images
    }

    /// The targets of this machine for some majors, first those that can be tested on at once, and last those that are emulated.
    pub(crate) async fn targets(&self, majors: &[PgMajor], emulate: EmulateArgs) -> Result<Vec<Target>> {
        let mut targets = self.images.ready_first(&native_targets(majors), SystemClock.now()).await?;
        if let Some(platform) = emulate.emulate {
            let emulated: Vec<_> = majors.iter().map(|major| Target { major: *major, platform }).collect();
            targets.extend(self.images.ready_first(&emulated, SystemClock.now()).await?);
        }
        Ok(targets)
    }

    /// The image of a target, built where it is missing.
    pub(crate) async fn image(&self, target: Target) -> Result<Image> {
        self.images.ensure(target, &Teller::new(self.console)).await
    }

    /// The image of a target, made anew if it was made before that moment; none where it was not.
    pub(crate) async fn anew(&self, target: Target, before: Timestamp) -> Result<Option<Image>> {
        self.images.anew(target, before, &Teller::new(self.console)).await
    }

    /// What the packages of a suite hold, kept in a directory.
    pub(crate) async fn contents(&self, suite: (&str, Platform), dir: &Path) -> Result<Contents> {
        self.images.contents(suite, (dir, SystemClock.now()), &Teller::new(self.console)).await
    }

    /// Where Debian's archive is, as the base image of a target has it; none where that does not say.
    pub(crate) async fn debian_archive(&self, target: Target) -> Result<Option<Archive>> {
        let sources = self.images.apt_sources(target, &Teller::new(self.console)).await?;
        Ok(Archive::of_sources(&sources))
    }

    /// [`Imaging::anew`] in the form that a runner takes.
    pub(crate) fn renew(&self) -> RenewImage {
        let imaging = self.clone();
        Arc::new(move |target, before| {
            let imaging = imaging.clone();
            async move { imaging.anew(target, before).await }.boxed()
        })
    }

    /// [`Imaging::image`] in the form that runs take.
    pub(crate) fn ensure(&self) -> EnsureImage {
        let imaging = self.clone();
        Arc::new(move |target| {
            let imaging = imaging.clone();
            async move { imaging.image(target).await }.boxed()
        })
    }
}

/// Tells of a build: a line that moves where a person watches, a line a step where the output is kept.
pub(crate) struct Teller {
    console: Console,
    bar: Mutex<Option<ProgressBar>>,
}

impl Teller {
    pub(crate) fn new(console: Console) -> Self {
        Self { console, bar: Mutex::new(None) }
    }

    /// Shows what goes on now.
    fn step(&self, target: Target, text: &str) {
        let text = format!("image    PostgreSQL {}: {}", target.major, plain(text));
        self.console.moves(&mut self.bar.lock().unwrap_or_else(PoisonError::into_inner), text);
    }
}

/// The moving line goes with it, also where a build is given up.
impl Drop for Teller {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Teller {
    fn heard(&self, target: Target, event: Event) {
        match event {
            Event::Step { text, percent: Some(percent) } => self.step(target, &format!("{text} ({percent} %)")),
            Event::Step { text, percent: None } => self.step(target, &text),
            Event::Note(note) => {
                self.console.line(&self.console.paint(Colour::Dim, &format!("image    {}", plain(&note))));
            }
            Event::Line(_) => {}
        }
    }
}
