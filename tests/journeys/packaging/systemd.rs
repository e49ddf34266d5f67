//! The systemd unit: systemd's own checks of it, the commands of systemd.md, and the service started as the unit says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use stream_test_postgres::free_port;
use stream_tests::documents::{block, run, shell};
use stream_tests::{
    Program, SECRET_KEY, ServiceBuilder, StoreKind, TestStore, eventually, server_binary, token_of, workspace,
};
use tempfile::TempDir;

use crate::docs::containers::program;

const UNIT: &str = "docker/systemd/stream-service.service";

/// The unit, with the tests' binary in place of the installed one, in a folder.
fn unit_in(folder: &TempDir) -> PathBuf {
    let text = crate::tidy::read(UNIT);
    let installed = "ExecStart=/usr/local/bin/stream-server";
    assert!(text.contains(installed), "{text}");
    let binary = format!("ExecStart={}", server_binary().display());
    let file = folder.path().join("stream-service.service");
    std::fs::write(&file, text.replace(installed, &binary)).expect("the folder is writable");
    file
}

/// What `systemd-analyze` says, on both streams, and whether it succeeded.
fn analyze(arguments: &[&str], unit: &Path) -> (bool, String) {
    let mut command = Command::new("systemd-analyze");
    let output = command.args(arguments).arg(unit).output();
    let output = output.expect("systemd-analyze is there: it is in Debian's package systemd");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn systemd_verifies_the_unit_without_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let unit = unit_in(&folder);
    assert_eq!(analyze(&["verify", "--man=no"], &unit), (true, String::new()));
    let wrong = std::fs::read_to_string(&unit).expect("it is there").replace("ProtectProc=", "ProtectPorc=");
    std::fs::write(&unit, wrong).expect("the folder is writable");
    let (_, said) = analyze(&["verify", "--man=no"], &unit);
    assert!(said.contains("ProtectPorc"), "{said}");
}

#[test]
fn systemd_rates_the_exposure_of_the_unit_below_two_of_ten() {
    let rate = ["security", "--offline=yes", "--no-pager", "--threshold=20"];
    let (below, said) = analyze(&rate, &workspace().join(UNIT));
    assert!(below && said.contains("Overall exposure level"), "{said}");
    let folder = tempfile::tempdir().expect("a folder");
    let unit = unit_in(&folder);
    let text = std::fs::read_to_string(&unit).expect("it is there");
    let open: String =
        text.lines().filter(|line| !line.starts_with("SystemCall")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&unit, open).expect("the folder is writable");
    let (below, said) = analyze(&rate, &unit);
    assert!(!below, "{said}");
}

/// The system calls that the unit allows: a list, less another one.
fn allowed() -> BTreeSet<String> {
    let text = crate::tidy::read(UNIT);
    let filters: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")).collect();
    let (mut allowed, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for filter in filters {
        let into = if filter.starts_with('~') { &mut refused } else { &mut allowed };
        filter.trim_start_matches('~').split(' ').for_each(|set| expand(set, into));
    }
    assert!(allowed.contains("read") && allowed.contains("epoll_wait"), "{allowed:?}");
    allowed.difference(&refused).cloned().collect()
}

fn expand(set: &str, into: &mut BTreeSet<String>) {
    if !set.starts_with('@') {
        into.insert(set.to_owned());
        return;
    }
    let output = Command::new("systemd-analyze").args(["syscall-filter", "--no-pager", set]).output();
    let said = output.expect("systemd-analyze is there: it is in Debian's package systemd").stdout;
    let said = String::from_utf8(said).expect("names are text");
    said.lines()
        .skip(1)
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .for_each(|name| expand(name, into));
}

/// The tokens of this name in the unit, without it.
fn lines_of<'a>(unit: &'a str, name: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

/// Installed by the documented commands into a folder that stands for `/`, then started with the unit's settings.
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_installation_starts_and_makes_only_system_calls_that_the_unit_allows() {
    let (folder, store) = (tempfile::tempdir().expect("a folder"), TestStore::new(StoreKind::Postgres));
    let root = folder.path().display().to_string();
    std::fs::copy(server_binary(), folder.path().join("stream-server")).expect("the folder is writable");
    std::fs::copy(workspace().join(UNIT), folder.path().join("stream-service.service")).expect("the same");
    // No systemd runs here, so these commands are only known to the real program.
    program(
        folder.path(),
        "systemctl",
        &format!(
            "case $1 in\n\
         enable) [ \"$2\" = --now ] && exec /usr/bin/systemctl --root='{root}' --quiet enable \"$3\" ;;\n\
         *) /usr/bin/systemctl --help | grep -q \"^  $1 \" && [ -z \"${{2:-}}\" -o -e \"{root}/etc/systemd/system/$2.service\" ] ;;\n\
         esac"
        ),
    );
    let documented = |name: &str| {
        let text = block(name).replace(" /usr/local", &format!(" {root}/usr/local"));
        let text = text.replace("/etc/", &format!("{root}/etc/"));
        let text = text.replace("postgresql://stream:…@localhost:5432/platform", &store.url());
        let text = text.replace("openssl rand -hex 32", &format!("printf '%s\\n' '{SECRET_KEY}'"));
        run(&text.replace("journalctl ", &format!("journalctl --directory '{root}' ")), folder.path(), &[])
    };
    for name in ["systemd-install", "systemd-configure", "systemd-start"] {
        documented(name);
    }
    assert!(
        folder.path().join("etc/systemd/system/multi-user.target.wants/stream-service.service").is_symlink()
    );
    documented("systemd-status");
    documented("systemd-restart");
    let units = format!("{root}/etc/systemd/system");
    let said = run(&block("systemd-security"), folder.path(), &[("SYSTEMD_UNIT_PATH", &units)]);
    assert!(said.contains("Overall exposure level"), "{said}");
    let doctor = block("systemd-doctor").replace("/etc/", &format!("{root}/etc/"));
    let doctor = format!("unset SECRET_KEY\n{doctor}");
    let said = run(&doctor, folder.path(), &[("PORT", &free_port().to_string())]);
    assert!(said.contains("\nok       database version: "), "{said}");

    let unit = std::fs::read_to_string(folder.path().join("etc/systemd/system/stream-service.service"))
        .expect("installed");
    let credentials: Vec<&str> = lines_of(&unit, "LoadCredential")
        .iter()
        .map(|line| line.split(':').next().expect("a name"))
        .collect();
    assert_eq!(credentials, ["db_url", "secret_key", "media_servers"]);
    let mut setup = ServiceBuilder::default().with("LOG_LEVEL", "info");
    for setting in lines_of(&unit, "Environment").iter().flat_map(|line| line.split(' ')) {
        let (name, value) = setting.split_once('=').expect("a name and a value");
        setup = setup.with(name, &value.replace("%d", &format!("{root}/etc/stream-service")));
    }
    let [program] = lines_of(&unit, "ExecStart")[..] else { panic!("{unit}") };
    let state = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let installed = setup.command(&state);
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-e", "signal=none", "-o"]).arg(&trace).arg(format!("{root}{program}"));
    traced.env_clear().current_dir(state.path());
    traced.envs(installed.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut service = Program::start(&mut traced, &folder.path().join("output"));
    let mut address = String::new();
    eventually("a service that listens", || {
        let log = service.errors();
        let said = log
            .split_once(" listens on ")
            .and_then(|(_, rest)| rest.split(['"', ' ']).next())
            .map(str::to_owned);
        address = said.unwrap_or_default();
        let listens = !address.is_empty();
        async move { listens }
    })
    .await;
    let ask = |commands: String| shell(&commands, folder.path(), &[]).output().expect("sh is there");
    eventually("readiness", || async { ask(format!("curl -sf {address}/health/ready")).status.success() })
        .await;
    let bearer = format!("Authorization: Bearer {}", token_of(1));
    let made = ask(format!("curl -sf -X POST {address}/api/streams/generate-key -H '{bearer}'"));
    assert!(made.status.success(), "{made:?}");
    let children = format!("/proc/{0}/task/{0}/children", service.id());
    let traced = std::fs::read_to_string(children).expect("the tracer runs");
    assert!(
        Command::new("kill")
            .args(["-s", "TERM", traced.trim()])
            .status()
            .is_ok_and(|status| status.success())
    );
    assert!(service.wait().await.success(), "{}", service.errors());

    let trace = std::fs::read_to_string(&trace).expect("there is a trace");
    let calls: BTreeSet<String> = trace
        .lines()
        .filter_map(|line| line.split_once(' ')?.1.trim_start().split_once('('))
        .map(|(call, _)| call.to_owned())
        .filter(|call| call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        .collect();
    assert!(calls.contains("accept4") && calls.len() > 30, "{calls:?}");
    let allowed = allowed();
    let refused: Vec<&String> = calls.iter().filter(|call| !allowed.contains(*call)).collect();
    assert_eq!(refused, Vec::<&String>::new());
}
