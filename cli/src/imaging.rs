//! Images as commands need them: found or built, with what goes on told in the terminal.

use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use indicatif::{ProgressBar, ProgressStyle};
use protocol::{Matrix, Target};
use runner::images::{Event, Images, Options, Progress};
use runner::sandbox::Image;
use runner::sandbox::docker::Engine;
use runner::{EnsureImage, Result};
use sample::debian::Archive;

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

    /// What lists and checks them.
    pub(crate) fn images(&self) -> &Images {
        &self.images
    }

    /// The image of a target, built where it is missing.
    pub(crate) async fn image(&self, target: Target) -> Result<Image> {
        let teller = Teller::new(self.console);
        let image = self.images.ensure(target, &teller).await;
        teller.done();
        image
    }

    /// Where Debian's archive is, as the base image of a target has it; none where that does not say.
    pub(crate) async fn debian_archive(&self, target: Target) -> Result<Option<Archive>> {
        let teller = Teller::new(self.console);
        let sources = self.images.apt_sources(target, &teller).await;
        teller.done();
        Ok(Archive::of_sources(&sources?))
    }

    /// The same in the form that runs take.
    pub(crate) fn ensure(&self) -> EnsureImage {
        let imaging = self.clone();
        Arc::new(move |target| {
            let imaging = imaging.clone();
            async move { imaging.image(target).await }.boxed()
        })
    }
}

/// Tells of a build: a line that moves where a person watches, a line a step where the output is kept.
struct Teller {
    console: Console,
    bar: Mutex<Option<ProgressBar>>,
}

impl Teller {
    fn new(console: Console) -> Self {
        Self { console, bar: Mutex::new(None) }
    }

    /// Shows what goes on now.
    fn step(&self, target: Target, text: &str) {
        let text = format!("image    PostgreSQL {}: {}", target.major, plain(text));
        if !stderr().is_terminal() {
            self.console.line(&text);
            return;
        }
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        bar.get_or_insert_with(spinner).set_message(text);
    }

    /// Takes the moving line away.
    fn done(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{msg:.dim} {spinner} {elapsed:.dim}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

impl Progress for Teller {
    fn heard(&self, target: Target, event: Event) {
        match event {
            Event::Step { text, percent: Some(percent) } => self.step(target, &format!("{text} ({percent} %)")),
            Event::Step { text, percent: None } => self.step(target, &text),
            Event::Note(note) => {
                let note = self.console.paint(Colour::Dim, &format!("image    {}", plain(&note)));
                match &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some(bar) => bar.suspend(|| self.console.line(&note)),
                    None => self.console.line(&note),
                }
            }
            Event::Line(_) => {}
        }
    }
}
