//! The folders a cluster lives in, and the locks that say somebody still lives there.
//!
//! Every cluster has a [`Scratch`]: a short-named temporary folder for the socket and, unless the user keeps the
//! demo, for everything else. Its lock is held for as long as this process lives, however that ends, so a scratch
//! whose lock is free is a leftover (see [`super::leftovers`]). A kept folder has a lock of another name: nobody
//! ever takes it for a leftover.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use super::error::DemoError;
use crate::private_file;

/// How a scratch folder's name begins. Made under another name and renamed once locked, so that a folder that is
/// just being made never looks like a leftover.
pub(super) const PREFIX: &str = "mvtop-demo-";
const UNLOCKED_PREFIX: &str = "mvtop-new-";
/// The lock of a scratch folder, inside it.
pub(super) const SCRATCH_LOCK: &str = "lock";
const KEPT_LOCK: &str = "mvtop-demo.lock";

/// Socket paths may have 103 bytes on macOS, 107 on Linux; this much comes after the temporary folder.
const LONGEST_TEMP: usize = 103 - "/mvtop-demo-random/run/.s.PGSQL.5432".len();

/// A locked temporary folder, removed on drop.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) dir: PathBuf,
    _lock: Flock<File>,
}

impl Scratch {
    /// Makes a folder that the server's user, if that is another one, can walk through.
    pub(super) fn create() -> Result<Self, DemoError> {
        let temp = temp_dir();
        let new = tempfile::Builder::new()
            .prefix(UNLOCKED_PREFIX)
            .rand_bytes(6)
            .tempdir_in(&temp)
            .map_err(DemoError::io("create a folder in", &temp))?;
        // A temporary folder that others can write to without a sticky bit is none.
        private_file::make_folder(new.path()).map_err(DemoError::io("use", new.path()))?;
        let lock = try_lock(&new.path().join(SCRATCH_LOCK))?;
        let lock = lock.ok_or_else(|| DemoError::InUse { path: new.path().to_path_buf() })?;
        let name = new.path().file_name().unwrap_or_default().to_string_lossy().replacen(UNLOCKED_PREFIX, PREFIX, 1);
        let dir = temp.join(name);
        fs::rename(new.path(), &dir).map_err(DemoError::io("rename to", &dir))?;
        // Renamed: the guard has nothing left to remove.
        let _old = new.keep();
        let scratch = Self { dir, _lock: lock };
        open_to_server(&scratch.dir)?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.dir);
    }
}

/// A folder the user wants to keep, locked while in use.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) dir: PathBuf,
    _lock: Flock<File>,
}

impl Kept {
    /// Takes a new or empty folder, or one that was kept earlier.
    pub(super) fn open(dir: &Path) -> Result<Self, DemoError> {
        private_file::make_folder(dir).map_err(DemoError::io("use", dir))?;
        let dir = dir.canonicalize().map_err(DemoError::io("open", dir))?;
        let mut entries = fs::read_dir(&dir).map_err(DemoError::io("read", &dir))?;
        let lock = dir.join(KEPT_LOCK);
        if !lock.is_file() && entries.next().is_some() {
            return Err(DemoError::NotOurs { path: dir });
        }
        let lock = try_lock(&lock)?.ok_or_else(|| DemoError::InUse { path: dir.clone() })?;
        open_to_server(&dir)?;
        Ok(Self { dir, _lock: lock })
    }
}

/// Takes a lock file's lock, making the file if needed; `None` if somebody holds it.
fn try_lock(path: &Path) -> Result<Option<Flock<File>>, DemoError> {
    Ok(take(private_file::write(path).map_err(DemoError::io("create", path))?))
}

/// The file's lock, unless somebody holds it. The descriptor is close-on-exec: a server does not inherit it.
pub(super) fn take(file: File) -> Option<Flock<File>> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()
}

/// Removes a scratch folder. Its lock goes last: what is left after an interruption is still a leftover.
pub(super) fn remove(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _gone = fs::remove_dir_all(path);
        } else if entry.file_name() != SCRATCH_LOCK {
            let _gone = fs::remove_file(path);
        }
    }
    let _gone = fs::remove_dir_all(dir);
}

/// The temporary folder, unless a socket in it would be unreachable: the path too long, or with characters that
/// PostgreSQL's lists of sockets give a meaning to.
pub(super) fn temp_dir() -> PathBuf {
    let temp = std::env::temp_dir();
    if fits(&temp) { temp } else { PathBuf::from("/tmp") }
}

fn fits(dir: &Path) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
    let bytes = dir.as_os_str().as_bytes();
    dir.is_absolute() && bytes.len() <= LONGEST_TEMP && bytes.iter().all(plain)
}

/// As root the server runs as somebody else, who must be able to walk through the folder but need not list it.
fn open_to_server(dir: &Path) -> Result<(), DemoError> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let set: io::Result<()> = fs::set_permissions(dir, Permissions::from_mode(0o711));
    set.map_err(DemoError::io("open to the server's user", dir))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's panic is its answer")]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_folder_is_used_only_if_a_socket_in_it_can_be_reached() {
        assert!(fits(Path::new("/tmp")));
        assert!(fits(Path::new("/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T")));
        assert!(!fits(Path::new("relative")));
        assert!(!fits(Path::new("/tmp/with space")));
        assert!(!fits(Path::new("/tmp/with,comma")));
        assert!(!fits(&Path::new("/").join("x".repeat(80))));
    }

    #[test]
    fn a_scratch_folder_is_locked_while_it_lives_and_gone_after() {
        let scratch = Scratch::create().unwrap();
        let dir = scratch.dir.clone();
        assert!(dir.file_name().unwrap().to_str().unwrap().starts_with(PREFIX));
        assert!(take(File::open(dir.join(SCRATCH_LOCK)).unwrap()).is_none());
        drop(scratch);
        assert!(!dir.exists());
    }

    #[test]
    fn a_kept_folder_is_refused_when_it_holds_something_else_or_is_in_use() {
        let parent = tempfile::tempdir().unwrap();
        let kept = Kept::open(&parent.path().join("new")).unwrap();
        assert!(matches!(Kept::open(&kept.dir), Err(DemoError::InUse { .. })));
        assert!(matches!(Kept::open(parent.path()), Err(DemoError::NotOurs { .. })));
        let dir = kept.dir.clone();
        drop(kept);
        assert!(Kept::open(&dir).is_ok(), "a folder kept earlier is taken again");
    }
}
