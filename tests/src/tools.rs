//! Tools that may not be installed; `tests/tools` finds or fetches them.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::workspace;

/// The path of a tool, by its name in `tests/tools`.
///
/// # Panics
/// If it can be neither found nor fetched.
pub fn tool(name: &str) -> PathBuf {
    let output =
        Command::new(workspace().join("tests/tools")).arg(name).output().expect("the script is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// What `tests/schemas` says of a document.
fn schemas(arguments: &[&str], document: &str) -> String {
    let mut command = Command::new(tool("python"));
    command.arg(workspace().join("tests/schemas")).args(arguments);
    let mut running =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the interpreter is there");
    let mut input = running.stdin.take().expect("the input is a pipe");
    input.write_all(document.as_bytes()).expect("the document is read");
    drop(input);
    let output = running.wait_with_output().expect("the interpreter ends");
    // One that fails without a word could not check anything.
    assert!(output.status.success() || !output.stdout.trim_ascii().is_empty(), "the check did not run");
    String::from_utf8(output.stdout).expect("faults are text").trim().to_owned()
}

/// The faults of Kubernetes' manifests in YAML, by the schemas of one version, such as `1.37`; empty if there are none.
pub fn faults_of_manifests(manifests: &str, version: &str) -> String {
    schemas(&["kubernetes", version], manifests)
}

/// The faults of a software bill of materials by `CycloneDX`'s schema; empty if there are none.
pub fn faults_of_sbom(sbom: &str) -> String {
    schemas(&["cyclonedx", "1.6"], sbom)
}

/// Documents in YAML as JSON.
pub fn yaml(documents: &str) -> Vec<Value> {
    serde_json::from_str(&schemas(&["json"], documents)).expect("the interpreter prints JSON")
}
