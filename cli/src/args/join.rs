//! Flags of joining a farm: of the machine that joins, and of the operator who lets it in.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand};
use protocol::{InvitationId, JoinRequestId, Name};

use crate::args::courtesy::ControlCommand;
use crate::args::doctor::{DOCTOR_HELP, DoctorArgs};
use crate::args::operate::AdminArgs;

/// The address of a farm with the secret of an invitation behind its `#`. Any text is one for now, as clap repeats in its errors what it cannot read.
#[derive(Clone)]
pub(crate) struct Link(pub(crate) String);

impl FromStr for Link {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(…)")
    }
}

#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// Join the farm at this address, once: by the invitation that stands behind its #, or else by asking an operator
    ///
    /// What it becomes there is kept in the data directory, so that later starts need no flag. Other users of the machine see what stands on a
    /// command line: --join-file and the environment variable take the same.
    #[arg(long, value_name = "URL", env = "PGXN_TESTERS_INVITATION", hide_env_values = true)]
    pub(crate) join: Option<Link>,

    /// The same, with the address in a file
    #[arg(long, value_name = "FILE")]
    pub(crate) join_file: Option<PathBuf>,

    /// The name of this runner on the farm's pages; by default that of this machine. An invitation may have another
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<Name>,

    /// Words for the operator who decides, where there is no invitation
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) note: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunnerCommand {
    /// Look at what this machine can offer, and say what to mend
    #[command(after_help = DOCTOR_HELP)]
    Doctor(DoctorArgs),
    #[command(flatten)]
    Control(ControlCommand),
    /// Get a new token from the farm; the old one is refused from then on. A runner that works meanwhile goes on
    Rotate {
        #[command(flatten)]
        member: MemberArgs,

        /// Make a new key to sign reports with instead; the old one vouches for it, and what that signed can still be verified
        #[arg(long)]
        key: bool,
    },
    /// Leave the farm: its coordinator takes the token no more, and the data directory forgets it
    Leave(MemberArgs),
}

/// A runner that has joined.
#[derive(Debug, Args)]
pub(crate) struct MemberArgs {
    /// The directory of the runner
    #[arg(long, value_name = "DIR", default_value = "runner-data", env = "PGXN_TESTERS_RUNNER_DATA")]
    pub(crate) data_dir: PathBuf,
}

/// What stands below the options of `runner --help`.
pub(crate) const RUNNER_HELP: &str = "\
Examples:
  pgxn-testers runner --join 'https://farm.example/#SECRET'  with an invitation; the first time
  pgxn-testers runner --join https://farm.example/           without: an operator has to approve
  pgxn-testers runner                                        every time after that
  pgxn-testers runner doctor                                 whether this machine can be one, and what to mend
  pgxn-testers runner --when '* 22-6 * * *' --max-cores 50%  at night, with half of the processors
  pgxn-testers runner pause --for 2h                         beside the one that works";

#[derive(Debug, Subcommand)]
pub(crate) enum AdmissionCommand {
    /// Invite somebody: prints the one command to type on the other machine, which works once
    Invite {
        #[command(flatten)]
        admin: AdminArgs,

        /// A name for the runner, shown on its runs; by default its volunteer chooses
        name: Option<Name>,

        /// How long it can be used, such as 30m, 12h or 7d; at most 90d
        #[arg(long, value_name = "TIME", default_value = "7d", value_parser = time)]
        expires: Duration,
    },
    /// List the invitations that can still be used
    Invitations(AdminArgs),
    /// Take an invitation back
    Uninvite {
        #[command(flatten)]
        admin: AdminArgs,

        /// The invitation, as `invite` and `invitations` name it
        id: InvitationId,
    },
    /// List who asks to become a runner
    Requests(AdminArgs),
    /// Let in who asks. Take the id from the volunteer: anybody may ask under any name
    Approve {
        #[command(flatten)]
        admin: AdminArgs,

        /// The request, as the volunteer's machine and `requests` name it
        id: JoinRequestId,
    },
    /// Say no to who asks
    Refuse {
        #[command(flatten)]
        admin: AdminArgs,

        /// The request, as the volunteer's machine and `requests` name it
        id: JoinRequestId,
    },
}

/// Reads a time such as `7d`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and m, h or d, such as 30m, 12h or 7d; at most 90d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let time = Duration::from_secs(number.checked_mul(seconds).ok_or_else(wrong)?);
    if time.is_zero() || time > coordinator::join::LONGEST { Err(wrong()) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(time("30m"), Ok(Duration::from_mins(30)));
        assert_eq!(time("7d"), Ok(Duration::from_hours(7 * 24)));
        for text in ["", "d", "7", "0h", "-1d", "7ä", "91d", "99999999999999999999d", "999999999999999999d"] {
            assert!(time(text).unwrap_err().contains("such as 30m"), "{text}");
        }
    }

    #[test]
    fn an_invitation_is_not_shown() {
        let link: Link = "https://farm.example/#secret".parse().unwrap();
        assert!(!format!("{link:?}").contains("secret"));
    }
}
