//! Latencies and processor time.

use core::time::Duration;

use serde::Serialize;

/// The result of one case.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) case: &'static str,
    pub(crate) nodes: usize,
    pub(crate) connections: u16,
    /// Requests per second asked for; absent in a closed loop.
    pub(crate) rate: Option<u32>,
    pub(crate) seconds: f64,
    pub(crate) requests: usize,
    pub(crate) errors: usize,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    /// User and system time of all nodes; absent when their processes are not ours to look at.
    pub(crate) node_cpu_seconds: Option<f64>,
    pub(crate) node_cpu_ms_per_request: Option<f64>,
    /// Resident memory of all nodes after the case.
    pub(crate) node_rss_mib: Option<f64>,
}

/// The `per_mille`-th value of `sorted`, in ms.
pub(crate) fn percentile_ms(sorted: &[Duration], per_mille: usize) -> f64 {
    let index = sorted.len().saturating_sub(1) * per_mille / 1000;
    sorted.get(index).map_or(0.0, |d| d.as_secs_f64() * 1000.0)
}

/// User and system time a process has used so far.
pub(crate) fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain spaces: count fields after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    // Linux fixes this unit at 100 per second for user space.
    Some(Duration::from_millis((user + system) * 10))
}

/// Resident memory of a process in MiB.
pub(crate) fn resident_mib(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let sorted: Vec<_> = (1..=1000).map(Duration::from_millis).collect();
        assert!((percentile_ms(&sorted, 500) - 500.0).abs() < 1.5);
        assert!((percentile_ms(&sorted, 990) - 990.0).abs() < 1.5);
        assert!(percentile_ms(&[], 500).abs() < f64::EPSILON);
    }
}
