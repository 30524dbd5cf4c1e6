//! What a farm is told of a test (`--upload`): the verdicts, each with the lines that decided. A farm that cannot be told changes no verdict.

use anyhow::{Context, Result, bail};
use pgxn::Meta;
use protocol::{Grade, Name, PreRelease, PreReleaseId, PreReleaseResult, PreReleaseTaken, Version};
use runner::{Source, local};
use url::Url;

use super::Cell;
use crate::args::UploadArgs;
use crate::commands::{admin, admit};
use crate::config;
use crate::console::{Console, plain};
use crate::http;
use crate::workflow::{self, Annotation};

/// So many lines are told of a file.
const LINES: usize = 30;

/// A farm to be told, by what right, and of what.
pub(super) struct Upload {
    farm: Url,
    token: String,
    /// None where the tree does not say what it is.
    identity: Option<(Name, Version)>,
    commit: Option<String>,
    git_ref: Option<String>,
    source_sha256: String,
}

impl Upload {
    /// What is wanted; or why that cannot be, before anything is tested.
    pub(super) fn wanted(args: &UploadArgs, source: &Source, meta: Option<&Meta>) -> Result<Option<Self>, String> {
        let Some(farm) = args.upload.clone() else { return Ok(None) };
        check_address(&farm)?;
        let token = config::upload_token().filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic())).ok_or(
            "--upload takes the farm's upload token from the environment variable PGXN_TESTERS_UPLOAD_TOKEN, which has none; \
             an operator of the farm makes one by `pgxn-testers admin uploads grant`",
        )?;
        let identity = super::what::identity(source, meta);
        let source_sha256 = local::digest(source)
            .map_err(|error| format!("the source cannot be read for --upload: {error}"))?
            .ok_or("--upload is for what is not released: name a directory or a zip archive")?;
        let commit = args.commit.as_ref().map(|commit| commit.to_lowercase());
        if let Some(wrong) = commit.as_ref().filter(|commit| !PreRelease::is_commit(commit)) {
            return Err(format!("--commit is `{wrong}`, which is no commit: write 7 to 64 hexadecimal digits"));
        }
        // A branch in another alphabet is no reason not to tell of its commit.
        let git_ref = args.git_ref.clone().filter(|text| PreRelease::is_ref(text));
        Ok(Some(Self { farm, token, identity, commit, git_ref, source_sha256 }))
    }

    /// Tells the farm, and says where it is to be seen, or that it could not be told.
    pub(super) async fn tell(&self, cells: &[Cell], (console, on_github): (Console, bool)) {
        match self.send(cells).await {
            Ok(page) => {
                console.line(&format!("The farm shows it as a pre-release: {page}"));
                if let Some(summary) = config::github().summary.filter(|_| on_github) {
                    // The summary is a courtesy; the line above says it too.
                    let _ = workflow::append(&summary, &format!("[Pre-release report]({page})\n\n"));
                }
            }
            Err(error) => {
                let why = plain(&format!("{error:#}"));
                console.line(&format!("warning: the farm was not told, which changes no verdict: {why}"));
                if on_github {
                    let (title, message) = ("PGXN Testers", format!("The farm was not told: {why}"));
                    println!(
                        "{}",
                        Annotation { word: "warning", title, file: None, line: None, column: None, message: &message }
                    );
                }
            }
        }
    }

    async fn send(&self, cells: &[Cell]) -> Result<Url> {
        let Some((dist, version)) = &self.identity else {
            bail!("META.json cannot be read, and so does not say what it is")
        };
        let results = results(cells);
        if results.is_empty() {
            bail!("there is no verdict to tell");
        }
        let (commit, git_ref) = (self.commit.clone(), self.git_ref.clone());
        let (dist, version, source_sha256) = (dist.clone(), version.clone(), self.source_sha256.clone());
        let sent = PreRelease { dist, version, commit, git_ref, source_sha256, results };
        let url = admin::address(&self.farm, &["pre-releases"])?;
        let response = http::client()?.post(url.clone()).bearer_auth(&self.token).json(&sent).send().await;
        let response = response.with_context(|| format!("call {url}"))?;
        let taken: PreReleaseTaken = http::answer(response, &url).await?;
        page(&self.farm, &sent.dist, taken.id)
    }
}

/// What is told: of ERROR nothing, as that says nothing of the distribution.
fn results(cells: &[Cell]) -> Vec<PreReleaseResult> {
    let told = cells.iter().filter(|cell| cell.grade() != Grade::Error);
    told.map(|cell| PreReleaseResult::of(cell.target, &cell.completed.report, cell.shown(LINES))).collect()
}

/// A token is worth as much as a password, and goes over no wire in the clear.
fn check_address(farm: &Url) -> Result<(), String> {
    match farm.scheme() {
        "https" => Ok(()),
        "http" if admit::is_own(farm) => Ok(()),
        "http" => Err(format!("--upload sends a secret, so that {farm} has to be https://")),
        _ => Err(format!("--upload takes the address of a farm, such as https://farm.example/; {farm} is none")),
    }
}

/// Where the farm shows it.
fn page(farm: &Url, dist: &Name, id: PreReleaseId) -> Result<Url> {
    let mut page = farm.clone();
    page.set_query(None);
    page.set_fragment(Some(&id.to_string()));
    match page.path_segments_mut() {
        Ok(mut segments) => segments.pop_if_empty().extend(["dist", &dist.key(), "pre-releases", ""]),
        Err(()) => bail!("{farm} is no address of a farm"),
    };
    Ok(page)
}

#[cfg(test)]
mod tests {
    use protocol::Timestamp;

    use super::super::tests::failing;
    use super::*;

    #[test]
    fn what_is_told_of_a_failure_is_its_verdict_with_the_lines_that_decided_whatever_is_in_them() {
        let hostile = format!("\u{1b}[2J{}", "é".repeat(3_000));
        let [result] = &results(&[failing(&hostile)])[..] else { panic!("one result") };
        let excerpt = result.excerpt.as_ref().unwrap();
        assert_eq!((excerpt.file.as_str(), excerpt.lines[0].starts_with("--- /sandbox")), ("regression.diffs", true));
        assert!(!excerpt.lines.iter().any(|line| line.contains('\u{1b}')));
        assert!(result.verdict.decisive.as_ref().is_none_or(|line| line.line == 3));
    }

    #[test]
    fn a_token_goes_to_https_or_to_this_machine() {
        let check = |text: &str| check_address(&text.parse().unwrap());
        for fine in ["https://farm.example/", "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost:8080"] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        assert!(check("http://farm.example/").unwrap_err().contains("has to be https://"));
        assert!(check("file:///srv/pgxn/").unwrap_err().contains("such as https://"));
    }

    #[test]
    fn a_page_is_where_the_farm_has_it() {
        let (id, dist) = (PreReleaseId::new(Timestamp::from_millis(1)), "A?b#é".parse().unwrap());
        let page = page(&"https://farm.example".parse().unwrap(), &dist, id).unwrap();
        assert_eq!(page.as_str(), format!("https://farm.example/dist/a%3Fb%23%C3%A9/pre-releases/#{id}"));
    }
}
