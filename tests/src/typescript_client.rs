//! The client for TypeScript: copied with the description that it is made from, and built once below cargo's target folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::encoder::program;
use crate::npm;
use crate::program::succeed;

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
            let folder = npm::copied("typescript-client", SOURCES, &[DESCRIPTION]);
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
