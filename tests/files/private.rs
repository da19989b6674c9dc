//! Files and folders: who may read and write them, and what is refused.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use mvtop::private_file::{append, create_new, make_folder, read, write};
use nix::sys::stat::Mode;
use nix::unistd::{geteuid, mkfifo};

use crate::{demo, mvtop, said};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A file with this mode, in a folder of ours.
fn file(folder: &Path, name: &str, mode: u32) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, "what was there\n").unwrap();
    chmod(&path, mode);
    path
}

fn refusal(path: &Path) -> String {
    let all = [append(path).err(), write(path).err(), read(path).err()];
    let all: Vec<String> = all.into_iter().map(|e| e.expect("refused").to_string()).collect();
    assert!(all.iter().all(|e| *e == all[0]), "{all:?}");
    all[0].clone()
}

#[test]
fn a_new_file_and_its_folders_are_their_users_alone_whatever_the_umask() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a/b/actions.jsonl");
    append(&path).unwrap();
    assert_eq!((mode(&path), mode(&home.path().join("a")), mode(&home.path().join("a/b"))), (0o600, 0o700, 0o700));
    create_new(&home.path().join("a/new")).unwrap();
    assert!(create_new(&home.path().join("a/new")).is_err_and(|e| e.kind() == std::io::ErrorKind::AlreadyExists));
    assert!(read(&home.path().join("a/none")).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound));
}

#[test]
fn a_file_that_others_could_read_is_made_private_and_one_that_they_could_write_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let readable = file(home.path(), "readable", 0o644);
    append(&readable).unwrap();
    assert_eq!((mode(&readable), fs::read_to_string(&readable).unwrap().as_str()), (0o600, "what was there\n"));
    let writable = file(home.path(), "writable", 0o602);
    assert!(refusal(&writable).contains("can be written to by others"), "{}", refusal(&writable));
    assert_eq!(mode(&writable), 0o602, "it is left as it was");
}

#[test]
fn neither_a_link_nor_a_pipe_nor_a_second_name_is_followed() {
    let home = tempfile::tempdir().unwrap();
    let other = file(home.path(), "other", 0o600);
    let link = home.path().join("link");
    symlink(&other, &link).unwrap();
    assert!(refusal(&link).contains("is a symbolic link"), "{}", refusal(&link));
    let dangling = home.path().join("dangling");
    symlink(home.path().join("made"), &dangling).unwrap();
    assert!(append(&dangling).is_err() && !home.path().join("made").exists(), "nothing is made where it leads");
    let second = home.path().join("second");
    fs::hard_link(&other, &second).unwrap();
    assert!(refusal(&second).contains("not a regular file"), "{}", refusal(&second));
    let pipe = home.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    assert!(append(&pipe).is_err() && read(&pipe).is_err() && write(&pipe).is_err());
    assert!(append(home.path()).is_err(), "a folder");
}

#[test]
fn no_folder_on_the_way_can_be_swapped_by_others() {
    let home = tempfile::tempdir().unwrap();
    let [open, sticky] = ["open", "sticky"].map(|name| home.path().join(name));
    for (folder, bits) in [(&open, 0o777), (&sticky, 0o1777)] {
        fs::create_dir(folder).unwrap();
        chmod(folder, bits);
        let why = append(&folder.join("file")).unwrap_err().to_string();
        assert!(why.contains("others can write to") && !folder.join("file").exists(), "{why}");
    }
    let why = append(&open.join("deeper/file")).unwrap_err().to_string();
    assert!(why.contains("no sticky bit") && !open.join("deeper").exists(), "{why}");
    append(&sticky.join("own/file")).unwrap();
    chmod(&sticky.join("own"), 0o755);
    append(&sticky.join("own/file")).unwrap();
    assert_eq!(mode(&sticky.join("own")), 0o755, "a folder that is there is left as it is");
    let through = home.path().join("through");
    symlink(sticky.join("own"), &through).unwrap();
    append(&through.join("file")).unwrap();
    let through = home.path().join("elsewhere");
    symlink(&open, &through).unwrap();
    assert!(append(&through.join("file")).is_err(), "where a link leads counts");
}

#[test]
fn another_users_file_folder_or_link_is_refused_even_by_root() {
    if !geteuid().is_root() {
        println!("skipped: only root can give files away");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let nobody = Some(65534);
    let theirs = file(home.path(), "theirs", 0o600);
    chown(&theirs, nobody, nobody).unwrap();
    assert!(refusal(&theirs).contains("belongs to"), "{}", refusal(&theirs));
    let folder = home.path().join("folder");
    fs::create_dir(&folder).unwrap();
    chown(&folder, nobody, nobody).unwrap();
    assert!(append(&folder.join("file")).is_err() && append(&folder.join("deeper/file")).is_err());
    assert!(make_folder(&folder).is_err() && fs::read_dir(&folder).unwrap().next().is_none());
    let sticky = home.path().join("sticky");
    fs::create_dir_all(sticky.join("own")).unwrap();
    chmod(&sticky, 0o1777);
    let link = sticky.join("link");
    symlink(sticky.join("own"), &link).unwrap();
    std::os::unix::fs::lchown(&link, nobody, nobody).unwrap();
    assert!(append(&link.join("file")).is_err(), "somebody else says where it leads");
    assert!(append(&sticky.join("own/file")).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_changes_its_locks_the_consoles_log_and_the_configuration_are_private() {
    let (demo, state) = (demo().await, tempfile::tempdir().unwrap());
    let folder = state.path().join("mvtop");
    let run = |args: &[&str]| mvtop(state.path(), &[args, &[demo.conninfo()]].concat()).output().unwrap();
    let done = run(&["fix", "refresh", "--yes"]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!((mode(&folder), mode(&folder.join("actions.jsonl"))), (0o700, 0o600));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no lock is left");
    // A log that somebody else may write to is neither read nor written, and that is said before.
    chmod(&folder.join("actions.jsonl"), 0o666);
    let warned = run(&["fix", "refresh", "--yes"]);
    assert!(said(&warned).contains("cannot be written down") && warned.status.success(), "{}", said(&warned));
    let init = run(&["init"]);
    assert!(init.status.success(), "{}", said(&init));
    let config = folder.join("config.toml");
    assert_eq!(mode(&config), 0o600);
    let (other, text) = (state.path().join("other"), fs::read_to_string(&config).unwrap());
    fs::rename(&config, &other).unwrap();
    symlink(&other, &config).unwrap();
    let refused = run(&["init", "--force"]);
    assert!(said(&refused).contains("symbolic link"), "{}", said(&refused));
    assert_eq!(fs::read_to_string(&other).unwrap(), text, "what the link leads to is not emptied");
    File::create(state.path().join("log")).unwrap();
    chmod(&state.path().join("log"), 0o666);
    let log = mvtop(state.path(), &["--log", "log", demo.conninfo()]).current_dir(state.path()).output().unwrap();
    assert!(said(&log).contains("log cannot be written"), "{}", said(&log));
}

#[test]
fn a_kept_demo_is_its_users_and_goes_into_no_folder_that_others_can_write_to() {
    let parent = tempfile::tempdir().unwrap();
    chmod(parent.path(), 0o711);
    let keep = parent.path().join("kept");
    let options = mvtop::demo::cluster::ClusterOptions { keep: Some(keep.clone()), cron: false, settings: &[] };
    drop(mvtop::demo::cluster::Cluster::start(&options).unwrap());
    let is_root = geteuid().is_root();
    assert_eq!(mode(&keep), if is_root { 0o711 } else { 0o700 });
    assert_eq!(mode(&keep.join("server.log")), 0o600);
    assert_eq!(mode(&keep.join("mvtop.conf")), if is_root { 0o640 } else { 0o600 });
    assert_eq!(mode(&keep.join("mvtop-demo.lock")), 0o600);
    drop(mvtop::demo::cluster::Cluster::start(&options).expect("it goes on the next time"));
    chmod(parent.path(), 0o777);
    let refused = mvtop::demo::cluster::Cluster::start(&options).unwrap_err().to_string();
    assert!(refused.contains("others can write to"), "{refused}");
}
