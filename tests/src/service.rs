//! The real binary, started on a free port, and searched for leaked secrets when it ends.

use std::ops::Deref;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tempfile::TempDir;

use crate::{Api, Program, SECRET_KEY, server_binary};

/// The settings of a service to be started.
#[derive(Debug, Clone, Default)]
pub struct ServiceBuilder {
    variables: Vec<(String, String)>,
}

impl ServiceBuilder {
    /// On this database, with the tests' secret.
    pub fn on(db_url: &str) -> Self {
        Self::default().with("DB_URL", db_url).with("SECRET_KEY", SECRET_KEY)
    }

    /// With one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The binary with only these settings, in this working directory.
    pub fn command(&self, folder: &TempDir) -> Command {
        let mut command = Command::new(server_binary());
        command.current_dir(folder.path()).env_clear();
        command.env("HOST", "127.0.0.1").env("PORT", "0").env("LOG_LEVEL", "trace");
        // There is no load balancer that needs a longer notice.
        command.env("SHUTDOWN_NOTICE", "1");
        // Journeys look up more unknown keys than a client may; the one of the limit sets it.
        command.env("UNKNOWN_KEYS_PER_MINUTE", "0");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts it and waits until it listens, ready or not.
    pub async fn listen(&self) -> Service {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut program = Program::start(&mut self.command(&folder), &folder.path().join("output"));
        for _ in 0..600 {
            if let Some(address) = address(&program.errors()) {
                let api = Api::new(&address);
                self.note_secrets(&api);
                return Service { program, api, _folder: folder };
            }
            assert!(program.ended().is_none(), "the service ended:\n{}", program.errors());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the service did not listen within 30 seconds:\n{}", program.errors());
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&self) -> Service {
        let service = self.listen().await;
        crate::eventually("readiness", || async { service.get("/health/ready").await.status == 200 }).await;
        service
    }

    /// Runs it with these arguments until it exits.
    pub fn run(&self, arguments: &[&str]) -> (ExitStatus, String, String) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let output = self.command(&folder).args(arguments).output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the binary prints text");
        (output.status, text(output.stdout), text(output.stderr))
    }

    /// Records the secrets of the settings: the signing secrets, and the passwords and secrets in URLs.
    fn note_secrets(&self, api: &Api) {
        for (name, value) in &self.variables {
            match name.as_str() {
                "SECRET_KEY" | "SECRET_KEY_PREVIOUS" | "WEBHOOK_SECRET" | "ADMIN_TOKEN" => api.note(value),
                "DB_URL" => {
                    let user_info = value.split("://").nth(1).and_then(|rest| rest.split_once('@'));
                    let password = user_info.and_then(|(user_info, _)| user_info.split_once(':'));
                    password.iter().for_each(|(_, password)| api.note(password));
                }
                "MEDIA_SERVERS" => {
                    for option in value.split([' ', ';']) {
                        option.strip_prefix("secret=").iter().for_each(|secret| api.note(secret));
                        let user_info =
                            option.strip_prefix("control=http://").and_then(|url| url.split_once('@'));
                        let password = user_info.map(|(user_info, _)| user_info.split(':').next_back());
                        password.flatten().iter().for_each(|password| api.note(password));
                    }
                }
                _ => {}
            }
        }
    }
}

/// The address in the line of the log that says where the service listens.
fn address(log: &str) -> Option<String> {
    let (_, rest) = log.split_once(" listens on ")?;
    rest.split(|end: char| end == '"' || end.is_whitespace()).next().map(str::to_owned)
}

/// A running service; it dereferences to its client.
#[derive(Debug)]
pub struct Service {
    /// The process.
    pub program: Program,
    api: Api,
    _folder: TempDir,
}

impl Deref for Service {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor());
        if runtime.is_ok_and(|flavor| flavor == tokio::runtime::RuntimeFlavor::MultiThread) {
            // The search of a log at `trace` takes a while, and relays of other services must keep running.
            tokio::task::block_in_place(|| self.end());
        } else {
            self.end();
        }
    }
}

impl Service {
    fn end(&mut self) {
        self.program.kill();
        // The banner's command with its development token is meant to be shown; nothing else on standard output is.
        let output = self.program.output();
        let banner = |line: &&str| !line.trim_start().starts_with("curl ");
        let mut log = self.program.errors();
        for line in output.lines().filter(banner) {
            log.push('\n');
            log.push_str(line);
        }
        let leak = find_secret(&log, &self.api.secrets());
        assert!(leak.is_none() || std::thread::panicking(), "a secret is in the log: {leak:?}");
    }
}

/// The first line that contains one of the secrets, as text or as a list of its bytes, as drivers print parameters.
pub fn find_secret<'a>(log: &'a str, secrets: &[String]) -> Option<&'a str> {
    let secrets = secrets.iter().filter(|secret| secret.len() > 3);
    let forms: Vec<[String; 2]> = secrets
        .map(|secret| {
            [secret.clone(), format!("{:?}", secret.as_bytes()).trim_matches(['[', ']']).to_owned()]
        })
        .collect();
    log.lines().find(|line| forms.iter().flatten().any(|form| line.contains(form.as_str())))
}
