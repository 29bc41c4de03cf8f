//! A node in a process of its own, killed by the system in the middle of its work.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use session_node::{Node, NodeConfig, NodeIdentity, REPORTED_VERSION};
use session_registry::{ChainTip, NodeList, RegisteredNode, StaticRegistry};
use session_storage_rpc::{Request, Store};
use session_types::{MessageHash, NodeContact};

use crate::support::{Network, SWARM, TWO_WEEKS, until};

/// Tells the test binary, started once more, which node to be.
const VARIABLE: &str = "SESSION_NODE_TEST_CHILD";

#[derive(Serialize, Deserialize)]
struct Setup {
    seed: [u8; 32],
    data_dir: String,
    port: u16,
    nodes: Vec<NodeContact>,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "only as the child process of the test below"]
async fn child_process() {
    let Ok(setup) = std::env::var(VARIABLE) else {
        return;
    };
    raise_descriptor_limit();
    let Setup {
        seed,
        data_dir,
        port,
        nodes,
    } = serde_json::from_str(&setup).unwrap();
    let nodes = nodes
        .into_iter()
        .map(|contact| RegisteredNode::active(contact, REPORTED_VERSION));
    let list = NodeList::new(ChainTip::at_height(1), nodes.collect()).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let config = NodeConfig::new(NodeIdentity::from_seed(seed), data_dir, listener).unwrap();
    let _node = Node::start(config, Arc::new(StaticRegistry::new(list)))
        .await
        .unwrap();
    println!("the node runs");
    // Until whoever started it lets go of it.
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
    ended.await.unwrap().unwrap();
    std::process::exit(0);
}

/// Runs the node with this index, which must not run here, in a process of its own.
fn start_child(network: &Network, index: usize) -> Child {
    let setup = Setup {
        seed: network.seed(index),
        data_dir: network.data_dir(index).to_str().unwrap().to_owned(),
        port: network.contact(index).https_port,
        nodes: (0..network.len())
            .map(|index| network.contact(index).clone())
            .collect(),
    };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "process::child_process",
            "--ignored",
            "--nocapture",
        ])
        .env(VARIABLE, serde_json::to_string(&setup).unwrap())
        // Large blocks go back to the system when they are freed. Left to itself, glibc keeps
        // them for the next time, and what a process takes says little about what it holds.
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let runs = output
        .lines()
        .any(|line| line.unwrap().contains("the node runs"));
    assert!(runs, "the child ended before its node ran");
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_loses_nothing_acknowledged() {
    let mut network = Network::start(&[(SWARM, 3)]).await;
    let bob = network.person(SWARM);
    network.kill(0).await;
    // Another member is away: what it misses must survive in the killed process's lists.
    network.kill(2).await;
    let mut child = start_child(&network, 0);

    let count = AtomicUsize::new(0);
    let (http, url, now) = (
        &network.http,
        network.url(0, "/storage_rpc/v1"),
        network.now(),
    );
    let (bob, url, count) = (&bob, &url, &count);
    let writers = (0..8u32).map(|writer| async move {
        let mut acknowledged = Vec::new();
        for number in 0u32.. {
            let data = [writer, number].map(u32::to_be_bytes).concat();
            let request = Store::unsigned(bob.owner(), now, TWO_WEEKS, data).unwrap();
            let body = Request::Store(request).to_json_text();
            let Ok(answer) = http.post(url).body(body).send().await else {
                break;
            };
            assert_eq!(answer.status(), 200);
            let Ok(answer) = answer.json_body().await else {
                break;
            };
            let hash: MessageHash = answer["hash"].as_str().unwrap().parse().unwrap();
            acknowledged.push(hash);
            count.fetch_add(1, Ordering::SeqCst);
        }
        acknowledged
    });
    let killer = async {
        until("enough has been stored", || async {
            (count.load(Ordering::SeqCst) >= 200).then_some(())
        })
        .await;
        child.kill().unwrap();
        child.wait().unwrap();
    };
    let writers = futures_util::future::join_all(writers);
    let (acknowledged, ()) = futures_util::future::join(writers, killer).await;
    let acknowledged: BTreeSet<MessageHash> = acknowledged.into_iter().flatten().collect();
    assert!(acknowledged.len() >= 200);

    network.restart(0).await;
    network.restart(2).await;
    for index in 0..3 {
        until(
            &format!("member {index} holds everything acknowledged"),
            || async {
                let held = network.hashes(index, &bob.signer(), 0).await;
                acknowledged
                    .is_subset(&held.into_iter().collect())
                    .then_some(())
            },
        )
        .await;
    }
}

/// Lets the process open as many descriptors as it is allowed to; tells how many.
pub(crate) fn raise_descriptor_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// A node in a process of its own, which ends with this.
pub(crate) struct NodeProcess(Child);

impl NodeProcess {
    pub(crate) fn start(network: &Network, index: usize) -> Self {
        Self(start_child(network, index))
    }

    /// Its memory in bytes: now, and at most so far.
    pub(crate) fn memory(&self) -> (u64, u64) {
        memory_of(self.0.id())
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn memory_of(process: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

trait JsonBody {
    async fn json_body(self) -> Result<serde_json::Value, reqwest::Error>;
}

impl JsonBody for reqwest::Response {
    async fn json_body(self) -> Result<serde_json::Value, reqwest::Error> {
        Ok(serde_json::from_slice(&self.bytes().await?).unwrap())
    }
}
