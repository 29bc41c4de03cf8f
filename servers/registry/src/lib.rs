//! Who the nodes are: static node list and swarm assignment
