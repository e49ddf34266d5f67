//! The release archive, made twice from the tests' own binary, its SBOM and its list of licences.

use std::path::{Path, PathBuf};
use std::process::Command;

use stream_tests::documents::{block, run};
use stream_tests::tools::faults_of_sbom;
use stream_tests::{server_binary, workspace};

/// Makes the archive in a folder, and returns its path.
fn archive(folder: &Path) -> PathBuf {
    let mut dist = Command::new(workspace().join("docker/dist"));
    dist.env("BINARY", server_binary()).env("OUT", folder).env("SOURCE_DATE_EPOCH", "1700000000");
    let output = dist.output().expect("the script is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).expect("text");
    folder.join(said.split_whitespace().last().expect("the name is printed"))
}

#[test]
fn the_release_archive_is_the_same_each_time_and_has_what_operators_need() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let archives = folders.each_ref().map(|folder| archive(folder.path()));
    let bytes = archives.each_ref().map(|archive| std::fs::read(archive).expect("it is there"));
    assert!(bytes[0] == bytes[1], "the archives differ");

    let folder = folders[0].path();
    let said = run(&block("install-archive"), folder, &[]);
    assert!(said.starts_with("stream-server 0."), "{said}");
    let unpacked = archives[0].with_extension("").with_extension("");
    run("sha256sum --check --quiet SHA256SUMS", &unpacked, &[]);
    let read = |name: &str| {
        std::fs::read_to_string(unpacked.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    assert_eq!(read("stream-service.service"), crate::tidy::read("docker/systemd/stream-service.service"));
    assert!(read("man/stream-server-doctor.1").contains(".TH stream-server-doctor 1"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(read(&format!("completions/stream-server.{shell}")).contains("doctor"), "{shell}");
    }
    assert!(read("docs/operations/README.md").contains("# Operations"));
    assert!(read("docker/helm/Chart.yaml").contains("name: stream-service"));

    assert_eq!(faults_of_sbom(&read("sbom.cdx.json")), "");
    let sbom: serde_json::Value = serde_json::from_str(&read("sbom.cdx.json")).expect("JSON");
    let names: Vec<&str> = sbom["components"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|part| part["name"].as_str())
        .collect();
    let licences = read("LICENSES.txt");
    for linked in
        ["actix-web", "stream-domain", "tokio-postgres", "libsqlite3-sys", "sqlite", "rust-std", "glibc"]
    {
        assert!(names.contains(&linked), "{linked} is not in the SBOM");
        assert!(licences.contains(&format!("\n{linked} ")), "{linked} is not in the list of licences");
    }
    // Used while building or testing only.
    for not_linked in ["mockall", "cc", "syn", "stream-tests"] {
        assert!(!names.contains(&not_linked), "{not_linked} is in the SBOM");
    }
    assert!(
        licences.contains("Permission is hereby granted, free of charge")
            && licences.contains("Apache License")
    );
}

#[test]
fn the_chart_has_the_version_of_the_workspace() {
    let version = env!("CARGO_PKG_VERSION");
    let chart = crate::tidy::read("docker/helm/Chart.yaml");
    assert!(chart.contains(&format!("\nversion: {version}\n")), "{chart}");
    assert!(chart.contains(&format!("\nappVersion: \"{version}\"\n")), "{chart}");
}
