//! The process as its operating system sees it, under the names that every Prometheus client uses.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

/// Writes memory, processor time, threads and files of this process; on systems without `/proc`, nothing.
#[derive(Debug)]
pub(crate) struct ProcessCollector;

impl Collector for ProcessCollector {
    #[cfg(target_os = "linux")]
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        use prometheus_client::encoding::EncodeMetric as _;
        use prometheus_client::metrics::counter::ConstCounter;
        use prometheus_client::metrics::gauge::ConstGauge;
        use prometheus_client::registry::Unit;

        let Some(process) = linux::look() else { return Ok(()) };
        let cpu = ConstCounter::new(process.cpu_seconds);
        let help = "Processor time of the process";
        cpu.encode(encoder.encode_descriptor(
            "process_cpu",
            help,
            Some(&Unit::Seconds),
            cpu.metric_type(),
        )?)?;
        for (name, help, unit, value) in process.gauges() {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, unit.as_ref(), gauge.metric_type())?)?;
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn encode(&self, _: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use procfs::process::{LimitValue, Process};
    use prometheus_client::registry::Unit;

    pub(super) struct Look {
        pub(super) cpu_seconds: f64,
        resident: u64,
        virtual_size: u64,
        threads: i64,
        open_files: usize,
        max_files: Option<u64>,
        started_at: Option<f64>,
    }

    /// What the system says of this process; `None` where it says nothing.
    pub(super) fn look() -> Option<Look> {
        let process = Process::myself().ok()?;
        let stat = process.stat().ok()?;
        let ticks = precise(procfs::ticks_per_second());
        let max_files = match process.limits().ok()?.max_open_files.soft_limit {
            LimitValue::Value(number) => Some(number),
            LimitValue::Unlimited => None,
        };
        let booted_at = <procfs::KernelStats as procfs::CurrentSI>::current().ok().map(|stats| stats.btime);
        Some(Look {
            cpu_seconds: precise(stat.utime + stat.stime) / ticks,
            resident: stat.rss.saturating_mul(procfs::page_size()),
            virtual_size: stat.vsize,
            threads: stat.num_threads,
            open_files: process.fd_count().ok()?,
            max_files,
            started_at: booted_at.map(|booted| precise(booted) + precise(stat.starttime) / ticks),
        })
    }

    impl Look {
        pub(super) fn gauges(&self) -> Vec<(&'static str, &'static str, Option<Unit>, f64)> {
            let bytes = Some(Unit::Bytes);
            let mut gauges = vec![
                ("process_resident_memory", "Memory of the process", bytes.clone(), precise(self.resident)),
                ("process_virtual_memory", "Addresses of the process", bytes, precise(self.virtual_size)),
                (
                    "process_threads",
                    "Threads of the process",
                    None,
                    precise(u64::try_from(self.threads).unwrap_or_default()),
                ),
                ("process_open_fds", "Open files and sockets", None, precise(self.open_files as u64)),
            ];
            if let Some(max) = self.max_files {
                gauges.push(("process_max_fds", "The most open files and sockets", None, precise(max)));
            }
            if let Some(at) = self.started_at {
                let help = "When the process began, in seconds since 1970";
                gauges.push(("process_start_time", help, Some(Unit::Seconds), at));
            }
            gauges
        }
    }

    /// Every count here is far below the 2^53 that a float holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    fn precise(number: u64) -> f64 {
        number as f64
    }
}
