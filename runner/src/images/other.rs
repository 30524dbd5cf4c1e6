//! An image of another source than the first: for a release that needs what the first lacks.

use protocol::{Source, Target};

use crate::error::{Error, Result};
use crate::images::{Images, Progress};
use crate::sandbox::Image;

impl Images {
    /// The image of a target from the first source that is wanted and answers, which is built where it is missing; none where no such
    /// source has one.
    pub async fn other(
        &self,
        target: Target,
        is_wanted: &(dyn Fn(&Source) -> bool + Sync),
        progress: &dyn Progress,
    ) -> Result<Option<Image>> {
        let mut recipes = self.recipes(target)?;
        recipes.retain(|recipe| is_wanted(&recipe.source));
        match self.found_or_made(target, recipes, progress).await {
            Ok(image) => Ok(Some(image)),
            // Without a network, what is here is all there is.
            Err(Error::Offline { what: why, .. } | Error::Image { why, .. }) => {
                tracing::debug!(%target, why, "no other source has an image");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
