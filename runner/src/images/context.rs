//! The context of a build: the recipe's files, and in `input/` what the machine that builds adds to them.

use bytes::Bytes;

use crate::images::recipe::FILES;

/// What a build needs besides the recipe.
#[derive(Clone, Debug, Default)]
pub(super) struct Input {
    /// Settings of apt, in the syntax of apt.conf.
    pub(super) apt_conf: String,
    /// Certificates that the machine trusts beyond the usual ones, PEM.
    pub(super) ca_bundle: Option<Vec<u8>>,
    /// What the source brings: file names and contents.
    pub(super) server: Vec<(&'static str, Vec<u8>)>,
}

/// A tar archive that is the same, byte for byte, whenever its content is: only so does the engine find the steps that it has cached.
pub(super) fn pack(input: &Input) -> Bytes {
    pack_files(FILES, input)
}

/// The same of other files than the recipe's.
pub(super) fn pack_files(files: &[(&str, &str)], input: &Input) -> Bytes {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, text) in files {
        add(&mut archive, path, text.as_bytes());
    }
    add(&mut archive, "input/host/apt.conf", input.apt_conf.as_bytes());
    if let Some(bundle) = &input.ca_bundle {
        add(&mut archive, "input/host/ca.pem", bundle);
    }
    // A folder that would be empty cannot be copied.
    add(&mut archive, "input/server/.keep", b"");
    for (name, bytes) in &input.server {
        add(&mut archive, &format!("input/server/{name}"), bytes);
    }
    Bytes::from(archive.into_inner().expect("memory takes what is written to it"))
}

/// A context of nothing but a `Dockerfile`.
pub(super) fn pack_dockerfile(text: &str) -> Bytes {
    let mut archive = tar::Builder::new(Vec::new());
    add(&mut archive, "Dockerfile", text.as_bytes());
    Bytes::from(archive.into_inner().expect("memory takes what is written to it"))
}

fn add(archive: &mut tar::Builder<Vec<u8>>, path: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(bytes.len()).expect("a file in memory is no longer than that"));
    header.set_mode(if path.starts_with("bin/") { 0o755 } else { 0o644 });
    header.set_mtime(0);
    archive.append_data(&mut header, path, bytes).expect("memory takes what is written to it");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::*;

    fn unpack(archive: &[u8]) -> BTreeMap<String, (u32, Vec<u8>)> {
        let mut archive = tar::Archive::new(archive);
        let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            let (path, mode) = (entry.path().unwrap().to_str().unwrap().to_owned(), entry.header().mode().unwrap());
            Read::read_to_end(&mut entry, &mut bytes).unwrap();
            (path, (mode, bytes))
        };
        archive.entries().unwrap().map(read).collect()
    }

    #[test]
    fn a_context_holds_the_recipe_and_what_was_added() {
        let input = Input {
            apt_conf: "A \"b\";\n".into(),
            ca_bundle: Some(b"pem".to_vec()),
            server: vec![("postgresql.tar.gz", vec![1, 2, 3])],
        };
        let files = unpack(&pack(&input));
        for (path, text) in FILES {
            assert_eq!(files[*path].1, text.as_bytes(), "{path}");
        }
        assert_eq!(files["bin/init"].0, 0o755);
        assert_eq!(files["input/host/apt.conf"].1, b"A \"b\";\n");
        assert_eq!(files["input/host/ca.pem"].1, b"pem");
        assert_eq!(files["input/server/postgresql.tar.gz"], (0o644, vec![1, 2, 3]));
    }

    #[test]
    fn the_same_content_makes_the_same_archive() {
        assert_eq!(pack(&Input::default()), pack(&Input::default()));
    }
}
