//! Storage node requests, answers and signatures, for clients and nodes alike
