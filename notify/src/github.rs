//! An issue in the repository at GitHub: opened when something turns red, kept up to date, closed when nothing fails any more.
//!
//! Its text is made anew each time from what stands, so that doing it twice changes nothing. A mark that no reader sees tells our issue and our
//! comments from others: one that was made by a farm that died before it wrote that down is found by its mark, and not made again. An issue that its
//! maintainer closed stays closed.

use std::fmt::Write;
use std::time::Duration;

use octocrab::Octocrab;
use octocrab::models::IssueState;
use octocrab::models::issues::{Issue, IssueStateReason};
use octocrab::params::State;
use protocol::{Judged, Name};
use store::deliveries::Owed;
use store::matrix::Cell;
use store::subscriptions::Subscription;
use store::{Conn, dists, matrix, subscriptions};

use crate::config::GitHub;
use crate::desk::Desk;
use crate::message::{Message, one_line};
use crate::send::Sent;
use crate::{Error, Result};

const TIMEOUT: Duration = Duration::from_secs(20);
const PAGE: u8 = 100;

/// GitHub's API, with the operator's token.
pub(crate) struct Issues(Octocrab);

impl Issues {
    pub(crate) fn new(config: &GitHub) -> Result<Self> {
        let failed = |error: octocrab::Error| Error::GitHub { why: error.to_string() };
        let builder = Octocrab::builder().base_uri(config.api.as_str()).map_err(failed)?;
        let crab = builder
            .personal_token(config.token.clone())
            .set_connect_timeout(Some(TIMEOUT))
            .set_read_timeout(Some(TIMEOUT))
            .set_write_timeout(Some(TIMEOUT))
            .build()
            .map_err(failed)?;
        Ok(Self(crab))
    }
}

/// A release's verdicts, as far as an issue tells them: what fails for sure, as table rows in Markdown.
struct Standing {
    dist: Name,
    version: String,
    red: Vec<String>,
}

/// Brings the issue of a subscription up to date.
pub(crate) async fn tell(desk: &Desk, to: &Subscription, repository: &str, owed: &[Owed]) -> Result<Sent> {
    let Some(Issues(crab)) = &desk.0.issues else { return Ok(Sent::Later("there is no GitHub".into(), None)) };
    let Some((owner, name)) = repository.split_once('/') else { return Ok(Sent::Never("it is no repository".into())) };
    let standing = standing(desk, &mut desk.0.store.read().await?, &to.dist).await?;
    let Some(standing) = standing else { return Ok(Sent::Never("the distribution is gone".into())) };
    let book = Book { crab, owner, name, desk, to, standing };
    let brought = Box::pin(book.bring(owed)).await;
    match brought {
        Ok((number, said)) => {
            let remote = number.map(|number| number.to_string()).unwrap_or_default();
            let mut tx = desk.0.store.begin().await?;
            subscriptions::set_remote(&mut tx, to.id, &remote).await?;
            tx.commit().await?;
            Ok(Sent::Taken(said))
        }
        Err(error) => Ok(refused(&error)),
    }
}

fn refused(error: &octocrab::Error) -> Sent {
    match error {
        octocrab::Error::GitHub { source, .. } if matches!(source.status_code.as_u16(), 404 | 410) => {
            Sent::Never(format!(
                "GitHub answers {}: there is no such repository, it has no issues, or the farm may not open any",
                source.status_code
            ))
        }
        octocrab::Error::GitHub { source, .. } => Sent::Later(format!("GitHub answers {}", source.status_code), None),
        _ => Sent::Later("GitHub could not be reached, or did not answer as it should".into(), None),
    }
}

/// What stands of a distribution's latest release; none where there is no such distribution.
async fn standing(desk: &Desk, conn: &mut Conn, dist: &Name) -> Result<Option<Standing>> {
    let Some(found) = dists::get(conn, dist).await? else { return Ok(None) };
    let mut cells = matrix::of_release(conn, found.latest.id).await?;
    cells.sort_by_key(|cell| (std::cmp::Reverse(cell.target.major), cell.target.platform));
    let red = cells.iter().filter_map(|cell| row(desk, cell)).collect();
    Ok(Some(Standing { dist: found.name, version: found.latest.release.version.to_string(), red }))
}

/// A row of the table; none unless it fails for sure.
fn row(desk: &Desk, cell: &Cell) -> Option<String> {
    let result = cell.result.as_ref()?;
    let fails = Judged { grade: result.grade, flags: &result.flags }.fails();
    let line = result.decisive.as_deref().map(code).unwrap_or_default();
    let run = desk.0.config.link(&format!("/run/{}", result.run_id));
    let on = format!("{} ({})", cell.target.major, cell.target.platform);
    (fails == Some(true))
        .then(|| format!("| [{on}]({run}) | {} | {} | {line} |", result.phase, result.reason.sentence()))
}

/// A line of a log as code, from which nothing escapes: no link, no mention, no end of a table's cell.
fn code(text: &str) -> String {
    let text = one_line(text).replace('`', "'").replace('|', "¦");
    if text.is_empty() { text } else { format!("`{text}`") }
}

/// The issues of a repository, as far as a subscription has to do with them.
struct Book<'a> {
    crab: &'a Octocrab,
    owner: &'a str,
    name: &'a str,
    desk: &'a Desk,
    to: &'a Subscription,
    standing: Standing,
}

impl Book<'_> {
    /// Does what is to be done; the number of the issue that is open since, and what is said of it.
    async fn bring(&self, owed: &[Owed]) -> octocrab::Result<(Option<u64>, String)> {
        let known = self.find().await?;
        let is_red = owed.iter().any(|owed| owed.recorded.is_red());
        match (known, self.standing.red.is_empty()) {
            (Some(issue), false) => {
                self.update(&issue, None).await?;
                self.comment(&issue, owed).await?;
                Ok((Some(issue.number), format!("issue {} was updated", issue.number)))
            }
            (Some(issue), true) => {
                self.comment(&issue, owed).await?;
                self.update(&issue, Some(IssueState::Closed)).await?;
                Ok((None, format!("issue {} was closed", issue.number)))
            }
            (None, false) if is_red => {
                let issue = Box::pin(self.issues().create(self.title()).body(self.body()).send()).await?;
                Ok((Some(issue.number), format!("issue {} was opened", issue.number)))
            }
            (None, _) => Ok((None, "there is no issue, and none is needed".into())),
        }
    }

    fn issues(&self) -> octocrab::issues::IssueHandler<'_> {
        self.crab.issues(self.owner, self.name)
    }

    fn mark(&self) -> String {
        format!("<!-- pgxn-testers {} -->", self.to.id)
    }

    /// The issue that we know of, or that carries our mark.
    async fn find(&self) -> octocrab::Result<Option<Issue>> {
        if let Ok(number) = self.to.remote.parse() {
            return self.issues().get(number).await.map(Some);
        }
        let open = self.issues().list().state(State::Open).per_page(PAGE).send().await?;
        let mark = self.mark();
        Ok(open.items.into_iter().find(|issue| issue.body.as_ref().is_some_and(|body| body.contains(&mark))))
    }

    async fn update(&self, issue: &Issue, state: Option<IssueState>) -> octocrab::Result<()> {
        let (title, body, issues) = (self.title(), self.body(), self.issues());
        let update = issues.update(issue.number).title(&title).body(&body);
        let update = match state {
            Some(state) => update.state(state).state_reason(IssueStateReason::Completed),
            None => update,
        };
        update.send().await.map(|_| ())
    }

    /// Tells what turned, unless a comment tells it already.
    async fn comment(&self, issue: &Issue, owed: &[Owed]) -> octocrab::Result<()> {
        let Some(last) = owed.last() else { return Ok(()) };
        let mark = format!("<!-- pgxn-testers {} -->", last.key());
        let told = self.issues().list_comments(issue.number).per_page(PAGE).send().await?;
        if told.items.iter().any(|comment| comment.body.as_ref().is_some_and(|body| body.contains(&mark))) {
            return Ok(());
        }
        let mut text = String::new();
        for message in owed.iter().map(|owed| Message::of(&owed.recorded.turn)) {
            let link = self.desk.0.config.link(&message.run);
            let _ = writeln!(text, "- [{}]({link})", plain(&message.headline));
        }
        self.issues().create_comment(issue.number, format!("{text}\n{mark}")).await.map(|_| ())
    }

    fn title(&self) -> String {
        let Standing { dist, version, red } = &self.standing;
        match red.len() {
            0 => format!("{dist} {version} does not fail any more on PGXN Testers"),
            1 => format!("{dist} {version} fails on a PostgreSQL version"),
            many => format!("{dist} {version} fails on {many} PostgreSQL targets"),
        }
    }

    fn body(&self) -> String {
        let Standing { dist, version, red } = &self.standing;
        let config = &self.desk.0.config;
        let matrix = config.link(&format!("/dist/{}/", dist.key()));
        let mut text = match red.len() {
            0 => format!(
                "Nothing of {} {} fails any more: [all verdicts]({matrix}).\n",
                plain(dist.as_str()),
                plain(version)
            ),
            _ => format!(
                "[PGXN Testers]({matrix}) builds and tests {} {} on every PostgreSQL version. It fails here, twice in a row:\n\n\
                 | PostgreSQL | phase | why | decisive line |\n|---|---|---|---|\n{}\n",
                plain(dist.as_str()),
                plain(version),
                red.join("\n")
            ),
        };
        let _ = write!(
            text,
            "\nThe maintainers asked for this issue. It is kept up to date, and closed when nothing fails any more.\n\n{}\n",
            self.mark()
        );
        text
    }
}

/// A name as plain text of Markdown.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in one_line(text).chars() {
        if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | '-' | '(' | ')' | ':') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain.replace("\\@", "@\u{200b}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_log_becomes_markup_in_an_issue() {
        assert_eq!(code("a`|b` @theory\n# x"), "`a'¦b' @theory # x`");
        assert_eq!(code("\u{1b}"), "");
        assert_eq!(plain("[x](http://e) @me <b>"), "\\[x\\](http:\\/\\/e) @\u{200b}me \\<b\\>");
    }
}
