//! The definitions, imports and paths of one module, read from its tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The names of a module and of those around it, from the crate's root, which is empty.
pub(super) type ModulePath = Vec<String>;

/// A module: a file, or a block in one.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The file that it is in, below `src`.
    pub(super) file: String,
    /// The names that it defines.
    pub(super) items: BTreeSet<String>,
    /// The macros that it exports to the crate root.
    pub(super) exported_macros: BTreeSet<String>,
    /// The names that it imports, with the path of each.
    pub(super) imports: BTreeMap<String, Vec<String>>,
    /// The paths of its glob imports.
    pub(super) globs: Vec<Vec<String>>,
    /// Every path of two or more names in it.
    pub(super) paths: Vec<Vec<String>>,
}

type Tokens = Peekable<IntoIter>;

/// Reads a file and the modules in it.
pub(super) fn read_file(file: &str, text: &str, modules: &mut BTreeMap<ModulePath, Module>) {
    let name = file.trim_end_matches(".rs");
    let path = match name {
        "lib" | "main" => Vec::new(),
        _ => name.split('/').map(str::to_owned).collect(),
    };
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    read_module(file, &path, tokens, modules);
}

fn read_module(
    file: &str,
    path: &ModulePath,
    tokens: TokenStream,
    modules: &mut BTreeMap<ModulePath, Module>,
) {
    let mut module = Module { file: file.to_owned(), ..Module::default() };
    let mut tokens = tokens.into_iter().peekable();
    let mut is_exported = false;
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                if let Some(TokenTree::Group(attribute)) = tokens.peek() {
                    let text = attribute.stream().to_string().replace(' ', "");
                    is_exported |= text == "macro_export";
                    let is_test = text == "cfg(test)";
                    module.read_paths(attribute.stream());
                    tokens.next();
                    if is_test {
                        skip_item(&mut tokens);
                    }
                }
            }
            TokenTree::Ident(word) => match word.to_string().as_str() {
                "use" => module.read_use(&mut tokens, &mut Vec::new()),
                "mod" => {
                    let name = next_name(&mut tokens);
                    if let (Some(name), Some(TokenTree::Group(block))) = (name, tokens.peek()) {
                        let inner = [&path[..], &[name]].concat();
                        read_module(file, &inner, block.stream(), modules);
                        tokens.next();
                    }
                }
                "macro_rules" => {
                    tokens.next();
                    let name = next_name(&mut tokens);
                    if is_exported {
                        module.exported_macros.extend(name.clone());
                    }
                    is_exported = false;
                    module.items.extend(name);
                }
                "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" => {
                    module.items.extend(next_name(&mut tokens));
                }
                word => module.read_path(word.to_owned(), &mut tokens),
            },
            TokenTree::Group(group) => module.read_paths(group.stream()),
            _ => {}
        }
    }
    modules.insert(path.clone(), module);
}

/// The name after a keyword such as `fn`, if one follows.
fn next_name(tokens: &mut Tokens) -> Option<String> {
    let Some(TokenTree::Ident(name)) = tokens.peek() else { return None };
    let name = name.to_string();
    // `const fn`, `static mut` and the like: the name comes later.
    if ["fn", "unsafe", "async", "extern", "mut"].contains(&name.as_str()) {
        return None;
    }
    tokens.next();
    Some(name)
}

/// Skips an item that is for tests: up to its semicolon or its block.
fn skip_item(tokens: &mut Tokens) {
    for token in tokens {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == ';' => return,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            _ => {}
        }
    }
}

impl Module {
    /// Reads what follows `use`, or a part of it behind `prefix`, up to a comma or semicolon.
    fn read_use(&mut self, tokens: &mut Tokens, prefix: &mut Vec<String>) {
        let length = prefix.len();
        let mut alias = None;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(mark) if matches!(mark.as_char(), ';' | ',') => break,
                TokenTree::Punct(mark) if mark.as_char() == '*' => {
                    self.globs.push(prefix.clone());
                    prefix.truncate(length);
                }
                TokenTree::Ident(name) if name == "as" => alias = tokens.next(),
                TokenTree::Ident(name) => prefix.push(name.to_string()),
                TokenTree::Group(group) => {
                    let mut inner = group.stream().into_iter().peekable();
                    while inner.peek().is_some() {
                        self.read_use(&mut inner, &mut prefix.clone());
                    }
                    prefix.truncate(length);
                }
                _ => {}
            }
        }
        if prefix.len() == length {
            return;
        }
        if prefix.last().is_some_and(|name| name == "self") && prefix.len() > 1 {
            prefix.pop();
        }
        let name = alias.map(|alias| alias.to_string()).or(prefix.last().cloned()).unwrap_or_default();
        self.imports.insert(name, prefix.clone());
        self.paths.push(prefix.clone());
        prefix.truncate(length);
    }

    /// Reads the paths in a block, an argument list or an attribute.
    fn read_paths(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) if word == "use" => self.read_use(&mut tokens, &mut Vec::new()),
                TokenTree::Ident(word) => self.read_path(word.to_string(), &mut tokens),
                TokenTree::Group(group) => self.read_paths(Group::stream(&group)),
                // `::name` is another crate.
                TokenTree::Punct(mark) if mark.as_char() == ':' && starts_absolute(&mut tokens) => {
                    tokens.next();
                    tokens.next();
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// Reads the rest of a path that begins with this name.
    fn read_path(&mut self, first: String, tokens: &mut Tokens) {
        let mut path = vec![first];
        while tokens.peek().is_some_and(is_colon) {
            let mut ahead = tokens.clone();
            ahead.next();
            if !ahead.next().is_some_and(|token| is_colon(&token)) {
                break;
            }
            let Some(TokenTree::Ident(name)) = ahead.next() else { break };
            path.push(name.to_string());
            *tokens = ahead;
        }
        if path.len() > 1 {
            self.paths.push(path);
        }
    }
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == ':')
}

/// Whether the colon just read begins an absolute path `::name`.
fn starts_absolute(tokens: &mut Tokens) -> bool {
    let mut ahead = tokens.clone();
    ahead.next().is_some_and(|token| is_colon(&token)) && matches!(ahead.next(), Some(TokenTree::Ident(_)))
}
