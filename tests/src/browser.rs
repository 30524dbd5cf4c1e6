//! A real browser: Chromium without a window, driven by `chromedriver`.
//!
//! A client of a few HTTP calls instead of a crate: what the page tests need most, sizes, colour schemes and the console, is Chromium's own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::poll;

const PATIENCE: Duration = Duration::from_mins(1);
/// So often chromedriver is started before a test gives up.
const ATTEMPTS: u32 = 5;

/// What Chromium gets: nothing that speaks to anybody but the farm.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// A browser with one page; gone when it is dropped.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    client: reqwest::Client,
    profile: TempDir,
}

impl Browser {
    /// Starts a browser.
    pub async fn start(scripts: bool) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
        let (driver, port) = start_driver(profile.path()).await?;
        let mut browser = Self { driver, port, session: String::new(), client, profile };
        let data = format!("--user-data-dir={}", browser.profile.path().join("profile").display());
        let flags: Vec<&str> = FLAGS.into_iter().chain([data.as_str()]).collect();
        let setting = if scripts { 1 } else { 2 };
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": flags, "prefs": {"profile.managed_default_content_settings.javascript": setting}},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        browser.session = format!("http://127.0.0.1:{port}/session");
        let made = browser.call("", Some(wanted)).await?;
        let id = made["sessionId"].as_str().context("a session has an id")?;
        browser.session = format!("http://127.0.0.1:{port}/session/{id}");
        Ok(browser)
    }

    async fn call(&self, path: &str, body: Option<Value>) -> Result<Value> {
        let url = format!("{}{path}", self.session);
        let request = match body {
            Some(body) => self.client.post(&url).json(&body),
            None => self.client.get(&url),
        };
        let answer = request.send().await.with_context(|| format!("call {url}"))?;
        let good = answer.status().is_success();
        let value = answer.json::<Value>().await?["value"].clone();
        if !good {
            bail!("{path}: {}", value["message"].as_str().unwrap_or_default());
        }
        Ok(value)
    }

    /// Without the client, as who drops it cannot wait for a future.
    fn end_session(&self) -> std::io::Result<()> {
        let path = self.session.split_once(&self.port.to_string()).map_or("", |(_, path)| path);
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "DELETE {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        // It answers when the browser is gone, and keeps the connection.
        stream.read(&mut [0; 1024]).map(drop)
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        self.call("/goog/cdp/execute", Some(json!({"cmd": command, "params": parameters}))).await
    }

    /// Makes the page so large, and lets it prefer a colour scheme: `light` or `dark`.
    pub async fn looks(&self, (width, height): (u32, u32), scheme: &str) -> Result<()> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await?;
        // A bar beside the page would take room from it, and be in the way of pictures.
        self.devtools("Emulation.setScrollbarsHidden", json!({"hidden": true})).await?;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await.map(drop)
    }

    /// Opens a page and waits until all of it is there.
    pub async fn open(&self, url: &str) -> Result<()> {
        self.call("/url", Some(json!({ "url": url }))).await.map(drop)
    }

    /// The address of the page.
    pub async fn address(&self) -> Result<String> {
        Ok(self.call("/url", None).await?.as_str().unwrap_or_default().to_owned())
    }

    /// The page's title.
    pub async fn title(&self) -> Result<String> {
        Ok(self.call("/title", None).await?.as_str().unwrap_or_default().to_owned())
    }

    /// What an expression gives in the page.
    pub async fn asks(&self, expression: &str) -> Result<Value> {
        self.call("/execute/sync", Some(json!({"script": format!("return {expression}"), "args": []}))).await
    }

    /// The barriers that axe-core finds on the page, each with where it is: everything of WCAG 2.2 up to AA that a program can tell, and what
    /// is commonly held good beside it.
    pub async fn barriers(&self, axe: &str) -> Result<Vec<String>> {
        self.call("/execute/sync", Some(json!({"script": axe, "args": []}))).await.context("load axe-core")?;
        let script = "const done = arguments[0]; axe.run().then(result => done({found: result.violations.map(one => \
                      `${one.id} (${one.help}): ${one.nodes.map(node => node.html).join(' ')}`), \
                      passed: result.passes.length}), error => done({error: String(error)}))";
        let said = self.call("/execute/async", Some(json!({"script": script, "args": []}))).await?;
        ensure!(said["passed"].as_u64().is_some_and(|passed| passed > 10), "axe-core looked at nothing: {said}");
        let found = said["found"].as_array().into_iter().flatten();
        Ok(found.filter_map(|one| one.as_str().map(|one| one.chars().take(2_000).collect())).collect())
    }

    async fn element(&self, selector: &str) -> Result<String> {
        let found = self.call("/element", Some(json!({"using": "css selector", "value": selector}))).await?;
        let id = found.as_object().and_then(|found| found.values().next()?.as_str()).context("an element has an id")?;
        Ok(format!("/element/{id}"))
    }

    /// Clicks what a CSS selector finds first.
    pub async fn click(&self, selector: &str) -> Result<()> {
        let element = self.element(selector).await?;
        self.call(&format!("{element}/click"), Some(json!({}))).await.map(drop)
    }

    /// Types into what a CSS selector finds first.
    pub async fn types(&self, selector: &str, text: &str) -> Result<()> {
        let element = self.element(selector).await?;
        self.call(&format!("{element}/value"), Some(json!({ "text": text }))).await.map(drop)
    }

    /// Waits until a person sees this text in what a CSS selector finds first; another page may be on its way.
    pub async fn shows(&self, selector: &str, text: &str) -> Result<()> {
        poll::until(PATIENCE, &format!("`{text}` to be shown"), async || {
            let Ok(element) = self.element(selector).await else { return Ok(None) };
            let Ok(shown) = self.call(&format!("{element}/text"), None).await else { return Ok(None) };
            Ok(shown.as_str().is_some_and(|shown| shown.contains(text)).then_some(()))
        })
        .await
    }

    /// What the console has said since the last call: errors of scripts, styles, the network and the page itself.
    pub async fn console(&self) -> Result<Vec<String>> {
        let entries = self.call("/se/log", Some(json!({"type": "browser"}))).await?;
        let lines = entries.as_array().into_iter().flatten();
        Ok(lines.map(|entry| format!("{}: {}", entry["level"], entry["message"])).collect())
    }

    /// Writes a picture of the whole page.
    pub async fn picture(&self, file: &Path) -> Result<()> {
        let shot = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await?;
        let data = shot["data"].as_str().context("a picture has data")?;
        ensure!(!data.is_empty(), "the picture is empty");
        std::fs::create_dir_all(file.parent().context("a file has a directory")?)?;
        let bytes = BASE64_STANDARD.decode(data).context("read the picture")?;
        std::fs::write(file, bytes).with_context(|| format!("write {}", file.display()))
    }
}

/// Starts chromedriver, and says on which port it listens.
///
/// It takes a port of one family of addresses that the kernel gives it, and the same of the other; where that one is somebody's, it ends, and
/// another try gets another port.
async fn start_driver(dir: &Path) -> Result<(Child, u16)> {
    let output = dir.join("chromedriver.log");
    for _ in 0..ATTEMPTS {
        let file = std::fs::File::create(&output)?;
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("start chromedriver; `scripts/setup test` installs it with Chromium")?;
        let port = poll::until(PATIENCE, "chromedriver's port, or its end", async || {
            let said = std::fs::read_to_string(&output)?;
            let port = said
                .split("successfully on port ")
                .nth(1)
                .and_then(|rest| rest.split('.').next()?.trim().parse::<u16>().ok());
            Ok(port.map(Some).or(driver.try_wait()?.map(|_| None)))
        })
        .await;
        match port {
            Ok(Some(port)) => return Ok((driver, port)),
            Ok(None) => {}
            Err(_) => {
                driver.kill()?;
                driver.wait()?;
            }
        }
    }
    bail!("chromedriver started {ATTEMPTS} times in vain; it said at last: {}", std::fs::read_to_string(&output)?)
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromedriver takes its browser with it when the session ends, and not when it is asked to end itself.
        let _ = self.end_session();
        let _ = Command::new("kill").args(["-TERM", &self.driver.id().to_string()]).status();
        let _ = self.driver.wait();
    }
}
