//! Finds a PostgreSQL server on this system, and whether the extensions the demo wants are installed with it.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use super::error::DemoError;

/// Where to look. A value of its own so that tests can look elsewhere.
#[derive(Debug, Clone)]
pub struct Search {
    /// Folder of versioned servers, as Debian lays them out: `<root>/15/bin`.
    pub root: PathBuf,
    /// The `pg_config` program to ask next.
    pub pg_config: OsString,
    /// Folders to look through last, as in `PATH`.
    pub path: OsString,
}

/// The programs of one PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// Folder that holds `postgres` and `initdb`.
    pub bin: PathBuf,
    /// Major version, for instance 15.
    pub major: u32,
    /// Version as the server says it, for instance `15.18`.
    pub version: String,
    /// Library and share folders; `None` where no `pg_config` goes with the server.
    folders: Option<(PathBuf, PathBuf)>,
}

impl Search {
    /// What this system offers: `/usr/lib/postgresql`, then the variable `PG_CONFIG` or `pg_config`, then `PATH`.
    #[must_use]
    pub fn system() -> Self {
        Self {
            root: PathBuf::from("/usr/lib/postgresql"),
            pg_config: env::var_os("PG_CONFIG").unwrap_or_else(|| "pg_config".into()),
            path: env::var_os("PATH").unwrap_or_default(),
        }
    }

    /// The newest server, or with `cron` the newest that has pg_cron.
    ///
    /// # Errors
    /// [`DemoError::NoServer`] or [`DemoError::NoCron`], both naming the package to install.
    pub fn find(&self, cron: bool) -> Result<Binaries, DemoError> {
        let found: Vec<Binaries> = self.folders().filter_map(Binaries::in_folder).collect();
        let Some(newest) = found.first() else {
            return Err(DemoError::NoServer { searched: self.root.clone() });
        };
        let no_cron = newest.no_cron();
        found.into_iter().find(|server| !cron || server.may_load("pg_cron")).ok_or(no_cron)
    }

    /// Candidate folders, best first.
    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
            .collect();
        versions.sort_by_key(|(major, _)| Reverse(*major));
        let mut ask = Command::new(&self.pg_config);
        let asked = output_lines(ask.arg("--bindir").env("PATH", &self.path)).into_iter().flatten().map(PathBuf::from);
        versions.into_iter().map(|(_, bin)| bin).chain(asked).chain(env::split_paths(&self.path).collect::<Vec<_>>())
    }
}

impl Binaries {
    /// The server in this folder, if there is a whole one.
    fn in_folder(bin: PathBuf) -> Option<Self> {
        if !bin.join("initdb").is_file() {
            return None;
        }
        let (major, version) =
            parse_version(output_lines(Command::new(bin.join("postgres")).arg("--version"))?.first()?)?;
        let mut ask = Command::new(bin.join("pg_config"));
        let folders = match output_lines(ask.args(["--pkglibdir", "--sharedir"])).as_deref() {
            Some([library, share]) => Some((PathBuf::from(library), PathBuf::from(share))),
            _ => None,
        };
        Some(Self { bin, major, version, folders })
    }

    /// Whether an extension's files are there; `None` when nothing says where to look.
    fn has(&self, extension: &str) -> Option<bool> {
        let (library, share) = self.folders.as_ref()?;
        let code = ["so", "dylib"].iter().any(|end| library.join(format!("{extension}.{end}")).is_file());
        Some(code && share.join(format!("extension/{extension}.control")).is_file())
    }

    /// Whether it is worth trying to load the extension: it is there, or nobody can tell before the server starts.
    fn may_load(&self, extension: &str) -> bool {
        self.has(extension) != Some(false)
    }

    /// Whether pg_stat_statements is known to be there.
    pub(super) fn has_statements(&self) -> bool {
        self.has("pg_stat_statements") == Some(true)
    }

    /// The error for this server without pg_cron.
    pub(super) fn no_cron(&self) -> DemoError {
        DemoError::NoCron { major: self.major, bin: self.bin.clone() }
    }

    /// The path of one of the server's programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` → `(15, "15.18")`; a beta is `16beta1`.
fn parse_version(line: &str) -> Option<(u32, String)> {
    let version = line.split_whitespace().nth(2)?;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((digits.parse().ok()?, version.to_owned()))
}

/// A program's output, or `None` if it is not there or failed.
fn output_lines(command: &mut Command) -> Option<Vec<String>> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.lines().map(str::to_owned).collect())
}

/// Whether a server's log says that pg_cron's library is missing: the answer when no `pg_config` could tell.
pub(super) fn log_misses_cron(log: &str) -> bool {
    log.contains("could not access file \"pg_cron\"")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's panic is its answer")]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn script(path: &Path, body: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }

    /// A server that says its version and keeps its libraries beside its programs.
    fn server(root: &Path, major: &str, cron: bool) {
        let base = root.join(major);
        script(&base.join("bin/initdb"), "true");
        script(&base.join("bin/postgres"), &format!("echo 'postgres (PostgreSQL) {major}.3 (Debian)'"));
        script(&base.join("bin/pg_config"), &format!("echo {0}/lib; echo {0}/share", base.display()));
        if cron {
            script(&base.join("lib/pg_cron.so"), "");
            script(&base.join("share/extension/pg_cron.control"), "");
        }
    }

    /// A search that sees only `root`.
    fn only(root: &Path) -> Search {
        Search { root: root.to_path_buf(), pg_config: root.join("none").into(), path: OsString::new() }
    }

    #[test]
    fn the_newest_server_with_pg_cron_is_taken_by_number_not_by_name() {
        let root = tempfile::tempdir().unwrap();
        server(root.path(), "9", true);
        server(root.path(), "15", true);
        server(root.path(), "17", false);
        let search = only(root.path());
        assert_eq!(search.find(true).unwrap().major, 15);
        assert_eq!(search.find(false).unwrap().version, "17.3");
    }

    #[test]
    fn without_pg_cron_the_error_names_the_package_of_the_found_server() {
        let root = tempfile::tempdir().unwrap();
        server(root.path(), "16", false);
        let error = only(root.path()).find(true).unwrap_err();
        assert!(error.missing_package());
        assert!(error.to_string().contains("apt install postgresql-16-cron"), "{error}");
    }

    #[test]
    fn without_a_server_the_error_names_both_packages() {
        let root = tempfile::tempdir().unwrap();
        let error = only(root.path()).find(false).unwrap_err();
        assert!(error.missing_package());
        assert!(error.to_string().contains("postgresql-15 postgresql-15-cron"), "{error}");
    }

    #[test]
    fn pg_config_is_asked_and_then_path_is_searched() {
        let root = tempfile::tempdir().unwrap();
        server(root.path(), "elsewhere/16", true);
        let bin = root.path().join("elsewhere/16/bin");
        let nothing = root.path().join("nothing");
        script(&root.path().join("asked"), &format!("echo {}", bin.display()));
        let asked =
            Search { root: nothing.clone(), pg_config: root.path().join("asked").into(), path: OsString::new() };
        let walked = Search { root: nothing, pg_config: "pg_config-none".into(), path: bin.clone().into() };
        // The fake says "elsewhere/16", which is no number: only the folder counts here.
        script(&bin.join("postgres"), "echo 'postgres (PostgreSQL) 16beta1'");
        assert_eq!(asked.find(true).unwrap().bin, bin);
        assert_eq!(walked.find(true).unwrap().major, 16);
    }

    #[test]
    fn a_server_without_pg_config_is_tried_because_nothing_says_that_pg_cron_is_missing() {
        let root = tempfile::tempdir().unwrap();
        server(root.path(), "15", false);
        fs::remove_file(root.path().join("15/bin/pg_config")).unwrap();
        assert!(only(root.path()).find(true).is_ok());
        assert!(log_misses_cron("FATAL:  could not access file \"pg_cron\": No such file or directory"));
    }
}
