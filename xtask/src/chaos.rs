//! `cargo xtask chaos`.

use crate::command::{cargo, say};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long things go wrong; what follows until all members agree is not counted.
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// What goes wrong when follows from this number; random when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// With optimisation.
    #[arg(long)]
    release: bool,
}

/// The test that the gate runs too, but for longer. It prints its counts and the seed.
const TEST: &str = "chaos::whatever_goes_wrong_nothing_acknowledged_is_lost";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let seed = arguments.seed.unwrap_or_else(new_seed).to_string();
    let minutes = arguments.minutes.to_string();
    say(&format!("xtask: chaos for {minutes} minutes, seed {seed}"));
    let mut command = vec!["test", "--package", "session-devnet", "--test", "swarm"];
    if arguments.release {
        command.push("--release");
    }
    command.extend(["--", TEST, "--exact", "--nocapture"]);
    cargo(
        &command,
        &[
            ("SESSION_CHAOS_MINUTES", minutes.as_str()),
            ("SESSION_CHAOS_SEED", seed.as_str()),
        ],
    )
}

fn new_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    // Keyed at random by the system; small enough to be typed.
    let hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.finish() % 1_000_000
}
