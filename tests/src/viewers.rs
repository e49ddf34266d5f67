//! Real players: Chromium's own and hls.js in a real browser, ffmpeg, and `GStreamer`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use stream_test_postgres::free_port;

use crate::encoder::{ffmpeg, program};
use crate::{Program, npm, workspace};

/// Players in one page of a headless Chromium, without any user interaction.
#[derive(Debug)]
pub struct Browser {
    program: Program,
}

/// What a player in the browser shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The picture's width; 0 until there is one.
    pub width: u64,
    /// The position of playback, in seconds.
    pub seconds: f64,
    /// The text of the page.
    pub says: String,
    /// The errors after which it gave up.
    pub fatal: Vec<String>,
}

impl Browser {
    /// Opens each address in a player of this name: `native` and `hls.js` play a playlist, `page` is a page that plays.
    pub fn open(addresses: &[(&str, &str)], folder: &Path) -> Self {
        let scripts = npm::installed(&workspace().join("tests/browser"), "browser", &["watch.js"]);
        let mut command = Command::new(program("node", "nodejs"));
        command.arg(scripts.join("watch.js")).env("CHROMIUM", program("chromium", "chromium"));
        // Its profile is removed with the test's folder.
        command.env("TMPDIR", folder);
        command.args(addresses.iter().map(|(player, url)| format!("{player}={player}={url}")));
        Self { program: Program::start(&mut command, &folder.join(format!("browser-{}", free_port()))) }
    }

    /// What this player showed last; `None` before the page is loaded.
    ///
    /// # Panics
    /// If the browser has ended.
    pub fn shows(&mut self, player: &str) -> Option<Shown> {
        assert!(self.program.ended().is_none(), "the browser has ended: {}", self.program.errors());
        let output = self.program.output();
        let mut lines = output.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let line = lines.find(|line| line["name"] == player)?;
        let fatal = line["fatal"].as_array().into_iter().flatten().map(Value::to_string).collect();
        Some(Shown {
            width: line["width"].as_u64().unwrap_or_default(),
            seconds: line["time"].as_f64().unwrap_or_default(),
            says: line["says"].as_str().unwrap_or_default().to_owned(),
            fatal,
        })
    }
}

/// A player without a browser.
#[derive(Debug)]
pub struct Player {
    program: Program,
    /// The beginning of a line of its output for each picture.
    marks: &'static str,
}

impl Player {
    /// ffmpeg with its defaults, but from the first picture of the playlist.
    pub fn ffmpeg(playlist: &str, folder: &Path) -> Self {
        let mut command = Command::new(ffmpeg());
        command.args(["-loglevel", "error", "-live_start_index", "0", "-i", playlist, "-map", "0:v"]);
        command.args(["-c", "copy", "-flush_packets", "1", "-f", "framecrc", "-"]);
        Self::start(&mut command, "0,", folder)
    }

    /// `GStreamer` with its elements for HLS and their defaults.
    pub fn gstreamer(playlist: &str, folder: &Path) -> Self {
        let mut command = Command::new(program("gst-launch-1.0", "gstreamer1.0-tools"));
        command.args(["-v", "souphttpsrc", &format!("location={playlist}"), "!", "hlsdemux", "!", "tsdemux"]);
        command.args(["!", "h264parse", "!", "fakesink", "sync=true", "silent=false"]);
        Self::start(
            &mut command,
            "/GstPipeline:pipeline0/GstFakeSink:fakesink0: last-message = chain",
            folder,
        )
    }

    fn start(command: &mut Command, marks: &'static str, folder: &Path) -> Self {
        Self { program: Program::start(command, &folder.join(format!("player-{}", free_port()))), marks }
    }

    /// How many pictures it has received so far; there are 30 a second.
    ///
    /// # Panics
    /// If it has ended.
    pub fn pictures(&mut self) -> usize {
        assert!(self.program.ended().is_none(), "a player has ended: {}", self.program.errors());
        self.program.output().lines().filter(|line| line.starts_with(self.marks)).count()
    }
}
