//! Session Node: message storage, swarm replication and onion relay
