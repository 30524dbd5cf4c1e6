//! Phase create: `CREATE EXTENSION` of everything that META provides, each in a database of its own.
//!
//! What META says that it needs is created first. `CASCADE` is off, so that an extension which silently needs another one shows it; only
//! where what it needs is on this server already, by the server's own or this distribution's doing, it is created by a second attempt with
//! `CASCADE`. The databases are dropped again, with a limit, as a suite may look at all there are.

use protocol::{Grade, Phase, Reason, Verdict};

use crate::judge::shown;
use crate::run::install::{Kind, kind};
use crate::run::phase::Bench;
use crate::run::quote::{identifier, quoted};
use crate::run::{Book, SOURCE_DIR, Step, Stop, Subject, preload, provide};
use crate::sandbox::{Command, Log, WAIT_FOR_SERVER};

/// The script's line where it could not even create what the distribution needs.
const NOT_EVEN: &str = "pgxn-testers: what it needs could not be created";

/// A statement is shown with at most so many characters.
const MAX_SHOWN_CHARS: usize = 500;

/// How the line begins with which it says that it creates something that the distribution needs.
const NEEDED: &[u8] = b"CREATE EXTENSION IF NOT EXISTS ";

/// The functions that create one thing in a database of its own; the first failure ends the phase.
const FUNCTIONS: &str = r#"
extensions=$("$PG_CONFIG" --sharedir)
sql() { database=$1; shift; psql -X -q -v ON_ERROR_STOP=1 -d "$database" "$@"; }
done_with() { timeout -k 2 20 psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $1" || echo "pgxn-testers: could not drop the database $1 within 20 s"; }
needed() {
    for name in %NEEDED%; do
        echo "CREATE EXTENSION IF NOT EXISTS $name CASCADE;"
        sql "$1" -c "CREATE EXTENSION IF NOT EXISTS $name CASCADE" || { echo "%NOT EVEN%"; exit 1; }
    done
}
extension() {
    sql postgres -c "CREATE DATABASE $1" || exit 1
    needed "$1"
    echo "CREATE EXTENSION $2;"
    if ! said=$(sql "$1" -c "CREATE EXTENSION $2" 2>&1); then
        printf '%s\n' "$said"
        missing=$(printf '%s\n' "$said" | sed -n 's/.*required extension "\(.*\)" is not installed.*/\1/p' | head -n 1)
        [ -n "$missing" ] && [ -e "$extensions/extension/$missing.control" ] || exit 1
        echo "pgxn-testers: \"$missing\" is on this server; once more with CASCADE"
        sql "$1" -c "CREATE EXTENSION $2 CASCADE" || exit 1
    else
        [ -z "$said" ] || printf '%s\n' "$said"
    fi
    done_with "$1"
}
script() {
    file=$(find "$extensions/extension" "$extensions/contrib" -name "$2" -print -quit 2>/dev/null)
    sql postgres -c "CREATE DATABASE $1" || exit 1
    needed "$1"
    echo "\\i $file"
    sql "$1" -f "$file" || exit 1
    done_with "$1"
}
"#;

/// Creates.
pub(crate) async fn run(bench: &mut Bench<'_>, book: &mut Book<'_>) -> Step<()> {
    provide::before_create(bench, book).await?;
    let plan = plan(&bench.subject);
    for name in &plan.others {
        book.note(format!("META.json provides `{name}`, which has no control file; it was not created.")).await;
    }
    if plan.calls.is_empty() {
        book.skip(Phase::Create).await;
        return Ok(());
    }
    let command = Command { before: WAIT_FOR_SERVER.into(), ..Command::shell(SOURCE_DIR, &plan.whole()) };
    book.begin(Phase::Create).await;
    let mut attempt = bench.attempt(Phase::Create, &command, book).await?;
    if preload::heal_failed(bench, &attempt, book).await? {
        attempt = bench.attempt(Phase::Create, &command, book).await?;
    }
    let not_even = !bench.subject.create_first.is_empty() && is_about_what_it_needs(&attempt.log);
    match bench.conclude(attempt, &plan.shown.join(" "), book).await {
        Err(Stop::Decided(verdict)) if not_even && verdict.grade() == Grade::Fail => {
            book.amend(Phase::Create, Reason::PrerequisiteFailed).await;
            Err(Stop::Decided(Verdict { reason: Reason::PrerequisiteFailed, ..verdict }))
        }
        concluded => concluded.map(drop),
    }
}

/// Whether it ended while what it needs was created: the script says what it creates before it does.
fn is_about_what_it_needs(log: &Log) -> bool {
    let text = log.so_far().bytes;
    let mut lines = text.split(|byte| *byte == b'\n').rev();
    let is_need = |line: &[u8]| line.starts_with(NEEDED) || line == NOT_EVEN.as_bytes();
    lines
        .find(|line| is_need(line) || line.starts_with(b"CREATE EXTENSION ") || line.starts_with(b"\\i "))
        .is_some_and(is_need)
}

#[derive(Debug, Default)]
struct Plan {
    calls: Vec<String>,
    shown: Vec<String>,
    others: Vec<String>,
    needed: Vec<String>,
}

/// What META provides, in its order; where it provides nothing, what was installed.
fn plan(subject: &Subject) -> Plan {
    let mut plan = Plan { needed: subject.create_first.clone(), ..Plan::default() };
    for provided in &subject.meta.provides {
        let name = provided.name.as_str();
        match kind(subject, provided, &subject.scripts) {
            Kind::Extension => plan.extension(name),
            Kind::Script => plan.script(provided.file.as_deref().unwrap_or_default()),
            Kind::Other | Kind::Missing => plan.others.push(name.to_owned()),
        }
    }
    if subject.meta.provides.is_empty() {
        subject.installed.iter().for_each(|name| plan.extension(name));
    }
    plan
}

/// The script that creates everything.
pub(crate) fn script(subject: &Subject) -> String {
    plan(subject).whole()
}

impl Plan {
    fn whole(&self) -> String {
        let needed: Vec<String> = self.needed.iter().map(|name| quoted(&identifier(name))).collect();
        let functions = FUNCTIONS.replace("%NOT EVEN%", NOT_EVEN).replace("%NEEDED%", &needed.join(" "));
        format!("{functions}{}", self.calls.join("\n"))
    }

    fn extension(&mut self, name: &str) {
        let identifier = identifier(name);
        self.calls.push(format!("extension pgxn_create_{} {}", self.calls.len() + 1, quoted(&identifier)));
        self.shown.push(shown(&format!("CREATE EXTENSION {identifier};"), MAX_SHOWN_CHARS));
    }

    fn script(&mut self, file: &str) {
        let base = file.rsplit('/').next().unwrap_or_default().trim_end_matches(".in");
        self.calls.push(format!("script pgxn_create_{} {}", self.calls.len() + 1, quoted(base)));
        self.shown.push(shown(&format!("\\i {base}"), MAX_SHOWN_CHARS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{provided, subject};

    #[test]
    fn a_name_cannot_leave_its_statement_nor_its_shell_word() {
        let mut subject = subject(&[]);
        let name = "a'\";$(x)";
        subject.meta.provides = vec![provided(name, "a.sql")];
        subject.installed.insert(name.to_owned());
        let plan = plan(&subject);
        assert_eq!(plan.calls, [r#"extension pgxn_create_1 '"a'\''"";$(x)"'"#]);
    }

    #[test]
    fn what_hangs_before_its_own_turn_is_told_from_what_hangs_after() {
        let about = |said: &str| {
            let mut log = Log::new(10_000);
            log.push(said.as_bytes());
            is_about_what_it_needs(&log)
        };
        assert!(about("CREATE EXTENSION IF NOT EXISTS \"a\" CASCADE;\nNOTICE:  loading\n"));
        assert!(about(
            "CREATE EXTENSION IF NOT EXISTS \"a\" CASCADE;\nERROR:  no\npgxn-testers: what it needs could not be created\n"
        ));
        assert!(!about("CREATE EXTENSION IF NOT EXISTS \"a\" CASCADE;\nCREATE EXTENSION \"b\";\nNOTICE:  loading\n"));
        assert!(!about("CREATE EXTENSION IF NOT EXISTS \"a\" CASCADE;\n\\i b.sql\n"));
        assert!(!about(""));
    }

    #[test]
    fn without_provides_what_was_installed_is_created() {
        let mut subject = subject(&[]);
        subject.installed.extend(["b".to_owned(), "a".to_owned()]);
        assert_eq!(plan(&subject).shown, ["CREATE EXTENSION \"a\";", "CREATE EXTENSION \"b\";"]);
    }
}
