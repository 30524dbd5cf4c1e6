//! Images as runs use them: found by name, known by their labels, used by their digest.

use std::collections::HashMap;

use bollard::errors::Error as DockerError;
use bollard::query_parameters::ListImagesOptionsBuilder;

use crate::error::{Error, Result};
use crate::sandbox::Image;
use crate::sandbox::docker::Engine;

impl Engine {
    /// The image of that name, if it is there; an error where its labels are not those of an image of ours.
    pub async fn image(&self, tag: &str) -> Result<Option<Image>> {
        match self.client().inspect_image(tag).await {
            Ok(found) => {
                let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
                Image::from_labels(tag, &found.id.unwrap_or_default(), &labels).map(Some)
            }
            Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(source) => Err(Error::engine(format!("look at the image {tag}"))(source)),
        }
    }

    /// Every image that a run could use.
    pub async fn images_of_ours(&self) -> Result<Vec<Image>> {
        let filters = HashMap::from([("label".to_owned(), vec![Image::MARK.to_owned()])]);
        let options = ListImagesOptionsBuilder::default().filters(&filters).build();
        let found = self.client().list_images(Some(options)).await.map_err(Error::engine("list its images"))?;
        let tagged = found.iter().filter_map(|image| image.repo_tags.first().map(|tag| (tag, image)));
        Ok(tagged.filter_map(|(tag, image)| Image::from_labels(tag, &image.id, &image.labels).ok()).collect())
    }
}
