//! A running node: its tasks, and how they start and end.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use session_chassis::gate::Gate;
use session_chassis::listener::{self, ListenerLimits};
use session_chassis::silence;
use session_chassis::tls::ServerIdentity;
use session_quic::{Endpoint, ServerLimits, TlsKey};
use session_registry::Registry;
use session_types::{NodeContact, SwarmId};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{NodeConfig, PublicAddress};
use crate::core::{AnswerPool, Core, KnownAuth};
use crate::https::Https;
use crate::intake::Intake;
use crate::metrics::{Counters, NodeMetrics};
use crate::monitor::Monitor;
use crate::observer::Observer;
use crate::peers::{Links, Peers};
use crate::quic::Quic;
use crate::relay::Relay;
use crate::replication::{self, NetworkClock, Replication};
use crate::store::{Store, StoreLimits};
use crate::tasks::Tasks;
use crate::testing::{Pings, Tester};
use crate::{NodeError, install_crypto_provider};

/// Name of the database in the data directory.
pub(crate) const DATABASE_FILE: &str = "storage.db";

/// How long other sides may take to hear that QUIC connections are closed.
const FAREWELL: Duration = Duration::from_millis(200);

/// Messages deleted in one step of the sweep: a step must not keep stores waiting.
const SWEEP_STEP: u32 = 2_000;

/// How often things remembered for a time are looked through
/// (docs/protocol/node.md section 9.6).
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);

/// Starts nodes.
#[derive(Debug)]
pub struct Node;

impl Node {
    /// Opens the database, binds everything together and serves until the returned handle is
    /// told to stop. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// [`NodeError`] when the database, certificate or socket cannot be used.
    pub async fn start(
        config: NodeConfig,
        registry: Arc<dyn Registry>,
    ) -> Result<RunningNode, NodeError> {
        install_crypto_provider();
        let NodeConfig {
            identity,
            data_dir,
            listener,
            quic,
            address,
            version,
            clock,
            edge,
            names,
            ..
        } = config;
        let NodeConfig {
            limits,
            timing,
            allow_private_relay_targets,
            follow_swarm_time,
            ..
        } = config;
        let identity = Arc::new(identity);
        let network_clock = Arc::new(NetworkClock::new(clock, follow_swarm_time));
        let clock: Arc<dyn Clock> = Arc::clone(&network_clock) as _;
        let store_limits = StoreLimits {
            readers: limits.database_readers,
            writer_queue: limits.database_queue,
            max_database_bytes: limits.max_database_bytes,
        };
        let opened = tokio::task::spawn_blocking(move || open(&data_dir, store_limits)).await;
        let (store, tls) = match opened {
            Ok(opened) => opened?,
            Err(_) => return Err(NodeError::Store(crate::StoreError::Closed)),
        };

        let shutdown = CancellationToken::new();
        let killed = CancellationToken::new();
        let counters = Arc::new(Counters::default());
        let tls_key = TlsKey::from_seed(*identity.signing_key().seed());
        let endpoint = match quic {
            Some(socket) => Some(Endpoint::server(socket, &tls_key)?),
            None => None,
        };
        let answer_memory = AnswerPool::new(limits.max_answer_memory);
        let links = endpoint.clone().map(|endpoint| {
            let (answers, unused) = (answer_memory.budget(), timing.unused_link);
            Links::new(endpoint, tls_key, answers, unused)
        });
        let peers = Arc::new(Peers::new(
            Arc::clone(&identity),
            Arc::clone(&clock),
            timing.retry_first,
            timing.retry_max,
            links,
            Arc::clone(&counters),
            edge.clone(),
        )?);
        let (replication, worker) = Replication::new(
            store.clone(),
            Arc::clone(&peers),
            Arc::clone(&registry),
            Arc::clone(&counters),
            timing.clone(),
            network_clock,
            shutdown.clone(),
        );
        let core = Arc::new(Core {
            identity,
            version,
            registry,
            store,
            replication,
            monitor: Monitor::default(),
            clock,
            names,
            known_auth: KnownAuth::default(),
            counters,
            tasks: Tasks::new(killed.clone()),
            pings: Pings::default(),
            stopping: AtomicBool::new(false),
        });
        let relay = Relay::new(
            Arc::clone(&core),
            peers,
            &limits,
            &timing,
            allow_private_relay_targets,
        )?;
        let intake = Intake::new(Arc::clone(&core), relay, &limits, answer_memory, edge);
        let intake = Arc::new(intake);
        let watched = Arc::clone(&intake);
        let router = Https::new(Arc::clone(&intake), &limits, timing.body_timeout).router();
        let router = silence::after(killed.clone(), router);
        let tester = Tester::new(Arc::clone(&core), timing.testing, endpoint.as_ref())?;

        let listener_limits = ListenerLimits {
            drain_timeout: limits
                .listener
                .drain_timeout
                .min(timing.stop_timeout.mul_f64(0.8)),
            ..limits.listener
        };
        let quic_server = endpoint.clone().map(|endpoint| {
            let gate = Arc::new(Gate::new(
                limits.max_quic_connections,
                limits.max_quic_connections_per_ip,
                limits.listener.idle_grace,
            ));
            let service = Arc::new(Quic::new(intake, gate));
            let (shutdown, drain) = (shutdown.clone(), listener_limits.drain_timeout);
            tokio::spawn(async move {
                let limits = ServerLimits::default();
                endpoint.serve(service, limits, shutdown, drain).await;
            })
        });
        let serve = listener::serve(
            listener,
            Some(tls.server_config()),
            router,
            listener_limits,
            shutdown.clone(),
        );
        let server = tokio::spawn(async move {
            if let Err(error) = serve.await {
                tracing::error!(%error, "the listener ended");
            }
        });
        let worker = tokio::spawn(replication::run(worker));
        let sweeper = tokio::spawn(sweep(
            Arc::clone(&core),
            timing.sweep_interval,
            shutdown.clone(),
        ));
        let tester = tokio::spawn(tester.run(shutdown.clone()));
        let pressure = tokio::spawn(watch_pressure(
            watched,
            core.store.clone(),
            shutdown.clone(),
        ));
        let watcher = tokio::spawn(watch_swarm(Arc::clone(&core), shutdown.clone()));
        Ok(RunningNode {
            core,
            address,
            stop_timeout: timing.stop_timeout,
            shutdown,
            killed,
            endpoint,
            handles: [server, worker, sweeper, tester, pressure, watcher]
                .into_iter()
                .chain(quic_server)
                .collect(),
        })
    }
}

fn open(dir: &Path, limits: StoreLimits) -> Result<(Store, ServerIdentity), NodeError> {
    std::fs::create_dir_all(dir).map_err(|error| NodeError::Store(crate::StoreError::Io(error)))?;
    let store = Store::open(&dir.join(DATABASE_FILE), limits)?;
    let tls = ServerIdentity::load_or_create(dir)?;
    Ok((store, tls))
}

/// Keeps the node from taking on more than it can do.
async fn watch_pressure(intake: Arc<Intake>, store: Store, shutdown: CancellationToken) {
    intake.pressure.watch(&store, &shutdown).await;
}

/// Tells subscribers when their account goes to another swarm.
async fn watch_swarm(core: Arc<Core>, shutdown: CancellationToken) {
    let mut changed = core.registry.changed();
    while let Some(Ok(())) = shutdown.run_until_cancelled(changed.changed()).await {
        let nodes = core.registry.snapshot();
        let own = core.own_swarm(&nodes);
        core.monitor.swarm_changed(&nodes, own, core.clock.now());
    }
}

/// Deletes what has expired, at the start and from then on.
async fn sweep(core: Arc<Core>, every: Duration, shutdown: CancellationToken) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut forgetting_due = Instant::now();
    while let Some(tick) = shutdown.run_until_cancelled(ticks.tick()).await {
        let forget = tick >= forgetting_due;
        if forget {
            forgetting_due = tick + FORGET_INTERVAL;
        }
        if let Err(error) = sweep_once(&core, forget).await {
            tracing::warn!(%error, "expired messages were not deleted");
        }
    }
}

async fn sweep_once(core: &Core, forget: bool) -> Result<(), crate::StoreError> {
    let now = core.clock.now();
    loop {
        let deleted = core.store.sweep(now, SWEEP_STEP).await?;
        core.counters.expired.add(deleted);
        if deleted == 0 {
            break;
        }
    }
    core.store.tidy(forget).await?;
    core.monitor.sweep(now);
    if forget {
        core.store.forget_old(now).await?;
    }
    Ok(())
}

/// A node that runs. Dropping the handle kills it.
#[derive(Debug)]
pub struct RunningNode {
    core: Arc<Core>,
    address: PublicAddress,
    stop_timeout: Duration,
    shutdown: CancellationToken,
    killed: CancellationToken,
    endpoint: Option<Endpoint>,
    handles: Vec<JoinHandle<()>>,
}

impl RunningNode {
    /// The node's keys and address, and the swarm it is in by the current list.
    #[must_use]
    pub fn contact(&self) -> NodeContact {
        let nodes = self.core.registry.snapshot();
        let identity = &self.core.identity;
        NodeContact {
            ed25519: *identity.ed25519(),
            x25519: *identity.x25519(),
            legacy: identity.legacy(),
            ip: self.address.ip,
            https_port: self.address.https_port,
            omq_port: self.address.omq_port,
            swarm: nodes
                .get(identity.ed25519())
                .map_or(SwarmId::UNASSIGNED, |node| node.contact.swarm),
        }
    }

    /// The node's counters.
    pub async fn metrics(&self) -> NodeMetrics {
        self.observer().metrics().await
    }

    /// Somebody to ask about the node who does not own it.
    #[must_use]
    pub fn observer(&self) -> Observer {
        Observer::new(Arc::clone(&self.core))
    }

    /// How many messages the node holds.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database cannot be read.
    pub async fn message_count(&self) -> Result<u64, crate::StoreError> {
        self.core.store.message_count().await
    }

    /// Changes how large the database may become. A limit below its present size makes it full.
    ///
    /// # Errors
    /// [`crate::StoreError`] when the database does not answer.
    pub async fn limit_database(&self, max_bytes: u64) -> Result<(), crate::StoreError> {
        self.core.store.limit_size(max_bytes).await
    }

    /// Stops in order: no new connections, running requests are finished, everything accepted is
    /// on disk. Takes less than five seconds.
    pub async fn stop(mut self) {
        self.core.stopping.store(true, Ordering::Relaxed);
        self.shutdown.cancel();
        let handles = std::mem::take(&mut self.handles);
        let core = Arc::clone(&self.core);
        let orderly = async {
            for handle in handles {
                // A panic has been reported by the task itself.
                let _ = handle.await;
            }
            core.tasks.finished().await;
        };
        if timeout(self.stop_timeout, orderly).await.is_err() {
            tracing::warn!("some requests were cut off at the end");
        }
        if let Some(endpoint) = self.endpoint.take() {
            endpoint.close();
            let _ = timeout(FAREWELL, endpoint.closed()).await;
            // Sides that are not there any more are not waited for. The socket closes with the
            // last of this node.
            drop(endpoint.kill());
        }
        self.core.store.close().await;
    }

    /// Ends at once, as if the process were killed: sockets close, running requests are dropped,
    /// what is not committed is lost. The returned future is ready when nothing of the node is
    /// left and its port is free again; there is no need to wait for it.
    pub fn abort(mut self) -> impl Future<Output = ()> + Send + use<> {
        let killed = self.endpoint.take().map(Endpoint::kill);
        self.kill();
        let handles = std::mem::take(&mut self.handles);
        async move {
            for handle in handles {
                let _ = handle.await;
            }
            if let Some(killed) = killed {
                killed.await;
            }
        }
    }

    fn kill(&self) {
        self.killed.cancel();
        for handle in &self.handles {
            handle.abort();
        }
        self.core.store.kill();
    }
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        // After an orderly stop nothing is left to kill.
        drop(self.endpoint.take().map(Endpoint::kill));
        self.kill();
    }
}
