//! The client as a package: made from the description of this version, and whole in the hands of whoever installs it.

use std::collections::BTreeSet;

use serde_json::Value;
use stream_tests::{TypescriptClient, succeed, workspace};

use crate::tidy::{files, read};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

#[test]
fn the_clients_types_are_those_of_the_description() {
    TypescriptClient::built().npm(&["run", "generate:check"]);
}

#[test]
fn the_client_compiles_and_what_must_not_compile_does_not() {
    TypescriptClient::built().npm(&["run", "check"]);
}

#[test]
fn the_clients_own_tests_pass() {
    let client = TypescriptClient::built();
    let tests: Vec<String> = files(".test.js").iter().map(|file| file.display().to_string()).collect();
    let of_client = tests.iter().filter_map(|test| test.strip_prefix("clients/typescript/"));
    let own: Vec<&str> = of_client.filter(|test| !test.contains("/service/")).collect();
    assert!(own.len() > 5, "{tests:?}");
    let report = succeed(client.node(&["--test", "--test-timeout=120000"]).args(own));
    assert!(report.contains("# fail 0\n") && report.contains("# skipped 0\n"), "{report}");
}

#[test]
fn the_package_has_the_version_and_the_licence_of_the_service_and_no_dependency() {
    let package = parsed(&read("clients/typescript/package.json"));
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(package.get("dependencies"), None);
    assert_eq!(read("clients/typescript/LICENSE"), read("LICENSE"));
    let lock = parsed(&read("clients/typescript/package-lock.json"));
    assert_eq!(lock["version"], package["version"]);
    for (name, locked) in lock["packages"].as_object().expect("it locks packages") {
        let resolved = locked["resolved"].as_str().unwrap_or("https://registry.npmjs.org/");
        assert!(resolved.starts_with("https://registry.npmjs.org/"), "{name}: {resolved}");
    }
}

#[test]
fn the_client_needs_nothing_that_browsers_lack() {
    for file in files(".ts").into_iter().filter(|file| file.starts_with("clients/typescript/src")) {
        let text = read(file.to_str().expect("names are text"));
        for line in text.lines().filter(|line| line.contains(" from \"")) {
            assert!(line.contains(" from \"./"), "{}: {line}", file.display());
        }
    }
}

/// The files that are published.
fn published() -> BTreeSet<String> {
    let sources = std::fs::read_dir(workspace().join("clients/typescript/src")).expect("it is there");
    let names = sources.map(|source| source.expect("a file").file_name().into_string().expect("text"));
    let built = names.flat_map(|name| {
        let stem = name.strip_suffix(".ts").expect("sources are in TypeScript").to_owned();
        [format!("dist/{stem}.js"), format!("dist/{stem}.d.ts")]
    });
    built.chain(["LICENSE", "README.md", "package.json"].map(str::to_owned)).collect()
}

#[test]
fn the_package_is_installed_imported_and_compiled_against_in_a_fresh_folder() {
    let client = TypescriptClient::built();
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let packed = client.npm(&["pack", "--json", "--pack-destination", fresh.path().to_str().expect("text")]);
    let from = packed.find("[\n").expect("npm prints JSON after what it has run");
    let packed = parsed(&packed[from..]);
    let packed_files = packed[0]["files"].as_array().expect("it names files").iter();
    let packed_files: BTreeSet<String> =
        packed_files.map(|file| file["path"].as_str().expect("a name").to_owned()).collect();
    assert_eq!(packed_files, published());

    let archive = format!("./{}", packed[0]["filename"].as_str().expect("a name"));
    let write = |name: &str, text: &str| std::fs::write(fresh.path().join(name), text).expect("writable");
    write("package.json", r#"{ "private": true, "type": "module" }"#);
    let mut npm = std::process::Command::new("npm");
    succeed(
        npm.args(["install", "--offline", "--no-audit", "--no-fund", &archive]).current_dir(fresh.path()),
    );
    write(
        "page.ts",
        "import { createClient, isStreamServiceError, type Stream } from \"stream-service-client\";\n\
         export const client = createClient({ baseUrl: \"https://platform.example\" });\n\
         export const begin = async (): Promise<Stream> => (await client.generateKey()).stream;\n\
         // @ts-expect-error There is no such code.\n\
         isStreamServiceError(null, \"nothing\");\n",
    );
    let compiler = client.folder().join("node_modules/typescript/bin/tsc");
    for (module, resolution) in [("nodenext", "nodenext"), ("esnext", "bundler")] {
        let mut compile = client.node(&[compiler.to_str().expect("text"), "--noEmit", "--strict"]);
        compile.args(["--target", "es2022", "--module", module, "--moduleResolution", resolution, "page.ts"]);
        succeed(compile.current_dir(fresh.path()));
    }
    write(
        "page.js",
        "import { createClient } from \"stream-service-client\";\n\
         console.log(Object.keys(createClient({ baseUrl: \"\" })).length);\n",
    );
    assert_eq!(succeed(client.node(&["page.js"]).current_dir(fresh.path())), "12\n");
}
