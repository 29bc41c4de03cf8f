//! A network that was shut down leaves nothing behind. Alone in its process, so that counts of
//! threads and open files mean something.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use core::time::Duration;
use std::path::Path;
use std::time::Instant;

use session_devnet::{Devnet, DevnetOptions};

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// Networks in the temporary folder, of this process or another.
fn networks(parent: &Path) -> usize {
    std::fs::read_dir(parent)
        .unwrap()
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with("session-devnet-")
        })
        .count()
}

#[test]
fn no_task_thread_file_or_folder_is_left() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_keep_alive(Duration::from_millis(100))
        .enable_all()
        .build()
        .unwrap();
    // The first round may open what stays open for the life of a process.
    let mut open_after_first = 0;
    for round in 0..3 {
        let threads_before = count("/proc/self/task");
        let path = runtime.block_on(async {
            let options = DevnetOptions {
                seed: Some(50),
                ..DevnetOptions::default()
            };
            let mut network = Devnet::start(options, |_| ()).await.unwrap();
            network.kill_node(3).unwrap();
            network.kill_node(4).unwrap();
            network.restart_node(4).await.unwrap();
            let path = network.describe().data_dir;
            assert!(networks(path.parent().unwrap()) >= 1);
            network.shutdown().await.unwrap();
            path
        });
        assert!(!path.exists());
        let deadline = Instant::now() + Duration::from_secs(30);
        let gone = || {
            let tasks = runtime.metrics().num_alive_tasks();
            let open = count("/proc/self/fd");
            let threads = count("/proc/self/task");
            let clean = tasks == 0
                && (round == 0 || open <= open_after_first)
                && (round == 0 || threads <= threads_before);
            (clean, tasks, open, threads)
        };
        while !gone().0 {
            assert!(
                Instant::now() < deadline,
                "tasks, files, threads: {:?}",
                gone()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        if round == 0 {
            open_after_first = count("/proc/self/fd");
        }
    }
}
