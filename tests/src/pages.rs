//! Pages in a real headless Chromium, used as a person uses them: elements are found as screen readers name them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use stream_test_postgres::free_port;

use crate::encoder::program;
use crate::{Program, eventually, npm, workspace};

/// A browser; each tab has a name.
#[derive(Debug)]
pub struct Pages {
    program: Program,
    http: reqwest::Client,
    address: String,
}

/// One tab.
#[derive(Debug, Clone, Copy)]
pub struct Tab<'a> {
    pages: &'a Pages,
    name: &'a str,
}

/// The console's sources, in a copy with the tools that build them; its folder.
pub fn console_sources() -> PathBuf {
    static COPIED: OnceLock<PathBuf> = OnceLock::new();
    let copied = || npm::copied("console", "crates/stream-console/web", &["clients/typescript/src"]);
    COPIED.get_or_init(copied).clone()
}

impl Pages {
    /// Starts the browser; its files are removed with this folder.
    pub async fn open(folder: &Path) -> Self {
        let scripts = npm::installed(&workspace().join("tests/browser"), "browser", &["driver.mjs"]);
        let port = free_port();
        let mut command = Command::new(program("node", "nodejs"));
        command.arg(scripts.join("driver.mjs")).arg(port.to_string());
        command.env("CHROMIUM", program("chromium", "chromium")).env("TMPDIR", folder);
        let program = Program::start(&mut command, &folder.join(format!("pages-{port}")));
        eventually("a browser", || async { program.output().contains("ready") }).await;
        let http = reqwest::Client::builder().timeout(Duration::from_secs(90)).no_proxy().build();
        let address = format!("http://127.0.0.1:{port}/");
        Self { program, http: http.expect("a plain client can be made"), address }
    }

    /// Another origin than the service's, whose page a test chooses.
    pub fn other_origin(&self) -> &str {
        self.address.trim_end_matches('/')
    }

    /// The tab of this name, which is opened when it is first used.
    pub fn tab<'a>(&'a self, name: &'a str) -> Tab<'a> {
        Tab { pages: self, name }
    }
}

impl Tab<'_> {
    async fn step(&self, what: &str, mut step: Value) -> Value {
        step["tab"] = self.name.into();
        step["do"] = what.into();
        let sent = self.pages.http.post(&self.pages.address).body(step.to_string()).send().await;
        let answer = sent.unwrap_or_else(|error| panic!("{error}: {}", self.pages.program.errors()));
        let text = answer.text().await.expect("the browser answers");
        let mut answer: Value = serde_json::from_str(&text).expect("it answers JSON");
        if let Some(error) = answer["error"].as_str() {
            let shown = self.pages.http.post(&self.pages.address);
            let look = json!({ "tab": self.name, "do": "evaluate", "script": "document.body.innerText" });
            let shown = shown.body(look.to_string()).send().await.expect("the browser answers");
            let shown = shown.text().await.unwrap_or_default();
            panic!("{step}: {error}\nthe page shows: {shown}");
        }
        answer["value"].take()
    }

    /// Goes to an address.
    pub async fn goes_to(&self, url: &str) {
        self.step("open", json!({ "url": url })).await;
    }

    /// Clicks what has this name.
    pub async fn clicks(&self, name: &str) {
        self.step("click", json!({ "name": name })).await;
    }

    /// Clicks the one of this role that has this name.
    pub async fn clicks_the(&self, role: &str, name: &str) {
        self.step("click", json!({ "name": name, "role": role })).await;
    }

    /// Fills the field of this name.
    pub async fn fills(&self, name: &str, value: &str) {
        self.step("fill", json!({ "name": name, "value": value })).await;
    }

    /// Presses a key.
    pub async fn presses(&self, key: &str) {
        self.step("press", json!({ "key": key })).await;
    }

    /// Types a text where the keyboard is.
    pub async fn types(&self, value: &str) {
        self.step("type", json!({ "value": value })).await;
    }

    /// What a script says in the page.
    pub async fn evaluates(&self, script: &str) -> Value {
        self.step("evaluate", json!({ "script": script })).await
    }

    /// Waits until a script says `true`.
    pub async fn waits_for(&self, script: &str) {
        self.step("wait", json!({ "script": script })).await;
    }

    /// Waits until the page shows this text.
    pub async fn shows(&self, text: &str) {
        self.waits_for(&format!("document.body.innerText.includes({})", Value::from(text))).await;
    }

    /// The value of the field of this label.
    pub async fn field(&self, label: &str) -> String {
        let script = format!(
            "[...document.querySelectorAll('label')].find((label) => label.textContent.trim() === {}).control.value",
            Value::from(label)
        );
        self.evaluates(&script).await.as_str().expect("a field has a text").to_owned()
    }

    /// Waits until the player has a picture that goes on by itself.
    pub async fn plays(&self) {
        const CLOCK: &str =
            "document.querySelector('live-stream').shadowRoot.querySelector('video').currentTime";
        self.waits_for(&format!("{CLOCK} > 0")).await;
        let before = self.evaluates(CLOCK).await.as_f64().expect("a clock");
        self.waits_for(&format!("{CLOCK} > {} + 1", before)).await;
    }

    /// What the player shows, such as `live`.
    pub async fn waits_for_player(&self, state: &str) {
        self.waits_for(&format!("document.querySelector('live-stream')?.state === '{state}'")).await;
    }

    /// The size of the window, and light or dark.
    pub async fn is_seen(&self, width: u32, height: u32, scheme: &str) {
        self.step("view", json!({ "width": width, "height": height, "scheme": scheme })).await;
    }

    /// Loads everything anew.
    pub async fn has_no_cache(&self) {
        self.step("fresh", json!({})).await;
    }

    /// Draws what is seen, or the whole page, into a file.
    pub async fn is_drawn(&self, file: &Path, is_whole: bool) {
        self.step("screenshot", json!({ "path": file, "whole": is_whole })).await;
    }

    /// Cuts off requests whose addresses have this text; none, if it is empty.
    pub async fn is_cut_off(&self, part: &str) {
        self.step("cut", json!({ "match": part })).await;
    }

    /// Goes to a page of another origin, with this policy.
    pub async fn goes_to_another_origin(&self, html: &str, policy: &str) {
        self.step("serve", json!({ "html": html, "policy": policy })).await;
        self.goes_to(&self.pages.address).await;
    }

    /// Closes it.
    pub async fn closes(&self) {
        self.step("close", json!({})).await;
    }

    /// What axe finds, one line for each.
    pub async fn violations(&self) -> String {
        let found = self.step("violations", json!({})).await;
        found.as_array().into_iter().flatten().fold(String::new(), |mut all, line| {
            let _ = writeln!(all, "{line}");
            all
        })
    }

    /// Errors of scripts and of the policy since the last look.
    pub async fn faults(&self) -> Vec<String> {
        let faults = self.step("faults", json!({})).await;
        serde_json::from_value(faults).expect("faults are texts")
    }

    /// Everything that was loaded: addresses and texts.
    pub async fn loaded(&self) -> String {
        self.step("loaded", json!({})).await.to_string()
    }

    /// What the page costs: first paint, layout shifts, bytes, requests, main-thread time.
    pub async fn costs(&self) -> Value {
        self.step("costs", json!({})).await
    }
}
