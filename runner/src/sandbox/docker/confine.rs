//! A filter of system calls on top of the engine's own, for everything that runs in a container, its first process included.
//!
//! An engine's own filter is as old as the engine: Docker 20.10 lets sockets to the hypervisor through (`AF_VSOCK`), which no network
//! namespace holds, and `io_uring`. Filters add up, none can be taken off, and `no_new_privs` lets anybody put one on: so each command
//! begins as a line of Perl, which every Debian has, that does so and becomes the command. Under emulation there is no such filter, and
//! the system calls are those of the emulator: the engine's own stands alone there.

/// Says ENOSYS to calls of another architecture and to `io_uring`, and EAFNOSUPPORT to sockets other than Unix, IPv4, IPv6 and netlink.
const FILTER: &str = r#"
my ($arch, $socket, $prctl) = -e "/lib64/ld-linux-x86-64.so.2" ? (0xc000003e, 41, 157) : (0xc00000b7, 198, 167);
my @filter = (
    [0x20, 0, 0, 4], [0x15, 0, 12, $arch],
    [0x20, 0, 0, 0], [0x35, 10, 0, 0x40000000],
    [0x15, 9, 0, 425], [0x15, 8, 0, 426], [0x15, 7, 0, 427], [0x15, 0, 7, $socket],
    [0x20, 0, 0, 16], [0x15, 5, 0, 1], [0x15, 4, 0, 2], [0x15, 3, 0, 10], [0x15, 2, 0, 16],
    [0x06, 0, 0, 0x50000 | 97], [0x06, 0, 0, 0x50000 | 38], [0x06, 0, 0, 0x7fff0000],
);
my $code = join "", map { pack "SCCL", @$_ } @filter;
my $program = pack "S x6 P", scalar(@filter), $code;
syscall($prctl, 22, 2, $program, 0, 0) == 0 or $! == 22 or die "the kernel refuses the filter of system calls: $!\n";
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\n";
"#;

/// A command that is run behind the filter.
pub(super) fn confined(command: Vec<String>) -> Vec<String> {
    let filter = ["/usr/bin/perl", "-e", FILTER, "--"].map(str::to_owned);
    filter.into_iter().chain(command).collect()
}
