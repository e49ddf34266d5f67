//! A program that a test starts, and that ends with the test.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A child process and its descendants; output goes to files.
#[derive(Debug)]
pub struct Program {
    child: Child,
    output: PathBuf,
}

impl Program {
    /// Starts a command; standard output goes to `output`, standard error to the same path with `.err` appended.
    pub fn start(command: &mut Command, output: &Path) -> Self {
        command.stdout(File::create(output).expect("the output folder is writable"));
        Self::spawn(command, output)
    }

    /// The same with a terminal as standard output, as if started by hand.
    pub fn start_on_terminal(command: &mut Command, output: &Path) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("the system has a terminal");
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("the terminal can be unlocked");
        let name = ptsname(&terminal, Vec::new()).expect("the terminal has a name");
        let name = PathBuf::from(name.into_string().expect("its name is text"));
        let other_end = File::options().read(true).write(true).open(name).expect("the terminal opens");
        command.stdout(other_end);
        let (mut shown, mut file) =
            (File::from(terminal), File::create(output).expect("the output folder is writable"));
        // Ends with an error when the program is gone.
        std::thread::spawn(move || std::io::copy(&mut shown, &mut file));
        Self::spawn(command, output)
    }

    fn spawn(command: &mut Command, output: &Path) -> Self {
        let errors = File::create(errors_of(output)).expect("the output folder is writable");
        command.stdin(Stdio::null()).stderr(errors);
        // In a separate process group, so that its children can be ended with it.
        command.process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, output: output.to_owned() }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// What it has written to standard error so far.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(errors_of(&self.output)).unwrap_or_default()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success(), "the process is gone");
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits until it ends.
    ///
    /// # Panics
    /// If it runs for more than a minute.
    pub async fn wait(&mut self) -> ExitStatus {
        for _ in 0..1200 {
            if let Some(status) = self.ended() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("a program did not end within a minute:\n{}\n{}", self.output(), self.errors());
    }

    /// Kills it and its descendants, as a crash would.
    pub fn kill(&mut self) {
        // They may have ended already.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn errors_of(output: &Path) -> PathBuf {
    PathBuf::from(format!("{}.err", output.display()))
}

/// The output of a command.
///
/// # Panics
/// If it fails.
pub fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the program is there");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(status.success(), "{command:?}:\n{}\n{}", text(&stdout), text(&stderr));
    text(&stdout)
}
