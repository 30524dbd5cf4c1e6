//! Mail: the link to whom META.json names, and the digest.

use protocol::{Channel, DeliveryState, Proof, Reason, SubscriptionState};
use serde_json::json;

use super::farm::{Farm, config};
use super::postbox::Postbox;
use crate::{Asked, Config, Desk, Form, Refusal};

fn form(mail: &str) -> Form {
    Form { dist: "pair".into(), channel: Channel::Mail, proof: Proof::Mail, address: String::new(), mail: mail.into() }
}

async fn started() -> (Farm, Postbox, Desk) {
    let postbox = Postbox::start().await;
    let farm = Farm::new(json!({ "repository": { "url": "https://github.com/theory/pair" } })).await;
    let desk = farm.desk(Config { mail: Some(postbox.mail()), ..config() });
    (farm, postbox, desk)
}

/// A subscription by mail; its token.
async fn subscribed(postbox: &Postbox, desk: &Desk) -> String {
    assert_eq!(desk.ask(&form("Theory@Example.com")).await, Ok(Asked::Mailed));
    let link = postbox.letters()[0].link("/subscribe/");
    desk.confirm(link.strip_prefix("/subscribe/").unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_link_goes_to_the_address_that_meta_names_and_to_no_other() {
    let (_farm, postbox, desk) = started().await;
    for (mail, expected) in [
        ("stranger@example.com", Refusal::MailNotInMeta),
        ("theory@example.com\r\nBcc: victim@example.org", Refusal::MailUnreadable),
        ("", Refusal::MailUnreadable),
    ] {
        assert_eq!(desk.ask(&form(mail)).await, Err(expected), "{mail}");
    }
    assert!(postbox.letters().is_empty());
    subscribed(&postbox, &desk).await;
    let letters = postbox.letters();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].from.starts_with("MAIL FROM:<noreply@testers.example.org>"), "{}", letters[0].from);
    assert_eq!(letters[0].to, ["RCPT TO:<theory@example.com>"]);
    assert_eq!(letters[0].header("Subject"), Some("Confirm: what turns in pair"));
    assert_eq!(letters[0].header("Auto-Submitted"), Some("auto-generated"));
    assert_eq!(desk.ask(&form("theory@example.com")).await, Err(Refusal::TooManyMails));
}

#[tokio::test]
async fn a_webhook_can_be_confirmed_by_mail_and_the_link_is_shown_to_nobody_else() {
    let (_farm, postbox, desk) = started().await;
    let wished =
        Form { channel: Channel::Webhook, address: "https://example.org/hook".into(), ..form("theory@example.com") };
    assert_eq!(desk.ask(&wished).await, Ok(Asked::Mailed));
    let link = postbox.letters()[0].link("/subscribe/");
    let token = desk.confirm(link.strip_prefix("/subscribe/").unwrap()).await.unwrap();
    assert_eq!(desk.held(&token).await.unwrap().address, "https://example.org/hook");
}

#[tokio::test]
async fn a_digest_gathers_what_turned_and_comes_once_a_day_at_most() {
    let (farm, postbox, desk) = started().await;
    let token = subscribed(&postbox, &desk).await;
    farm.verdict("1.1.0", Reason::TestsFailed).await;
    farm.wait(30);
    farm.verdict("1.2.0", Reason::TestsPassed).await;
    farm.tell(&desk).await;
    assert_eq!(postbox.letters().len(), 1, "it gathers for an hour");
    farm.wait(30);
    farm.tell(&desk).await;
    let letters = postbox.letters();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[1].header("Subject"), Some("pair: 1 turned red, 1 turned green"));
    let page = format!("https://testers.example.org/subscriptions/{token}");
    let unsubscribe = letters[1].text.replace("\r\n ", "");
    assert!(unsubscribe.contains(&format!("List-Unsubscribe: <{page}/end>")), "{unsubscribe}");
    assert_eq!(letters[1].header("List-Unsubscribe-Post"), Some("List-Unsubscribe=One-Click"));
    let body = letters[1].body();
    assert!(body.contains("pair 1.1.0 fails in installcheck on PostgreSQL 17 (amd64), and did not before."), "{body}");
    assert!(body.contains("pair 1.2.0 passes on PostgreSQL 17 (amd64), and failed before."), "{body}");
    assert!(body.contains("  > ERROR:  `@everyone` | <script>") && body.contains(&page), "{body}");

    farm.verdict("1.3.0", Reason::TestsFailed).await;
    farm.wait(23 * 60);
    farm.tell(&desk).await;
    assert_eq!(postbox.letters().len(), 2, "a day is not over");
    farm.wait(60);
    farm.tell(&desk).await;
    assert_eq!(postbox.letters().len(), 3);
    let subject = "pair 1.3.0 fails in installcheck on PostgreSQL 17 (amd64), and did not before";
    let unfolded = postbox.letters()[2].text.replace("\r\n ", " ");
    assert!(unfolded.contains(&format!("Subject: {subject}\r\n")), "{unfolded}");
    farm.wait(7 * 24 * 60);
    farm.tell(&desk).await;
    assert_eq!(postbox.letters().len(), 3, "nothing turned since");
}

#[tokio::test]
async fn a_mail_server_that_is_busy_is_asked_again_and_an_address_that_is_gone_ends_it() {
    let (farm, postbox, desk) = started().await;
    let token = subscribed(&postbox, &desk).await;
    farm.verdict("1.1.0", Reason::TestsFailed).await;
    farm.wait(60);
    postbox.refuse(&["451 greylisted", "550 no such user"]);
    farm.tell(&desk).await;
    let held = desk.held(&token).await.unwrap();
    let first = &held.deliveries[0];
    assert_eq!((first.state, first.said.as_str()), (DeliveryState::Waiting, "the mail server answers 451"));
    farm.wait(1);
    farm.tell(&desk).await;
    let held = desk.held(&token).await.unwrap();
    assert_eq!((held.state, postbox.letters().len()), (SubscriptionState::Ended, 1));
    assert_eq!(held.end_reason, "it cannot be told anything: the mail server answers 550");
}

#[tokio::test]
async fn a_setting_that_makes_no_sense_is_refused_at_the_start() {
    let farm = Farm::new(json!({})).await;
    let postbox = Postbox::start().await;
    let open = |mail: crate::Mail| {
        let config = Config { mail: Some(mail), ..config() };
        Desk::open(farm.store.clone(), farm.clock.clone(), config, farm.dir.path()).err().map(|error| error.to_string())
    };
    let wrong = crate::Mail { from: "nobody".into(), ..postbox.mail() };
    assert!(open(wrong).unwrap().starts_with("mail cannot be set up: `nobody` is no sender"));
    for (url, why) in [("https://example.org", "write the server as"), ("smtps://user@example.org", "but no password")]
    {
        let server = crate::SmtpServer { url: url.parse().unwrap(), password: None };
        assert!(open(crate::Mail { server, ..postbox.mail() }).unwrap().contains(why), "{url}");
    }
    assert_eq!(open(postbox.mail()), None);
}
