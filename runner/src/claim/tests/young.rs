//! A coordinator that wants younger images.

use super::*;
use crate::error::Error;

type Asked = Arc<Mutex<Vec<(Target, Timestamp)>>>;

/// A runner that writes down what it is asked to make anew, and makes nothing.
async fn renewing(stage: &mut Stage) -> Asked {
    let asked = Asked::default();
    let writes = asked.clone();
    let (_, image) = engine_and_image().await;
    let renew: RenewImage = Arc::new(move |target, before| {
        let image = image.clone();
        writes.lock().unwrap().push((target, before));
        let made = if before.as_millis() == 7 {
            Err(Error::Image { target, why: "no source gave one".into() })
        } else {
            Ok(Some(image))
        };
        Box::pin(async move { made })
    });
    stage.agent = stage.agent.clone().renewing(renew);
    asked
}

#[tokio::test]
async fn a_word_on_images_is_obeyed_once_and_what_cannot_be_made_goes_on_as_it_is_which_needs_an_engine() {
    let mut stage = stage("passes").await;
    *stage.desk.assignment.lock().unwrap() = None;
    let asked = renewing(&mut stage).await;
    let stop = CancellationToken::new();
    let agent = stage.agent.clone();
    let keeping = agent.keep_images_young();
    tokio::pin!(keeping);
    let told = |stage: &Stage| {
        stage
            .told
            .lock()
            .unwrap()
            .iter()
            .any(|event| matches!(event, AgentEvent::Trouble(why) if why.contains("goes on as it is")))
    };
    for _ in 0..3 {
        assert_eq!(stage.tick(&stop).await, Tick::Idle);
        assert!(futures_util::poll!(&mut keeping).is_pending());
        assert!(asked.lock().unwrap().is_empty(), "nothing was said of images");
    }
    stage.desk.images.store(7, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(stage.tick(&stop).await, Tick::Idle);
        assert!(futures_util::poll!(&mut keeping).is_pending());
    }
    let target: Target = TARGET.parse().unwrap();
    assert_eq!(*asked.lock().unwrap(), [(target, Timestamp::from_millis(7))]);
    assert!(told(&stage));
    // A later word waits for half a day.
    stage.desk.images.store(8, Ordering::SeqCst);
    assert_eq!(stage.tick(&stop).await, Tick::Idle);
    assert!(futures_util::poll!(&mut keeping).is_pending());
    assert_eq!(asked.lock().unwrap().len(), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_hours(12)).await;
    assert!(futures_util::poll!(&mut keeping).is_pending());
    assert_eq!(asked.lock().unwrap()[1..], [(target, Timestamp::from_millis(8))]);
    let ready = stage.told.lock().unwrap().iter().filter(|event| matches!(event, AgentEvent::Ready(..))).count();
    assert_eq!(ready, 2, "the first at the start");
}
