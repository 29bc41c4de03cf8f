//! Onion request layers and the path manager
