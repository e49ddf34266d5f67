//! An encoder on the stage: ffmpeg with a real media server, or a publisher on a simulated one.

use std::time::Duration;

use crate::program::Program;
use crate::relay::Relay;

/// An encoder that publishes, or tries to.
#[derive(Debug)]
pub enum Encoder {
    /// ffmpeg, through a relay that gives it its address.
    Real {
        /// The process.
        program: Program,
        /// Dropped with the process.
        _relay: Relay,
    },
    /// A publisher at a simulated server.
    Simulated(stream_simulated_servers::Encoder),
}

impl Encoder {
    /// Whether it was refused, was kicked, or lost its server.
    pub fn has_ended(&mut self) -> bool {
        match self {
            Self::Real { program, .. } => program.ended().is_some(),
            Self::Simulated(encoder) => encoder.refused().is_some() || encoder.was_kicked(),
        }
    }

    /// Waits until it was refused, was kicked, or lost its server.
    pub async fn ended(&mut self) {
        for _ in 0..900 {
            if self.has_ended() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the encoder did not end: {self:?}");
    }

    /// Stops sending without closing the connection; keep the returned encoder, since dropping it would close that.
    pub fn freeze(self) -> Option<Self> {
        match self {
            Self::Real { program, _relay } => {
                program.signal("STOP");
                Some(Self::Real { program, _relay })
            }
            Self::Simulated(encoder) => {
                encoder.freeze();
                None
            }
        }
    }

    /// Resumes a frozen encoder.
    pub fn thaw(&self) {
        let Self::Real { program, .. } = self else { panic!("only a real encoder") };
        program.signal("CONT");
    }

    /// Kills it with SIGKILL.
    pub fn kill(self) {
        match self {
            Self::Real { mut program, .. } => program.kill(),
            Self::Simulated(encoder) => encoder.kill(),
        }
    }
}
