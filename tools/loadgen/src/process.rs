//! What the system says about a process.

use core::ops::Range;
use std::time::Duration;

use serde::Serialize;

/// User and system time a process has used so far.
pub(crate) fn cpu_time(pid: u32) -> Option<Duration> {
    ticks(pid, USER_AND_SYSTEM).map(duration)
}

/// Where in [`stat_fields`] user and system time are, and with them those of children that have
/// ended.
const USER_AND_SYSTEM: Range<usize> = 11..13;
const WITH_CHILDREN: Range<usize> = 11..15;

fn ticks(pid: u32, of: Range<usize>) -> Option<u64> {
    let fields = stat_fields(pid)?;
    let times = fields.get(of)?.iter().map(|field| field.parse::<u64>());
    times.sum::<Result<u64, _>>().ok()
}

/// Linux fixes this unit at 100 per second for user space.
const fn duration(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 10)
}

/// The same of several processes together; `None` when there are none, or one is gone.
pub(crate) fn cpu_time_of_all(pids: &[u32]) -> Option<Duration> {
    if pids.is_empty() {
        return None;
    }
    pids.iter().map(|pid| cpu_time(*pid)).sum()
}

/// The same of processes and of all they have started, also of what has ended since; `None` when one
/// is gone.
pub(crate) fn cpu_time_of_trees(roots: &[u32]) -> Option<Duration> {
    let mut all = roots.to_vec();
    let mut next = 0;
    let parents = parents();
    while let Some(parent) = all.get(next).copied() {
        let children = parents.iter().filter(|(_, of)| *of == parent);
        for (child, _) in children {
            if !all.contains(child) {
                all.push(*child);
            }
        }
        next += 1;
    }
    let mut sum = 0;
    for pid in &all {
        match ticks(*pid, WITH_CHILDREN) {
            Some(ticks) => sum += ticks,
            None if roots.contains(pid) => return None,
            // It has just ended.
            None => {}
        }
    }
    (!roots.is_empty()).then(|| duration(sum))
}

/// All processes, each with the one that has started it.
fn parents() -> Vec<(u32, u32)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, stat_fields(pid)?.get(1)?.parse().ok()?)))
        .collect()
}

/// What the system says of a process after its name in parentheses, which may contain spaces.
fn stat_fields(pid: u32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// Resident memory of a process in MiB.
pub(crate) fn resident_mib(pid: u32) -> Option<f64> {
    Some(kib_of(&status(pid)?, "VmRSS:")? / 1024.0)
}

/// The most memory in MiB that was ever resident.
pub(crate) fn peak_mib(pid: u32) -> Option<f64> {
    Some(kib_of(&status(pid)?, "VmHWM:")? / 1024.0)
}

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Holdings {
    pub(crate) resident_mib: f64,
    pub(crate) descriptors: f64,
    pub(crate) threads: f64,
}

/// What a process holds now; `None` when it is gone.
pub(crate) fn holdings(pid: u32) -> Option<Holdings> {
    let status = status(pid)?;
    let threads = field(&status, "Threads:")?.parse().ok()?;
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some(Holdings {
        resident_mib: kib_of(&status, "VmRSS:")? / 1024.0,
        descriptors: descriptors as f64,
        threads,
    })
}

/// Processors this thread may use.
///
/// # Errors
/// When the system does not say.
#[cfg(target_os = "linux")]
pub(crate) fn processors() -> anyhow::Result<Vec<usize>> {
    let set = rustix::thread::sched_getaffinity(None)?;
    Ok((0..rustix::thread::CpuSet::MAX_CPU)
        .filter(|number| set.is_set(*number))
        .collect())
}

/// Lets this thread and those it starts use these processors only.
///
/// # Errors
/// When the system does not permit that.
#[cfg(target_os = "linux")]
pub(crate) fn keep_to(processors: &[usize]) -> anyhow::Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    for number in processors {
        anyhow::ensure!(
            *number < rustix::thread::CpuSet::MAX_CPU,
            "no processor {number}"
        );
        set.set(*number);
    }
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

/// Elsewhere nobody can be kept to some.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub(crate) fn processors() -> anyhow::Result<Vec<usize>> {
    anyhow::bail!("processors can be chosen on Linux only")
}

/// Elsewhere nobody can be kept to some.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_to(_processors: &[usize]) -> anyhow::Result<()> {
    anyhow::bail!("processors can be chosen on Linux only")
}

/// Lets this process and those it starts open as many files as the system permits: a crowd of
/// connections needs more than the usual thousand.
#[cfg(unix)]
pub(crate) fn permit_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused, opening says so soon enough.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub(crate) const fn permit_many_files() {}

fn status(pid: u32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/status")).ok()
}

fn kib_of(status: &str, name: &str) -> Option<f64> {
    field(status, name)?.parse().ok()
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_holds_something() {
        let own = std::process::id();
        let held = holdings(own).unwrap();
        assert!(held.resident_mib > 1.0);
        assert!(peak_mib(own).unwrap() >= held.resident_mib - 0.1);
        assert!(held.descriptors >= 3.0);
        assert!(held.threads >= 2.0, "a test runs on a thread of its own");
        let files: Vec<_> = (0..50)
            .map(|_| std::fs::File::open("/proc/self/stat").unwrap())
            .collect();
        assert!(holdings(own).unwrap().descriptors >= 53.0);
        drop(files);
        assert!(cpu_time_of_all(&[]).is_none());
        assert!(cpu_time_of_all(&[own, own]).is_some());
        assert!(cpu_time_of_trees(&[]).is_none());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_a_process_has_started_counts_too() {
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let script = format!("sh -c '{busy}; echo a; read wait'; echo b; read wait");
        let mut shell = std::process::Command::new("sh")
            .args(["-c", &script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines =
            std::io::BufRead::lines(std::io::BufReader::new(shell.stdout.take().unwrap()));
        let mut stdin = shell.stdin.take().unwrap();
        for line in ["a", "b"] {
            assert_eq!(lines.next().unwrap().unwrap(), line);
            let own = cpu_time(shell.id()).unwrap();
            let all = cpu_time_of_trees(&[shell.id()]).unwrap();
            assert!(all > own, "{line}: {all:?} {own:?}");
            std::io::Write::write_all(&mut stdin, b"\n").unwrap();
        }
        assert!(shell.wait().unwrap().success());
        assert!(cpu_time_of_trees(&[shell.id()]).is_none());
    }
}
