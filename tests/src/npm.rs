//! npm packages for tests, installed once into cargo's target folder from their lock file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::program::succeed;
use crate::{target_folder, workspace};

/// Copies these files of `source` into a folder of this name, with the packages that its lock file names.
pub(crate) fn installed(source: &Path, name: &str, files: &[&str]) -> PathBuf {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = target_folder(name);
    std::fs::create_dir_all(&folder).expect("the target folder is writable");
    let lock = std::fs::read(source.join("package-lock.json")).expect("the lock file is in the repository");
    let is_current = std::fs::read(folder.join("installed.json")).is_ok_and(|installed| installed == lock);
    for file in ["package.json", "package-lock.json"].iter().chain(files) {
        if source.join(file).exists() {
            std::fs::copy(source.join(file), folder.join(file)).expect("the target folder is writable");
        }
    }
    if !is_current {
        let npm = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).output();
        let npm = npm.expect("npm is there; install Node.js with npm otherwise");
        assert!(npm.status.success(), "npm ci: {}", String::from_utf8_lossy(&npm.stderr));
        std::fs::write(folder.join("installed.json"), lock).expect("the target folder is writable");
    }
    folder
}

/// Copies a package of this repository and what it is made from into a folder of this name, with the packages that its lock
/// file names; returns the package's folder in there. Nothing is written into the repository.
pub(crate) fn copied(name: &str, package: &str, others: &[&str]) -> PathBuf {
    let root = target_folder(name);
    let (sources, kept) = (workspace().join(package), root.join(package));
    // What is left of an earlier version could make up for what this one lacks.
    for stale in std::fs::read_dir(&kept).into_iter().flatten().flatten() {
        if stale.file_type().is_ok_and(|kind| kind.is_dir()) && stale.file_name() != "node_modules" {
            std::fs::remove_dir_all(stale.path()).expect("the target folder is writable");
        }
    }
    let folder = installed(&sources, &format!("{name}/{package}"), &[]);
    for file in [package].iter().chain(others).flat_map(|path| files_of(path)) {
        let copy = root.join(&file);
        std::fs::create_dir_all(copy.parent().expect("a file is in a folder")).expect("writable");
        std::fs::copy(workspace().join(&file), copy).expect("the target folder is writable");
    }
    folder
}

/// The files at a path that git knows or would add.
fn files_of(path: &str) -> Vec<String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", path]).current_dir(workspace());
    let names = succeed(&mut git).lines().map(str::to_owned).collect::<Vec<_>>();
    names.into_iter().filter(|name| workspace().join(name).exists()).collect()
}
