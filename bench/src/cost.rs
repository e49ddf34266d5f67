//! Processor time and memory of processes, from Linux's `/proc`.

use std::collections::HashMap;

/// The kernel's ticks of processor time a second, which are 100 on every Linux.
const TICKS: f64 = 100.0;

/// Processes that are measured together: one and its descendants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group(pub(crate) u32);

/// What a group has used so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Processor time of all processes, ended ones included, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Peak resident memory of all processes, in MiB; shared pages are counted more than once.
    pub(crate) peak_mib: f64,
    /// Current resident memory of all processes, in MiB.
    pub(crate) resident_mib: f64,
}

struct Process {
    parent: u32,
    ticks: f64,
}

impl Group {
    /// Reads the cost from `/proc`.
    pub(crate) fn cost(&self) -> Cost {
        let all: HashMap<u32, Process> = std::fs::read_dir("/proc")
            .expect("this is Linux")
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|id| Some((id, process(id)?)))
            .collect();
        let is_ours = |mut id: u32| {
            while id != self.0 {
                match all.get(&id) {
                    Some(process) if process.parent > 1 => id = process.parent,
                    _ => return false,
                }
            }
            true
        };
        let ours: Vec<u32> = all.keys().copied().filter(|id| is_ours(*id)).collect();
        Cost {
            cpu_seconds: ours.iter().map(|id| all[id].ticks).sum::<f64>() / TICKS,
            peak_mib: ours.iter().map(|id| memory(*id, "VmHWM:")).sum(),
            resident_mib: ours.iter().map(|id| memory(*id, "VmRSS:")).sum(),
        }
    }
}

fn process(id: u32) -> Option<Process> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name is in parentheses and may contain anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |places: std::ops::Range<usize>| -> f64 {
        fields[places].iter().filter_map(|field| field.parse::<f64>().ok()).sum()
    };
    // User and system time, of the process and of its ended children.
    Some(Process { parent: fields[1].parse().ok()?, ticks: ticks(11..15) })
}

fn memory(id: u32, label: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let kib =
        text.lines().find_map(|line| line.strip_prefix(label)?.trim().split(' ').next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1_024.0
}
