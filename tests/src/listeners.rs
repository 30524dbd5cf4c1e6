//! Everything that an attack could reach if there were a way out: listeners of this test, on this machine, that count who comes.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener, UnixStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::disk::as_root;
use crate::host::bridge_address;

const LINK_LOCAL: Ipv4Addr = Ipv4Addr::new(169, 254, 77, 1);
/// Of a range that nobody routes.
const UNIQUE_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfd77, 0x7067, 0x786e, 0, 0, 0, 0, 1);

/// A device of this test's own, with a link-local and an IPv6 address; taken away when it is dropped.
struct Device(String);

impl Device {
    fn make() -> Result<Self> {
        let name = format!("pgxn{}", std::process::id());
        as_root(&["ip", "link", "add", &name, "type", "bridge"])?;
        let device = Self(name);
        as_root(&["ip", "addr", "add", &format!("{LINK_LOCAL}/32"), "dev", &device.0])?;
        as_root(&["ip", "-6", "addr", "add", &format!("{UNIQUE_LOCAL}/128"), "dev", &device.0, "nodad"])?;
        as_root(&["ip", "link", "set", &device.0, "up"])?;
        Ok(device)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = as_root(&["ip", "link", "delete", &self.0]);
    }
}

/// The listeners; gone when they are dropped.
pub struct Listeners {
    _device: Device,
    /// The address of an engine's bridge.
    pub bridge: String,
    /// The port of all of them.
    pub port: u16,
    /// The name of the one that has no file.
    pub name: String,
    addresses: Vec<IpAddr>,
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    named: UnixListener,
}

impl Listeners {
    /// Opens them, and makes sure that each hears who comes.
    pub fn open() -> Result<Self> {
        let device = Device::make()?;
        let bridge = bridge_address()?;
        let loopbacks = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
        let addresses: Vec<IpAddr> =
            [LINK_LOCAL.into(), bridge.parse()?, UNIQUE_LOCAL.into()].into_iter().chain(loopbacks).collect();
        let first = TcpListener::bind((addresses[0], 0))?;
        let port = first.local_addr()?.port();
        let mut tcp = vec![first];
        for address in &addresses[1..] {
            tcp.push(TcpListener::bind((*address, port)).with_context(|| format!("listen at {address}"))?);
        }
        let udp = addresses.iter().map(|address| UdpSocket::bind((*address, port))).collect::<Result<Vec<_>, _>>()?;
        let name = format!("pgxn-attack-{}", std::process::id());
        let named = UnixListener::bind_addr(&UnixAddr::from_abstract_name(&name)?)?;
        named.set_nonblocking(true)?;
        for listener in &tcp {
            listener.set_nonblocking(true)?;
        }
        for socket in &udp {
            socket.set_nonblocking(true)?;
        }
        let listeners = Self { _device: device, bridge, port, name, addresses, tcp, udp, named };
        listeners.prove()?;
        Ok(listeners)
    }

    /// The listeners that this test has found to hear: a deaf one would prove nothing.
    fn prove(&self) -> Result<()> {
        for address in &self.addresses {
            TcpStream::connect_timeout(&SocketAddr::new(*address, self.port), Duration::from_secs(5))?;
            let sender = UdpSocket::bind((*address, 0))?;
            sender.send_to(b"here", (*address, self.port))?;
        }
        UnixStream::connect_addr(&UnixAddr::from_abstract_name(&self.name)?)?;
        let heard = self.heard();
        let expected = self.addresses.len() * 2 + 1;
        ensure!(heard == expected, "{heard} of {expected} listeners hear");
        Ok(())
    }

    /// How many came since this was asked the last time.
    pub fn heard(&self) -> usize {
        let mut heard = 0;
        for listener in &self.tcp {
            while listener.accept().is_ok() {
                heard += 1;
            }
        }
        for socket in &self.udp {
            while socket.recv_from(&mut [0; 64]).map_or_else(|error| error.kind() != ErrorKind::WouldBlock, |_| true) {
                heard += 1;
            }
        }
        while self.named.accept().is_ok() {
            heard += 1;
        }
        heard
    }

    /// What an attack has to know to aim at them.
    pub fn targets(&self) -> Vec<(&'static str, String)> {
        vec![
            ("port", self.port.to_string()),
            ("bridge", self.bridge.clone()),
            ("link_local", LINK_LOCAL.to_string()),
            ("ipv6", UNIQUE_LOCAL.to_string()),
            ("abstract", self.name.clone()),
        ]
    }
}

/// A piece of shared memory of the machine, by its key; taken away when it is dropped.
pub struct SharedMemory {
    id: String,
    /// Its key.
    pub key: i64,
}

impl SharedMemory {
    /// Makes one that everybody may read.
    pub fn make() -> Result<Self> {
        let said = Command::new("ipcmk").args(["--shmem", "4096", "--mode", "0666"]).output().context("run ipcmk")?;
        let id = String::from_utf8_lossy(&said.stdout).rsplit(':').next().unwrap_or_default().trim().to_owned();
        let table = std::fs::read_to_string("/proc/sysvipc/shm")?;
        let line = table.lines().map(str::split_whitespace).map(Iterator::collect::<Vec<_>>);
        let key = line.filter(|words| words.get(1) == Some(&id.as_str())).find_map(|words| words[0].parse().ok());
        Ok(Self { key: key.context("the shared memory has a key")?, id })
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        let _ = Command::new("ipcrm").args(["--shmem-id", &self.id]).status();
    }
}
