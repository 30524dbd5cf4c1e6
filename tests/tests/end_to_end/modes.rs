//! `pgxn-testers test` beyond a test: the table, the shell, the search for a turn, without a network, and again at every change.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tests::farm::{PATIENCE, target};
use tests::fixtures::{self, Fixture};
use tests::process::{Process, binary, run, run_with};
use tests::registry::{Mood, Registry};
use tests::{containers, turn};

/// A copy of a fixture's distribution, to be changed.
fn copy(fate: &str, dir: &Path) -> Result<PathBuf> {
    let to = dir.join("dist");
    let status = Command::new("cp").arg("-r").arg(Fixture::named(fate)?.dir).arg(&to).status()?;
    ensure!(status.success(), "cp");
    Ok(to)
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).context("a path")
}

fn edit(file: &Path, change: impl FnOnce(String) -> String) -> Result<()> {
    Ok(std::fs::write(file, change(std::fs::read_to_string(file)?))?)
}

/// The containers of the tests that kept what they keep there.
async fn left(cache: &Path) -> Result<Vec<String>> {
    containers::of_runners(&containers::instances(&cache.join("pgxn-testers/test"))?).await
}

#[tokio::test]
async fn a_table_moves_at_a_terminal_and_nothing_does_at_one_that_cannot() -> Result<()> {
    let _turn = turn::take().await;
    let dir = text(&Fixture::named("fails-to-build")?.dir)?;
    let command = format!("{} test {dir} --pg 17,18 --jobs 2", binary().display());
    let at = |term: &str, no_color: &str| -> Result<String> {
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).env("TERM", term).env("NO_COLOR", no_color);
        Ok(String::from_utf8_lossy(&script.output().context("run script")?.stdout).into_owned())
    };
    let moving = at("xterm", "")?;
    for major in [17, 18] {
        let row = format!("{:<12}", target(major));
        ensure!(moving.contains(&format!("{row} dependencies")), "{moving}");
        ensure!(moving.contains(&format!("{row} \u{1b}[31mFAIL    \u{1b}[0m build compile-error")), "{moving}");
    }
    ensure!(moving.contains("  build          failed"), "what failed is explained in whole lines: {moving}");
    let plain = at("xterm", "1")?;
    ensure!(plain.contains("\u{1b}[") && !plain.contains("\u{1b}[3") && !plain.contains("\u{1b}[2m"), "{plain:?}");
    let dumb = at("dumb", "")?;
    ensure!(!dumb.contains('\u{1b}') && dumb.contains(&format!("{}    build", target(17))), "{dumb:?}");
    Ok(())
}

#[tokio::test]
async fn a_shell_where_it_failed_reads_a_pipe_and_leaves_no_container() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let input = dir.path().join("input");
    let lines =
        "pwd; id -u; cat build.log; psql -XAtc 'select 40 + 2'; ls /sys/class/net\n/sandbox/again; echo again=$?\n";
    std::fs::write(&input, lines)?;
    let output = Command::new(binary())
        .args(["test", &text(&Fixture::named("fails-to-build")?.dir)?, "--pg", "17", "--shell"])
        .env("XDG_CACHE_HOME", dir.path())
        .stdin(std::fs::File::open(&input)?)
        .output()?;
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.code() == Some(1), "{out}\n{said}");
    let lines: Vec<&str> = out.lines().collect();
    ensure!(lines.starts_with(&["/sandbox/src", "1000"]), "{out}");
    ensure!(lines.contains(&"42") && lines.contains(&"lo") && !out.contains("eth"), "{out}");
    ensure!(out.matches("fails_to_build.c:").count() >= 2, "the log, and the same again: {out}");
    ensure!(lines.last() == Some(&"again=2"), "{out}");
    for words in ["after the phase build, which failed", "What ran   make PG_CONFIG=", "/sandbox/again", "is removed."]
    {
        ensure!(said.contains(words), "{words}: {said}");
    }
    ensure!(left(dir.path()).await?.is_empty(), "its container is left");
    Ok(())
}

#[tokio::test]
async fn a_shell_after_a_phase_that_passed_ends_with_its_program() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let (input, log) = (dir.path().join("input"), dir.path().join("log"));
    ensure!(Command::new("mkfifo").arg(&input).status()?.success(), "mkfifo");
    std::fs::write(&log, "")?;
    let command = "exec \"$0\" test \"$1\" --pg 17 --shell=build <\"$2\" >\"$3\" 2>&1";
    let mut child = Command::new("sh")
        .args(["-c", command])
        .arg(binary())
        .args([Fixture::named("passes")?.dir, input.clone(), log.clone()])
        .env("XDG_CACHE_HOME", dir.path())
        .spawn()?;
    // The pipe stays open, so that the shell waits for more.
    let mut pipe = std::fs::File::options().write(true).open(&input)?;
    std::io::Write::write_all(&mut pipe, b"echo here=$((40 + 2)) $(ls src/*.o)\n")?;
    let printed = async || Ok(std::fs::read_to_string(&log)?.contains("here=42 src/passes.o").then_some(()));
    let printed = tests::poll::until(PATIENCE, "the shell to answer", printed).await;
    printed.with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
    ensure!(left(dir.path()).await?.len() == 1, "its container runs");
    ensure!(Command::new("kill").arg(child.id().to_string()).status()?.success(), "kill");
    let ended = tests::poll::until(PATIENCE, "the program to end", async || Ok(child.try_wait()?)).await?;
    let said = std::fs::read_to_string(&log)?;
    ensure!(ended.code() == Some(130), "{ended}: {said}");
    ensure!(said.contains("after the phase build, which passed") && !said.contains("install  "), "{said}");
    ensure!(left(dir.path()).await?.is_empty(), "its container is left");
    Ok(())
}

#[tokio::test]
async fn the_major_on_which_it_begins_to_fail_is_found() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let dist = copy("passes", dir.path())?;
    edit(&dist.join("src/passes.c"), |c| c + "#if PG_VERSION_NUM >= 180000\n#error \"not for 18\"\n#endif\n")?;
    let arguments = ["test", &text(&dist)?, "--bisect-pg", "--pg", "18,17", "--lanes", "none"];
    let (code, _, said) = run(&arguments)?;
    ensure!(code == 0 && said.contains("It works on PostgreSQL 17 and fails from 18 on."), "{code}: {said}");
    ensure!(said.contains("18   FAIL     build.log:") && said.contains("not for 18"), "{said}");
    ensure!(said.contains("17   PASS") && said.contains("Tested on 2 of 2 majors."), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_network_what_is_here_is_used_and_what_is_not_is_named() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let mut mirror = sample::Mirror::open(&dir.path().join("mirror"))?;
    fixtures::publish(&mut mirror, &["passes", "requires-another"])?;
    let registry = Registry::start(&dir.path().join("mirror"), Mood::Good, None).await?;
    let url = registry.url.clone();
    let cache = text(&dir.path().join("cache"))?;
    let test = |what: &str, more: &[&str]| {
        let arguments = ["test", what, "--pg", "17", "--lanes", "none", "--registry", &url];
        run_with(&[&arguments, more].concat(), &[("XDG_CACHE_HOME", &cache)])
    };
    let needy = text(&Fixture::named("requires-another")?.dir)?;
    let (code, _, said) = test(&needy, &["--offline"])?;
    ensure!(code == 4, "{code}: {said}");
    ensure!(said.contains(&format!("`{url}index.json` is not kept on this machine")), "{said}");
    ensure!(said.contains("the same test without --offline brings it here"), "{said}");
    for what in [needy.as_str(), "passes"] {
        let (code, _, said) = test(what, &[])?;
        ensure!(code == 0, "{what}: {code}: {said}");
    }
    drop(registry);
    for (what, expected) in [(needy.as_str(), 0), (&text(&Fixture::named("has-no-tests")?.dir)?, 0), ("passes", 0)] {
        let (code, _, said) = test(what, &["--offline"])?;
        ensure!(code == expected, "{what}: {code}: {said}");
    }
    let (code, _, said) = test("another-one", &["--offline"])?;
    ensure!(code == 4 && said.contains("is not kept on this machine"), "{code}: {said}");
    Ok(())
}

#[tokio::test]
async fn a_change_is_tested_in_the_same_sandbox_and_builds_nothing_else() -> Result<()> {
    let _turn = turn::take().await;
    let dir = tempfile::tempdir()?;
    let dist = copy("passes", dir.path())?;
    let (cache, kept) = (dir.path().join("cache"), dir.path().join("kept"));
    let arguments = ["test", &text(&dist)?, "--pg", "17", "--lanes", "none", "--watch", "--output", &text(&kept)?];
    let log = dir.path().join("log");
    let mut process = Process::start_with(&arguments, &[("XDG_CACHE_HOME", &text(&cache)?)], &log)?;
    let rounds = async |process: &Process, count: usize| {
        let all = async || Ok((process.output().matches("Waiting for a change").count() >= count).then_some(()));
        tests::poll::until(PATIENCE, "another round", all).await.with_context(|| process.output())
    };
    rounds(&process, 1).await?;
    let before = left(&cache).await?;
    ensure!(before.len() == 1 && process.output().contains("tests-passed"), "{}", process.output());
    let build = || std::fs::read_to_string(kept.join(target(17)).join("build.log"));
    ensure!(build()?.contains("passes.o"), "{}", build()?);

    edit(&dist.join("test/sql/basic.sql"), |sql| sql + "SELECT 'more';\n")?;
    rounds(&process, 2).await?;
    ensure!(process.output().contains("Changed: test/sql/basic.sql. Testing again."), "{}", process.output());
    ensure!(process.output().contains("tests-failed"), "{}", process.output());
    ensure!(build()?.contains("Nothing to be done"), "{}", build()?);

    edit(&dist.join("test/sql/basic.sql"), |sql| sql.replace("SELECT 'more';\n", ""))?;
    edit(&dist.join("src/passes.c"), |c| c.replace("42", "/* the answer */ 42"))?;
    rounds(&process, 3).await?;
    let both = async || {
        let is_well = process.output().matches("installcheck tests-passed").count() > 1;
        Ok((is_well && build()?.contains("passes.o")).then_some(()))
    };
    tests::poll::until(PATIENCE, "both changes to be tested", both).await.with_context(|| process.output())?;
    ensure!(left(&cache).await? == before, "it is the same container");

    process.interrupt()?;
    let ended = process.ended(PATIENCE).await?;
    ensure!(ended.code() == Some(130) && left(&cache).await?.is_empty(), "{ended}: {}", process.output());
    Ok(())
}

#[test]
fn what_makes_no_sense_is_refused_with_what_does() -> Result<()> {
    let dir = text(&Fixture::named("passes")?.dir)?;
    for (arguments, sentence) in [
        (&["--watch", "--report", "json"][..], "give it a file, such as `--report json=report.json`"),
        (&["--shell", "--pg", "17,18"], "--shell is for one PostgreSQL; name one, such as `--pg 17`"),
        (&["--shell=fetch"], "choose from configure, build, install, create, installcheck"),
        (&["--bisect-pg", "--pg", "17"], "--bisect-pg takes two majors at least"),
        (&["--watch", "--shell"], "cannot be used with"),
    ] {
        let (code, out, said) = run(&[&["test", &dir], arguments].concat())?;
        ensure!(code == 2 && out.is_empty() && said.contains(sentence), "{arguments:?}: {code}\n{said}");
    }
    Ok(())
}
