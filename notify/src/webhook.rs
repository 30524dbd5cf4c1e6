//! A turn as a signed request, in the form of [Standard Webhooks](https://www.standardwebhooks.com/), so that receivers have libraries for it.
//!
//! `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`. The id is the same for every attempt
//! at a delivery: whoever has seen it has seen the delivery. The timestamp is the attempt's; an old one is somebody's replay.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use ring::hmac;
use serde_json::json;
use store::deliveries::Owed;
use store::subscriptions::Subscription;
use url::Url;

use crate::desk::Desk;
use crate::message::Message;
use crate::send::Sent;

/// Tells a turn to an address.
pub(crate) async fn tell(desk: &Desk, to: &Subscription, address: &str, owed: &Owed, now: Timestamp) -> Sent {
    let Ok(url) = Url::parse(address) else { return Sent::Never("its address is none".into()) };
    let body = body(desk, owed);
    let key = desk.0.key.webhook_key(to.id);
    let Some(headers) = headers(&key, &owed.key(), &body, now) else {
        return Sent::Never("its headers cannot be written".into());
    };
    match desk.0.outbound.post(&url, headers, body).await {
        Err(said) => Sent::Later(said, None),
        Ok(answered) if answered.status.is_success() => Sent::Taken(answered.status.to_string()),
        Ok(answered) if answered.status == StatusCode::GONE => Sent::Never(answered.status.to_string()),
        Ok(answered) if answered.status.is_redirection() => {
            Sent::Later(format!("{}: redirects are not followed", answered.status), None)
        }
        Ok(answered) => Sent::Later(answered.status.to_string(), answered.retry_after),
    }
}

/// What is told: the same at each attempt.
fn body(desk: &Desk, owed: &Owed) -> String {
    let mut message = Message::of(&owed.recorded.turn);
    let dist = desk.0.config.link(&format!("/dist/{}/", message.dist.to_lowercase()));
    message.run = desk.0.config.link(&message.run);
    message.before = desk.0.config.link(&message.before);
    let told = json!({ "type": "verdict.turned", "timestamp": message.turned_at.to_string(), "place": owed.recorded.place, "data": message, "matrix": dist });
    told.to_string()
}

fn headers(key: &hmac::Key, id: &str, body: &str, now: Timestamp) -> Option<HeaderMap> {
    let seconds = (now.as_millis() / 1000).to_string();
    let code = hmac::sign(key, format!("{id}.{seconds}.{body}").as_bytes());
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("webhook-id", id.parse().ok()?);
    headers.insert("webhook-timestamp", seconds.parse().ok()?);
    headers.insert("webhook-signature", format!("v1,{}", STANDARD.encode(code)).parse().ok()?);
    Some(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // The example of the specification's own libraries.
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let now = Timestamp::from_millis(1_614_265_330_123);
        let headers = headers(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#, now).unwrap();
        assert_eq!(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(headers["webhook-timestamp"], "1614265330");
    }
}
