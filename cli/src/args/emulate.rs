//! The flag by which a volunteer agrees to emulation.

use clap::Args;
use protocol::Platform;

/// Whether another platform than this machine's is emulated.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct EmulateArgs {
    /// Test on this platform too, emulated by qemu-user: arm64 on amd64. Far slower than native; off by default
    ///
    /// Runs get 24 times the time and are marked as emulated, and what fails there alone stays unconfirmed. `runner doctor --fix` sets it up.
    #[arg(long, value_name = "PLATFORM", value_parser = emulated)]
    pub(crate) emulate: Option<Platform>,
}

impl EmulateArgs {
    /// Whether anything is emulated.
    pub(crate) const fn any(self) -> bool {
        self.emulate.is_some()
    }
}

/// Reads a platform that can be emulated here.
pub(crate) fn emulated(text: &str) -> Result<Platform, String> {
    let platform: Platform = text.parse().map_err(|error| format!("{error}"))?;
    match (platform, Platform::native()) {
        (Platform::Arm64, Platform::Amd64) => Ok(platform),
        (Platform::Amd64, Platform::Amd64) | (Platform::Arm64, Platform::Arm64) => {
            Err(format!("{platform} is what this machine is; it is tested on without this flag"))
        }
        _ => Err("only arm64 is emulated, on amd64".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_another_platform_is_emulated() {
        assert!(emulated(Platform::native().as_str()).unwrap_err().contains("without this flag"));
        assert!(emulated("riscv64").is_err());
        assert_eq!(emulated("arm64").is_ok(), Platform::native() == Platform::Amd64);
    }
}
