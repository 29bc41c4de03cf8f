//! What a node counts.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::StoreHealth;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The node's counters; each only ever rises.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        /// A snapshot of what the node counts, from its start unless stated otherwise.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
        #[non_exhaustive]
        pub struct NodeMetrics {
            $($(#[$doc])* pub $name: u64,)*
            /// Messages and commands waiting for other members of the swarm, now.
            pub deliveries_waiting: u64,
            /// Transfers of whole parts of the database to other nodes that are under way, now.
            pub dumps_waiting: u64,
            /// Other members that have not confirmed that they see the same swarm, now.
            pub members_unconfirmed: u64,
            /// How many seconds the machine's clock differs from the other members', if the node
            /// goes by theirs; now.
            pub clock_off_seconds: u64,
            /// Times a damaged database was replaced.
            pub database_repairs: u64,
            /// Rows taken over from damaged databases.
            pub database_rows_saved: u64,
            /// Rows of damaged databases that could not be read, as far as they are known.
            pub database_rows_lost: u64,
            /// Messages, or batches of them, refused because the database or the disk was full.
            pub refused_full: u64,
        }

        impl Counters {
            /// The counters as they are now.
            pub(crate) fn snapshot(&self, gauges: Gauges) -> NodeMetrics {
                let Gauges {
                    deliveries_waiting,
                    dumps_waiting,
                    members_unconfirmed,
                    clock_off_seconds,
                    store,
                } = gauges;
                NodeMetrics {
                    $($name: self.$name.get(),)*
                    deliveries_waiting,
                    dumps_waiting,
                    members_unconfirmed,
                    clock_off_seconds,
                    database_repairs: store.repairs,
                    database_rows_saved: store.rows_saved,
                    database_rows_lost: store.rows_lost,
                    refused_full: store.refused_full,
                }
            }
        }
    };
}

counters! {
    /// `store` requests accepted from clients.
    stores,
    /// `store` requests accepted from other members of the swarm.
    stores_forwarded,
    /// `retrieve` requests answered.
    retrieves,
    /// Other client requests answered, meta requests not counted.
    other_requests,
    /// Answers with status 421.
    wrong_swarm,
    /// Requests refused by the rate limit.
    rate_limited,
    /// Requests refused because too much was going on.
    refused_busy,
    /// Requests to other nodes over QUIC that were answered, onion requests not counted.
    node_calls_quic,
    /// Requests to other nodes over HTTPS that were answered, onion requests not counted.
    node_calls_https,
    /// Onion layers taken off.
    onion_hops,
    /// Onion requests passed on to other nodes over QUIC and answered.
    onion_to_nodes_quic,
    /// Onion requests passed on to other nodes over HTTPS and answered.
    onion_to_nodes_https,
    /// Onion requests that ended here.
    onion_final,
    /// Onion requests passed on to servers.
    onion_to_servers,
    /// Messages received in bulk and new here.
    bulk_received,
    /// Messages another member took in bulk.
    bulk_delivered,
    /// Rows received in bulk and dropped: wrong hash or too large.
    bulk_refused,
    /// Messages another member lacked without anybody having noticed before.
    reconciled,
    /// Requests passed on to other members that failed.
    forwards_failed,
    /// Messages deleted because their time had come.
    expired,
    /// Tests of other nodes that they passed.
    node_tests_passed,
    /// Tests of other nodes that they failed.
    node_tests_failed,
    /// Tests of this node by others.
    pinged,
}

/// What a snapshot shows beside the counters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gauges {
    pub(crate) deliveries_waiting: u64,
    pub(crate) dumps_waiting: u64,
    pub(crate) members_unconfirmed: u64,
    pub(crate) clock_off_seconds: u64,
    pub(crate) store: StoreHealth,
}

/// One rising number.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub(crate) fn one(&self) {
        self.add(1);
    }

    /// So many more.
    pub(crate) fn add(&self, count: usize) {
        self.0
            .fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
