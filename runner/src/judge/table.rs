//! Tables of rules: what a line of a log means, as data.
//!
//! Every pattern is compiled at most once, and is matched in time linear in the line. Which rules may apply at all is asked of one automaton for
//! the whole table, so that a log of megabytes is read in one pass.

use std::sync::OnceLock;

use protocol::{Phase, Reason};
use regex::{Captures, Regex, RegexSet, RegexSetBuilder};

use crate::judge::Setting;

/// What a rule says of a line that it matches, given what its pattern captured as `it`.
pub(crate) type Meaning = fn(&Captures<'_>, &Context<'_>) -> Option<(Reason, String)>;

/// How much a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It ends the command, or is the first cause of what does.
    Cause,
    /// The command may well go on after it; it counts where the log holds no cause.
    Hint,
    /// The hint before it is the cause.
    Confirmation,
    /// make says that it does not care: the causes before it are none.
    Pardon,
    /// Only the line to show where nothing explains the failure.
    Trace,
}

/// One row of a table.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) pattern: &'static str,
    pub(crate) weight: Weight,
    pub(crate) meaning: Meaning,
}

/// A row that is a cause.
pub(crate) const fn cause(pattern: &'static str, meaning: Meaning) -> Rule {
    Rule { pattern, weight: Weight::Cause, meaning }
}

/// A row that is a hint.
pub(crate) const fn hint(pattern: &'static str, meaning: Meaning) -> Rule {
    Rule { pattern, weight: Weight::Hint, meaning }
}

/// What a meaning may look at beside the line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) setting: &'a Setting<'a>,
    pub(crate) phase: Phase,
    /// The line, or the message of several lines.
    pub(crate) text: &'a str,
    /// The line after, or nothing.
    pub(crate) next: &'a str,
}

/// Rules with their patterns, compiled together; a pattern of its own is compiled when it first matches, as most never do.
#[derive(Debug)]
pub(crate) struct Table {
    rules: Vec<(&'static Rule, OnceLock<Regex>)>,
    set: RegexSet,
}

/// The automata of a table may have this size together; the default is too small for the largest table.
const SET_BYTES: usize = 64 << 20;

impl Table {
    /// Compiles these rules; their order is their rank where several match one line.
    pub(crate) fn new(groups: &[&'static [Rule]]) -> Self {
        let rules = || groups.iter().copied().flatten();
        let set = RegexSetBuilder::new(rules().map(|rule| rule.pattern)).size_limit(SET_BYTES).build();
        let rules = rules().map(|rule| (rule, OnceLock::new())).collect();
        Self { rules, set: set.expect("the tests compile every table") }
    }

    /// The first rule that matches the text and has something to say of it.
    pub(crate) fn explain(&self, context: &Context<'_>) -> Option<(Weight, Reason, String)> {
        self.set.matches(context.text).into_iter().find_map(|index| {
            let (rule, regex) = &self.rules[index];
            let regex = regex.get_or_init(|| Regex::new(rule.pattern).expect("it is part of the set, which compiled"));
            let (reason, detail) = (rule.meaning)(&regex.captures(context.text)?, context)?;
            Some((rule.weight, reason, detail))
        })
    }
}

/// What a pattern captured as `it`, without the quotes around it.
pub(crate) fn it<'a>(captures: &Captures<'a>) -> &'a str {
    captures.name("it").map_or("", |it| it.as_str().trim().trim_matches(['`', '\'', '"', '‘', '’', '“', '”']))
}

/// What a pattern captured as `it`, as it stands.
pub(crate) fn said<'a>(captures: &Captures<'a>) -> &'a str {
    captures.name("it").map_or("", |it| it.as_str().trim())
}

/// All that the pattern matched.
pub(crate) fn all<'a>(captures: &Captures<'a>) -> &'a str {
    captures.get(0).map_or("", |all| all.as_str().trim())
}
