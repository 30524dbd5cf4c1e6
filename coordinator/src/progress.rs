//! What a run tells while it goes on. It is fenced as everything of a run is, stands in memory for whoever looks at it, and is stored nowhere:
//! see the crate `live`.

use protocol::Progress;

use crate::lease::{Denied, Voice, check};
use crate::{Coordinator, Result};

/// Takes what a run tells, which ends with the run.
pub async fn hear(coordinator: &Coordinator, voice: Voice<'_>, progress: &Progress) -> Result<Result<(), Denied>> {
    if let Err(why) = progress.check() {
        return Ok(Err(Denied::Progress(why)));
    }
    if let Err(denied) = check(coordinator, voice).await? {
        return Ok(Err(denied));
    }
    let was_heard = coordinator.live.push(voice.run_id, progress, coordinator.now());
    Ok(if was_heard { Ok(()) } else { Err(Denied::TooOften) })
}
