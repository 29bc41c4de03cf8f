//! How the story is told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use session_core::Sent;
use session_crypto::AccountKeys;
use session_devnet::Devnet;
use session_net::Route;
use session_store::{FileRow, MessageKind, MessageRow};
use session_types::{AccountId, Ed25519PublicKey, SwarmPubkey};

use crate::output::Output;
use crate::route_story::{Errand, NodeNames, cost_line, path_line, sightings};

pub(crate) struct Telling<'a> {
    output: &'a Output,
    names: Numbers,
    chapter: u32,
}

/// Nodes by their number in the network.
struct Numbers(BTreeMap<Ed25519PublicKey, usize>);

impl NodeNames for Numbers {
    fn name(&self, node: &Ed25519PublicKey) -> String {
        self.0
            .get(node)
            .map_or_else(|| "an unknown node".to_owned(), |n| format!("node {n}"))
    }
}

impl<'a> Telling<'a> {
    pub(crate) fn new(output: &'a Output, network: &Devnet) -> Self {
        let names = network
            .nodes()
            .iter()
            .map(|n| (n.contact.ed25519, n.index))
            .collect();
        Self {
            output,
            names: Numbers(names),
            chapter: 0,
        }
    }

    pub(crate) fn network(&mut self, network: &Devnet, took: Duration) {
        let mut swarms: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for node in network.nodes() {
            swarms
                .entry(node.contact.swarm.to_string())
                .or_default()
                .push(node.index);
        }
        self.chapter(&format!(
            "A private network: {} nodes, each with its own keys, database and TLS port ({} ms).",
            network.nodes().len(),
            took.as_millis()
        ));
        for (id, members) in &swarms {
            let members: Vec<String> = members.iter().map(usize::to_string).collect();
            self.say(&format!("swarm {id:<16}  nodes {}", members.join(", ")));
        }
        self.say(&format!("seed              {}", network.seed_url()));
        if let Some(files) = network.describe().file_server {
            self.say(&format!("file server       {}", files.url));
        }
        self.output
            .object(&json!({ "event": "network", "network": network.describe() }));
    }

    pub(crate) fn chapter(&mut self, title: &str) {
        self.chapter += 1;
        self.output.line(&format!(
            "\n{} {}",
            self.output.green(&format!("{}.", self.chapter)),
            self.output.bold(title)
        ));
    }

    pub(crate) fn account(&self, name: &str, keys: &AccountKeys, network: &Devnet) {
        let members = network.swarm_of(&SwarmPubkey::from(keys.account_id()));
        let members: Vec<String> = members.iter().map(usize::to_string).collect();
        self.say(&format!(
            "{name:<6} Account ID         {}",
            keys.account_id()
        ));
        self.say(&format!(
            "       Recovery Password  {}",
            keys.mnemonic().as_str()
        ));
        self.say(&format!(
            "       mailbox kept by    nodes {}",
            members.join(", ")
        ));
        self.output.object(&json!({
            "event": "account",
            "name": name,
            "account_id": keys.account_id(),
            "recovery_password": keys.mnemonic().as_str(),
        }));
    }

    pub(crate) fn sent(&self, from: &str, to: &str, text: &str, sent: &Sent) {
        self.say(&format!("{from} → {to}: “{text}”"));
        self.say(&format!(
            "stored by {} swarm members (each signed for it), {} ms from pressing return",
            sent.confirmed_by,
            sent.took.as_millis()
        ));
        self.road(Errand::Store { from, to }, &sent.route);
        self.output.object(&json!({
            "event": "sent", "from": from, "to": to, "text": text, "hash": sent.hash,
            "confirmed_by": sent.confirmed_by,
            "took_ms": u64::try_from(sent.took.as_millis()).unwrap_or(u64::MAX),
            "route": sent.route,
        }));
    }

    pub(crate) fn received(&self, by: &str, from: &str, message: &MessageRow, route: &Route) {
        self.say(&format!("{by} reads from {from}: “{}”", message.body));
        self.road(Errand::Fetch { by }, route);
        self.output.object(&json!({
            "event": "received", "by": by, "from": from, "text": message.body, "route": route,
        }));
    }

    pub(crate) fn picture(&self, file: &FileRow, sent: &Sent) {
        let bytes = file.info.size.unwrap_or_default();
        let (width, height) = file.info.dimensions.unwrap_or_default();
        let took = sent.took.as_millis();
        self.say(&format!(
            "Bob → Alice: a picture of {width} × {height} pixels, {bytes} bytes, uploaded and sent in \
             {took} ms"
        ));
        self.say("Alice has fetched it, checked and decrypted");
        for (party, saw, missed) in [
            (
                "the file server",
                "an encrypted file, its size, the time",
                "the picture, anybody's address, account, partner",
            ),
            (
                "the swarm",
                "an encrypted message",
                "the picture, where it is, its key",
            ),
        ] {
            self.say(&format!("  {party:<20} saw {saw}"));
            self.say(&self.output.faint(&format!("  {:<20} not {missed}", "")));
        }
        self.output.object(&json!({
            "event": "picture", "from": "Bob", "to": "Alice", "bytes": bytes,
            "width": width, "height": height,
            "took_ms": u64::try_from(took).unwrap_or(u64::MAX),
        }));
    }

    pub(crate) fn second_device(&self, history: &[MessageRow], last: &MessageRow, route: &Route) {
        self.say("the second device has the whole conversation:");
        // What was said, without notices.
        for row in history.iter().filter(|row| row.kind == MessageKind::Text) {
            let who = if row.outgoing { "Alice" } else { "Bob" };
            match row.details.attachments {
                0 => self.say(&format!("  {who}: “{}”", row.body)),
                _ => self.say(&format!("  {who}: a picture")),
            }
        }
        self.road(Errand::Fetch { by: "Alice" }, route);
        self.output.object(&json!({
            "event": "second_device",
            "messages": history.iter().map(|row| &row.body).collect::<Vec<_>>(),
            "last": last.body,
            "route": route,
        }));
    }

    pub(crate) fn end(&self, took: Duration) {
        self.output.line(&format!(
            "\n{}",
            self.output
                .green(&format!("The story took {:.1} s.", took.as_secs_f64()))
        ));
    }

    pub(crate) fn hand_over(&self, people: &[(&str, &PathBuf)], bob: AccountId) {
        self.output.line("\nGo on yourself, from other terminals:");
        for (name, home) in people {
            self.output.line(&format!(
                "  session --data-dir {} listen        # as {name}",
                home.display()
            ));
        }
        if let Some((_, alice)) = people.first() {
            self.output.line(&format!(
                "  session --data-dir {} app --no-browser        # another link into Alice's window",
                alice.display()
            ));
            self.output.line(&format!(
                "  session --data-dir {} send {bob} \"hello again\" --show-path",
                alice.display()
            ));
        }
    }

    /// The path and what each party on it could see.
    fn road(&self, errand: Errand<'_>, route: &Route) {
        self.say(&path_line(route, &self.names));
        self.say(&self.output.faint(&cost_line(route)));
        for (party, saw, missed) in sightings(errand, route, &self.names) {
            self.say(&format!("  {party:<20} saw {saw}"));
            self.say(&self.output.faint(&format!("  {:<20} not {missed}", "")));
        }
    }

    fn say(&self, text: &str) {
        self.output.line(&format!("   {text}"));
    }
}
