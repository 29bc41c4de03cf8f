//! How many files and connections this process may have open.

/// Each connection takes a descriptor, and many systems grant a process only 1024 unless it asks.
pub(crate) fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        const WANTED: u64 = 65_536;
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
        if current.is_some_and(|current| current < wanted) {
            let raised = Rlimit {
                current: Some(wanted),
                maximum,
            };
            if setrlimit(Resource::Nofile, raised).is_err() {
                tracing::warn!("the limit of open descriptors stays low: so many connections less");
            }
        }
    }
}
