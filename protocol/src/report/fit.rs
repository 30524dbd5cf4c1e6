//! Cuts a report to its bounds, so that no length of a log, a name or a list loses a verdict: what does not fit would be refused whole.

use std::collections::BTreeSet;

use super::{MAX_NOTES, MAX_TESTS, Report};
use crate::circumstances::cut;

impl Report {
    /// Cuts the texts and lists that follow from what was tested, and takes out what names a file that is not there.
    ///
    /// What only the farm itself can do wrong is left as it is, for [`Report::check`] to find.
    pub fn fit(&mut self) {
        let left_out = self.circumstances.fit();
        self.notes.extend(left_out);
        self.notes.truncate(MAX_NOTES);
        self.tests.truncate(MAX_TESTS);
        let decisive = self.verdict.decisive.iter_mut().map(|line| &mut line.text);
        let commands = self.phases.iter_mut().map(|phase| &mut phase.command);
        let names = self.tests.iter_mut().map(|test| &mut test.name);
        let texts = self.notes.iter_mut().chain(decisive).chain(commands).chain(names);
        texts.chain([&mut self.verdict.detail]).for_each(cut);
        self.forget_what_is_not_there();
    }

    fn forget_what_is_not_there(&mut self) {
        let there: BTreeSet<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        for phase in &mut self.phases {
            phase.log.take_if(|log| !there.contains(log.as_str()));
        }
        for crash in &mut self.circumstances.crashes {
            crash.file.take_if(|file| !there.contains(file.as_str()));
        }
        self.verdict.decisive.take_if(|decisive| !there.contains(decisive.file.as_str()));
    }
}
