//! What can go wrong on the farm's side of a run. What a distribution does wrong is data, not an error: see `judge`.

use std::path::PathBuf;

/// The result of what the runner does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the runner, its engine or its machine; never of the distribution under test.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No container engine answers.
    #[error("no container engine answers at {host}: {why}. {remedy}")]
    EngineUnreachable {
        /// The address that was asked.
        host: String,
        /// What happened, in words.
        why: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// An engine runs containers, and would let them have everything.
    #[error(
        "the container engine at {host} cannot limit {missing} of a container, so that nothing is run in it; let it have the control groups \
         (a rootless engine has to be given them: https://docs.docker.com/engine/security/rootless/), or use another engine"
    )]
    EngineWithoutLimits {
        /// The address of the engine.
        host: String,
        /// What it cannot limit.
        missing: String,
    },
    /// The engine answered, but could not do what it was asked.
    #[error("the container engine could not {what}")]
    Engine {
        /// What it was asked: a verb and its object.
        what: String,
        /// Its own words.
        #[source]
        source: bollard::errors::Error,
    },
    /// There is no image for a target, and none could be built.
    #[error("there is no image for {target}: {why}")]
    Image {
        /// The target.
        target: protocol::Target,
        /// What happened, in words.
        why: String,
    },
    /// No target has one.
    #[error("there is no image to run anything in; why is said above")]
    NoImage,
    /// The archives of all suites lack packages that an override names.
    #[error("{packages}, which Debian does not have, or cannot install, on {suites}")]
    Packages {
        /// The packages, as they were asked for.
        packages: String,
        /// The suites.
        suites: String,
    },
    /// An image lacks a label, or says something impossible in one.
    #[error("the label `{label}` of the image `{tag}` is missing or wrong; build the image again")]
    ImageLabel {
        /// The image.
        tag: String,
        /// The label.
        label: String,
    },
    /// A container of ours that tries what an engine enforces came to nothing.
    #[error("what the container engine enforces could not be tried: {why}")]
    Trial {
        /// What happened, in words.
        why: String,
    },
    /// The source could not be copied into the container.
    #[error("could not copy the source into the container: {why}")]
    CopyIn {
        /// What happened, in words.
        why: String,
    },
    /// What is needed is not here, and nothing is fetched or built.
    #[error("{what}, and offline nothing is fetched or built; {remedy}")]
    Offline {
        /// What is not here: a sentence.
        what: String,
        /// The command that brings it, in words.
        remedy: String,
        /// What a run is that ends so.
        reason: protocol::Reason,
    },
    /// Two ways cannot be compared.
    #[error("nothing can be measured here: {why}")]
    Bench {
        /// What is in the way.
        why: String,
    },
    /// The file with the runner's key cannot be used.
    #[error("the key in `{}` cannot be used: {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// What a volunteer said to a runner cannot be read.
    #[error("`{}` is spoilt ({why}); `pgxn-testers runner resume` writes it anew", path.display())]
    Control {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A share of the machine with which nothing can run.
    #[error("{why}")]
    Share {
        /// The share, why not, and what the least is.
        why: String,
    },
    /// An image that would take more than the disk budget.
    #[error("the image of {target} is not made: {why}")]
    Budget {
        /// The target.
        target: protocol::Target,
        /// How much there is, and what to do.
        why: String,
    },
    /// A file of the runner's own machine.
    #[error("could not {what} `{}`", path.display())]
    File {
        /// The verb.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// For `map_err`: the engine was asked for `what`.
    pub(crate) fn engine(what: impl Into<String>) -> impl FnOnce(bollard::errors::Error) -> Self {
        let what = what.into();
        move |source| Self::Engine { what, source }
    }

    /// For `map_err`: `what` was tried on the file at `path`.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}

/// An error and everything below it, in one line.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    for cause in causes(error) {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
    }
    crate::judge::shown(&text, 1_000)
}

/// The cause at the bottom of an error, which says what happened rather than where: a person understands it best.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes(error: &dyn std::error::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| cause.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_causes_of_an_error_are_told_in_order_and_the_last_one_alone() {
        let source = std::io::Error::other("the disk is gone");
        let error = Error::file("read", "/a")(source);
        assert_eq!(in_words(&error), "could not read `/a`: the disk is gone");
        assert_eq!(innermost(&error), "the disk is gone");
        assert_eq!(innermost(&Error::NoImage), Error::NoImage.to_string());
    }
}
