//! Flags of the commands that run a farm: `up` and `coordinator`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use protocol::Platform;
use url::Url;

use crate::args::major::MajorArgs;
use crate::args::notify::NotifyArgs;
use crate::args::run::WorkArgs;

/// Where a coordinator keeps its state.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataArgs {
    /// The directory that holds all state: the database, logs, the sample registry
    #[arg(long, value_name = "DIR", default_value = "data", env = "PGXN_TESTERS_DATA")]
    pub(crate) data_dir: PathBuf,

    /// The database, as `postgres://USER:PASSWORD@HOST/NAME`; by default a SQLite file in the data directory
    #[arg(long, value_name = "URL", env = "PGXN_TESTERS_DATABASE")]
    pub(crate) database: Option<Url>,
}

/// Where a farm answers.
#[derive(Clone, Debug, Args)]
pub(crate) struct ListenArgs {
    /// The address and port on which the dashboard and the API answer; 0.0.0.0 is every address of this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "PGXN_TESTERS_LISTEN")]
    pub(crate) listen: SocketAddr,

    /// The address under which people reach the farm, such as that of a proxy before it: badges to copy have it
    ///
    /// By default the address on which it answers.
    #[arg(long, value_name = "URL", value_parser = site_address, env = "PGXN_TESTERS_PUBLIC_URL")]
    pub(crate) public_url: Option<Url>,

    /// How much is kept in the data directory of the registry's documents and archives, which the farm passes on, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(64..=16_777_216))]
    pub(crate) registry_cache: u64,

    /// How many costly pages one client gets in a minute: searches, logs, documents, files of archives, exports; 0 for no limit
    ///
    /// A client is an address, of IPv6 a /64. Whoever asks for more is told to wait (429).
    #[arg(long, value_name = "N", default_value_t = 240, env = "PGXN_TESTERS_CLIENT_RATE")]
    pub(crate) client_rate: u32,

    /// Proxies whose X-Forwarded-For says who a client is, as addresses or networks; by default those on this machine
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', default_values = ["127.0.0.0/8", "::1"], value_parser = network)]
    #[arg(env = "PGXN_TESTERS_TRUSTED_PROXY")]
    pub(crate) trusted_proxy: Vec<IpNet>,

    #[command(flatten)]
    pub(crate) notify: NotifyArgs,
}

/// A network, or an address as the network that has it alone.
fn network(text: &str) -> Result<IpNet, String> {
    let alone = text.parse::<IpAddr>().ok().map(IpNet::from);
    alone
        .or_else(|| text.parse().ok())
        .ok_or_else(|| "write an address such as 192.0.2.1, or a network such as 10.0.0.0/8".into())
}

/// The address of a site, which ends with a slash so that others can be joined to it.
fn site_address(text: &str) -> Result<Url, String> {
    let mut url: Url = text.parse().map_err(|error| format!("{error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("write one that starts with https: or http:".into());
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

#[derive(Debug, Args)]
#[command(mut_arg(MajorArgs::ID, |arg| arg.help(MajorArgs::NEWEST_TWO)))]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,

    #[command(flatten)]
    pub(crate) at: ListenArgs,

    /// The registry to watch: its address, or `sample` for one that is made here from Debian's archive
    ///
    /// By default the public registry, or the sample where that does not answer. A data directory stays with its registry.
    #[arg(long, value_name = "URL|sample", env = "PGXN_TESTERS_REGISTRY")]
    pub(crate) registry: Option<RegistryChoice>,

    /// How much the sample registry holds
    #[arg(long, value_enum, default_value_t = SampleSize::Small)]
    pub(crate) sample: SampleSize,

    /// Stop by itself once the whole registry is read and every test is done
    #[arg(long)]
    pub(crate) until_idle: bool,

    #[command(flatten)]
    pub(crate) work: WorkArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CoordinatorArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,

    #[command(flatten)]
    pub(crate) at: ListenArgs,

    /// The registry to watch
    #[arg(long, value_name = "URL", default_value = crate::config::PUBLIC_REGISTRY, env = "PGXN_TESTERS_REGISTRY")]
    pub(crate) registry: Url,

    #[command(flatten)]
    pub(crate) majors: MajorArgs,

    /// The platforms to test on, amd64 and arm64; each needs a runner of its kind
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',', default_value = Platform::native().as_str())]
    pub(crate) platform: Vec<Platform>,

    /// How often the registry is asked for new releases, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) poll: u64,

    /// How long a runner that is not heard of keeps its job, in seconds; then another gets it
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(3..=86_400))]
    pub(crate) lease: u64,

    /// How long after a failure of the farm's own a test is tried again, in seconds; each further pause is four times as long
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) retry_pause: u64,
}

/// The registry that `up` watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RegistryChoice {
    Sample,
    At(Url),
}

impl std::str::FromStr for RegistryChoice {
    type Err = url::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "sample" { Ok(Self::Sample) } else { text.parse().map(Self::At) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SampleSize {
    /// A dozen small extensions
    Small,
    /// Every extension that the project knows
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        assert_eq!(network("192.0.2.1").unwrap().to_string(), "192.0.2.1/32");
        assert_eq!(network("::1").unwrap().to_string(), "::1/128");
        assert_eq!(network("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert!(network("example.org").unwrap_err().contains("a network such as"));
    }
}
