//! The table in `docs/faults.md`: a fault gets its row when its test has passed, and the test fails where the row is another one.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

/// What a fault may cost; that it costs no more is what its test shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cost {
    /// Nothing at all.
    Nothing,
    /// The time of so many runs for each fault.
    Runs(usize),
}

impl Cost {
    /// The runs that may be made in vain for each fault.
    pub(crate) const fn runs(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Runs(runs) => runs,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Nothing => "nothing".into(),
            Self::Runs(1) => "time: one run at most, which is made again".into(),
            Self::Runs(runs) => format!("time: {runs} runs at most, which are made again"),
        }
    }
}

/// A fault, as the table has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// What happens.
    pub(crate) name: &'static str,
    /// How it is brought about.
    pub(crate) how: &'static str,
    /// On how many farms, which have it side by side.
    pub(crate) farms: usize,
    /// How often on each.
    pub(crate) moments: usize,
    /// What it costs.
    pub(crate) cost: Cost,
}

impl Fault {
    fn row(&self) -> String {
        let times = self.farms * self.moments;
        format!("| {} | {} | {times} | {} |", self.name, self.how, self.cost.words())
    }

    /// Compares the table's row with what was just shown; with `FARM_TEST_ACCEPT=1`, writes it.
    pub(crate) fn shown(&self) -> Result<()> {
        static PAGE: Mutex<()> = Mutex::new(());
        let _page = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
        let text = std::fs::read_to_string(page())?;
        let row = self.row();
        let mut lines: Vec<&str> = text.lines().collect();
        let start = format!("| {} |", self.name);
        let known = lines.iter().position(|line| line.starts_with(&start));
        if known.is_some_and(|known| lines[known] == row) {
            return Ok(());
        }
        ensure!(accepts(), "docs/faults.md lacks this row; FARM_TEST_ACCEPT=1 writes it:\n{row}");
        if let Some(known) = known {
            lines[known] = &row;
        } else {
            let last = lines.iter().rposition(|line| line.starts_with('|')).context("the page has a table")?;
            lines.insert(last + 1, &row);
        }
        Ok(std::fs::write(page(), lines.join("\n") + "\n")?)
    }
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/faults.md")
}

#[expect(clippy::disallowed_methods, reason = "the tests' own configuration, read at this one place")]
fn accepts() -> bool {
    std::env::var("FARM_TEST_ACCEPT").is_ok_and(|value| value == "1")
}

#[test]
fn the_table_tells_of_at_least_fifty_moments() {
    let text = std::fs::read_to_string(page()).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let moments: usize = rows.filter_map(|line| line.split('|').nth(3)?.trim().parse::<usize>().ok()).sum();
    assert!(moments >= 50, "{moments} moments");
}
