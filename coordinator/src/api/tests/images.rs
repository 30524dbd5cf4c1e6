//! How young the images of runners have to be.

use super::*;
use crate::images;

#[tokio::test]
async fn an_operators_word_on_images_comes_with_every_answer_to_a_claim() {
    on_both(async |farm| {
        let runner = with_release(&farm).await;
        let ask = async |targets: &[&str]| {
            let body = json!({"targets": targets, "version": "0.1.0"});
            let answer = farm.call(Call::post("/api/v1/claim", &body).bearer(&runner)).await;
            (
                answer.status.as_u16(),
                answer.headers.get("x-pgxn-testers-images").map(|it| it.to_str().unwrap().to_owned()),
            )
        };
        assert_eq!(ask(&[]).await, (204, None));
        let renew = || Call::new(Method::POST, "/api/v1/images/renew");
        farm.call(renew().bearer(&runner)).await.problem(401);
        let admin = farm.coordinator.config.admin_token.expose();
        let said = farm.call(renew().bearer(admin)).await.json();
        let word = farm.now().as_millis().to_string();
        assert_eq!(said["too_old_before"].to_string(), word);
        assert_eq!(ask(&[]).await, (204, Some(word.clone())));
        assert_eq!(ask(&["pg17-amd64"]).await, (200, Some(word.clone())));

        let again = farm.restarted(|_| {});
        assert_eq!(again.images.now(), None, "nobody has read it yet");
        images::tick(&again).await.unwrap();
        assert_eq!(again.images.now().map(|at| at.as_millis().to_string()), Some(word));
    })
    .await;
}
