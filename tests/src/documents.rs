//! The commands and configurations of docs/operations, for the tests that run them.
//!
//! A block of code there has a language and a name: ```` ```sh backup-sqlite ````.

use std::path::Path;
use std::process::{Command, Output};

use crate::{SECRET_KEY, server_binary, workspace};

/// A block of code of a page.
#[derive(Debug)]
pub struct Block {
    /// The file's name.
    pub page: String,
    /// The language, such as `sh`; empty if there is none.
    pub language: String,
    /// The name after the language; empty if there is none.
    pub name: String,
    /// The lines between the fences.
    pub text: String,
}

/// The pages of docs/operations, with their file names, in alphabetical order.
///
/// # Panics
/// If a page cannot be read.
pub fn pages() -> Vec<(String, String)> {
    let folder = std::fs::read_dir(workspace().join("docs/operations")).expect("the folder is there");
    let mut pages: Vec<(String, String)> = folder
        .map(|file| file.expect("a file").path())
        .map(|file| {
            let text = std::fs::read_to_string(&file).expect("a page is text");
            (file.file_name().unwrap_or_default().to_string_lossy().into_owned(), text)
        })
        .collect();
    pages.sort();
    pages
}

/// Every block of code of docs/operations.
pub fn blocks() -> Vec<Block> {
    pages().iter().flat_map(|(page, text)| blocks_of(page, text)).collect()
}

fn blocks_of(page: &str, text: &str) -> Vec<Block> {
    let (mut found, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                let (language, name) = info.split_once(' ').unwrap_or((info, ""));
                open = Some(Block {
                    page: page.to_owned(),
                    language: language.to_owned(),
                    name: name.to_owned(),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page}: a block does not end");
    found
}

/// The text of the block with this name.
///
/// # Panics
/// If there is none.
pub fn block(name: &str) -> String {
    let block = blocks().into_iter().find(|block| block.name == name);
    block.unwrap_or_else(|| panic!("{name} is not in docs/operations")).text
}

/// The shell that runs commands in a folder, with `stream-server` and the folder's own `bin` in its path.
pub fn shell(commands: &str, folder: &Path, variables: &[(&str, &str)]) -> Command {
    let own = folder.join("bin").display().to_string();
    let programs = server_binary().parent().expect("the binary is in a folder").display().to_string();
    let inherited = std::env::var("PATH").unwrap_or_default();
    let mut sh = Command::new("sh");
    sh.args(["-e", "-c", commands]).current_dir(folder);
    // On Debian the proxies are not in an ordinary user's PATH.
    sh.env("PATH", format!("{own}:{programs}:{inherited}:/usr/sbin")).env("SECRET_KEY", SECRET_KEY);
    sh.envs(variables.iter().copied());
    sh
}

/// Runs commands until they end.
pub fn try_run(commands: &str, folder: &Path, variables: &[(&str, &str)]) -> Output {
    shell(commands, folder, variables).output().expect("sh is there")
}

/// Runs commands and returns what they print.
///
/// # Panics
/// If one of them fails.
pub fn run(commands: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
    let output = try_run(commands, folder, variables);
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{commands}\n{said}\n{errors}");
    said.into_owned()
}

/// The value that commands give to a variable.
pub fn value_of(variable: &str, commands: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(&format!("{commands}\nprintf %s \"${variable}\""), folder.path(), &[])
}
