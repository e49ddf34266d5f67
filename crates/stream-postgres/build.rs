//! The migrations are compiled in, as a list of (name, statements) in their order; a new one must bring a new build.

use std::fmt::Write as _;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=../../migrations/postgres");
    let folder =
        Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../migrations/postgres").canonicalize()?;
    let entries = std::fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<String> =
        entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut list = "&[".to_owned();
    for name in names {
        let path = folder.join(&name).join("up.sql");
        write!(list, "({name:?}, include_str!({path:?})), ")?;
    }
    list.push(']');
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("migrations.rs"), list)?;
    Ok(())
}
