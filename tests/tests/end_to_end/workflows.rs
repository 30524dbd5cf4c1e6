//! What is said of workflows and actions, held against what they are. How they are written, `scripts/lint-workflows` checks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tests::workflow::{Action, repository};

/// Every YAML file below `.github`, with its text.
fn files() -> Result<Vec<(PathBuf, String)>> {
    let (mut found, mut open) = (Vec::new(), vec![repository().join(".github")]);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                let text = std::fs::read_to_string(&path)?;
                found.push((path, text));
            }
        }
    }
    Ok(found)
}

#[test]
fn every_action_that_is_used_is_pinned_by_one_digest_with_its_version_beside_it() -> Result<()> {
    let mut pins: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let path = repository().join("docs/action.md");
    let document = (path.clone(), std::fs::read_to_string(path)?);
    for (path, text) in files()?.into_iter().chain([document]) {
        for line in text.lines() {
            let Some(used) = line.trim_start().trim_start_matches("- ").strip_prefix("uses: ") else { continue };
            if used.starts_with("OWNER/") {
                continue;
            }
            if used.starts_with("./") {
                ensure!(repository().join(used).join("action.yml").exists(), "{}: {used}", path.display());
                continue;
            }
            let (name, pin) = used.split_once('@').with_context(|| format!("{}: {used}", path.display()))?;
            let (digest, version) = pin.split_once(" # v").with_context(|| format!("{}: {used}", path.display()))?;
            let is_digest = digest.len() == 40 && digest.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
            let is_version =
                version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok());
            ensure!(is_digest && is_version, "{}: {used}", path.display());
            let repository = name.split('/').take(2).collect::<Vec<_>>().join("/");
            pins.entry(repository).or_default().insert(pin.to_owned());
        }
    }
    ensure!(pins.len() >= 5, "{pins:?}");
    let several: Vec<_> = pins.iter().filter(|(_, pins)| pins.len() > 1).collect();
    ensure!(several.is_empty(), "{several:?}");
    Ok(())
}

#[test]
fn workflows_give_the_actions_of_this_repository_what_they_take() -> Result<()> {
    let mut used = 0;
    for (path, text) in
        files()?.into_iter().filter(|(path, _)| path.parent().is_some_and(|dir| dir.ends_with("workflows")))
    {
        let workflow: serde_json::Value = serde_saphyr::from_str(&text).with_context(|| path.display().to_string())?;
        let jobs = workflow["jobs"].as_object().context("a workflow has jobs")?;
        for step in jobs.values().filter_map(|job| job["steps"].as_array()).flatten() {
            let Some(local) = step["uses"].as_str().filter(|uses| uses.starts_with("./")) else { continue };
            let action = Action::read(&repository().join(local))?;
            for input in step["with"].as_object().into_iter().flat_map(|with| with.keys()) {
                ensure!(action.inputs.contains_key(input), "{}: {local} has no input `{input}`", path.display());
            }
            used += 1;
        }
    }
    ensure!(used >= 4, "only {used}");
    Ok(())
}

/// The rows that a document has to have about an action, in their order.
fn rows(action: &Action) -> Vec<String> {
    let inputs = action.inputs.iter().map(|(name, input)| {
        let default = if input.default.is_empty() { String::new() } else { format!("`{}`", input.default) };
        format!("| `{name}` | {default} | {} |", input.description)
    });
    let outputs = action.outputs.iter().map(|(name, output)| format!("| `{name}` | {} |", output.description));
    inputs.chain(outputs).collect()
}

#[test]
fn the_documents_tell_of_every_input_and_output_and_of_no_other() -> Result<()> {
    let text = std::fs::read_to_string(repository().join("docs/action.md"))?;
    let mut told: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    for name in ["test-extension", "bundle", "matrix"] {
        let action = Action::read(&repository().join(".github/actions").join(name))?;
        let expected = rows(&action);
        ensure!(told.len() >= expected.len(), "docs/action.md lacks rows of {name}:\n{}", expected.join("\n"));
        let rest = told.split_off(expected.len());
        ensure!(told == expected, "docs/action.md has to say of {name}:\n{}", expected.join("\n"));
        told = rest;
    }
    ensure!(told.is_empty(), "of no action: {told:?}");
    Ok(())
}

#[test]
fn a_release_is_made_only_of_a_tag_that_says_its_version_and_whose_key_is_there() -> Result<()> {
    let script = |arguments: &[&str], root: &Path| -> Result<(bool, String)> {
        let output = Command::new(root.join("scripts/release")).args(arguments).output()?;
        Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    let version = env!("CARGO_PKG_VERSION");
    let (fine, said) = script(&["check", "v99.0.0"], &repository())?;
    ensure!(!fine && said.contains(&format!("the version in Cargo.toml is {version}")), "{said}");
    let (fine, said) = script(&["publish"], &repository())?;
    ensure!(!fine && said.contains("release check TAG"), "{said}");
    let dir = tempfile::tempdir()?;
    for name in ["scripts", ".github/actions/install"] {
        std::fs::create_dir_all(dir.path().join(name))?;
    }
    for name in ["scripts/release", "Cargo.toml"] {
        std::fs::copy(repository().join(name), dir.path().join(name))?;
    }
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text);
    let tag = format!("v{version}");
    put("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- Something.\n")?;
    ensure!(script(&["check", &tag], dir.path())?.1.contains("CHANGELOG.md has no section"), "not yet told of");
    put("CHANGELOG.md", &format!("# Changelog\n\n## {version} (2026-12-01)\n\n- This.\n\n## 0.0.1\n\n- That.\n"))?;
    ensure!(
        script(&["check", &tag], dir.path())?.1.contains("there is no .github/actions/install/release-key.pem"),
        "key"
    );
    put(".github/actions/install/release-key.pem", "a key")?;
    ensure!(script(&["check", &tag], dir.path())?.0, "{:?}", script(&["check", &tag], dir.path())?);
    let notes = Command::new(dir.path().join("scripts/release")).args(["notes", &tag]).output()?;
    ensure!(String::from_utf8_lossy(&notes.stdout).trim() == "- This.", "{notes:?}");
    Ok(())
}
