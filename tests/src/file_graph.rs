//! Which files of a crate use which others, and whether these uses form a circle.
//!
//! A path counts as a use of the file that defines the item, through any number of re-exports, so that `lib.rs` cannot
//! hide a circle. A parent and its children are files like any others: `mod child;` is not a use, `child::name` is.

mod module;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use module::{Module, ModulePath, read_file};

/// The uses between the files of one crate.
#[derive(Debug)]
pub struct FileGraph {
    /// From each file to the files that it uses, with the path that names the first use.
    uses: BTreeMap<String, BTreeMap<String, String>>,
}

impl FileGraph {
    /// Reads the files of a crate, by their paths below `src`; tests are left out, since they may use anything.
    ///
    /// # Panics
    ///
    /// Panics if a file is not Rust.
    pub fn new(files: &BTreeMap<String, String>) -> Self {
        let mut modules = BTreeMap::new();
        for (file, text) in files.iter().filter(|(file, _)| !is_test(file)) {
            read_file(file, text, &mut modules);
        }
        let modules = Modules(modules);
        let mut uses: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for (path, module) in &modules.0 {
            let of_file = uses.entry(module.file.clone()).or_default();
            for used in &module.paths {
                if let Some(file) = modules.definer_of(used, path, 0)
                    && file != module.file
                {
                    of_file.entry(file).or_insert_with(|| used.join("::"));
                }
            }
        }
        Self { uses }
    }

    /// The shortest circle, with one line per use; `None` if there is no circle.
    pub fn circle(&self) -> Option<String> {
        let circles = self.uses.keys().filter_map(|file| self.circle_through(file));
        let shortest = circles.min_by_key(Vec::len)?;
        let next = shortest.iter().cycle().skip(1);
        let lines = shortest.iter().zip(next).map(|(file, used)| {
            let path = self.uses[file].get(used).map_or("", String::as_str);
            format!("{file} uses {used}, by {path}\n")
        });
        Some(lines.collect())
    }

    /// The files that are part of any circle.
    pub fn files_in_circles(&self) -> Vec<&str> {
        let files = self.uses.keys().filter(|file| self.circle_through(file).is_some());
        files.map(String::as_str).collect()
    }

    /// The shortest way from a file back to itself.
    fn circle_through(&self, start: &str) -> Option<Vec<String>> {
        let mut ways = VecDeque::from([vec![start.to_owned()]]);
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop_front() {
            let last = way.last()?;
            for used in self.uses.get(last).into_iter().flat_map(BTreeMap::keys) {
                if used == start {
                    return Some(way);
                }
                if seen.insert(used.clone()) {
                    ways.push_back([&way[..], std::slice::from_ref(used)].concat());
                }
            }
        }
        None
    }
}

fn is_test(file: &str) -> bool {
    file.split('/').any(|part| part == "tests" || part == "tests.rs") || file.starts_with("bin/")
}

/// The modules of a crate.
struct Modules(BTreeMap<ModulePath, Module>);

/// How many imports of imports are followed.
const MAX_DEPTH: usize = 16;

impl Modules {
    /// The file that defines what a path names; `None` if that is another crate, or a module as a whole.
    fn definer_of(&self, path: &[String], from: &[String], depth: usize) -> Option<String> {
        let (mut at, rest) = start_of(path, from)?;
        let is_anchored = rest.len() < path.len();
        for (place, name) in rest.iter().enumerate() {
            let module = self.0.get(&at)?;
            let child = [&at[..], std::slice::from_ref(name)].concat();
            if self.0.contains_key(&child) {
                at = child;
            } else if let Some(import) = module.imports.get(name).filter(|_| depth < MAX_DEPTH) {
                // If the import is a module, the rest of the path is resolved in it.
                let whole = [&import[..], &rest[place + 1..]].concat();
                return self.definer_of(&whole, &at, depth + 1);
            } else if module.items.contains(name) {
                return Some(module.file.clone());
            } else if let Some(file) = self.exported_macro(name).filter(|_| at.is_empty()) {
                return Some(file);
            } else {
                // It comes from a glob import or a macro.
                let whole = &rest[place..];
                let globs = module.globs.iter().filter(|_| depth < MAX_DEPTH);
                let mut found =
                    globs.filter_map(|glob| self.definer_of(&[&glob[..], whole].concat(), &at, depth + 1));
                return found.next().or_else(|| (is_anchored || place > 0).then(|| module.file.clone()));
            }
        }
        None
    }

    fn exported_macro(&self, name: &str) -> Option<String> {
        let mut modules = self.0.values();
        modules.find(|module| module.exported_macros.contains(name)).map(|module| module.file.clone())
    }
}

/// The module where a path begins, and the rest of it.
fn start_of<'p>(path: &'p [String], from: &[String]) -> Option<(ModulePath, &'p [String])> {
    let mut at = from.to_vec();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => {
            at.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        _ => {}
    }
    while rest.first().is_some_and(|name| name == "super") {
        at.pop();
        rest = &rest[1..];
    }
    Some((at, rest))
}

#[cfg(test)]
mod tests;
