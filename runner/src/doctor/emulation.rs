//! Whether programs of arm64 run here: tried with one that says what machine it is on, in a container of its own image.

use std::io::Write;
use std::path::Path;

use protocol::Platform;

use crate::doctor::trial::Idle;
use crate::doctor::{Check, Effect};
use crate::error::{Error, Result};
use crate::sandbox::Place;

const NAME: &str = "emulation";
const TAG: &str = "pgxn-testers/trial:arm64";
/// What `uname -m` says on it.
const MACHINE: &str = "aarch64";
pub(super) const FIX: &str = "sudo pgxn-testers runner doctor --fix";

/// Where the kernel keeps which program runs what.
pub(super) const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// Says by uname(2) what machine it is on, and waits until it is ended.
const PROGRAM: [u32; 20] = [
    0xd108_03ff, // sub sp, sp, #512
    0x9100_03e0, // mov x0, sp
    0xd280_1408, // mov x8, #160     uname
    0xd400_0001, // svc #0
    0x9104_13e1, // add x1, sp, #260 its machine
    0xd280_0002, // mov x2, #0
    0x3862_6823, // ldrb w3, [x1, x2]
    0x3400_0063, // cbz w3, +3
    0x9100_0442, // add x2, x2, #1
    0x17ff_fffd, // b -3
    0xd280_0020, // mov x0, #1
    0xd280_0808, // mov x8, #64      write
    0xd400_0001, // svc #0
    0xd280_0000, // mov x0, #0
    0xd280_0001, // mov x1, #0
    0xd280_0002, // mov x2, #0
    0xd280_0003, // mov x3, #0
    0xd280_0928, // mov x8, #73      ppoll
    0xd400_0001, // svc #0
    0x17ff_fffa, // b -6
];

/// Whether arm64 runs here, which matters where somebody `wants` it.
pub(super) async fn check(place: &Place, wants: bool) -> Check {
    if Platform::native() == Platform::Arm64 {
        return Check::ok(NAME, "not needed: arm64 is what this machine is, and amd64 is never emulated");
    }
    match tried(place).await {
        Ok(said) if said == MACHINE => works(wants),
        _ if !wants => Check::ok(NAME, format!("off; `{FIX}` and --emulate arm64 would add arm64 to the offer")),
        Ok(said) => broken(&format!("a container of arm64 says `{said}` instead of `{MACHINE}`")),
        Err(error) => broken(&why(&error)),
    }
}

fn works(wants: bool) -> Check {
    let by = if registered() { "by qemu-user, registered with the flag F" } else { "by the engine's machine" };
    let found = format!("a container of arm64 says {MACHINE}, {by}");
    match random_bits() {
        Some(bits) if wants && bits > 28 => Check::warning(
            NAME,
            format!("{found}; vm.mmap_rnd_bits is {bits}, with which qemu-user before 8.1 crashes"),
            "sudo sysctl vm.mmap_rnd_bits=28",
        ),
        _ if wants => Check::ok(NAME, found),
        _ => Check::ok(NAME, format!("{found}; not offered without --emulate arm64")),
    }
}

fn broken(why: &str) -> Check {
    Check::fails(NAME, format!("arm64 cannot be emulated: {why}"), Effect::NotEmulated, FIX)
}

fn why(error: &Error) -> String {
    match state() {
        State::Unmounted => format!("{BINFMT} is not mounted"),
        State::Unregistered => format!("nothing is registered for arm64 in {BINFMT}"),
        State::Unfixed => {
            format!("what is registered for arm64 in {BINFMT} lacks the flag F, without which containers do not see it")
        }
        State::Registered => crate::error::in_words(error),
    }
}

/// What the kernel knows of arm64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Unmounted,
    Unregistered,
    /// Without the flag by which the interpreter is opened once and for all.
    Unfixed,
    Registered,
}

pub(super) fn registered() -> bool {
    state() == State::Registered
}

/// Looks at what the kernel has registered.
pub(super) fn state() -> State {
    state_in(Path::new(BINFMT))
}

fn state_in(dir: &Path) -> State {
    if !dir.join("register").exists() {
        return State::Unmounted;
    }
    match std::fs::read_to_string(dir.join("qemu-aarch64")) {
        Ok(entry) if entry.starts_with("enabled") => {
            let flags = entry.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or_default();
            if flags.contains('F') { State::Registered } else { State::Unfixed }
        }
        _ => State::Unregistered,
    }
}

fn random_bits() -> Option<u32> {
    std::fs::read_to_string("/proc/sys/vm/mmap_rnd_bits").ok()?.trim().parse().ok()
}

/// What the program says in a container.
async fn tried(place: &Place) -> Result<String> {
    let unwritten = |source| Error::file("make a temporary file for", TAG)(source);
    let mut layer = tempfile::tempfile().map_err(unwritten)?;
    layer.write_all(&layer_of(&elf()).map_err(unwritten)?).map_err(unwritten)?;
    place.engine.load_root(layer, Platform::Arm64, TAG).await?;
    let program = ["/uname".to_owned()];
    let idle = Idle { place, image: TAG, platform: Platform::Arm64, first: &program };
    let outputs = idle.with(vec![(program.to_vec(), true)], MACHINE).await;
    place.engine.remove_image(TAG).await?;
    Ok(crate::judge::shown(outputs?.concat().trim(), 200))
}

/// The program as a file that Linux runs: a header, one segment, the code.
fn elf() -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    let code: Vec<u8> = PROGRAM.iter().flat_map(|word| word.to_le_bytes()).collect();
    let size = HEADERS + code.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // An executable for AArch64; where it begins; its one program header stands right behind this one.
    file.extend([2_u16, 183].map(u16::to_le_bytes).concat());
    file.extend(1_u32.to_le_bytes());
    file.extend([BASE + HEADERS, 64, 0].map(u64::to_le_bytes).concat());
    file.extend(0_u32.to_le_bytes());
    file.extend([64_u16, 56, 1, 64, 0, 0].map(u16::to_le_bytes).concat());
    // All of the file, to be read and run.
    file.extend([1_u32, 5].map(u32::to_le_bytes).concat());
    file.extend([0, BASE, BASE, size, size, 0x1_0000].map(u64::to_le_bytes).concat());
    file.extend(code);
    file
}

fn layer_of(program: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut layer = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    layer.append_data(&mut header, "uname", program)?;
    layer.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_without_the_flag_is_told_from_what_containers_see() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        assert_eq!(state_in(dir.path()), State::Unmounted);
        write("register", "");
        assert_eq!(state_in(dir.path()), State::Unregistered);
        for (text, state) in [
            ("disabled\ninterpreter /q\nflags: F\n", State::Unregistered),
            ("enabled\ninterpreter /q\nflags: \n", State::Unfixed),
            ("enabled\ninterpreter /q\nflags: POF\n", State::Registered),
        ] {
            write("qemu-aarch64", text);
            assert_eq!(state_in(dir.path()), state, "{text}");
        }
    }

    #[test]
    fn the_program_is_one_segment_that_begins_behind_its_headers() {
        let file = elf();
        assert_eq!(file.len(), 120 + 80);
        assert_eq!(u16::from_le_bytes([file[18], file[19]]), 183);
        assert_eq!(u64::from_le_bytes(file[24..32].try_into().unwrap()), 0x40_0078);
        assert_eq!(u64::from_le_bytes(file[96..104].try_into().unwrap()), 200);
    }
}
