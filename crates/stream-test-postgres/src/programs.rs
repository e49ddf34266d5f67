//! PostgreSQL's programs: where they are, and as whom they run.

use std::io::Seek as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The variable with the folder of the server's programs; by default they are the newest installed ones.
const PROGRAMS: &str = "POSTGRES_PROGRAMS";

/// The folder of PostgreSQL's server programs: the configured one, else that of the newest installed version.
pub(crate) fn programs() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(PROGRAMS) {
        return Some(PathBuf::from(folder)).filter(|folder| folder.join("initdb").exists());
    }
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    let version = |folder: &PathBuf| {
        let name = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok()).unwrap_or_default()
    };
    folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
}

pub(crate) fn as_postgres(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

pub(crate) fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| {
        let id = Command::new("id").arg("-u").output().expect("`id` is there");
        id.stdout.trim_ascii() == b"0"
    })
}

/// Runs a command and panics with its output if it fails.
pub(crate) fn must(command: &mut Command) -> Output {
    let log = tempfile::tempfile().expect("a temporary file");
    // A started server inherits the output and keeps it open: reading a pipe to its end would block, a file does not.
    let output = command
        .current_dir("/")
        .stderr(log.try_clone().expect("the file can be shared"))
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    if !output.status.success() {
        use std::io::Read as _;
        let (mut log, mut text) = (log, String::new());
        log.rewind().expect("a file can be rewound");
        log.read_to_string(&mut text).expect("the programs print text");
        panic!("{command:?} failed: {text}{}", String::from_utf8_lossy(&output.stdout));
    }
    output
}
