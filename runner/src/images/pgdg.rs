//! The PostgreSQL project's own repository of packages: does it answer, and does it have the major on this suite?

use std::io::{BufRead, BufReader};
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use reqwest::{Client, Url};

use crate::images::context::Input;
use crate::images::recipe::Recipe;
use crate::web;

/// A repository that takes longer is one that does not answer: other sources wait for their turn.
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_RELEASE: usize = 4 << 20;
const MAX_INDEX: usize = 16 << 20;
const MAX_KEY: usize = 64 << 10;

/// Where the repository is.
#[derive(Clone, Debug)]
pub struct Pgdg {
    /// The root of the repository, which holds `dists`.
    pub repository: Url,
    /// The key that signs it.
    pub key: Url,
}

impl Default for Pgdg {
    fn default() -> Self {
        let parse = |text| Url::parse(text).expect("a constant that a test parses");
        Self {
            repository: parse("https://apt.postgresql.org/pub/repos/apt"),
            key: parse("https://www.postgresql.org/media/keys/ACCC4CF8.asc"),
        }
    }
}

impl Pgdg {
    /// Whether the repository answers and knows the suite; if not, why, in words.
    pub(super) async fn answers(&self, client: &Client, suite: &str) -> Result<(), String> {
        let release = self.address(&format!("dists/{suite}-pgdg/InRelease"))?;
        web::get(client, &release, MAX_RELEASE, PATIENCE).await.map(drop)
    }

    /// What a build from the repository needs; an error where it lacks the packages, in words.
    pub(super) async fn input(&self, client: &Client, recipe: &Recipe) -> Result<Input, String> {
        let suite = format!("{}-pgdg", recipe.source.suite);
        let key = web::get(client, &self.key, MAX_KEY, PATIENCE).await?;
        self.has_server(client, recipe, &suite).await?;
        let url = self.repository.as_str().trim_end_matches('/').as_bytes().to_vec();
        Ok(Input { server: vec![("pgdg.asc", key), ("pgdg.url", url)], ..Input::default() })
    }

    /// Released majors are in the component `main`, others in a component of their own.
    async fn has_server(&self, client: &Client, recipe: &Recipe, suite: &str) -> Result<(), String> {
        let major = recipe.target.major;
        for component in ["main".to_owned(), major.to_string()] {
            let path = format!("dists/{suite}/{component}/binary-{}/Packages.gz", recipe.target.platform);
            // A component that is not there is no failure of the repository.
            let index = web::get(client, &self.address(&path)?, MAX_INDEX, 4 * PATIENCE).await.unwrap_or_default();
            if lists(&index, &format!("Package: postgresql-{major}")) {
                return Ok(());
            }
        }
        Err(format!("{} has no postgresql-{major} on {suite} for {}", self.repository, recipe.target.platform))
    }

    fn address(&self, path: &str) -> Result<Url, String> {
        let root = self.repository.as_str().trim_end_matches('/');
        Url::parse(&format!("{root}/{path}")).map_err(|error| format!("{root}/{path}: {error}"))
    }
}

/// Whether a compressed index has exactly this line.
fn lists(index: &[u8], line: &str) -> bool {
    // An index that unpacks to more than this is not one.
    let text = std::io::Read::take(MultiGzDecoder::new(index), 512 << 20);
    BufReader::new(text).split(b'\n').map_while(Result::ok).any(|found| found == line.as_bytes())
}

#[cfg(test)]
mod tests;
