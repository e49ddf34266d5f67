//! npm packages for tests, installed once into cargo's target folder from their lock file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::target_folder;

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
