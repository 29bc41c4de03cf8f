//! Looking at a running node from outside: for its operator's metrics and health checks.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::NodeMetrics;
use crate::core::Core;
use crate::metrics::Gauges;

/// Sees what a node does without being able to change it. Outlives the node.
#[derive(Debug, Clone)]
pub struct Observer(Arc<Core>);

impl Observer {
    pub(crate) const fn new(core: Arc<Core>) -> Self {
        Self(core)
    }

    /// Why the node serves no requests at the moment; `None` when it does.
    #[must_use]
    pub fn not_ready(&self) -> Option<&'static str> {
        self.0.not_ready()
    }

    /// The node's counters.
    pub async fn metrics(&self) -> NodeMetrics {
        let store = &self.0.store;
        let gauges = Gauges {
            deliveries_waiting: store.waiting_count().await.unwrap_or(0),
            dumps_waiting: store.dump_count().await.unwrap_or(0),
            members_unconfirmed: self.0.replication.unconfirmed(),
            clock_off_seconds: self.0.replication.clock_correction_ms().unsigned_abs() / 1000,
            store: store.health(),
        };
        self.0.counters.snapshot(gauges)
    }

    /// The counters, the number of messages and readiness as Prometheus reads them
    /// (text format 0.0.4). No labels: nothing in it names an account, a node or an address.
    pub async fn prometheus(&self) -> String {
        let metrics = self.metrics().await;
        let mut out = String::new();
        let mut put = |name: &str, kind: &str, value: u64| {
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "# TYPE session_node_{name} {kind}\nsession_node_{name} {value}"
            );
        };
        put("ready", "gauge", u64::from(self.not_ready().is_none()));
        if let Ok(messages) = self.0.store.message_count().await {
            put("messages", "gauge", messages);
        }
        if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(metrics) {
            for (name, value) in fields {
                let Some(value) = value.as_u64() else {
                    continue;
                };
                if GAUGES.contains(&name.as_str()) {
                    put(&name, "gauge", value);
                } else {
                    put(&format!("{name}_total"), "counter", value);
                }
            }
        }
        out
    }
}

/// What of the metrics can fall again.
const GAUGES: [&str; 4] = [
    "clock_off_seconds",
    "deliveries_waiting",
    "dumps_waiting",
    "members_unconfirmed",
];
