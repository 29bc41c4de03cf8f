//! Transports and the network facade: a request to a swarm member through an onion path
