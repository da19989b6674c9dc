//! Cleans up after a demo that was killed before it could clean up itself: its server, then its folder.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::home::{self, PREFIX, SCRATCH_LOCK};
use super::server::{RUN, SOCKET, ServerUser, wait_until};
use crate::private_file;

/// How long a server told to stop at once may take before it is killed: after five seconds it kills its children.
const PATIENCE: Duration = Duration::from_secs(8);

/// Removes every scratch folder in `temp` that is this user's and whose owner is gone. What cannot be removed stays:
/// a leftover never keeps a new demo from starting.
pub(super) fn sweep(temp: &Path, user: Option<&ServerUser>) {
    for dir in fs::read_dir(temp).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if looks_like_ours(&dir)
            && let Ok(lock) = private_file::read(&dir.join(SCRATCH_LOCK))
            && let Some(_held) = home::take(lock)
        {
            stop_server(&dir, user);
            home::remove(&dir);
        }
    }
}

/// A real folder (no link), named like ours, owned by us: a stranger must not make us stop or remove anything.
fn looks_like_ours(dir: &Path) -> bool {
    let named = dir.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX));
    named && fs::symlink_metadata(dir).is_ok_and(|data| data.is_dir() && data.uid() == nix::unistd::geteuid().as_raw())
}

/// Stops the server that still answers on the folder's socket. That it answers is what says that the number in the
/// socket's lock file is its process, and not one that got the same number later.
pub(super) fn stop_server(dir: &Path, user: Option<&ServerUser>) {
    let socket = dir.join(RUN).join(SOCKET);
    let gone = || UnixStream::connect(&socket).is_err();
    let Some(pid) = server_pid(&socket) else {
        return;
    };
    for signal in ["QUIT", "KILL"] {
        if gone() {
            return;
        }
        // A stopped process acts on QUIT only when it goes on.
        let mut kill = ServerUser::command(user, Path::new("/bin/sh"), dir);
        let _sent = kill.args(["-c", "kill -$1 $2; kill -CONT $2", "sh", signal, &pid.to_string()]).output();
        wait_until(PATIENCE, || gone().then_some(()));
    }
}

/// First line of the socket's lock file.
fn server_pid(socket: &Path) -> Option<u32> {
    let lock = PathBuf::from(format!("{}.lock", socket.display()));
    fs::read_to_string(lock).ok()?.lines().next()?.trim().parse().ok()
}
