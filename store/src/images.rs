//! How young the images of runners have to be, as an operator has said.

use protocol::Timestamp;

use crate::fields::Fields;
use crate::{Conn, Result, Tx};

/// Before which moment images are too old; none where nobody has said so.
pub async fn too_old_before(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let row = sqlx::query("SELECT name, value FROM counters WHERE name = 'images'").fetch_one(conn.raw()).await?;
    let millis: i64 = Fields::of(&row, "counters", "name").number("value")?;
    Ok((millis > 0).then(|| Timestamp::from_millis(millis)))
}

/// Has images that were made before now be made anew.
pub async fn find_old(tx: &mut Tx, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE counters SET value = $1 WHERE name = 'images' AND value < $1")
        .bind(now.as_millis())
        .execute(tx.raw())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, on_both};

    #[tokio::test]
    async fn the_latest_word_on_images_counts() {
        on_both(async |store| {
            let mut tx = store.begin().await.unwrap();
            assert_eq!(too_old_before(&mut tx).await.unwrap(), None);
            for (said, counts) in [(2, 2), (5, 5), (3, 5)] {
                find_old(&mut tx, at(said)).await.unwrap();
                assert_eq!(too_old_before(&mut tx).await.unwrap(), Some(at(counts)));
            }
        })
        .await;
    }
}
