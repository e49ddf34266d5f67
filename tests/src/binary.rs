//! The binary under test, built once by the cargo that runs the tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The repository's root.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder of the workspace")
}

/// The path of `stream-server`, up to date.
pub fn server_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "--package", "stream-server", "--message-format", "json"]);
        let output = build.current_dir(workspace()).output().expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).expect("cargo prints JSON");
        let mut messages = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
        let executable =
            messages.find_map(|message: serde_json::Value| message["executable"].as_str().map(PathBuf::from));
        executable.expect("cargo names the executable that it built")
    })
}

/// A folder below cargo's target folder, for programs that tests install.
pub fn target_folder(name: &str) -> PathBuf {
    let profile = server_binary().parent().and_then(Path::parent).expect("the binary is in target/profile");
    profile.join(name)
}
