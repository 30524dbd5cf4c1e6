//! Phase configure: `./configure` where there is one, made by `autogen.sh` or `autoreconf` where it has to be made first.

use protocol::Phase;

use crate::run::phase::Bench;
use crate::run::{Book, SOURCE_DIR, Step, Subject};
use crate::sandbox::Command;

/// Configures, if there is something to.
pub(crate) async fn run(bench: &mut Bench<'_>, book: &mut Book<'_>) -> Step<()> {
    let Some(plan) = plan(&bench.subject) else {
        book.skip(Phase::Configure).await;
        return Ok(());
    };
    if let Some(note) = plan.note {
        book.note(note).await;
    }
    bench.phase(Phase::Configure, &Command::shell(SOURCE_DIR, plan.script), plan.shown, book).await?;
    Ok(())
}

pub(crate) struct Plan {
    pub(crate) script: &'static str,
    shown: &'static str,
    note: Option<&'static str>,
}

/// What there is to configure.
pub(crate) fn plan(subject: &Subject) -> Option<Plan> {
    if subject.has("configure") {
        return Some(Plan { script: "chmod +x configure && ./configure", shown: "./configure", note: None });
    }
    if subject.has("autogen.sh") {
        // Some autogen.sh run ./configure themselves, which does no harm twice.
        return Some(Plan {
            script: "chmod +x autogen.sh && ./autogen.sh && { [ ! -e configure ] || ./configure; }",
            shown: "./autogen.sh && ./configure",
            note: Some("The archive has autogen.sh but no configure, so autogen.sh was run first."),
        });
    }
    let has_input = ["configure.ac", "configure.in"].into_iter().any(|name| subject.has(name));
    (has_input && !subject.has_makefile()).then_some(Plan {
        script: "autoreconf --install && ./configure",
        shown: "autoreconf --install && ./configure",
        note: Some("The archive has configure.ac but neither configure nor a Makefile, so autoreconf was run first."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::subject;

    #[test]
    fn configure_is_made_first_where_it_is_missing() {
        let shown = |files: &[&str]| plan(&subject(files)).map(|plan| plan.shown);
        assert_eq!(shown(&["Makefile"]), None);
        assert_eq!(shown(&["Makefile", "configure"]), Some("./configure"));
        assert_eq!(shown(&["Makefile", "autogen.sh"]), Some("./autogen.sh && ./configure"));
        assert_eq!(shown(&["configure", "autogen.sh"]), Some("./configure"));
        assert_eq!(shown(&["configure.ac"]), Some("autoreconf --install && ./configure"));
        assert_eq!(shown(&["configure.ac", "Makefile"]), None);
    }
}
