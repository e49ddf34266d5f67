//! The commands of docker.md with the real client and the real Compose, which check them as far as they can without an
//! engine: options, profiles, variables and files.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::Value;
use stream_tests::documents::{block, run, try_run};
use stream_tests::tools::{tool, yaml};
use stream_tests::workspace;
use tempfile::TempDir;

use crate::tidy::settings_of_help;

/// What a client says when only the engine is missing.
const NO_ENGINE: &str = "Cannot connect to the Docker daemon";

/// A folder like the repository's root, with a `docker` that has no engine.
fn without_engine() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let plugins = folder.path().join("settings/cli-plugins");
    std::fs::create_dir_all(&plugins).expect("the folder is writable");
    symlink(tool("compose"), plugins.join("docker-compose")).expect("the folder is writable");
    symlink(workspace().join("docker"), folder.path().join("docker")).expect("the folder is writable");
    let client = tool("docker");
    program(
        folder.path(),
        "docker",
        &format!(
            "export DOCKER_CONFIG='{}' DOCKER_HOST=unix:///missing/docker.sock\n\
         said=$('{}' \"$@\" 2>&1) && {{ echo \"$said\"; exit; }}\n\
         case $said in *'{NO_ENGINE}'*) echo \"$said\" ;; *) echo \"$said\" >&2; exit 1 ;; esac",
            folder.path().join("settings").display(),
            client.display(),
        ),
    );
    folder
}

/// Writes a script into the folder's `bin`, which is in the path of documented commands.
pub(crate) fn program(folder: &Path, name: &str, script: &str) {
    let file = folder.join("bin").join(name);
    std::fs::create_dir_all(folder.join("bin")).expect("the folder is writable");
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("the folder is writable");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("the file is ours");
}

const SECRETS: [(&str, &str); 3] = [("SECRET_KEY", "a"), ("HOOK_SECRET", "b"), ("API_PASSWORD", "c")];

#[test]
fn docker_accepts_every_documented_command() {
    let folder = without_engine();
    for name in [
        "docker-build",
        "docker-run",
        "docker-stop",
        "compose-up",
        "compose-token",
        "compose-doctor",
        "compose-observability",
        "compose-upgrade",
    ] {
        let said = run(&block(name), folder.path(), &SECRETS);
        assert!(said.contains(NO_ENGINE), "{name}: {said}");
    }
    let wrong = block("docker-run").replace("--read-only", "--reed-only");
    assert!(!try_run(&wrong, folder.path(), &SECRETS).status.success());
    // Compose reads its file before it looks for the engine.
    let missing = block("compose-token").replace("compose.yaml", "compose.yml");
    assert!(!try_run(&missing, folder.path(), &SECRETS).status.success());
}

/// What Compose makes of its file.
fn composed(folder: &TempDir, options: &str) -> Value {
    let said = run(&format!("docker compose {options} config --format json"), folder.path(), &SECRETS);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn names_of(services: &Value) -> Vec<&str> {
    services.as_object().expect("there are services").keys().map(String::as_str).collect()
}

/// A service is hardened, is given known settings only, and has time to stop.
fn is_sound(service: &Value, place: &str) {
    let known = settings_of_help();
    for name in service["environment"].as_object().expect("there are settings").keys() {
        assert!(known.contains_key(name), "{place}: {name} is not a setting");
    }
    assert_eq!(service["read_only"], true, "{place}");
    assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{place}");
    assert_eq!(service["security_opt"], serde_json::json!(["no-new-privileges:true"]), "{place}");
    // SHUTDOWN_NOTICE and SHUTDOWN_DEADLINE are 25 seconds together.
    assert_eq!(service["stop_grace_period"], "30s", "{place}");
}

#[test]
fn compose_accepts_every_profile_of_the_shipped_file() {
    let folder = without_engine();
    for (profile, others) in [
        ("", &["postgres", "stream-service"][..]),
        ("--profile nginx-rtmp", &["nginx-rtmp", "postgres", "stream-service"]),
        ("--profile observability", &["grafana", "postgres", "prometheus", "stream-service"]),
        ("--profile node-media-server", &["node-media-server", "postgres", "stream-service"]),
    ] {
        let composed = composed(&folder, &format!("-f docker/compose.yaml {profile}"));
        let mut names = names_of(&composed["services"]);
        names.sort_unstable();
        assert_eq!(names, others, "{profile}");
        is_sound(&composed["services"]["stream-service"], profile);
    }
    for missing in ["SECRET_KEY", "HOOK_SECRET"] {
        let rest: Vec<(&str, &str)> = SECRETS.into_iter().filter(|(name, _)| *name != missing).collect();
        let unset = format!("unset {missing}; docker compose -f docker/compose.yaml config");
        let output = try_run(&unset, folder.path(), &rest);
        assert!(
            !output.status.success() && String::from_utf8_lossy(&output.stderr).contains(missing),
            "{output:?}"
        );
    }
}

#[test]
fn compose_accepts_the_documented_file_with_secrets() {
    let folder = without_engine();
    let documented = block("compose-secrets");
    std::fs::write(folder.path().join("secrets.yaml"), &documented).expect("the folder is writable");
    let composed = composed(&folder, "-f secrets.yaml");
    assert_eq!(names_of(&composed["services"]), ["stream-service"]);
    let service = &composed["services"]["stream-service"];
    is_sound(service, "compose-secrets");
    for (name, value) in
        yaml(&documented)[0]["services"]["stream-service"]["environment"].as_object().expect("a map")
    {
        let Some(file) = value.as_str().and_then(|value| value.strip_prefix("/run/secrets/")) else {
            continue;
        };
        assert_eq!(name, &format!("{}_FILE", file.to_uppercase()));
        assert!(composed["secrets"].get(file).is_some(), "{file}");
    }
}
