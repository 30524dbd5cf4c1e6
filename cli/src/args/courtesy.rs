//! Flags of a volunteer's runner: when it works, how much of the machine it takes, and what is said to it while it works.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jiff::tz::TimeZone;
use runner::courtesy::{Courtesy, Hours, IdleRules, Share, Shares, WhenOver, Window};

use crate::args::join::time;

/// When a runner works, and what it takes at most.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Never in the way")]
pub(crate) struct CourtesyArgs {
    /// Work only at these times, as crontab(5) writes them, by this machine's clock: "* 22-6 * * *" is from 22:00 until 06:59.
    /// May be given more than once
    ///
    /// The fields are minute, hour, day of month, month and day of week. Work is taken in every minute that matches: "0 22 * * *" would be one
    /// minute a day.
    #[arg(long, value_name = "EXPR")]
    when: Vec<Window>,

    /// What is done with a test that runs when these times are over
    #[arg(long, value_enum, default_value_t = Over::Finish, requires = "when")]
    when_over: Over,

    /// Work only while nobody else uses the machine: its processors are idle, nobody types on a terminal, and it is not on battery
    #[arg(long)]
    only_idle: bool,

    /// With --only-idle: the part of all processors that others may use, from 0.01 to 1; by default 0.25
    #[arg(long, value_name = "PART", value_parser = part, requires = "only_idle")]
    idle_load: Option<f64>,

    /// With --only-idle: for so long nothing was typed on a terminal, such as 30m, and 0m for no such look; by default 10m
    #[arg(long, value_name = "TIME", value_parser = rest, requires = "only_idle")]
    idle_input: Option<Duration>,

    /// With --only-idle: work on battery, too, while it has at least so much charge, in percent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100), requires = "only_idle")]
    idle_battery: Option<u8>,

    /// The most processors that all tests together use, such as 2 or 50%
    #[arg(long, value_name = "N|PERCENT%")]
    max_cores: Option<Share>,

    /// The most memory that all tests together use, such as 4G or 25%; by default three quarters
    #[arg(long, value_name = "SIZE|PERCENT%")]
    max_memory: Option<Share>,

    /// The most that images and caches take on disk, such as 40G or 10%; what was used longest ago is removed. By default no limit
    #[arg(long, value_name = "SIZE|PERCENT%")]
    max_disk: Option<Share>,

    /// How much the runner and its tests give way to others: 0 is not at all, 19 is most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=19))]
    nice: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Over {
    /// It goes on to its end
    Finish,
    /// It is given back at once, and another runner begins it anew
    Stop,
}

impl CourtesyArgs {
    /// When it works; `disk_bytes` is what [`CourtesyArgs::shares`] came to.
    pub(crate) fn courtesy(&self, disk_bytes: Option<u64>) -> Courtesy {
        let usual = IdleRules::default();
        let idle = IdleRules {
            load: self.idle_load.unwrap_or(usual.load),
            input: self.idle_input.unwrap_or(usual.input),
            battery: self.idle_battery,
            root: usual.root,
        };
        let over = match self.when_over {
            Over::Finish => WhenOver::Finish,
            Over::Stop => WhenOver::Stop,
        };
        let hours = Hours::new(self.when.clone(), TimeZone::system());
        Courtesy { hours, over, idle: self.only_idle.then_some(idle), disk_bytes }
    }

    /// What it takes at most.
    pub(crate) fn shares(&self) -> Shares {
        Shares { cores: self.max_cores, memory: self.max_memory, disk: self.max_disk }
    }

    /// How nice it is.
    pub(crate) fn nice(&self) -> i32 {
        self.nice.into()
    }

    /// What its containers weigh: as the kernel weighs a process that is as nice, of which each step takes a fifth.
    pub(crate) fn weight(&self) -> u16 {
        (0..self.nice).fold(1024, |weight: u32, _| weight * 4 / 5).try_into().unwrap_or(u16::MAX)
    }
}

/// A part of a whole.
fn part(text: &str) -> Result<f64, String> {
    let part = text.parse().ok().filter(|part| (0.01..=1.0).contains(part));
    part.ok_or_else(|| "write a number from 0.01 to 1, such as 0.5 for half of all processors".into())
}

/// A time that may be none.
fn rest(text: &str) -> Result<Duration, String> {
    if text == "0m" { Ok(Duration::ZERO) } else { time(text) }
}

/// What can be said to a runner beside the one that works.
#[derive(Debug, Subcommand)]
pub(crate) enum ControlCommand {
    /// Show how the runner is: what it does, since when, why it does nothing, what it takes, what it has found
    ///
    /// Ends with 1 where no runner works.
    Status {
        #[command(flatten)]
        at: DirArgs,

        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Take no work from now on; what runs goes on to its end. Holds when the runner is started again
    Pause {
        #[command(flatten)]
        at: DirArgs,

        /// For how long, such as 30m, 2h or 7d; by default until `resume`
        #[arg(long = "for", value_name = "TIME", value_parser = time)]
        time: Option<Duration>,
    },
    /// Take work again after `pause`, or after a `drain` that is not done yet
    Resume(DirArgs),
    /// Take no more work, and end once what runs is done and reported
    Drain {
        #[command(flatten)]
        at: DirArgs,

        /// Wait until it has ended
        #[arg(long)]
        wait: bool,
    },
}

/// The runner that is meant.
#[derive(Debug, Args)]
pub(crate) struct DirArgs {
    /// The directory of the runner; that of the one inside `up` is `data/runner`
    #[arg(long, value_name = "DIR", default_value = "runner-data", env = "PGXN_TESTERS_RUNNER_DATA")]
    pub(crate) data_dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn courtesy(flags: &[&str]) -> Result<CourtesyArgs, clap::Error> {
        let cli = Cli::try_parse_from([&["pgxn-testers", "runner"], flags].concat())?;
        let Command::Runner(args) = cli.command else { panic!("not `runner`") };
        Ok(args.courtesy)
    }

    #[test]
    fn hours_can_be_given_more_than_once() {
        let args = courtesy(&["--when", "* 22-6 * * *", "--when", "* * * * sat,sun", "--when-over", "stop"]).unwrap();
        let given = args.courtesy(None);
        assert_eq!(given.hours.unwrap().to_string(), "* 22-6 * * * or * * * * sat,sun");
        assert_eq!((given.over, given.idle), (WhenOver::Stop, None));
        assert!(courtesy(&[]).unwrap().courtesy(None).hours.is_none());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_can() {
        for (flags, remedy) in [
            (&["--when", "* 25 * * *"][..], "the hour `25` is not from 0 to 23; write `*`, `22-6` or `1,13`"),
            (&["--when", "at night"], "five fields"),
            (&["--when-over", "stop"], "--when"),
            (&["--idle-load", "0.5"], "--only-idle"),
            (&["--only-idle", "--idle-load", "50"], "such as 0.5"),
            (&["--only-idle", "--idle-input", "5"], "such as 30m"),
            (&["--max-cores", "half"], "such as 50%"),
            (&["--max-memory", "120%"], "1% to 100%"),
            (&["--nice", "20"], "0..=19"),
        ] {
            let said = courtesy(flags).unwrap_err().to_string();
            assert!(said.contains(remedy), "{flags:?}: {said}");
        }
    }

    #[test]
    fn a_nicer_runner_weighs_less() {
        let weight = |nice: &str| courtesy(&["--nice", nice]).unwrap().weight();
        assert_eq!(weight("0"), 1024);
        assert!(
            (100..120).contains(&weight("10")) && (10..20).contains(&weight("19")),
            "{} {}",
            weight("10"),
            weight("19")
        );
    }

    #[test]
    fn idleness_has_its_own_limits() {
        let flags = ["--only-idle", "--idle-load", "0.5", "--idle-input", "0m", "--idle-battery", "60"];
        let idle = courtesy(&flags).unwrap().courtesy(None).idle.unwrap();
        assert_eq!((idle.load, idle.input, idle.battery), (0.5, Duration::ZERO, Some(60)));
        assert_eq!(courtesy(&["--only-idle"]).unwrap().courtesy(None).idle, Some(IdleRules::default()));
    }
}
