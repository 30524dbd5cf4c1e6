//! A look around in the container when a phase has failed, and after the tests: what is left of memory and space, whether the server
//! lives, and the files that a report keeps. One command does it all, and a second one where a server process has crashed.

use std::collections::BTreeSet;

use protocol::{FileKind, Phase};

use crate::error::Result;
use crate::judge::{LogFile, Server, shown};
use crate::run::crash::{Crashes, Dump};
use crate::run::quote::quoted;
use crate::run::{Book, contact};
use crate::sandbox::{Collected, LogText, Sandbox};

/// Finds and prints. A server's log that is too long is cut by itself, so that it cannot crowd out the rest. Only the file systems in memory
/// that the run was given are asked for room: others are the machine's, such as the one of which Podman binds `/etc/hosts`.
///
/// Where the phase was too slow, its process group is killed first, and the server lives on.
pub(super) const SCRIPT: &str = r#"
cd / || exit 1
if [ "$SLOW" = yes ] && read -r group </run/pgxn-phase; then kill -9 "-$group"; fi 2>/dev/null
{
COUNT
    read -r before rest </run/pgxn-killed
    echo "pgxn-killed $killed $before"
    df --type=tmpfs --output=avail,target IN_MEMORY | sed 's/^/pgxn-room /'
    if [ -e /run/pgxn-server ]; then
        read -r pg_config </pgxn/pg_config
        timeout 10 "${pg_config%/*}/pg_isready" -q -t 3
        echo "pgxn-server $?"
        COMPARE
    elif [ -e /run/pgxn-failed ]; then
        echo pgxn-server failed
    fi
    stat -c 'pgxn-time %n %.3Y' /dev/mqueue /run/pgxn-tree /run/pgxn-server
} >&2 2>/dev/null
log=data/server.log
if [ "$(stat -c %s $log 2>/dev/null || echo 0)" -gt 5000000 ]; then
    { head -c 2000000 $log; echo; echo 'pgxn-testers: the middle of this log is left out here'; tail -c 2000000 $log; } >data/cut && log=data/cut
fi
{
    for file in pgxn/packages.txt run/pgxn-failed data/first-server.log $log; do [ -f $file ] && printf '%s\0' $file; done
    if [ -d data/crashes ]; then
        find data/crashes -maxdepth 1 -type f -name '[1-9]*' -size -200k -print0 2>/dev/null | head -z -n 20
        find data/crashes -maxdepth 1 -type f ! -newer run/pgxn-phase -printf 'pgxn-earlier %f\n' 2>/dev/null | head -n 100 >&3
    fi
    find sandbox/src -xdev -type f -size -16384k \( NAMES \) -print0 2>/dev/null | head -z -n 60
} 3>&2 | tar -c -f - --null --verbatim-files-from -T - 2>/dev/null
"#;

/// Counts the processes that the kernel has killed for memory so far, by either version of control groups, and starts none itself.
const COUNT: &str = r#"    killed=0
    for file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
        while read -r word count; do [ "$word" != oom_kill ] || killed=$((killed + count)); done <$file
    done"#;

/// A piece of shell that writes down how many were killed before what follows: the count goes on over all of a container's life, and what
/// was killed earlier is no reason of what fails now.
pub(crate) fn note() -> String {
    format!("{{\n{COUNT}\n    echo \"$killed\" >/run/pgxn-killed\n}} 2>/dev/null\n")
}

/// The most that the engine itself says of a container that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    out_of_memory: bool,
}

/// One file that came out of the container.
#[derive(Debug)]
pub(crate) struct Found {
    name: String,
    kind: FileKind,
    text: LogText,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) out_of_memory: bool,
    pub(crate) out_of_space: bool,
    pub(crate) server: Server,
    /// What the server processes are known of that crashed so far.
    pub(crate) crashes: Crashes,
    files: Vec<Found>,
    /// The programs of the server's own that are others now.
    pub(crate) replaced: Vec<String>,
    /// How long the container took from its start until its server answered, where it does.
    pub(crate) server_ms: Option<u64>,
    cut: bool,
}

/// The files under the names that the report has for them, and where they are in [`Look::files`].
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) server_log: Option<(String, usize)>,
    pub(crate) diffs: Vec<(String, usize)>,
}

impl Kept {
    fn add(&mut self, kind: FileKind, name: String, at: usize) {
        match kind {
            FileKind::ServerLog => self.server_log = Some((name, at)),
            FileKind::Diffs => self.diffs.push((name, at)),
            FileKind::Log | FileKind::Summary | FileKind::Packages | FileKind::Backtrace => {}
        }
    }
}

impl Look {
    /// What is left to see of a container that has ended.
    pub(crate) fn at_nothing(gone: Gone) -> Self {
        let server = if gone.out_of_memory { Server::Running } else { Server::Gone };
        Self { out_of_memory: gone.out_of_memory, server, ..Self::default() }
    }

    /// A file as the judge reads it.
    pub(crate) fn file<'a>(&'a self, (name, at): &'a (String, usize)) -> LogFile<'a> {
        LogFile { name, bytes: &self.files[*at].text.bytes }
    }

    /// Puts the files into the report.
    pub(crate) fn keep(&self, book: &mut Book<'_>) -> Kept {
        let mut kept = Kept::default();
        if let Some(millis) = self.server_ms {
            book.overhead.server_ms = millis;
        }
        for (at, file) in self.files.iter().enumerate() {
            let Some(name) = book.keep(&file.name, file.kind, &file.text) else { break };
            kept.add(file.kind, name, at);
        }
        kept
    }

    /// The files under their own names, for a first look.
    pub(crate) fn unkept(&self) -> Kept {
        let mut kept = Kept::default();
        for (at, file) in self.files.iter().enumerate() {
            kept.add(file.kind, file.name.clone(), at);
        }
        kept
    }

    /// The diffs and summaries under names that say that they are of a first attempt.
    pub(crate) fn of_first_attempt(mut self) -> Self {
        self.files.retain(|file| matches!(file.kind, FileKind::Diffs | FileKind::Summary));
        for file in &mut self.files {
            file.name = format!("first-{}", file.name);
        }
        self
    }

    /// Whether something was left out.
    pub(crate) const fn is_cut(&self) -> bool {
        self.cut
    }
}

/// Looks around; `slow` says that the phase was ended by a limit and may still run.
pub(crate) async fn run(sandbox: &Sandbox, phase: Phase, slow: bool) -> Result<Look> {
    let script = script(phase, slow, &sandbox.in_memory);
    let mut collected = sandbox.copy_out(&script).await?;
    let (dumps, earlier) = dumps(&mut collected);
    let mut look = read(collected);
    look.crashes = {
        let log = look.files.iter().find(|file| file.kind == FileKind::ServerLog);
        let log = log.map(|file| LogFile { name: &file.name, bytes: &file.text.bytes });
        Crashes::find(sandbox, log, dumps, &earlier).await
    };
    Ok(look)
}

/// What looks around after a phase, in a container with these file systems in memory.
fn script(phase: Phase, slow: bool, in_memory: &[String]) -> String {
    let names: &[&str] = match phase {
        Phase::Configure => &["config.log"],
        Phase::Installcheck => &["regression.diffs", "regression.out", "regress_log_*"],
        _ => &[],
    };
    let names: Vec<String> = names.iter().map(|name| format!("-name '{name}'")).collect();
    let names = if names.is_empty() { "-false".to_owned() } else { names.join(" -o ") };
    let in_memory: Vec<String> = in_memory.iter().map(|path| quoted(path)).collect();
    let filled = SCRIPT
        .replace("NAMES", &names)
        .replace("IN_MEMORY", &in_memory.join(" "))
        .replace("COUNT", COUNT)
        .replace("COMPARE", if phase == Phase::Installcheck { contact::COMPARE } else { "" });
    format!("{}\n{filled}", if slow { "SLOW=yes" } else { "SLOW=no" })
}

/// Takes what crashing processes wrote down out of the files, and which of it is older than the phase.
fn dumps(collected: &mut Collected) -> (Vec<Dump>, BTreeSet<u32>) {
    let mut dumps = Vec::new();
    collected.files.retain(|(path, text)| {
        let Some(name) = path.strip_prefix("data/crashes/") else { return true };
        dumps.extend(name.parse().ok().map(|pid| Dump::read(pid, &text.bytes)));
        false
    });
    let earlier = collected.said.lines().filter_map(|line| line.strip_prefix("pgxn-earlier ")?.parse().ok()).collect();
    (dumps, earlier)
}

/// What the engine says of a container that has ended; none while it runs, or where the engine does not answer.
pub(crate) async fn gone(sandbox: &Sandbox) -> Option<Gone> {
    let state = sandbox.state().await.ok()?;
    let state = state.unwrap_or_default();
    (!state.running).then_some(Gone { out_of_memory: state.out_of_memory })
}

fn read(collected: Collected) -> Look {
    let mut look = Look { cut: collected.cut, ..Look::default() };
    let (mut born, mut answered) = (None, None);
    for line in collected.said.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["pgxn-killed", killed] => look.out_of_memory |= number(killed) > 0,
            ["pgxn-killed", killed, before] => look.out_of_memory |= number(killed) > number(before),
            ["pgxn-room", "0", _] => look.out_of_space = true,
            ["pgxn-replaced", program] => look.replaced.push(shown(program, 100)),
            ["pgxn-server", "failed"] => look.server = Server::NotStarted,
            ["pgxn-server", "2"] => look.server = Server::Gone,
            ["pgxn-time", "/dev/mqueue", at] => born = at.parse::<f64>().ok(),
            ["pgxn-time", "/run/pgxn-server", at] => answered = at.parse::<f64>().ok(),
            _ => {}
        }
    }
    let took =
        born.zip(answered).and_then(|(born, answered)| std::time::Duration::try_from_secs_f64(answered - born).ok());
    look.server_ms = took.map(super::book::millis);
    look.files = collected.files.into_iter().filter_map(|(path, text)| found(&path, text)).collect();
    look
}

/// A count; what anything in the container wrote in its place counts for nothing.
fn number(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}

/// What a file is, by its path.
fn found(path: &str, text: LogText) -> Option<Found> {
    let base = path.rsplit('/').next().unwrap_or(path);
    let (name, kind) = match base {
        "server.log" | "cut" => ("server.log", FileKind::ServerLog),
        "packages.txt" => ("packages.txt", FileKind::Packages),
        // What it logged before it was made anew is nothing that the last attempt is judged by.
        "first-server.log" => (base, FileKind::Log),
        "pgxn-failed" => ("server-start.log", FileKind::Log),
        "regression.diffs" => (below_source(path), FileKind::Diffs),
        "regression.out" => (below_source(path), FileKind::Summary),
        "config.log" => (below_source(path), FileKind::Log),
        _ if base.starts_with("regress_log_") => (below_source(path), FileKind::Log),
        _ => return None,
    };
    Some(Found { name: name.to_owned(), kind, text })
}

fn below_source(path: &str) -> &str {
    path.strip_prefix("sandbox/src/").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(said: &str, files: &[&str]) -> Look {
        let files = files.iter().map(|path| ((*path).to_owned(), LogText::default())).collect();
        read(Collected { files, said: said.to_owned(), cut: false })
    }

    #[test]
    fn memory_and_space_and_the_server_are_read() {
        let look = look(
            "pgxn-killed 3 1\npgxn-room Avail Mounted on\npgxn-room 0 /sandbox\npgxn-server 2\n\
             pgxn-time /dev/mqueue 10.5\npgxn-time /run/pgxn-server 10.75\n",
            &[],
        );
        assert!(look.out_of_memory && look.out_of_space);
        assert_eq!((look.server, look.server_ms), (Server::Gone, Some(250)));
    }

    #[test]
    fn what_was_killed_before_the_phase_is_no_reason_of_its_failure() {
        let is_out = |said: &str| look(said, &[]).out_of_memory;
        assert!(!is_out("pgxn-killed 2 2\n") && !is_out("pgxn-killed 0\n"));
        assert!(is_out("pgxn-killed 2 1\n") && is_out("pgxn-killed 1\n"));
        assert!(is_out("pgxn-killed 1 -$x\n") && !is_out("pgxn-killed 0 9\n"), "somebody else wrote the file");
    }

    #[test]
    fn a_healthy_container_shows_nothing() {
        let look = look("pgxn-killed 0 0\npgxn-room 123 /sandbox\npgxn-server 0\n", &[]);
        assert!(!look.out_of_memory && !look.out_of_space);
        assert_eq!(look.server, Server::Running);
    }

    #[test]
    fn only_the_file_systems_that_a_run_was_given_are_asked_for_room() {
        let script = script(Phase::Build, false, &["/sandbox".to_owned(), "/it's".to_owned()]);
        assert!(script.contains(r"df --type=tmpfs --output=avail,target '/sandbox' '/it'\''s' |"), "{script}");
    }

    #[test]
    fn files_are_known_by_their_names_and_others_are_left() {
        let look = look(
            "",
            &["data/server.log", "sandbox/src/output_iso/regression.diffs", "sandbox/src/regression.out", "etc/passwd"],
        );
        let names: Vec<_> = look.files.iter().map(|file| (file.name.as_str(), file.kind)).collect();
        assert_eq!(
            names,
            [
                ("server.log", FileKind::ServerLog),
                ("output_iso/regression.diffs", FileKind::Diffs),
                ("regression.out", FileKind::Summary)
            ]
        );
    }
}
