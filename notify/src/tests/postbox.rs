//! A mail server: enough of SMTP for a client to deliver to, and for a test to see what came.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::{Mail, SmtpServer};

/// A mail that came in.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) text: String,
}

impl Letter {
    /// The lines of its head.
    pub(crate) fn head(&self) -> Vec<&str> {
        self.text.split_once("\r\n\r\n").unwrap().0.split("\r\n").collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head().into_iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Its body, with what quoted-printable broke joined again.
    pub(crate) fn body(&self) -> String {
        let body = self.text.split_once("\r\n\r\n").unwrap().1.replace("=\r\n", "");
        if self.header("Content-Transfer-Encoding") == Some("quoted-printable") {
            body.replace("=3D", "=")
        } else {
            body
        }
    }

    /// The first address in it that begins so, as the path of the farm.
    pub(crate) fn link(&self, path: &str) -> String {
        let body = self.body();
        let at = body.find(&format!("https://testers.example.org{path}")).unwrap();
        let link: String = body[at..].chars().take_while(|c| !c.is_whitespace()).collect();
        link.trim_start_matches("https://testers.example.org").to_owned()
    }
}

#[derive(Default)]
struct Book {
    letters: Mutex<Vec<Letter>>,
    /// What it answers to the next mails instead of taking them, the last one first.
    refusals: Mutex<Vec<&'static str>>,
}

pub(crate) struct Postbox {
    book: Arc<Book>,
    at: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Postbox {
    pub(crate) async fn start() -> Self {
        let book = Arc::<Book>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let shared = book.clone();
        tasks.spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                sessions.spawn(session(stream, shared.clone()));
            }
        });
        Self { book, at, _tasks: tasks }
    }

    pub(crate) fn mail(&self) -> Mail {
        let url = format!("smtp://{}", self.at).parse().unwrap();
        Mail { from: "PGXN Testers <noreply@testers.example.org>".into(), server: SmtpServer { url, password: None } }
    }

    pub(crate) fn refuse(&self, with: &[&'static str]) {
        *self.book.refusals.lock().unwrap() = with.iter().rev().copied().collect();
    }

    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.book.letters.lock().unwrap().clone()
    }
}

async fn session(stream: TcpStream, book: Arc<Book>) {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    let mut letter = Letter { from: String::new(), to: Vec::new(), text: String::new() };
    writing.write_all(b"220 postbox ESMTP\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.get(..4).unwrap_or_default().to_uppercase().as_str() {
            "EHLO" => "250-postbox\r\n250 8BITMIME",
            "MAIL" => {
                line.clone_into(&mut letter.from);
                "250 ok"
            }
            "RCPT" => {
                let refusal = book.refusals.lock().unwrap().pop();
                if refusal.is_none() {
                    letter.to.push(line.clone());
                }
                refusal.unwrap_or("250 ok")
            }
            "DATA" => {
                writing.write_all(b"354 go on\r\n").await.unwrap();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    letter.text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    letter.text.push_str("\r\n");
                }
                book.letters.lock().unwrap().push(letter.clone());
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        if writing.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
