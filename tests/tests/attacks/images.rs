//! What lies in an image, where everything that runs can read it.

use anyhow::{Context, Result, ensure};
use tests::engine;
use tests::table::{self, row};
use tests::turn;
use tests::watched::{Ground, SECRET};

#[tokio::test]
async fn an_image_holds_nothing_of_the_machine_that_built_it() -> Result<()> {
    let _turn = turn::take().await;
    let ground = Ground::new()?;
    let outcome = ground.attack("looks-around", &[]).await?;
    ensure!(outcome.verdict() == "installcheck tests-passed", "{}", outcome.said);
    let log = String::from_utf8_lossy(&outcome.file("build.log")?).into_owned();
    let told = |word: &str| log.lines().filter_map(|line| line.strip_prefix(word)).map(str::trim).collect::<Vec<_>>();

    ensure!(told("writable ").is_empty(), "everybody may write {:?}", told("writable "));
    ensure!(told("resolver ") == ["nameserver 127.0.0.1"], "{:?}", told("resolver "));
    ensure!(told("socket ").is_empty(), "{:?}", told("socket "));
    ensure!(told("proxy ").iter().all(|line| !line.contains('@')), "{:?}", told("proxy "));
    ensure!(told("setuid ").is_empty(), "with setuid or setgid bits: {:?}", told("setuid "));
    let environment = [told("environment "), told("process ")].concat();
    let strange = environment.iter().filter(|entry| {
        let name = entry.split('=').next().unwrap_or_default().to_lowercase();
        ["proxy", "ssl", "cert", "token", "secret", "cargo", "docker", "aws"].iter().any(|word| name.contains(word))
    });
    ensure!(strange.count() == 0 && !log.contains(SECRET.1), "{environment:?}");

    let image = outcome.report["image"]["digest"].as_str().context("a report names its image")?;
    let history = engine::get(&format!("/images/{image}/history")).await?;
    let facts = engine::get(&format!("/images/{image}/json")).await?;
    for word in ["_proxy", "_PROXY", "SSL_CERT", "CA_BUNDLE", "PASSWORD", "TOKEN", "SECRET"] {
        ensure!(!history.contains(word) && !facts.contains(word), "the image's history or settings have {word}");
    }
    let rows = [
        ["files with setuid or setgid bits", "none", "none", "the log of a run that looks for them"],
        [
            "files and directories that everybody may write",
            "none but those with the sticky bit",
            "none",
            "the log of a run that looks for them",
        ],
        [
            "the machine's proxies, certificates and tokens in environment, history and settings",
            "none",
            "none",
            "the engine's own account of the image, and the environment of every process inside",
        ],
        ["passwords in apt's settings", "none", "none", "the log of a run that looks for them"],
        [
            "the machine's resolver",
            "it is not there",
            "it is not there",
            "/etc/resolv.conf inside names 127.0.0.1, where nobody listens",
        ],
        ["sockets", "none", "none", "the log of a run that looks for them"],
    ];
    let rows = rows.map(|[what, must, happened, seen]| row([what, "every", "sh", must, happened, seen]));
    table::compare("What lies in an image", &rows)
}
