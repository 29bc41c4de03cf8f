//! Named people, the network they use, and ways to wait for what should happen.

pub(crate) mod actor;
pub(crate) mod clock;
pub(crate) mod doorway;
pub(crate) mod log;
pub(crate) mod net;
pub(crate) mod sluice;
pub(crate) mod state;
pub(crate) mod transfers;
pub(crate) mod web;

use core::time::Duration;
use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

pub(crate) use actor::{Actor, Device};
pub(crate) use clock::ShiftedClock;
pub(crate) use doorway::Doorway;
pub(crate) use net::Net;

/// No single thing may take longer than this.
pub(crate) const DEADLINE: Duration = Duration::from_secs(150);

/// No test may take longer than this.
const WHOLE_TEST: Duration = Duration::from_secs(500);

/// One runtime for all tests: the network they share must outlive each of them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime")
});

/// Runs a test to its end.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    RUNTIME.block_on(async {
        tokio::time::timeout(WHOLE_TEST, Box::pin(test))
            .await
            .expect("the test takes too long")
    })
}

/// Waits for `future`, not longer than [`DEADLINE`].
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(done) => done,
        Err(_) => panic!("{what}: not within {DEADLINE:?}"),
    }
}

/// Asks again until there is an answer: for things that announce themselves to nobody, such as
/// what a node has in its database.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    within(what, async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}
