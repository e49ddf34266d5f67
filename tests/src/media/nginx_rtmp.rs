//! nginx with its RTMP module, started by the shipped script.

use std::process::Command;

use tempfile::TempDir;

use crate::encoder::program;
use crate::media::ports::MediaPorts;
use crate::{Program, workspace};

/// A running nginx-rtmp.
#[derive(Debug)]
pub struct NginxRtmp {
    command: Vec<(String, String)>,
    program: Program,
    folder: TempDir,
    ports: MediaPorts,
}

impl NginxRtmp {
    /// Starts it on these ports, with additional `settings`; its hooks go to `service_url` under the name `server`.
    pub async fn start(
        ports: MediaPorts,
        service_url: &str,
        (server, secret): (&str, &str),
        settings: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let numbers = [
            ("RTMP_PORT", ports.rtmp),
            ("HTTP_PORT", ports.http),
            ("CONTROL_PORT", ports.control),
            ("PUSH_PORT", ports.push),
        ];
        let nginx = program("nginx", "nginx libnginx-mod-rtmp");
        let mut command: Vec<(String, String)> = [
            ("NGINX", nginx.to_str().expect("a plain path")),
            ("BIND_ADDRESS", "127.0.0.1"),
            ("STREAM_SERVICE_URL", service_url),
            ("SERVER_NAME", server),
            ("HOOK_SECRET", secret),
            ("DATA", folder.path().join("data").to_str().expect("a plain path")),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        command.extend(numbers.map(|(name, port)| (name.to_owned(), port.to_string())));
        command.extend(settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
        let program = launch(&command, &folder);
        let server = Self { command, program, folder, ports };
        server.is_up().await;
        server
    }

    /// Kills it and its workers, as a crash of the machine does.
    pub fn crash(&mut self) {
        self.program.kill();
    }

    /// Starts it again, after a crash.
    pub async fn restart(&mut self) {
        self.program = launch(&self.command, &self.folder);
        self.is_up().await;
    }

    /// Reloads its configuration, as after a change or a new certificate; returns once the new worker serves requests.
    pub async fn reload(&self) {
        let stat = format!("http://127.0.0.1:{}/stat", self.ports.control);
        let pid = async || {
            let page = get(&stat).await.1;
            page.split("<pid>").nth(1).and_then(|rest| rest.split('<').next()).map(str::to_owned)
        };
        let before = pid().await;
        self.program.signal("HUP");
        crate::eventually("a new worker", || async { pid().await != before }).await;
    }

    /// Whether the playlist of this name is served.
    pub async fn playlist(&self, name: &str) -> bool {
        get(&format!("http://127.0.0.1:{}/live/{name}/index.m3u8", self.ports.http)).await.0 == 200
    }

    /// Everything that it shows of a stream, and its output.
    pub async fn pages(&self, name: &str) -> String {
        let base = format!("http://127.0.0.1:{}", self.ports.http);
        let mut pages = format!("{}{}", self.program.output(), self.program.errors());
        for path in ["/", "/live/", &format!("/live/{name}/"), &format!("/live/{name}/index.m3u8")] {
            pages.push_str(&get(&format!("{base}{path}")).await.1);
        }
        pages.push_str(&get(&format!("http://127.0.0.1:{}/stat", self.ports.control)).await.1);
        pages
    }

    /// The folder of its files, which encoders may use as well.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    async fn is_up(&self) {
        let stat = format!("http://127.0.0.1:{}/stat", self.ports.control);
        crate::eventually("nginx", || async { get(&stat).await.0 == 200 }).await;
    }
}

fn launch(variables: &[(String, String)], folder: &TempDir) -> Program {
    let mut command = Command::new(workspace().join("docker/nginx-rtmp/start"));
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    Program::start(&mut command, &folder.path().join("nginx"))
}

/// The status and the body of a page; 0 if there is no response.
pub(super) async fn get(url: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(5));
    let Ok(answer) = client.build().expect("a plain client can be made").get(url).send().await else {
        return (0, String::new());
    };
    (answer.status().as_u16(), answer.text().await.unwrap_or_default())
}
