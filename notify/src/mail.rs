//! Mail: the link that confirms a subscription, and the digest of what turned since the last one.
//!
//! Every header is made of what `lettre` has parsed, or of our own words: nothing that an author wrote can begin another header. The body is plain
//! text, and what logs say in it is one line each.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use protocol::Timestamp;
use store::deliveries::Owed;
use store::subscriptions::Subscription;

use crate::config::{Config, Mail, SmtpServer};
use crate::desk::Desk;
use crate::message::Message;
use crate::send::Sent;
use crate::wish::Wish;
use crate::{Error, Result};

const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends mail by one server, from one address.
pub(crate) struct Mailer {
    from: Mailbox,
    host: String,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Mailer {
    pub(crate) fn new(mail: &Mail, config: &Config) -> Result<Self> {
        let from =
            mail.from.parse().map_err(|error| Error::Mail { why: format!("`{}` is no sender: {error}", mail.from) })?;
        let host = config.host().to_owned();
        Ok(Self { from, transport: transport(&mail.server, &host)?, host })
    }

    /// Sends the link that confirms a wish to an address that META.json names.
    pub(crate) async fn send_link(&self, wish: &Wish, to: &str, link: &str, now: Timestamp) -> Result<(), String> {
        let text = format!(
            "Somebody, perhaps you, asks PGXN Testers to tell you when the tests of {dist} begin to fail, or to pass again, by {channel} ({shown}).\n\n\
             If that is what you want, open this page within two days and confirm it:\n\n{link}\n\n\
             If not, do nothing: nothing else will be sent to you.\n",
            dist = wish.dist,
            channel = wish.channel,
            shown = if wish.channel == protocol::Channel::Mail { "to this address".to_owned() } else { wish.shown() },
        );
        let subject = format!("Confirm: what turns in {}", wish.dist);
        let builder = self.letter(to, &subject, now)?;
        self.send(builder, text, &[]).await.map_err(|sent| sent.1)
    }

    fn letter(&self, to: &str, subject: &str, now: Timestamp) -> Result<MessageBuilder, String> {
        let to: lettre::Address = to.parse().map_err(|error| format!("the address is none: {error}"))?;
        let date = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or_default());
        Ok(lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .date(date)
            .header(ContentType::TEXT_PLAIN))
    }

    /// Sends a letter; the error says whether it is for good.
    async fn send(
        &self,
        letter: MessageBuilder,
        text: String,
        more: &[(&'static str, String)],
    ) -> Result<(), (bool, String)> {
        let mut mail = letter.body(text).map_err(|error| (true, error.to_string()))?;
        for (name, value) in [("Auto-Submitted", "auto-generated".to_owned())].iter().chain(more) {
            mail.headers_mut().insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value.clone()));
        }
        let sent = self.transport.send(mail).await;
        sent.map(|_| ()).map_err(|error| (error.is_permanent(), said(&error)))
    }
}

/// What an error means; no more of what the server says than its code.
fn said(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answers {code}"),
        None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
        None => "the mail server could not be reached, or did not answer as it should".to_owned(),
    }
}

fn transport(server: &SmtpServer, hello: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
    let wrong = |why: &str| Error::Mail { why: why.to_owned() };
    let url = &server.url;
    let host = url.host_str().ok_or_else(|| wrong("the server's address has no host"))?;
    let is_here = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    let tls = || TlsParameters::new(host.to_owned()).map_err(|error| wrong(&error.to_string()));
    let (tls, port) = match url.scheme() {
        "smtps" => (Tls::Wrapper(tls()?), 465),
        "smtp" if is_here => (Tls::None, 25),
        "smtp" => (Tls::Required(tls()?), 587),
        _ => return Err(wrong("write the server as smtps://USER@HOST or smtp://USER@HOST:PORT")),
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .tls(tls)
        .port(url.port().unwrap_or(port))
        .timeout(Some(TIMEOUT))
        .hello_name(ClientId::Domain(hello.to_owned()));
    let user = url.username().replace("%40", "@");
    let builder = match (&server.password, user.is_empty()) {
        (Some(password), false) => builder.credentials(Credentials::new(user, password.clone())),
        (None, true) => builder,
        (Some(_), true) => return Err(wrong("there is a password, but no user in the server's address")),
        (None, false) => return Err(wrong("there is a user in the server's address, but no password")),
    };
    Ok(builder.build())
}

/// Tells all that turned since the last mail.
pub(crate) async fn tell(desk: &Desk, to: &Subscription, address: &str, owed: &[Owed], now: Timestamp) -> Sent {
    let Some(mailer) = &desk.0.mailer else { return Sent::Later("there is no mail".into(), None) };
    let page = desk.0.config.link(&format!("/subscriptions/{}", desk.0.key.token(to.id)));
    let messages: Vec<Message> = owed.iter().map(|owed| Message::of(&owed.recorded.turn)).collect();
    let text = digest(desk, &messages, &page);
    let letter = match mailer.letter(address, &subject(&messages), now) {
        Ok(letter) => letter.message_id(Some(format!("<{}@{}>", owed[owed.len() - 1].key(), mailer.host))),
        Err(said) => return Sent::Never(said),
    };
    let more = [
        ("List-Unsubscribe", format!("<{page}/end>")),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
    ];
    match mailer.send(letter, text, &more).await {
        Ok(()) => Sent::Taken("the mail server took it".into()),
        Err((true, said)) => Sent::Never(said),
        Err((false, said)) => Sent::Later(said, None),
    }
}

fn subject(messages: &[Message]) -> String {
    let red = messages.iter().filter(|message| message.is_red()).count();
    let dist = messages.first().map_or("", |message| &message.dist);
    match (red, messages.len() - red) {
        (1, 0) | (0, 1) => messages[0].headline.clone(),
        (red, 0) => format!("{dist}: {red} tests turned red"),
        (0, green) => format!("{dist}: {green} tests turned green"),
        (red, green) => format!("{dist}: {red} turned red, {green} turned green"),
    }
}

fn digest(desk: &Desk, messages: &[Message], page: &str) -> String {
    let mut text = String::new();
    for message in messages {
        let _ = writeln!(text, "{}.\n  {}", message.headline, message.sentence);
        if let Some(line) = message.decisive.as_ref().filter(|_| message.is_red()) {
            let _ = writeln!(text, "  > {line}");
        }
        let _ = writeln!(text, "  {}\n", desk.0.config.link(&message.run));
    }
    let dist = messages.first().map(|message| message.dist.to_lowercase()).unwrap_or_default();
    let _ = writeln!(text, "Everything on it: {}", desk.0.config.link(&format!("/dist/{dist}/")));
    let _ = writeln!(text, "What was sent to you, and how to end it: {page}");
    text
}
