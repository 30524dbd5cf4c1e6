//! What the farm notices of tests that are not what they seem: nobody spoke with its server, or programs that tests are run by are others.
//!
//! A distribution runs its own tests, so that it can say of itself whatever it wants; see `docs/attacks.md`. What is noticed here stands in
//! the report as a note and changes no verdict: a suite that starts a server of its own is as honest as any.

use protocol::{Reason, Suite};

use crate::judge::Finding;
use crate::run::Book;

/// Says which process the server is, and what it has spent on backends that have ended: each that ends adds to the page faults of its
/// children. Costs no process.
pub(crate) const BEFORE: &str = r#"
pgxn_seen() {
    read -r pid </data/cluster/postmaster.pid && read -r line </proc/$pid/stat || return
    set -- ${line##*) }
    echo "$pid $9"
}
seen=$(pgxn_seen 2>/dev/null)
"#;

/// The last backend may still be ending.
pub(crate) const AFTER: &str = r#"
for pgxn_try in 1 2 3 4 5; do
    now=$(pgxn_seen 2>/dev/null)
    [ "$now" = "$seen" ] || break
    sleep 0.05
done
echo "pgxn-seen $seen $now" >&2
"#;

/// A piece of shell for the look around: names what of the server's own programs is not what the image has.
pub(super) const COMPARE: &str = r#"
    while read -r directory; do
        for file in psql pg_config pg_isready pgxs/src/test/regress/pg_regress pgxs/src/test/isolation/pg_isolation_regress \
            pgxs/src/makefiles/pgxs.mk pgxs/src/Makefile.global; do
            [ -e "/pgxn/seed$directory/$file" ] || continue
            timeout 5 cmp -s "/pgxn/seed$directory/$file" "$directory/$file" || echo "pgxn-replaced ${file##*/}"
        done
    done </pgxn/writable
"#;

/// Notes what is strange about how tests came to their result.
pub(crate) async fn remark(side: &str, replaced: &[String], finding: &Finding, book: &mut Book<'_>) {
    if !replaced.is_empty() {
        book.note(format!("It replaced programs of the server by its own: {}.", replaced.join(", "))).await;
    }
    let has_own_server = finding.tests.iter().any(|test| test.suite == Suite::Tap);
    if finding.reason() != Some(Reason::TestsPassed) || has_own_server {
        return;
    }
    match contact(side) {
        Contact::None => {
            book.note("Tests passed by what was printed, but nobody connected to the server meanwhile.").await;
        }
        Contact::Another => book.note("The server that answered after the tests is not the one before them.").await,
        Contact::Some => {}
    }
}

/// Whether anybody spoke with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contact {
    Some,
    None,
    Another,
}

/// What the wrapper says of it; where it does not say, nobody is suspected.
fn contact(side: &str) -> Contact {
    let said = side.lines().filter_map(|line| line.strip_prefix("pgxn-seen ")).next_back().unwrap_or_default();
    match said.split(' ').collect::<Vec<_>>()[..] {
        [pid, before, same, after] if pid == same && before == after => Contact::None,
        [pid, _, other, ..] if !pid.is_empty() && pid != other => Contact::Another,
        _ => Contact::Some,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_to_which_nobody_connected_is_told_from_one_that_was_busy_and_from_another() {
        assert_eq!(contact("x\npgxn-seen 20 4711 20 4711\n"), Contact::None);
        assert_eq!(contact("pgxn-seen 20 4711 20 9000\n"), Contact::Some);
        assert_eq!(contact("pgxn-seen 20 4711 99 17\n"), Contact::Another);
        assert_eq!(contact("pgxn-seen 20 4711 \n"), Contact::Another, "it was stopped");
        for unknown in ["", "pgxn-seen", "pgxn-seen  ", "pgxn-seen  20 4711"] {
            assert_eq!(contact(unknown), Contact::Some, "{unknown}");
        }
    }
}
