//! Ten thousand clients that are in no hurry.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::kill::Process;
use crate::support::{client_from, content, id_of, send};

/// How many clients there are.
const CLIENTS: usize = 10_000;

/// Of these: uploads drop by drop, and downloads nobody reads. The others do not come to the end of
/// their first line.
const UPLOADS: usize = 480;
const DOWNLOADS: usize = 960;

/// Clients of one address.
const EACH: usize = 25;

/// Larger than what both sides of a connection buffer.
const FILE: usize = 10_000_000;

/// What the server may take for all of them: each download has half a MiB.
const MAX_MIB: u64 = 600;

/// For each of many small things, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Connects from an address of its own for every few clients.
async fn connect(server: SocketAddr, number: usize) -> TcpStream {
    let group = u32::try_from(number / EACH).unwrap();
    let from = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + group);
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    // A small window: what is not read stays with the server.
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    timeout(PATIENCE, socket.connect(server))
        .await
        .unwrap()
        .unwrap()
}

/// A figure of a process, in MiB.
fn mib(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() / 1024
}

/// How many descriptors lead where: sockets, pipes, files.
fn kinds_of_descriptors(pid: u32) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for descriptor in std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
        // One may be closed meanwhile.
        let Ok(target) = std::fs::read_link(descriptor.unwrap().path()) else {
            continue;
        };
        let target = target.to_string_lossy().into_owned();
        let kind = target.split(':').next().unwrap_or_default();
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    kinds
}

fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_slow_clients_and_others_are_served() {
    // The process of the server takes this over.
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let needed = u64::try_from(CLIENTS + UPLOADS + DOWNLOADS + 200).unwrap();
    if limit.maximum.is_some_and(|maximum| maximum < needed) {
        println!("skipped: a process may have too few descriptors (raise the limit: ulimit -Hn)");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let settings = "listen = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nmax_connections = 11000\n\
                    upload_pause_seconds = 900\nrequest_head_seconds = 900\n\
                    download_pause_seconds = 900\n";
    std::fs::write(dir.path().join("files.toml"), settings).unwrap();
    let server = Process::start(dir.path());
    let address: SocketAddr = server
        .base
        .trim_start_matches("http://")
        .trim_end_matches("/file")
        .parse()
        .unwrap();
    let hurried = client_from("127.0.0.1");
    let large = content(1, FILE);
    let answer = send(hurried.post(&server.base).body(large)).await;
    let id = answer.expect_json()["id"].as_str().unwrap().to_owned();
    let (before_mib, before_fds) = (mib(server.pid(), "VmRSS:"), descriptors(server.pid()));

    let began = Instant::now();
    let mut crowd = Vec::with_capacity(CLIENTS);
    let get = format!("GET /file/{id} HTTP/1.1\r\nhost: x\r\n\r\n");
    let put = "POST /file HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nslow";
    let downloads = CLIENTS - DOWNLOADS;
    for number in 0..CLIENTS {
        let mut stream = connect(address, number).await;
        let sent = match number {
            _ if number >= downloads => get.as_str(),
            _ if number >= downloads - UPLOADS => put,
            _ => "GET /file/",
        };
        stream.write_all(sent.as_bytes()).await.unwrap();
        crowd.push(stream);
    }
    // All downloads have begun: each has the head of its answer.
    for stream in &mut crowd[downloads..] {
        let mut head = [0; 12];
        let read = timeout(PATIENCE, stream.read_exact(&mut head));
        read.await.unwrap().unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
    }
    let arrived = began.elapsed();
    let (with_mib, with_fds) = (mib(server.pid(), "VmRSS:"), descriptors(server.pid()));
    // Nobody was turned away.
    assert!(with_fds - before_fds >= CLIENTS, "{with_fds}");

    // Somebody else is served as always.
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let began = Instant::now();
        let body = content(100 + number, 1_000_000);
        let answer = send(hurried.post(&server.base).body(body.clone())).await;
        assert_eq!(answer.expect_json()["id"], id_of(&body));
        let answer = send(hurried.get(format!("{}/{}", server.base, id_of(&body)))).await;
        assert!(answer.status == 200 && answer.body == body);
        slowest = slowest.max(began.elapsed());
    }
    println!(
        "{CLIENTS} slow clients ({UPLOADS} uploads, {DOWNLOADS} downloads) within {arrived:.1?}: \
         {before_mib} MiB before, {with_mib} MiB with them, {} at most; {before_fds} descriptors \
         before, {with_fds} with them; 1 MB up and down again took others {slowest:.1?} at most",
        mib(server.pid(), "VmHWM:")
    );
    assert!(with_mib < MAX_MIB && mib(server.pid(), "VmHWM:") < MAX_MIB);
    // No more than a connection each, a file for each transfer, and a few.
    assert!(
        with_fds < before_fds + CLIENTS + UPLOADS + DOWNLOADS + 50,
        "{with_fds}"
    );

    drop(crowd);
    let left = Instant::now();
    while descriptors(server.pid()) > before_fds + 40 {
        assert!(
            left.elapsed() < PATIENCE,
            "still there: {:?}",
            kinds_of_descriptors(server.pid())
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(
        std::fs::read_dir(dir.path().join("files/uploads"))
            .unwrap()
            .count()
            == 0
    );
    server.stop();
}
