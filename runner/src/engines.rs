//! Where a container engine may be: what `DOCKER_HOST` says, or else the first of the usual sockets that takes a connection.

use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// An engine's address, and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The address.
    pub host: String,
    /// What named it.
    pub by: &'static str,
}

/// The engine to use, given `DOCKER_HOST` and `XDG_RUNTIME_DIR`.
///
/// In this order: Docker, which root runs; rootless Docker; Podman, which root runs; rootless Podman. Where none takes a connection, the first
/// that is there at all, so that the error is about it.
pub(crate) fn find(docker_host: Option<String>, runtime_dir: Option<PathBuf>) -> Found {
    if let Some(host) = docker_host.filter(|host| !host.is_empty()) {
        return Found { host, by: "DOCKER_HOST" };
    }
    let runtime_dir = runtime_dir.or_else(|| {
        let user = std::fs::metadata("/proc/self").ok()?.uid();
        (user != 0).then(|| PathBuf::from(format!("/run/user/{user}")))
    });
    first(&sockets(runtime_dir.as_deref()))
}

/// The usual sockets, best first.
fn sockets(runtime_dir: Option<&Path>) -> Vec<(PathBuf, &'static str)> {
    let of_user = |path: &str, by| runtime_dir.map(|dir| (dir.join(path), by));
    [
        Some((PathBuf::from("/var/run/docker.sock"), "Docker's socket")),
        of_user("docker.sock", "the socket of rootless Docker"),
        Some((PathBuf::from("/run/podman/podman.sock"), "Podman's socket")),
        of_user("podman/podman.sock", "the socket of rootless Podman"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn first(sockets: &[(PathBuf, &'static str)]) -> Found {
    let found = |(path, by): &(PathBuf, &'static str)| Found { host: format!("unix://{}", path.display()), by };
    let connects = sockets.iter().find(|(path, _)| UnixStream::connect(path).is_ok());
    let exists = || sockets.iter().find(|(path, _)| path.exists());
    connects.or_else(exists).or(sockets.first()).map(found).expect("there is always Docker's own")
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_the_environment_names_goes_before_what_is_found() {
        let found = find(Some("tcp://engine.example.org:2375".into()), None);
        assert_eq!((found.host.as_str(), found.by), ("tcp://engine.example.org:2375", "DOCKER_HOST"));
    }

    #[test]
    fn a_socket_that_takes_a_connection_goes_before_one_that_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let [dead, live] = ["dead.sock", "live.sock"].map(|name| dir.path().join(name));
        drop(UnixListener::bind(&dead).unwrap());
        let candidates = [(dead.clone(), "dead"), (live.clone(), "live")];
        assert_eq!(first(&candidates).by, "dead", "the error is about what is there");
        let _listener = UnixListener::bind(&live).unwrap();
        assert_eq!(first(&candidates), Found { host: format!("unix://{}", live.display()), by: "live" });
    }

    #[test]
    fn rootless_engines_are_looked_for_where_a_user_has_a_directory_for_them() {
        let names: Vec<_> = sockets(Some(Path::new("/run/user/7"))).into_iter().map(|(path, _)| path).collect();
        let expected = [
            "/var/run/docker.sock",
            "/run/user/7/docker.sock",
            "/run/podman/podman.sock",
            "/run/user/7/podman/podman.sock",
        ];
        assert_eq!(names, expected.map(PathBuf::from));
        assert_eq!(sockets(None).len(), 2);
    }
}
