//! One command in the sandbox, watched: its output is kept within bounds, its time and its silence are limited.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use crate::error::Result;
use crate::judge::Limit;
use crate::sandbox::Log;
use crate::sandbox::docker::{Chunk, Engine, Exec, ExecSpec, SYSTEM_PATH};

/// What a command's wrapper says of it on standard error, at most this much.
const MAX_SIDE_BYTES: usize = 512 * 1024;

/// How long output may still come after the command itself has ended, from what it left running in the background.
const AFTERMATH: Duration = Duration::from_millis(300);

/// The line with which the wrapper ends.
const END: &str = "pgxn-end";

/// Leaves the process group behind, so that what is too slow can be killed without the server, and waits for the server's tree.
const PROLOGUE: &str = "echo $$ >/run/pgxn-phase
until [ -e /run/pgxn-tree ] || [ -e /run/pgxn-failed ]; do sleep 0.005; done
";

/// The command itself, between two readings of a clock that costs no process: hundredths of a second. Where no process can be started
/// any more, or somebody kills that script, its own trailer does not come, and the code says so.
const TIMED: &str = "read -r begin rest </proc/uptime
PATH=$path /pgxn/bin/phase \"$@\"
echo \"pgxn-phase exit=$?\" >&2
read -r end rest </proc/uptime
echo \"pgxn-clock $begin $end\" >&2
";

/// A piece of shell for [`Command::before`]: waits until the server answers or has failed to start.
pub(crate) const WAIT_FOR_SERVER: &str =
    "until [ -e /run/pgxn-server ] || [ -e /run/pgxn-failed ]; do sleep 0.005; done";

/// A command to run in a phase.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// The directory it runs in.
    pub(crate) dir: String,
    /// The program and its arguments.
    pub(crate) args: Vec<String>,
    /// A piece of shell that runs before it, with no programs but the system's; what it prints on standard error comes back as [`Ended::side`].
    pub(crate) before: String,
    /// The same after it, whether it failed or not.
    pub(crate) after: String,
}

impl Command {
    /// A piece of shell in a directory.
    pub(crate) fn shell(dir: &str, script: &str) -> Self {
        let args = ["sh", "-c", script].map(str::to_owned).to_vec();
        Self { dir: dir.to_owned(), args, before: String::new(), after: String::new() }
    }

    /// The command with its wrapper.
    fn wrapped(&self) -> Vec<String> {
        let script = format!(
            "path=$PATH PATH={SYSTEM_PATH}\n{PROLOGUE}{}\n{TIMED}\n{}\necho {END} >&2\n",
            self.before, self.after
        );
        let mut words = vec!["/bin/sh".to_owned(), "-c".into(), script, "phase".into(), self.dir.clone()];
        words.extend(self.args.iter().cloned());
        words
    }
}

/// How a command ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ended {
    /// Its exit code, where it ended by itself.
    pub(crate) exit: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// The limit that ended it.
    pub(crate) limit: Option<Limit>,
    /// Wall time, what the engine adds included.
    pub(crate) wall: Duration,
    /// Its own wall time, where the wrapper could measure it.
    pub(crate) own_wall: Option<Duration>,
    /// Processor time.
    pub(crate) cpu: Option<Duration>,
    /// The container's highest memory use so far.
    pub(crate) peak_bytes: Option<u64>,
    /// What the wrapper's own shell said on standard error.
    pub(crate) side: String,
}

/// The limits on one command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) wall: Duration,
    pub(crate) silence: Duration,
}

/// Where what a command prints goes, as it comes.
pub(crate) struct Sink<'a> {
    pub(crate) log: &'a mut Log,
    pub(crate) heard: &'a mut (dyn FnMut(&[u8]) + Send),
}

/// Runs a command and watches it.
pub(crate) async fn watch(
    engine: &Engine,
    container: &str,
    (command, env): (&Command, &[String]),
    patience: Patience,
    sink: Sink<'_>,
) -> Result<Ended> {
    let started = Instant::now();
    let spec = ExecSpec { command: command.wrapped(), env, with_input: false, bare: false };
    let mut exec = engine.exec(container, spec).await?;
    let mut side = Vec::new();
    let limit = listen(&mut exec, (started, patience), &mut side, |bytes| {
        sink.log.push(bytes);
        (sink.heard)(bytes);
    })
    .await?;
    let wall = started.elapsed();
    let mut ended = Ended { limit, wall, ..read_side(&String::from_utf8_lossy(&side)) };
    if ended.limit.is_none() && ended.exit.is_none() && ended.signal.is_none() {
        (ended.exit, ended.signal) = split_exit(engine.exec_exit(&exec.id).await);
    }
    if ended.limit.is_some() {
        (ended.exit, ended.signal) = (None, None);
    }
    Ok(ended)
}

/// Reads until the command has ended or a limit is reached.
async fn listen(
    exec: &mut Exec,
    (started, patience): (Instant, Patience),
    side: &mut Vec<u8>,
    mut heard: impl FnMut(&[u8]),
) -> Result<Option<Limit>> {
    let deadline = started + patience.wall;
    let mut last = started;
    let mut over = None;
    loop {
        let until = over.unwrap_or_else(|| deadline.min(last + patience.silence));
        match timeout_at(until, exec.output.next()).await {
            Ok(Some(chunk)) => match chunk? {
                Chunk::Out(bytes) => {
                    last = Instant::now();
                    heard(&bytes);
                }
                Chunk::Err(bytes) => {
                    let room = MAX_SIDE_BYTES.saturating_sub(side.len()).min(bytes.len());
                    side.extend_from_slice(&bytes[..room]);
                    if has_ended(side) {
                        over = over.or(Some(Instant::now() + AFTERMATH));
                    }
                }
            },
            Ok(None) => return Ok(None),
            Err(_) if over.is_some() => return Ok(None),
            Err(_) if Instant::now() >= deadline => return Ok(Some(Limit::Time)),
            Err(_) => return Ok(Some(Limit::Silence)),
        }
        // A command that never stops printing never lets the timeout above fire.
        if over.is_none() && Instant::now() >= deadline {
            return Ok(Some(Limit::Time));
        }
    }
}

fn has_ended(side: &[u8]) -> bool {
    side.strip_suffix(b"\n").is_some_and(|side| side.ends_with(END.as_bytes()))
}

/// Takes the trailer that `/pgxn/bin/phase` prints out of what came on standard error.
///
/// Whatever runs inside may print such a line there, too, by the wrapper's open files. Where there are several, the worst one counts.
fn read_side(text: &str) -> Ended {
    let mut ended = Ended::default();
    let mut seen = false;
    for line in text.lines() {
        match line.strip_prefix("pgxn-phase ") {
            Some(trailer) => {
                if !seen || ended.exit == Some(0) {
                    read_trailer(trailer, &mut ended);
                }
                seen = true;
            }
            None if line.starts_with("pgxn-clock ") => ended.own_wall = read_clock(line),
            _ if line == END => {}
            _ => {
                ended.side.push_str(line);
                ended.side.push('\n');
            }
        }
    }
    ended
}

/// The time between the two readings of `/proc/uptime`.
fn read_clock(line: &str) -> Option<Duration> {
    let seconds: Vec<f64> = line.split(' ').skip(1).filter_map(|word| word.parse().ok()).collect();
    let [begin, end] = seconds[..] else { return None };
    Duration::try_from_secs_f64(end - begin).ok()
}

fn read_trailer(trailer: &str, ended: &mut Ended) {
    for (key, value) in trailer.split_whitespace().filter_map(|word| word.split_once('=')) {
        let number: Option<u64> = value.parse().ok();
        match key {
            "exit" => (ended.exit, ended.signal) = split_exit(value.parse().ok()),
            "cpu_usec" => ended.cpu = number.map(Duration::from_micros),
            "peak_bytes" => ended.peak_bytes = number.filter(|bytes| *bytes > 0),
            _ => {}
        }
    }
}

/// A shell says 128 and the number of the signal for what a signal ended.
fn split_exit(code: Option<i32>) -> (Option<i32>, Option<i32>) {
    match code {
        Some(code) if (129..=192).contains(&code) => (None, Some(code - 128)),
        code => (code, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trailer_is_told_from_what_else_the_wrapper_says() {
        let ended = read_side(
            "before\npgxn-phase exit=2 cpu_usec=1500000 peak_bytes=4096 new_word=1\npgxn-clock 10.25 12.75\nafter\npgxn-end\n",
        );
        assert_eq!(ended.exit, Some(2));
        assert_eq!((ended.cpu, ended.peak_bytes), (Some(Duration::from_millis(1500)), Some(4096)));
        assert_eq!(ended.own_wall, Some(Duration::from_millis(2500)));
        assert_eq!(ended.side, "before\nafter\n");
    }

    #[test]
    fn a_trailer_that_is_not_the_only_one_makes_nothing_better() {
        let forged = "pgxn-phase exit=0 cpu_usec=1 peak_bytes=1\n";
        for said in [format!("{forged}pgxn-phase exit=2\n"), format!("pgxn-phase exit=2\n{forged}")] {
            assert_eq!(read_side(&said).exit, Some(2), "{said}");
        }
    }

    #[test]
    fn a_signal_is_told_from_an_exit_code() {
        assert_eq!(read_side("pgxn-phase exit=137\n").signal, Some(9));
        assert_eq!(read_side("pgxn-phase exit=127\n").exit, Some(127));
        assert_eq!(read_side("pgxn-phase exit=255\n").exit, Some(255));
    }

    #[test]
    fn the_end_is_seen_only_when_it_is_the_last_line() {
        assert!(has_ended(b"x\npgxn-end\n"));
        assert!(!has_ended(b"pgxn-end\nx\n"));
    }
}
