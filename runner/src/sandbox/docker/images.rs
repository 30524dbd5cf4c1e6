//! Images: look for, pull, import, build, tag, remove. What is in them is decided in `crate::images`.

use std::collections::HashMap;
use std::io::Read;
use std::pin::Pin;
use std::time::Duration;

use bollard::errors::Error as DockerError;
use bollard::models::{ContainerCreateBody, ImageInspect, ImageSummary};
use bollard::query_parameters::{
    BuildImageOptions, CreateContainerOptions, CreateImageOptions, DownloadFromContainerOptions, ImportImageOptions,
    ListImagesOptions, RemoveImageOptions, TagImageOptions,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use protocol::{Platform, Timestamp};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::error::{Error, Result};
use crate::sandbox::docker::{Engine, QUOTA_PERIOD};

/// Longer than anybody waits for a root file system.
const IMPORT: Duration = Duration::from_hours(24);

/// An image that the engine holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundImage {
    /// Its identity, `sha256:…`.
    pub(crate) id: String,
    pub(crate) tags: Vec<String>,
    pub(crate) labels: HashMap<String, String>,
    /// With everything below it, which it may share with others.
    pub(crate) size_bytes: u64,
    /// Its layers, the lowest first; none where the engine was only asked for a list.
    pub(crate) layers: Vec<String>,
    pub(crate) created: Timestamp,
}

/// An image to build.
#[derive(Clone, Debug)]
pub(crate) struct BuildSpec {
    /// The context, a tar archive that holds a `Dockerfile`.
    pub(crate) context: Bytes,
    pub(crate) platform: Platform,
    pub(crate) arguments: HashMap<String, String>,
    pub(crate) labels: HashMap<String, String>,
    pub(crate) tag: Option<String>,
    /// Whether steps that ran before run again.
    pub(crate) afresh: bool,
}

/// What a build says while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BuildEvent {
    /// A piece of its output, not always a whole line.
    Text(String),
    /// It is done, and this is the image.
    Built(String),
    /// A step failed: the builder's own words.
    Failed(String),
}

impl Engine {
    /// The image that `reference` (a tag or an identity) names; none where the engine has none.
    pub(crate) async fn found_image(&self, reference: &str) -> Result<Option<FoundImage>> {
        match self.client().inspect_image(reference).await {
            Ok(found) => Ok(Some(inspected(found))),
            Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(source) => Err(Error::engine(format!("look for the image {reference}"))(source)),
        }
    }

    /// Every image with a label.
    pub(crate) async fn images_labelled(&self, label: &str) -> Result<Vec<FoundImage>> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListImagesOptions { filters: Some(filters), ..ListImagesOptions::default() };
        let found = self.client().list_images(Some(options)).await.map_err(Error::engine("list its images"))?;
        Ok(found.into_iter().map(summarised).collect())
    }

    /// Pulls an image; given up when nothing is heard of it for as long as `patience`.
    pub(crate) async fn pull_image(&self, reference: &str, platform: Platform, patience: Duration) -> Result<()> {
        let options = CreateImageOptions {
            from_image: Some(reference.to_owned()),
            platform: docker_platform(platform),
            ..CreateImageOptions::default()
        };
        let what = format!("pull the image {reference}");
        let mut steps = self.client().create_image(Some(options), None, None);
        loop {
            match tokio::time::timeout(patience, steps.next()).await {
                Ok(Some(step)) => step.map_err(Error::engine(&*what))?,
                Ok(None) => return Ok(()),
                Err(_) => return Err(Error::engine(&*what)(DockerError::RequestTimeoutError)),
            };
        }
    }

    /// Makes an image of a root file system, a tar archive; its identity.
    pub(crate) async fn import_image(
        &self,
        archive: impl AsyncRead + Send + 'static,
        platform: Platform,
    ) -> Result<String> {
        let options = CreateImageOptions {
            from_src: Some("-".to_owned()),
            platform: if platform == Platform::native() { String::new() } else { docker_platform(platform) },
            ..CreateImageOptions::default()
        };
        let body = bollard::body_try_stream(ReaderStream::with_capacity(archive, 128 * 1024));
        // The engine answers when all has come. An emulated mmdebstrap needs many minutes until then; who waits has a limit of its own.
        let client = self.client().clone().with_timeout(IMPORT);
        let steps = client.create_image(Some(options), Some(body), None);
        let steps: Vec<_> = steps.try_collect().await.map_err(Error::engine("import a root file system"))?;
        let identity = steps.into_iter().rev().find_map(|step| step.status.filter(|text| text.starts_with("sha256:")));
        let silent = || DockerError::DockerStreamError { error: "it did not say the image's identity".into() };
        identity.ok_or_else(|| Error::engine("import a root file system")(silent()))
    }

    /// Builds an image by the classic builder.
    pub(crate) fn build_image(&self, spec: BuildSpec) -> Pin<Box<dyn Stream<Item = Result<BuildEvent>> + Send + '_>> {
        let manners = self.manners();
        let options = BuildImageOptions {
            dockerfile: "Dockerfile".into(),
            t: spec.tag,
            rm: true,
            forcerm: true,
            nocache: spec.afresh,
            platform: if spec.platform == Platform::native() { String::new() } else { docker_platform(spec.platform) },
            buildargs: Some(spec.arguments),
            labels: Some(spec.labels),
            cpushares: manners.cpu_shares.and_then(|shares| shares.try_into().ok()),
            cpuquota: manners.build_quota,
            cpuperiod: manners.build_quota.map(|_| QUOTA_PERIOD),
            ..BuildImageOptions::default()
        };
        let steps = self.client().build_image(options, None, Some(bollard::body_full(spec.context)));
        Box::pin(steps.filter_map(|step| std::future::ready(heard(step))))
    }

    /// Images with their tags and all that is below them, as a tar archive in pieces.
    pub(crate) fn saved_images(&self, tags: &[&str]) -> Pin<Box<dyn Stream<Item = Result<Bytes>> + Send + '_>> {
        let what = format!("save the images {}", tags.join(", "));
        let pieces = self.client().export_images(tags);
        Box::pin(pieces.map_err(move |source| Error::engine(what.clone())(source)))
    }

    /// Takes images in as [`Engine::saved_images`] gave them.
    pub(crate) async fn load_images(
        &self,
        archive: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<()> {
        let options = ImportImageOptions { quiet: true, ..ImportImageOptions::default() };
        let steps = self.client().import_image(options, bollard::body_try_stream(archive), None);
        let loaded: Result<Vec<_>, _> = steps.try_collect().await;
        loaded.map(drop).map_err(Error::engine("load images"))
    }

    /// Gives an image a tag, which another image may have had before.
    pub(crate) async fn tag_image(&self, image: &str, tag: &str) -> Result<()> {
        let (repo, name) = tag.rsplit_once(':').unwrap_or((tag, "latest"));
        let options = TagImageOptions { repo: Some(repo.to_owned()), tag: Some(name.to_owned()) };
        let tagged = self.client().tag_image(image, Some(options)).await;
        tagged.map_err(Error::engine(format!("tag an image as {tag}")))
    }

    /// Removes a tag, and the image where that was its last; an image that is not there is removed already.
    pub(crate) async fn remove_image(&self, reference: &str) -> Result<()> {
        match self.client().remove_image(reference, None::<RemoveImageOptions>, None).await {
            Ok(_) | Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            Err(source) => Err(Error::engine(format!("remove the image {reference}"))(source)),
        }
    }

    /// Removes a tag, and the image where that was its last; false where a container or another image needs it.
    pub(crate) async fn remove_unused_image(&self, reference: &str) -> Result<bool> {
        match self.client().remove_image(reference, None::<RemoveImageOptions>, None).await {
            Ok(_) | Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(true),
            Err(DockerError::DockerResponseServerError { status_code: 409, .. }) => Ok(false),
            Err(source) => Err(Error::engine(format!("remove the image {reference}"))(source)),
        }
    }

    /// Makes a container that never starts, to look into an image.
    pub(crate) async fn create_unstarted(
        &self,
        image: &str,
        name: &str,
        labels: HashMap<String, String>,
    ) -> Result<()> {
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            // An image that was imported has no command of its own, without which no container is made.
            cmd: Some(vec!["true".to_owned()]),
            labels: Some(labels),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptions { name: Some(name.to_owned()), ..CreateContainerOptions::default() };
        let created = self.client().create_container(Some(options), body).await;
        created.map(drop).map_err(Error::engine(format!("look into the image {image}")))
    }

    /// The bytes of a file in a container, at most `limit` of them.
    pub(crate) async fn read_file(&self, container: &str, path: &str, limit: usize) -> Result<Vec<u8>> {
        let what = || Error::engine(format!("read {path} of an image"));
        let options = DownloadFromContainerOptions { path: path.to_owned() };
        let mut stream = self.client().download_from_container(container, Some(options));
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            bytes.extend_from_slice(&piece.map_err(what())?);
            // A tar archive of one file: its header and its padding come on top.
            if bytes.len() > limit + 10 * 1024 {
                return Err(what()(DockerError::DockerStreamError { error: format!("it is over {limit} bytes") }));
            }
        }
        let read = || {
            let mut archive = tar::Archive::new(bytes.as_slice());
            let mut entry = archive.entries()?.next().ok_or(std::io::ErrorKind::NotFound)??;
            let mut file = Vec::new();
            entry.read_to_end(&mut file).map(|_| file)
        };
        read().map_err(|source| Error::File { what: "read of an image", path: path.into(), source })
    }
}

fn docker_platform(platform: Platform) -> String {
    format!("linux/{platform}")
}

/// One step of a build's stream, where it says anything.
fn heard(step: Result<bollard::models::BuildInfo, DockerError>) -> Option<Result<BuildEvent>> {
    match step {
        Ok(step) => match (step.aux.and_then(|aux| aux.id), step.stream) {
            (Some(id), _) => Some(Ok(BuildEvent::Built(id))),
            (None, Some(text)) => Some(Ok(BuildEvent::Text(text))),
            (None, None) => step.status.map(|text| Ok(BuildEvent::Text(format!("{text}\n")))),
        },
        Err(DockerError::DockerStreamError { error }) => Some(Ok(BuildEvent::Failed(error))),
        Err(source) => Some(Err(Error::engine("build an image")(source))),
    }
}

fn inspected(found: ImageInspect) -> FoundImage {
    FoundImage {
        id: found.id.unwrap_or_default(),
        tags: tags(found.repo_tags.unwrap_or_default()),
        labels: found.config.and_then(|config| config.labels).unwrap_or_default(),
        size_bytes: found.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        layers: found.root_fs.and_then(|root| root.layers).unwrap_or_default(),
        created: found.created.and_then(|at| Timestamp::parse_rfc3339(&at)).unwrap_or(Timestamp::from_millis(0)),
    }
}

/// Podman names what was never pulled after the machine.
fn tags(tags: Vec<String>) -> Vec<String> {
    tags.into_iter().map(|tag| tag.strip_prefix("localhost/").map(str::to_owned).unwrap_or(tag)).collect()
}

fn summarised(found: ImageSummary) -> FoundImage {
    FoundImage {
        id: found.id,
        tags: tags(found.repo_tags),
        labels: found.labels,
        size_bytes: u64::try_from(found.size).unwrap_or_default(),
        layers: Vec::new(),
        created: Timestamp::from_millis(found.created.saturating_mul(1000)),
    }
}
