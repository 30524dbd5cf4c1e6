//! An issue at GitHub: opened once, kept up to date, closed when nothing fails any more.

use protocol::{Channel, DeliveryState, Proof, Reason, SubscriptionState};
use serde_json::json;

use super::farm::{Farm, config};
use super::hub::Hub;
use super::postbox::Postbox;
use crate::{Asked, Config, Desk, Form, Refusal};

struct Ground {
    farm: Farm,
    hub: Hub,
    desk: Desk,
    token: String,
}

async fn subscribed() -> Ground {
    let (postbox, hub) = (Postbox::start().await, Hub::start().await);
    let farm = Farm::new(json!({ "repository": { "url": "https://github.com/theory/pair.git" } })).await;
    let desk = farm.desk(Config { mail: Some(postbox.mail()), github: Some(hub.config()), ..config() });
    let (channel, mail) = (Channel::Issue, "theory@example.com".to_owned());
    let wished = Form { dist: "pair".into(), channel, proof: Proof::Mail, address: "evil/repository".into(), mail };
    assert_eq!(desk.ask(&wished).await, Ok(Asked::Mailed));
    let link = postbox.letters()[0].link("/subscribe/");
    let token = desk.confirm(link.strip_prefix("/subscribe/").unwrap()).await.unwrap();
    assert_eq!(desk.held(&token).await.unwrap().address, "theory/pair", "whatever was asked for");
    Ground { farm, hub, desk, token }
}

impl Ground {
    /// Lets what turned gather, and tells it.
    async fn told(&self) -> Vec<String> {
        self.farm.wait(21);
        self.farm.tell(&self.desk).await;
        self.hub.done()
    }

    async fn said(&self) -> String {
        self.desk.held(&self.token).await.unwrap().deliveries[0].said.clone()
    }
}

const ISSUES: &str = "/repos/theory/pair/issues";

#[tokio::test]
async fn an_issue_is_opened_once_updated_and_closed_when_nothing_fails_any_more() {
    let ground = subscribed().await;
    let farm = &ground.farm;
    farm.plan("1.0.0", "pg16-amd64").await;
    farm.result("pg16-amd64", Reason::TestsPassed).await;
    farm.verdict("1.1.0", Reason::TestsFailed).await;
    assert_eq!(ground.told().await, [format!("POST {ISSUES}")]);
    assert_eq!(ground.said().await, "issue 1 was opened");
    let opened = ground.hub.issue(1);
    assert_eq!(opened["title"], "pair 1.1.0 fails on a PostgreSQL version");
    let body = opened["body"].as_str().unwrap();
    assert!(
        body.contains("| [17 (amd64)](https://testers.example.org/run/") && body.contains("| installcheck |"),
        "{body}"
    );
    assert!(body.contains("| `ERROR:  '@everyone' ¦ <script>` |"), "{body}");

    farm.plan("1.1.0", "pg16-amd64").await;
    farm.result("pg16-amd64", Reason::TestsFailed).await;
    farm.result("pg16-amd64", Reason::TestsFailed).await;
    assert_eq!(ground.told().await, [format!("PATCH {ISSUES}/1"), format!("POST {ISSUES}/1/comments")]);
    assert_eq!(ground.hub.issue(1)["title"], "pair 1.1.0 fails on 2 PostgreSQL targets");

    farm.verdict("1.2.0", Reason::TestsPassed).await;
    farm.plan("1.2.0", "pg16-amd64").await;
    farm.result("pg16-amd64", Reason::TestsPassed).await;
    assert_eq!(ground.told().await, [format!("POST {ISSUES}/1/comments"), format!("PATCH {ISSUES}/1")]);
    let closed = ground.hub.issue(1);
    assert_eq!((&closed["state"], &closed["state_reason"]), (&"closed".into(), &"completed".into()));
    assert_eq!(ground.said().await, "issue 1 was closed");

    farm.verdict("1.3.0", Reason::TestsFailed).await;
    assert_eq!(ground.told().await, [format!("POST {ISSUES}")], "it is another failure: another issue");
    assert_eq!(ground.hub.book.lock().unwrap().issues.len(), 2);
}

#[tokio::test]
async fn an_issue_that_was_opened_by_a_farm_that_died_then_is_found_and_not_opened_again() {
    let ground = subscribed().await;
    ground.farm.verdict("1.1.0", Reason::TestsFailed).await;
    ground.told().await;
    // What a farm leaves that dies between the two: the issue, and no word of it.
    let id = ground.desk.held(&ground.token).await.unwrap().id;
    let mut tx = ground.farm.store.begin().await.unwrap();
    store::subscriptions::set_remote(&mut tx, id, "").await.unwrap();
    tx.commit().await.unwrap();
    ground.farm.again("1.1.0").await;
    ground.farm.result("pg17-amd64", Reason::TestsPassed).await;
    assert_eq!(ground.told().await, [format!("POST {ISSUES}/1/comments"), format!("PATCH {ISSUES}/1")]);
    assert_eq!(ground.hub.issue(1)["state"], "closed");
}

#[tokio::test]
async fn what_fails_midway_is_done_again_and_tells_nothing_twice() {
    let ground = subscribed().await;
    ground.farm.verdict("1.1.0", Reason::TestsFailed).await;
    ground.told().await;
    ground.farm.verdict("1.2.0", Reason::TestsPassed).await;
    // It reads the issue and its comments, comments, and then GitHub fails.
    ground.hub.book.lock().unwrap().failures = vec![502, 0, 0, 0];
    ground.farm.wait(21);
    ground.farm.tell(&ground.desk).await;
    assert_eq!(ground.said().await, "GitHub answers 502 Bad Gateway");
    ground.farm.wait(1);
    ground.farm.tell(&ground.desk).await;
    let book = ground.hub.book.lock().unwrap();
    assert_eq!((book.issues.len(), book.comments.len()), (1, 1));
    assert_eq!(book.issues[0]["state"], "closed");
}

#[tokio::test]
async fn a_repository_without_issues_ends_it_and_says_so() {
    let ground = subscribed().await;
    ground.hub.book.lock().unwrap().failures = vec![410];
    ground.farm.verdict("1.1.0", Reason::TestsFailed).await;
    ground.told().await;
    let held = ground.desk.held(&ground.token).await.unwrap();
    assert_eq!((held.state, held.deliveries[0].state), (SubscriptionState::Ended, DeliveryState::Failed));
    assert!(held.end_reason.contains("GitHub answers 410 Gone: there is no such repository"), "{}", held.end_reason);
}

#[tokio::test]
async fn nothing_is_opened_where_meta_names_no_repository_at_github() {
    let hub = Hub::start().await;
    let farm = Farm::new(json!({ "homepage": "https://github.com.example.org/theory/pair" })).await;
    let desk = farm.desk(Config { github: Some(hub.config()), ..config() });
    let wished = Form {
        dist: "pair".into(),
        channel: Channel::Issue,
        proof: Proof::File,
        address: String::new(),
        mail: String::new(),
    };
    assert_eq!(desk.ask(&wished).await, Err(Refusal::NoGitHub));
}
