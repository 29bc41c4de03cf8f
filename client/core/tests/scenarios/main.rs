//! People with devices on a private network of twelve real nodes: what a messenger promises, and
//! what it does when nodes, clocks and programs fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests"
)]

mod answers;
mod clocks;
mod contacts;
mod conversations;
mod devices;
mod direct;
mod disappearing;
mod effects;
mod faults;
mod faults_disk;
mod faults_files;
mod faults_kill;
mod faults_many;
mod faults_programs;
mod faults_servers;
mod faults_transfers;
mod files;
mod histories;
mod lost_answers;
mod moving;
mod names;
mod outages;
mod pictures;
mod previews;
mod queues;
mod restore;
mod roads;
mod support;
mod sync;
mod undoing;
