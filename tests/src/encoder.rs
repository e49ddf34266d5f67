//! A real encoder: ffmpeg with a moving test picture and a tone, as H.264 and AAC.

use std::path::{Path, PathBuf};
use std::process::Command;

use stream_test_postgres::free_port;

use crate::Program;

/// Publishes the test picture to an address until it is refused or the program is dropped; its output goes to `folder`.
pub fn publish(rtmp_url: &str, folder: &Path) -> Program {
    publish_with(&[], rtmp_url, folder)
}

/// The same, with options of ffmpeg's RTMP protocol, such as `-rtmp_playpath`.
pub fn publish_with(options: &[&str], rtmp_url: &str, folder: &Path) -> Program {
    let mut command = Command::new(ffmpeg());
    command.args(["-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=15"]);
    command.args([
        "-f",
        "lavfi",
        "-i",
        "sine",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
    ]);
    command.args(["-pix_fmt", "yuv420p", "-g", "15", "-c:a", "aac", "-f", "flv"]);
    command.args(options).arg(rtmp_url);
    // A free port is a unique number for the name of the output.
    Program::start(&mut command, &folder.join(format!("ffmpeg-{}", free_port())))
}

/// Publishes a small test picture as OBS does by default: 30 frames a second, B-frames, and a key frame only every
/// `key_frames` frames, which is 250 in OBS.
pub fn publish_like_obs(rtmp_url: &str, key_frames: u32, folder: &Path) -> Program {
    let every = key_frames.to_string();
    let mut command = Command::new(ffmpeg());
    command.args(["-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=30"]);
    command.args(["-f", "lavfi", "-i", "sine", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"]);
    command.args(["-g", &every, "-keyint_min", &every, "-sc_threshold", "0", "-pix_fmt", "yuv420p"]);
    command.args(["-c:a", "aac", "-f", "flv", rtmp_url]);
    Program::start(&mut command, &folder.join(format!("ffmpeg-{}", free_port())))
}

/// Whether a stream can be watched, that is, decodes to a picture.
pub fn plays(url: &str) -> bool {
    let mut decode = Command::new(ffmpeg());
    decode.args([
        "-loglevel",
        "error",
        "-rw_timeout",
        "5000000",
        "-i",
        url,
        "-frames:v",
        "1",
        "-f",
        "null",
        "-",
    ]);
    decode.output().expect("ffmpeg runs").status.success()
}

/// The path of ffmpeg.
pub fn ffmpeg() -> PathBuf {
    program("ffmpeg", "ffmpeg")
}

/// The path of a program; panics with the name of its package.
pub fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Some distributions install servers outside an ordinary user's PATH.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("{name} is not installed; on Debian and Ubuntu, install it with: apt-get install {package}")
    })
}
