//! The client for TypeScript: copied with the description that it is made from, and built once below cargo's target folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use crate::encoder::program;
use crate::{npm, target_folder, workspace};

/// Where its sources are.
const SOURCES: &str = "clients/typescript";

/// What it is made from.
const DESCRIPTION: &str = "crates/stream-http/openapi.json";

/// The built client; nothing is written into the repository.
#[derive(Debug)]
pub struct TypescriptClient {
    folder: PathBuf,
}

impl TypescriptClient {
    /// Installs its tools and builds it, once.
    pub fn built() -> &'static Self {
        static BUILT: OnceLock<TypescriptClient> = OnceLock::new();
        BUILT.get_or_init(|| {
            let source = workspace().join(SOURCES);
            let root = target_folder("typescript-client");
            // What is left of an earlier version could make up for what this one lacks.
            for stale in ["src", "test", "dist"] {
                let _ = std::fs::remove_dir_all(root.join(SOURCES).join(stale));
            }
            let folder = npm::installed(&source, &format!("typescript-client/{SOURCES}"), &[]);
            for file in files_of(SOURCES).iter().chain(&[DESCRIPTION.to_owned()]) {
                let copy = root.join(file);
                std::fs::create_dir_all(copy.parent().expect("a file is in a folder")).expect("writable");
                std::fs::copy(workspace().join(file), copy).expect("the target folder is writable");
            }
            let client = Self { folder };
            client.npm(&["run", "build"]);
            client
        })
    }

    /// The folder of the copy.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The output of an npm command in its folder.
    ///
    /// # Panics
    /// If the command fails.
    pub fn npm(&self, arguments: &[&str]) -> String {
        succeed(Command::new("npm").args(arguments).current_dir(&self.folder))
    }

    /// Node.js in its folder, with these arguments.
    pub fn node(&self, arguments: &[&str]) -> Command {
        let mut node = Command::new(program("node", "nodejs"));
        node.args(arguments).current_dir(&self.folder);
        node
    }
}

/// The output of a command.
///
/// # Panics
/// If it fails.
pub fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the program is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(status.success(), "{command:?}:\n{}\n{}", text(&stdout), text(&stderr));
    text(&stdout)
}

/// The files of a folder that git knows or would add.
fn files_of(folder: &str) -> Vec<String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", folder]).current_dir(workspace());
    let names = succeed(&mut git).lines().map(str::to_owned).collect::<Vec<_>>();
    names.into_iter().filter(|name| workspace().join(name).exists()).collect()
}
