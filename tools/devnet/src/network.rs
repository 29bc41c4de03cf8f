//! The network itself.

use core::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use session_node::{Node, NodeConfig, NodeIdentity, REPORTED_VERSION, RunningNode, TestTiming};
use session_registry::assignment::{self, SwarmParams};
use session_registry::{ChainTip, NodeList, RegisteredNode, Registry, StaticRegistry};
use session_seed::SeedServer;
use session_types::{Ed25519PublicKey, NodeContact, SwarmId, SwarmPubkey};
use tokio::task::{JoinHandle, JoinSet};

use crate::faults::Faults;
use crate::files::FilesSlot;
use crate::folder::{Folder, Saved};
use crate::info::desktop_command;
use crate::keys::NetworkSeed;
use crate::options::Customise;
use crate::ports::{self, Sockets, Wish};
use crate::{DevnetError, DevnetInfo, DevnetNode, DevnetOptions, DevnetProgress, NodeInfo};

/// A running private network.
///
/// End it with [`Devnet::shutdown`]. Dropping it kills every node at once and removes a
/// temporary folder, without being able to report a failure.
pub struct Devnet {
    seed: NetworkSeed,
    seed_address: SocketAddr,
    registry: Arc<StaticRegistry>,
    customise: Option<Customise>,
    faults: Arc<Faults>,
    // The order of dropping: those who write to the folder go before it.
    seed_server: SeedServer,
    files: Option<FilesSlot>,
    slots: Vec<Slot>,
    folder: Folder,
}

/// A node, running or not.
struct Slot {
    contact: NodeContact,
    running: Option<RunningNode>,
    /// What is left of a killed node.
    dying: Option<JoinHandle<()>>,
}

impl Slot {
    /// Waits until nothing is left of a killed node.
    async fn buried(&mut self) {
        if let Some(dying) = &mut self.dying {
            // It cannot fail otherwise than by the end of the runtime.
            let _ = dying.await;
            self.dying = None;
        }
    }
}

impl Devnet {
    /// Most nodes a network may have.
    pub const MAX_NODES: usize = 500;

    /// Starts nodes and seed; when it returns, all of them answer.
    ///
    /// Must run inside a tokio runtime of more than one thread if the caller blocks its own.
    /// Cancelling it kills what was started.
    ///
    /// # Errors
    /// [`DevnetError`]; nothing is left running.
    pub async fn start(
        options: DevnetOptions,
        mut progress: impl FnMut(DevnetProgress) + Send,
    ) -> Result<Self, DevnetError> {
        let DevnetOptions {
            nodes: count,
            seed,
            data_dir,
            base_port,
            file_server,
            customise,
        } = options;
        if !(1..=Self::MAX_NODES).contains(&count) {
            return Err(DevnetError::NodeCount {
                asked: count,
                max: Self::MAX_NODES,
            });
        }
        let (folder, saved) = match &data_dir {
            Some(path) => Folder::kept(path)?,
            None => (Folder::temporary()?, None),
        };
        if let Some(saved) = &saved {
            check_same(saved, count, seed)?;
        }
        let seed = seed
            .or(saved.as_ref().map(|saved| saved.seed))
            .unwrap_or_else(rand::random);
        let seed = NetworkSeed(seed);
        let saved_ports = saved.map(|saved| saved.ports).unwrap_or_default();
        let wish = base_port.map_or(Wish::Prefer(&saved_ports), Wish::From);
        let sockets = ports::bind(count, file_server, &wish)?;
        folder.save(&Saved::new(seed.0, count, port_numbers(&sockets)?))?;

        let faults = Faults::new(count);
        let configs = sockets
            .nodes
            .into_iter()
            .enumerate()
            .map(|(index, socket)| {
                config(seed, &folder, &faults, customise.as_ref(), index, socket)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let list = NodeList::new(seed.tip(), registered(seed, &configs))?;
        progress(DevnetProgress::Prepared {
            nodes: count,
            swarms: list.swarm_ids().len(),
        });
        let contacts: Vec<NodeContact> = configs
            .iter()
            .filter_map(|config| list.get(config.identity.ed25519()))
            .map(|node| node.contact.clone())
            .collect();
        let registry = Arc::new(StaticRegistry::new(list));

        let seed_address = local_address(&sockets.seed)?;
        let mut network = Self {
            seed,
            seed_address,
            seed_server: SeedServer::start(sockets.seed, Arc::clone(&registry) as _),
            registry,
            customise,
            faults,
            files: None,
            slots: Vec::with_capacity(count),
            folder,
        };
        for (config, contact) in configs.into_iter().zip(contacts) {
            let index = network.slots.len();
            let running = Box::pin(network.run(index, config)).await?;
            network.slots.push(Slot {
                contact,
                running: Some(running),
                dying: None,
            });
            progress(DevnetProgress::NodeStarted {
                running: index + 1,
                nodes: count,
            });
        }
        if let Some(socket) = sockets.files {
            let started = Box::pin(FilesSlot::start(seed, &network.folder, socket)).await?;
            network.files = Some(started);
        }
        progress(DevnetProgress::Ready);
        Ok(network)
    }

    /// What clients take as seed: `http://127.0.0.1:port/`.
    #[must_use]
    pub fn seed_url(&self) -> String {
        format!("http://{}/", self.seed_address)
    }

    /// The number the network follows from.
    #[must_use]
    pub fn network_seed(&self) -> u64 {
        self.seed.0
    }

    /// The list of nodes they all see. Replace it to change swarms.
    #[must_use]
    pub fn registry(&self) -> &Arc<StaticRegistry> {
        &self.registry
    }

    /// All nodes, by index.
    #[must_use]
    pub fn nodes(&self) -> Vec<DevnetNode> {
        let list = self.registry.snapshot();
        self.slots
            .iter()
            .enumerate()
            .map(|(index, slot)| DevnetNode {
                index,
                contact: list
                    .get(&slot.contact.ed25519)
                    .map_or_else(|| slot.contact.clone(), |node| node.contact.clone()),
                running: slot.running.is_some(),
            })
            .collect()
    }

    /// A node that runs, to ask it for its figures.
    #[must_use]
    pub fn running_node(&self, index: usize) -> Option<&RunningNode> {
        self.slots.get(index).and_then(|slot| slot.running.as_ref())
    }

    /// Indexes of the nodes that keep this owner's messages, whether they run or not.
    #[must_use]
    pub fn swarm_of(&self, owner: &SwarmPubkey) -> Vec<usize> {
        let list = self.registry.snapshot();
        let Some(swarm) = list.swarm_of(owner) else {
            return Vec::new();
        };
        let members: Vec<_> = list
            .members(swarm)
            .map(|node| node.contact.ed25519)
            .collect();
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| members.contains(&slot.contact.ed25519))
            .map(|(index, _)| index)
            .collect()
    }

    /// Stops a node as an operator would. Nothing happens when it does not run.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub async fn stop_node(&mut self, index: usize) -> Result<(), DevnetError> {
        if let Some(node) = self.slot(index)?.running.take() {
            node.stop().await;
        }
        Ok(())
    }

    /// Ends a node at once, as if its process were killed. Nothing happens when it does not run.
    /// Must be called inside the runtime.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn kill_node(&mut self, index: usize) -> Result<(), DevnetError> {
        let slot = self.slot(index)?;
        if let Some(node) = slot.running.take() {
            slot.dying = Some(tokio::spawn(node.abort()));
        }
        Ok(())
    }

    /// Starts a node again with the keys, the port and the data it had. One that runs is
    /// stopped first.
    ///
    /// # Errors
    /// [`DevnetError`].
    pub async fn restart_node(&mut self, index: usize) -> Result<(), DevnetError> {
        self.stop_node(index).await?;
        let slot = self.slot(index)?;
        slot.buried().await;
        let address = SocketAddr::from((slot.contact.ip, slot.contact.https_port));
        let socket = ports::bind_again(address).await?;
        let config = config(
            self.seed,
            &self.folder,
            &self.faults,
            self.customise.as_ref(),
            index,
            socket,
        )?;
        let running = self.run(index, config).await?;
        self.slot(index)?.running = Some(running);
        Ok(())
    }

    /// Puts nodes into other swarms, or with [`SwarmId::UNASSIGNED`] into none. All nodes see the
    /// new list at once.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`], [`DevnetError::Registry`].
    pub fn assign(&mut self, changes: &[(usize, SwarmId)]) -> Result<(), DevnetError> {
        for (index, swarm) in changes {
            self.slot(*index)?.contact.swarm = *swarm;
        }
        let before = self.registry.snapshot();
        let listed = self.slots.iter().map(|slot| {
            let known = before.get(&slot.contact.ed25519);
            let version = known.map_or(REPORTED_VERSION, |node| node.version);
            RegisteredNode::active(slot.contact.clone(), version)
        });
        let tip = ChainTip {
            height: before.tip().height + 1,
            ..before.tip().clone()
        };
        let list = NodeList::new(tip, listed.collect())?;
        self.registry.replace(list);
        Ok(())
    }

    pub(crate) const fn files(&self) -> Result<&FilesSlot, DevnetError> {
        match &self.files {
            Some(slot) => Ok(slot),
            None => Err(DevnetError::NoFileServer),
        }
    }

    pub(crate) fn files_mut(&mut self) -> Result<(&mut FilesSlot, &Folder), DevnetError> {
        let slot = self.files.as_mut().ok_or(DevnetError::NoFileServer)?;
        Ok((slot, &self.folder))
    }

    pub(crate) const fn seed(&self) -> NetworkSeed {
        self.seed
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(crate) fn key_of(&self, index: usize) -> Result<Ed25519PublicKey, DevnetError> {
        let slot = self.slots.get(index);
        slot.map(|slot| slot.contact.ed25519)
            .ok_or(DevnetError::NoSuchNode(index))
    }

    /// Everything a client or a script needs to know.
    #[must_use]
    pub fn describe(&self) -> DevnetInfo {
        let seed_url = self.seed_url();
        DevnetInfo {
            desktop_command: desktop_command(&seed_url),
            seed_url,
            network_seed: self.seed.0,
            nodes: self
                .nodes()
                .iter()
                .map(|node| NodeInfo::new(node.index, &node.contact))
                .collect(),
            file_server: self.files.as_ref().map(|slot| slot.info.clone()),
            data_dir: self.folder.path().to_owned(),
        }
    }

    /// Stops everything. A temporary folder is removed, a kept one is left ready for the next
    /// start.
    ///
    /// # Errors
    /// The first failure; the rest is stopped all the same.
    pub async fn shutdown(self) -> Result<(), DevnetError> {
        let Self {
            seed_server,
            files,
            slots,
            folder,
            ..
        } = self;
        let mut stopping = JoinSet::new();
        for mut slot in slots {
            stopping.spawn(async move {
                slot.buried().await;
                if let Some(node) = slot.running.take() {
                    node.stop().await;
                }
            });
        }
        let mut outcome = seed_server.stop().await.map_err(DevnetError::from);
        if let Some(files) = files {
            outcome = outcome.and(files.stop().await);
        }
        while let Some(stopped) = stopping.join_next().await {
            outcome = outcome.and(stopped.map_err(|_| DevnetError::Broken));
        }
        let closed = tokio::task::spawn_blocking(move || folder.close()).await;
        outcome.and(closed.unwrap_or(Err(DevnetError::Broken)))
    }

    async fn run(&self, index: usize, config: NodeConfig) -> Result<RunningNode, DevnetError> {
        let registry: Arc<dyn Registry> = Arc::clone(&self.registry) as _;
        Box::pin(Node::start(config, registry))
            .await
            .map_err(|source| DevnetError::Node { index, source })
    }

    fn slot(&mut self, index: usize) -> Result<&mut Slot, DevnetError> {
        self.slots
            .get_mut(index)
            .ok_or(DevnetError::NoSuchNode(index))
    }
}

impl fmt::Debug for Devnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Devnet")
            .field("seed", &self.seed)
            .field("seed_address", &self.seed_address)
            .field("nodes", &self.slots.len())
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// Whether a kept network is the one asked for.
fn check_same(saved: &Saved, nodes: usize, seed: Option<u64>) -> Result<(), DevnetError> {
    let differs = |what, saved, asked| Err(DevnetError::SavedDiffers { what, saved, asked });
    if saved.nodes != nodes {
        return differs("number of nodes", saved.nodes as u64, nodes as u64);
    }
    match seed {
        Some(seed) if seed != saved.seed => differs("seed", saved.seed, seed),
        _ => Ok(()),
    }
}

fn config(
    seed: NetworkSeed,
    folder: &Folder,
    faults: &Arc<Faults>,
    customise: Option<&Customise>,
    index: usize,
    socket: TcpListener,
) -> Result<NodeConfig, DevnetError> {
    let identity = NodeIdentity::from_seed(*seed.node_key(index));
    let mut config = NodeConfig::new(identity, folder.of_node(index), socket)
        .map_err(|source| DevnetError::Node { index, source })?;
    config.allow_private_relay_targets = true;
    // All traffic comes from one address here.
    config.limits.listener.max_connections_per_ip = config.limits.listener.max_connections;
    config.limits.max_quic_connections_per_ip = config.limits.max_quic_connections;
    config.limits.max_body_memory_per_ip = config.limits.max_body_memory;
    config.limits.max_answer_memory_per_ip = config.limits.max_answer_memory;
    // They run or fall together, and who fails is to be found out by those who ask.
    config.timing.testing = TestTiming::off();
    config.clock = faults.clock(index);
    config.edge = Some(faults.edge(*config.identity.ed25519()));
    if let Some(customise) = customise {
        customise(index, &mut config);
    }
    Ok(config)
}

/// The nodes as the chain would list them, with their swarms.
fn registered(seed: NetworkSeed, configs: &[NodeConfig]) -> Vec<RegisteredNode> {
    let mut keys: Vec<_> = configs
        .iter()
        .map(|config| config.identity.legacy())
        .collect();
    keys.sort_unstable();
    let swarms = assignment::assign_new(&SwarmParams::small(), seed.tip().swarm_seed(), &keys);
    configs
        .iter()
        .map(|config| {
            let legacy = config.identity.legacy();
            let contact = NodeContact {
                ed25519: *config.identity.ed25519(),
                x25519: *config.identity.x25519(),
                legacy,
                ip: config.address.ip,
                https_port: config.address.https_port,
                omq_port: config.address.omq_port,
                swarm: swarms.get(&legacy).copied().unwrap_or(SwarmId::UNASSIGNED),
            };
            RegisteredNode::active(contact, config.version)
        })
        .collect()
}

fn port_numbers(sockets: &Sockets) -> Result<Vec<u16>, DevnetError> {
    core::iter::once(&sockets.seed)
        .chain(&sockets.nodes)
        .chain(&sockets.files)
        .map(|socket| local_address(socket).map(|address| address.port()))
        .collect()
}

pub(crate) fn local_address(socket: &TcpListener) -> Result<SocketAddr, DevnetError> {
    Ok(socket
        .local_addr()
        .map_err(session_chassis::ChassisError::Socket)?)
}
