//! `pgxn-testers bundle`: the archive of a release as the registry wants it, and what the registry would say to it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use pgxn::acceptance::{self, Checked, Finding, Severity};
use pgxn::archive::Limits;
use sample::Tree;

use crate::args::{BundleArgs, Format};
use crate::commands::test::around;
use crate::console::{Colour, Console};

mod git;
mod show;

/// An archive, and what there is to say of it.
struct Bundle {
    /// Where it is; none where it could not be made.
    archive: Option<PathBuf>,
    /// The directory that it was made from; none where it was there.
    source: Option<PathBuf>,
    checked: Checked,
}

pub(crate) fn run(args: &BundleArgs, console: Console) -> Result<ExitCode> {
    let bundle = match &args.check {
        Some(zip) if !zip.is_file() => return Ok(refuse(console, &format!("`{}` is no file", zip.display()))),
        Some(zip) => {
            let checked = acceptance::archive(zip, &Limits::default())?;
            Bundle { archive: Some(zip.clone()), source: None, checked }
        }
        None => {
            let start = args.path.as_deref().unwrap_or(Path::new("."));
            let Some(dir) = around::find(start) else { return Ok(refuse(console, &around::missing(start))) };
            match collect(&dir)? {
                Ok((tree, findings)) => make(&dir, &tree, findings, &args.output)?,
                Err(why) => return Ok(refuse(console, &why)),
            }
        }
    };
    match args.format {
        Format::Text => show::text(&bundle, console)?,
        Format::Json => show::json(&bundle)?,
        Format::Github => show::github(&bundle)?,
    }
    Ok(if bundle.checked.is_rejected() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn refuse(console: Console, why: &str) -> ExitCode {
    console.line(&format!("{} {why}", console.paint(Colour::Red, "error:")));
    ExitCode::from(2)
}

/// The files of a release, and what is to be said of where they are from; or why there are none.
fn collect(dir: &Path) -> Result<Result<(Tree, Vec<Finding>), String>> {
    let Some(checkout) = git::Checkout::of(dir)? else {
        let what = "the directory is no git repository with a commit, so that every file in it is in the archive";
        let mend = "look at what is in the archive, or commit it to a repository first";
        let finding = Finding::trap("no-git", what, mend);
        return Ok(Ok((Tree::of_directory(dir)?, vec![finding])));
    };
    let findings = checkout.differences()?;
    let tree = match checkout.tree()? {
        Ok(tree) => tree,
        Err(why) => return Ok(Err(why)),
    };
    if tree.file(around::META).is_none() {
        return Ok(Err(format!(
            "{} is there, but no commit of `{}` has it as a file; add it and commit",
            around::META,
            dir.display()
        )));
    }
    Ok(Ok((tree, findings)))
}

/// Writes the archive, unless its META.json does not say what to call it.
fn make(dir: &Path, tree: &Tree, mut findings: Vec<Finding>, output: &Path) -> Result<Bundle> {
    let source = Some(dir.to_owned());
    let text = tree.file(around::META).context("the tree has a META.json")?;
    let (identity, of_meta) = acceptance::meta(text);
    let Some(identity) = identity else {
        findings.splice(0..0, of_meta);
        let (files, bytes, sha1) = (tree.names().count(), 0, String::new());
        return Ok(Bundle { archive: None, source, checked: Checked { identity, findings, files, bytes, sha1 } });
    };
    let directory = identity.directory();
    let zip = tree.zip(&directory.to_lowercase())?;
    std::fs::create_dir_all(output).with_context(|| format!("make {}", output.display()))?;
    let path = output.join(format!("{directory}.zip"));
    // Under its name there is a whole archive or none.
    let mut partial =
        tempfile::NamedTempFile::new_in(output).with_context(|| format!("write to {}", output.display()))?;
    std::io::Write::write_all(&mut partial, &zip).with_context(|| format!("write {}", path.display()))?;
    let mut checked = acceptance::archive(partial.path(), &Limits::default())?;
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    partial.as_file().set_permissions(permissions).with_context(|| format!("write {}", path.display()))?;
    partial.persist(&path).with_context(|| format!("write {}", path.display()))?;
    checked.findings.extend(findings);
    checked.findings.sort_by_key(|finding| (finding.severity, finding.line));
    Ok(Bundle { archive: Some(path), source, checked })
}

/// The word of a severity, in its colour.
fn painted(console: Console, severity: Severity) -> String {
    let colour = if severity == Severity::Rejected { Colour::Red } else { Colour::Yellow };
    console.paint(colour, &format!("{:<8}", severity.as_str()))
}
