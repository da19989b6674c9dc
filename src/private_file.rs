//! Files of this program's own: what was changed and where is nobody else's to read, to write or to swap.
//!
//! A file is opened only if all of this holds, else the error says which of it does not:
//!
//! - Each folder above it belongs to the user that mvtop runs as, or to root, and so does each symbolic link on the way. With
//!   `sudo` that user is root: another's home is refused, for its owner could swap what root writes.
//! - No folder above it can be written to by others, unless it has the sticky bit, as `/tmp` has, and what mvtop enters in it
//!   is its own. The folder that holds the file can be written to by nobody else, sticky or not.
//! - It is a regular file of one name (no symbolic or hard link, pipe or device), and its owner is the user that mvtop runs
//!   as; root's files are root's alone.
//! - Nobody else may write to it. One that others may write to is refused: what stands in it need not be ours. One that others
//!   may only read is made private (0600): versions before this one left it to the umask, and nothing in it is in doubt.
//!
//! Folders that are missing are made with mode 0700; those that are there are left as they are. A group counts as nobody else
//! where it is the user's own and has no other member, as Debian and Fedora make one for each user.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::unistd::{Gid, Group, Uid, User, geteuid};

/// Mode bits.
const STICKY: u32 = 0o1000;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const OTHERS_DO: u32 = 0o077;

/// Opens a file for lines at its end, and for reading; it and its folder are made where they are missing.
///
/// # Errors
/// It cannot be opened, or is not private: then the error says why.
pub fn append(path: &Path) -> io::Result<File> {
    make_folder(folder_of(path)?)?;
    open(path, OpenOptions::new().read(true).append(true).create(true))
}

/// Opens a file for writing from its beginning, as long as it was; it and its folder are made where they are missing.
///
/// # Errors
/// As [`append`].
pub fn write(path: &Path) -> io::Result<File> {
    make_folder(folder_of(path)?)?;
    open(path, OpenOptions::new().write(true).create(true))
}

/// Makes a new file, and its folder where it is missing.
///
/// # Errors
/// As [`append`]; [`io::ErrorKind::AlreadyExists`] where there is anything of that name.
pub fn create_new(path: &Path) -> io::Result<File> {
    make_folder(folder_of(path)?)?;
    open(path, OpenOptions::new().write(true).create_new(true))
}

/// Opens a file that must be there, for reading and for locks.
///
/// # Errors
/// As [`append`]; [`io::ErrorKind::NotFound`] where it is missing.
pub fn read(path: &Path) -> io::Result<File> {
    check_folders(folder_of(path)?)?;
    open(path, OpenOptions::new().read(true))
}

/// Makes a folder with mode 0700, and those above it that are missing; one that is there must be nobody else's to write to.
///
/// # Errors
/// It cannot be made, or others could write to it or swap it.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let folder = std::path::absolute(folder)?;
    // Before anything is made in it, and after: others may have been faster.
    if let Some(existing) = folder.ancestors().find(|f| f.symlink_metadata().is_ok()).filter(|f| **f != *folder) {
        check_chain(existing, false)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    }
    check_folders(&folder)
}

fn folder_of(path: &Path) -> io::Result<&Path> {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(folder) => Ok(folder),
        None => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
    }
}

/// Checks a folder that holds a file, and all above it.
fn check_folders(folder: &Path) -> io::Result<()> {
    check_chain(&std::path::absolute(folder)?, true)
}

/// Checks an absolute path of folders as it is written, and where its links lead to.
fn check_chain(folder: &Path, holds_file: bool) -> io::Result<()> {
    let real = folder.canonicalize()?;
    for path in [folder, &real] {
        let folders: Vec<&Path> = path.ancestors().collect();
        for (above, folder) in folders.iter().skip(1).zip(&folders) {
            check_entered(above, folder)?;
        }
    }
    let data = fs::metadata(&real)?;
    check_owner(&real, &data)?;
    if holds_file && is_open_to_others(&data) {
        return Err(refused(&real, "is a folder that others can write to; take one of your own"));
    }
    check_sticky(&real, &data)
}

/// Checks that nobody else can put another folder in the place of the one that is entered from `above`.
fn check_entered(above: &Path, entered: &Path) -> io::Result<()> {
    let outer = fs::metadata(above)?;
    check_owner(above, &outer)?;
    check_owner(entered, &entered.symlink_metadata()?)?;
    check_sticky(above, &outer)
}

fn check_sticky(path: &Path, folder: &fs::Metadata) -> io::Result<()> {
    if !is_open_to_others(folder) || folder.mode() & STICKY != 0 {
        return Ok(());
    }
    Err(refused(path, "is a folder that others can write to, and it has no sticky bit"))
}

fn check_owner(path: &Path, data: &fs::Metadata) -> io::Result<()> {
    if data.uid() == 0 || data.uid() == geteuid().as_raw() {
        return Ok(());
    }
    Err(refused(path, &format!("belongs to {}, and mvtop runs as {}", name(data.uid()), name(geteuid().as_raw()))))
}

fn is_open_to_others(data: &fs::Metadata) -> bool {
    data.mode() & OTHERS_WRITE != 0 || data.mode() & GROUP_WRITES != 0 && !is_own_group(data.gid())
}

/// Is it root's group, or that of nobody but this user?
fn is_own_group(gid: u32) -> bool {
    if gid == 0 {
        return true;
    }
    let (Ok(Some(user)), Ok(Some(group))) = (User::from_uid(geteuid()), Group::from_gid(Gid::from_raw(gid))) else {
        return false;
    };
    group.name == user.name && user.gid == group.gid && group.mem.iter().all(|member| *member == user.name)
}

/// Opens a file whose folder was checked: through no link, and without waiting for the other end of a pipe.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let opened = options.mode(0o600).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits()).open(path);
    let file = opened.map_err(|error| match path.symlink_metadata() {
        Ok(data) if data.is_symlink() => refused(path, "is a symbolic link; name the file that it leads to"),
        _ => error,
    })?;
    let data = file.metadata()?;
    if !data.is_file() || data.nlink() > 1 {
        return Err(refused(path, "is not a regular file of one name"));
    }
    if data.uid() != geteuid().as_raw() {
        return check_owner(path, &data).and_then(|()| Err(refused(path, "belongs to root")));
    }
    if is_open_to_others(&data) {
        return Err(refused(path, "can be written to by others; look what is in it, then chmod 600"));
    }
    if data.mode() & OTHERS_DO != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", path.display()))
}

fn name(uid: u32) -> String {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map_or_else(|| format!("uid {uid}"), |user| user.name)
}
