//! tools/loadgen
fn main() {}
