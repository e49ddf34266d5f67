//! Signals: SIGTERM and SIGINT stop the service, a second one at once; SIGHUP changes nothing.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop the service.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Handles the signals from now on, so that none of them ends the process by default.
    ///
    /// SIGHUP, which a closed terminal, `systemctl reload` or logrotate send, is logged and changes nothing.
    pub(crate) fn take() -> std::io::Result<Self> {
        let mut hang_up = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hang_up.recv().await.is_some() {
                tracing::info!(
                    "SIGHUP was received and changes nothing: settings are read at start, and the log is standard error"
                );
            }
        });
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Returns at the first signal to stop; from then on, the next one ends the process at once.
    pub(crate) async fn stop(mut self) {
        self.next().await;
        tracing::info!("stopping: no longer ready, answering what comes; a second signal stops at once");
        tokio::spawn(async move {
            self.next().await;
            tracing::warn!("told to stop a second time; stopping at once");
            std::process::exit(1);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
