//! The terminal that a person sits at, for what is passed on to another one: its size, and the mode in which it interprets nothing.

use std::io::{IsTerminal, Result, stdin, stdout};

use runner::sandbox::docker::Terminal;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Its size; none where input or output is something else.
pub(crate) fn size() -> Option<Terminal> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return None;
    }
    let size = tcgetwinsize(stdout()).ok()?;
    Some(Terminal { columns: size.ws_col, rows: size.ws_row })
}

/// While this is there, keys go through as they are, Ctrl-C among them.
pub(crate) struct Raw {
    before: Termios,
}

impl Raw {
    /// Begins it.
    pub(crate) fn enter() -> Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that has gone away needs nothing.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}
