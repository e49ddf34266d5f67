//! `completions` and `man`: what is made from the definition of the command line.

use std::path::Path;

use clap_complete::Shell;

use crate::commands::output::write;
use crate::config;
use crate::failure::Failure;

/// The name of the program in what is made.
const NAME: &str = "stream-server";

/// Prints the completions of this shell.
pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut config::whole(), NAME, &mut script);
    write(&String::from_utf8_lossy(&script))
}

/// Writes a man page for the program and one for each command.
pub(super) fn man_pages(folder: &Path) -> Result<(), Failure> {
    let pages = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(config::whole().name(NAME), folder));
    pages.map_err(|error| Failure::new(format!("{}: {error}", folder.display())))
}
