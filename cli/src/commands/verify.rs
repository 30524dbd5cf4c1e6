//! `pgxn-testers verify`: holds a signed report against its key, and files against the report. It asks nobody.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use protocol::{Field, Fingerprint, PublicKey, Reason, SignedReport, Timestamp};
use sha2::{Digest, Sha256};

use crate::args::{Key, VerifyArgs};
use crate::console::{Colour, Console, out, plain};

/// A report has 8 MiB at most, and is longer as the text of a JSON file.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// How the file with a secret key begins.
const SECRET: &str = "pgxn-testers-secret-key:";

pub(crate) fn run(args: &VerifyArgs, console: Console) -> Result<ExitCode> {
    let path = args.report.display();
    let report: SignedReport = serde_json::from_slice(&read(&args.report)?)
        .with_context(|| format!("{path} is no signed report; the page of its run offers one as report.json"))?;
    let fields = report.statement.fields().with_context(|| format!("read {path}"))?;
    let wanted = args.key.as_ref().map(known).transpose()?;
    out(&summary(&fields))?;
    let mut checks = Checks { console, is_sound: true };
    let print = report.key.fingerprint();
    let verified = report.verify();
    checks.say(
        "signature",
        &verified
            .map(|()| format!("by the key {print} over {} fields", fields.len()))
            .map_err(|error| error.to_string()),
    )?;
    if let Some(wanted) = wanted {
        checks.say("key", &wanted.compare(&report.key))?;
    }
    for log in &args.log {
        checks.say("log", &compare(log, &files(&fields))?)?;
    }
    if checks.is_sound {
        out(&limits(wanted.is_some(), args.log.is_empty(), &files(&fields)))?;
        return Ok(ExitCode::SUCCESS);
    }
    console.line("The report does not verify: believe nothing of it.");
    Ok(ExitCode::FAILURE)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let about = || format!("read {}", path.display());
    let size = std::fs::metadata(path).with_context(about)?.len();
    if size > MOST_BYTES {
        bail!("{} has {size} bytes; no file of a run has more than {MOST_BYTES}", path.display());
    }
    std::fs::read(path).with_context(about)
}

struct Checks {
    console: Console,
    is_sound: bool,
}

impl Checks {
    fn say(&mut self, what: &str, outcome: &Result<String, String>) -> Result<()> {
        let (word, colour, said) = match outcome {
            Ok(said) => ("OK", Colour::Green, said),
            Err(said) => ("WRONG", Colour::Red, said),
        };
        self.is_sound &= outcome.is_ok();
        Ok(out(&format!("{} {what:<10} {said}", self.console.paint(colour, &format!("{word:<6}"))))?)
    }
}

/// What is known of the key from elsewhere.
#[derive(Clone, Copy)]
enum Wanted {
    Key(PublicKey),
    Fingerprint(Fingerprint),
}

impl Wanted {
    fn compare(self, key: &PublicKey) -> Result<String, String> {
        let (is_same, wanted) = match self {
            Self::Key(wanted) => (wanted == *key, wanted.fingerprint()),
            Self::Fingerprint(wanted) => (wanted == key.fingerprint(), wanted),
        };
        if is_same {
            return Ok(format!("it is {wanted}, as you gave it"));
        }
        Err(format!(
            "the report names the key {}, and you gave {wanted}: another runner signed it, or nobody did",
            key.fingerprint()
        ))
    }
}

fn known(key: &Key) -> Result<Wanted> {
    match key {
        Key::Public(key) => Ok(Wanted::Key(*key)),
        Key::Fingerprint(print) => Ok(Wanted::Fingerprint(*print)),
        Key::File(path) => {
            let text = String::from_utf8(read(path).context("--key is no key and no fingerprint, and so a file")?)
                .with_context(|| format!("read a key in {}", path.display()))?;
            if text.trim_start().starts_with(SECRET) {
                bail!("{} holds a secret key, which belongs to its runner alone; give the public one", path.display());
            }
            match Key::word(text.trim()) {
                Some(Key::File(_)) | None => bail!(
                    "{} should hold a public key, 64 hexadecimal digits, or a fingerprint, eight groups of four",
                    path.display()
                ),
                Some(key) => known(&key),
            }
        }
    }
}

fn value<'a>(fields: &[Field<'a>], name: &str) -> &'a str {
    fields.iter().find(|field| field.name == name).and_then(|field| field.value).unwrap_or("-")
}

/// What the report says, in two lines. Whatever is in it, it moves no cursor.
fn summary(fields: &[Field<'_>]) -> String {
    let of = |name: &str| plain(value(fields, name));
    let time = |name: &str| {
        value(fields, name).parse().map(Timestamp::from_millis).map_or_else(|_| "-".into(), |at| at.to_string())
    };
    let reason = value(fields, "verdict.reason").parse::<Reason>().ok();
    let grade = reason.map_or_else(|| "an unknown verdict".into(), |reason| reason.grade().to_string());
    let sentence = reason.map(|reason| reason.sentence_with(value(fields, "verdict.detail"))).unwrap_or_default();
    format!(
        "{} {} on {}: {grade} ({}) {}\nRun {}, from {} to {}",
        of("dist"),
        of("version"),
        of("target"),
        of("verdict.phase"),
        plain(&sentence),
        of("run"),
        time("started_at"),
        time("finished_at"),
    )
}

/// Names and digests of the files of the run.
fn files<'a>(fields: &[Field<'a>]) -> Vec<(&'a str, &'a str)> {
    let of = |name: &str| {
        fields.iter().filter(|field| field.name == name).filter_map(|field| field.value).collect::<Vec<_>>()
    };
    of("file").into_iter().zip(of("file.sha256")).collect()
}

/// Holds a file against the one of its name, or else of its digest.
fn compare(path: &Path, files: &[(&str, &str)]) -> Result<Result<String, String>> {
    let digest = hex::encode(Sha256::digest(read(path)?));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let shown = plain(&path.display().to_string());
    let named = files.iter().find(|(known, _)| *known == name);
    Ok(match (named, files.iter().find(|(_, known)| *known == digest)) {
        (Some((_, known)), _) if *known == digest => Ok(format!("{shown} is as the runner uploaded it")),
        (None, Some((known, _))) => Ok(format!("{shown} is {} as the runner uploaded it", plain(known))),
        (Some((_, known)), _) => Err(format!("{shown} has the SHA-256 {digest}, and the report says {}", plain(known))),
        (None, None) => {
            let all: Vec<String> = files.iter().map(|(file, _)| plain(file)).collect();
            Err(format!("{shown} is none of the files of the run, which are {}", all.join(", ")))
        }
    })
}

/// What was not looked at, and what no signature can tell.
fn limits(is_key_known: bool, no_log: bool, files: &[(&str, &str)]) -> String {
    let mut text = String::from(
        "Everything in the report is as it was signed: release and archive, image, phases, tests, digests of files, verdict, times.\n",
    );
    if !is_key_known {
        text.push_str(
            "The key was taken from the report itself, so that anybody may have signed it: compare it with the runner's own, and give --key.\n",
        );
    }
    if no_log && !files.is_empty() {
        text.push_str("No file of the run was looked at: give them with --log.\n");
    }
    text.push_str(
        "A signature does not prove that the runner is honest, nor that its machine was sound: who has the key can sign whatever they like. Nor does it \
         tell whether the farm still counts the result; its page does.",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_held_against_the_one_of_its_name_or_of_its_digest() {
        let dir = tempfile::tempdir().unwrap();
        let digest = hex::encode(Sha256::digest("log"));
        let (path, other) = (dir.path().join("build.log"), dir.path().join("downloaded"));
        std::fs::write(&path, "log").unwrap();
        std::fs::write(&other, "log").unwrap();
        let files = [("build.log", digest.as_str()), ("create.log", "00")];
        assert!(compare(&path, &files).unwrap().unwrap().ends_with("build.log is as the runner uploaded it"));
        assert!(
            compare(&other, &files).unwrap().unwrap().ends_with("downloaded is build.log as the runner uploaded it")
        );
        std::fs::write(&path, "lag").unwrap();
        assert!(compare(&path, &files).unwrap().unwrap_err().contains(&format!("and the report says {digest}")));
        std::fs::write(&other, "lag").unwrap();
        assert!(compare(&other, &files).unwrap().unwrap_err().ends_with("which are build.log, create.log"));
    }

    #[test]
    fn a_key_is_given_as_itself_by_its_fingerprint_or_in_a_file_that_is_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let digits = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let key: PublicKey = digits.parse().unwrap();
        let read = |text: &str| known(&text.parse().unwrap());
        assert!(read(digits).unwrap().compare(&key).is_ok());
        assert!(read(&key.fingerprint().to_string()).unwrap().compare(&key).is_ok());
        std::fs::write(&path, format!("{digits}\n")).unwrap();
        let file = path.display().to_string();
        assert!(read(&file).unwrap().compare(&key).is_ok());
        std::fs::write(&path, format!("{SECRET}{digits}\n")).unwrap();
        let said = read(&file).err().unwrap().to_string();
        assert!(said.contains("holds a secret key") && !said.contains(digits), "{said}");
        assert!(format!("{:#}", read("nowhere").err().unwrap()).contains("no key and no fingerprint"));
        let other = "0000-0000-0000-0000-0000-0000-0000-0000";
        assert!(read(other).unwrap().compare(&key).unwrap_err().contains(other));
    }
}
