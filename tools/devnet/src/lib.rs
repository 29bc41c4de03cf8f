//! A whole private network in one process
