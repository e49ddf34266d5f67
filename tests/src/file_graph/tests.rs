//! Files with circles, without circles, and with circles behind re-exports.

use super::*;

fn graph(files: &[(&str, &str)]) -> FileGraph {
    let files = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned()));
    FileGraph::new(&files.collect())
}

#[test]
fn a_circle_of_uses_is_found_and_printed() {
    let graph = graph(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::{self, One}; fn one() { b::two(); }"),
        ("b.rs", "pub struct One; pub fn two() { println!(\"{}\", crate::c::three()); }"),
        ("c.rs", "pub fn three() -> u8 { super::a::one() }"),
    ]);
    let circle = graph.circle().unwrap();
    assert_eq!(circle.lines().count(), 3, "{circle}");
    assert!(circle.contains("b.rs uses c.rs, by crate::c::three"), "{circle}");
    assert_eq!(graph.files_in_circles(), ["a.rs", "b.rs", "c.rs"]);
}

#[test]
fn a_re_export_neither_hides_nor_creates_a_circle() {
    let face = ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;");
    let one_way = graph(&[face, ("a.rs", "pub struct A;"), ("b.rs", "use crate::A; pub struct B(A);")]);
    assert_eq!(one_way.circle(), None);
    let both =
        graph(&[face, ("a.rs", "pub struct A(crate::B);"), ("b.rs", "use crate::A; pub struct B(A);")]);
    assert_eq!(both.files_in_circles(), ["a.rs", "b.rs"]);
}

#[test]
fn a_parent_and_a_child_that_use_each_other_are_a_circle() {
    let parent = "mod child; pub const LIMIT: u8 = 1; pub use child::read;";
    let child = "use super::LIMIT; pub fn read() -> u8 { LIMIT }";
    assert!(graph(&[("lib.rs", "mod p;"), ("p.rs", parent), ("p/child.rs", child)]).circle().is_some());
    // Without the re-export, the parent uses nothing of it.
    let parent = "mod child; pub const LIMIT: u8 = 1;";
    assert_eq!(graph(&[("lib.rs", "mod p;"), ("p.rs", parent), ("p/child.rs", child)]).circle(), None);
}

#[test]
fn tests_comments_strings_and_other_crates_do_not_count() {
    let graph = graph(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "//! See [`crate::b::B`].\n#[cfg(test)]\nuse crate::b::B;\n#[cfg(test)]\nmod tests;\npub struct A;",
        ),
        ("a/tests.rs", "use crate::b::B;"),
        ("b.rs", "use crate::a::A; pub struct B(A); fn text() -> &'static str { \"crate::a::A\" }"),
        ("c.rs", "use ::b::B; use std::a::A;"),
    ]);
    assert_eq!(graph.circle(), None);
}
