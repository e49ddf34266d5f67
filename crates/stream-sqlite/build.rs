//! The migrations are compiled in; a new one must bring a new build.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/sqlite");
}
