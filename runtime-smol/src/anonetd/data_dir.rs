//! The directory with the node's own files.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Where the node keeps its files.
#[derive(Clone, Debug)]
pub(super) struct DataDir(PathBuf);

/// Keeps other processes out of the directory while it lives.
#[derive(Debug)]
pub(super) struct DataDirLock {
    _file: File,
}

/// Who has the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occupant {
    /// It is free, or not there yet.
    Nobody,
    /// A running node.
    Node,
}

/// Why the directory cannot be used.
#[derive(Debug, Error)]
pub(super) enum DataDirError {
    #[error("there is no place for the node's files, as HOME is not set: choose one with --data-dir")]
    NoHome,
    #[error("cannot create the data directory {path} ({error}): choose another with --data-dir", path = path.display())]
    Create { path: PathBuf, error: io::Error },
    #[error("cannot use {path} ({error}): correct its permissions, or choose another directory with --data-dir", path = path.display())]
    Lock { path: PathBuf, error: io::Error },
    #[error("another anonetd uses the data directory {path}: stop it first, or choose another directory with --data-dir", path = path.display())]
    InUse { path: PathBuf },
}

impl DataDir {
    /// The directory that the user chose, or the platform's. Nothing is created.
    pub(super) fn new(chosen: Option<PathBuf>) -> Result<Self, DataDirError> {
        let variable = |name| env::var_os(name).map(PathBuf::from);
        let path = chosen.or_else(|| platform_dir(variable("XDG_DATA_HOME"), variable("HOME")));
        path.map(Self).ok_or(DataDirError::NoHome)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The socket on which the running node takes commands.
    pub(super) fn control_socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    /// The own transactions that the node keeps on disk.
    pub(super) fn stash(&self) -> PathBuf {
        self.0.join("stash.redb")
    }

    /// What the node knows of its network: peers and bans.
    pub(super) fn peers(&self) -> PathBuf {
        self.0.join("peers.redb")
    }

    /// Creates the directory, for this user only, and takes it for this process.
    pub(super) fn lock(&self) -> Result<DataDirLock, DataDirError> {
        let path = self.0.clone();
        if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(&self.0) {
            return Err(DataDirError::Create { path, error });
        }
        let lock = self.0.join("lock");
        let file = OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(&lock);
        let file = file.map_err(|error| DataDirError::Lock { path: lock.clone(), error })?;
        match file.try_lock() {
            Ok(()) => Ok(DataDirLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse { path }),
            Err(TryLockError::Error(error)) => Err(DataDirError::Lock { path: lock, error }),
        }
    }

    /// Who has the directory, which is not taken for that.
    pub(super) fn occupant(&self) -> Result<Occupant, DataDirError> {
        let lock = self.0.join("lock");
        let taken = File::open(&lock).and_then(|file| match file.try_lock_shared() {
            Ok(()) => Ok(Occupant::Nobody),
            Err(TryLockError::WouldBlock) => Ok(Occupant::Node),
            Err(TryLockError::Error(error)) => Err(error),
        });
        match taken {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Occupant::Nobody),
            taken => taken.map_err(|error| DataDirError::Lock { path: lock, error }),
        }
    }

    /// How `anonetd run` is to be called for this directory.
    pub(super) fn run_command(&self) -> String {
        match Self::new(None) {
            Ok(default) if default.0 == self.0 => "anonetd run".into(),
            _ => format!("anonetd run --data-dir {}", self.0.display()),
        }
    }
}

/// The data directory of the platform, plus `anonet`.
fn platform_dir(xdg_data_home: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let home = home.filter(|home| home.is_absolute());
    let base = if cfg!(target_os = "macos") {
        home?.join("Library/Application Support")
    } else {
        // relative paths there are to be ignored (XDG base directory specification)
        xdg_data_home.filter(|path| path.is_absolute()).or_else(|| Some(home?.join(".local/share")))?
    };
    Some(base.join("anonet"))
}

/// Removes what an earlier process left at `path`, if it is a socket; other files are the user's.
pub(super) fn remove_stale_socket(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket is in the way")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use super::super::scratch::Scratch;
    use super::*;

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn platform_directories() {
        let path = |text: &str| Some(PathBuf::from(text));
        for (xdg, home, expected) in [
            (path("/x"), path("/h"), path("/x/anonet")),
            (None, path("/h"), path("/h/.local/share/anonet")),
            (path("relative"), path("/h"), path("/h/.local/share/anonet")),
            (path(""), path("/h"), path("/h/.local/share/anonet")),
            (None, path("relative"), None),
            (None, None, None),
        ] {
            assert_eq!(platform_dir(xdg.clone(), home.clone()), expected, "{xdg:?} {home:?}");
        }
    }

    #[test]
    fn it_is_private_and_taken_once() {
        let scratch = Scratch::new();
        let dir = DataDir::new(Some(scratch.path().join("a/b"))).unwrap();
        assert_eq!(dir.occupant().unwrap(), Occupant::Nobody);
        let lock = dir.lock().unwrap();
        assert_eq!(dir.occupant().unwrap(), Occupant::Node);
        assert_eq!(fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let refused = dir.lock().unwrap_err().to_string();
        assert!(refused.contains("another anonetd") && refused.contains("--data-dir"), "{refused}");
        drop(lock);
        assert_eq!(dir.occupant().unwrap(), Occupant::Nobody);
        assert!(dir.lock().is_ok());
    }

    #[test]
    fn only_sockets_are_removed() {
        let scratch = Scratch::new();
        let (socket, file) = (scratch.path().join("socket"), scratch.path().join("file"));
        drop(UnixListener::bind(&socket).unwrap());
        fs::write(&file, "mine").unwrap();
        remove_stale_socket(&socket).unwrap();
        assert!(!socket.exists());
        remove_stale_socket(&socket).unwrap();
        assert!(remove_stale_socket(&file).is_err());
        assert!(file.exists());
    }
}
