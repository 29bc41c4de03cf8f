use std::collections::BTreeSet;

use session_types::{Namespace, Timestamp};
use zeroize::Zeroizing;

use crate::engine::{Core, Incoming, Merged, Push, State};
use crate::error::ConfigError;

/// Where the kinds of config give their common part to [`SharedConfig`].
pub trait Sealed {
    #[doc(hidden)]
    #[allow(
        private_interfaces,
        reason = "outside this crate nobody implements or calls it"
    )]
    fn core(&self) -> &Core;

    #[doc(hidden)]
    #[allow(
        private_interfaces,
        reason = "outside this crate nobody implements or calls it"
    )]
    fn core_mut(&mut self) -> &mut Core;

    /// What this kind keeps on this device only, as an encoded dict.
    #[doc(hidden)]
    fn extra(&self) -> Vec<u8> {
        b"de".to_vec()
    }

    /// What this kind tidies up before it is pushed.
    #[doc(hidden)]
    fn before_push(&mut self, _now: Timestamp) -> Result<(), ConfigError> {
        Ok(())
    }
}

/// How any config is kept in step with the swarm and on disk.
///
/// After every change or merge: when [`needs_push`](Self::needs_push), store the messages of
/// [`push`](Self::push), delete the obsolete ones in the same sequence, and
/// [`confirm_pushed`](Self::confirm_pushed) what was stored; when
/// [`needs_dump`](Self::needs_dump), save the [`dump`](Self::dump).
pub trait SharedConfig: Sealed {
    /// Where its messages are stored.
    fn namespace(&self) -> Namespace {
        self.core().kind.namespace
    }

    /// Whether there is something the swarm does not have yet.
    fn needs_push(&self) -> bool {
        self.core().state() != State::Clean
    }

    /// Whether there is something that was not saved yet.
    fn needs_dump(&self) -> bool {
        self.core().needs_dump()
    }

    /// Whether changes are refused, as for members of a group who are not admins.
    fn is_read_only(&self) -> bool {
        self.core().is_read_only()
    }

    /// The number of the present version.
    fn seqno(&self) -> i64 {
        self.core().seqno()
    }

    /// The messages to store. Without changes it gives the present version again, for a swarm
    /// that lost it.
    ///
    /// # Errors
    /// [`ConfigError::NoKey`] for a group whose keys are not loaded, [`ConfigError::TooLarge`] for
    /// a config of more than 5 MB.
    fn push(&mut self, now: Timestamp) -> Result<Push, ConfigError> {
        self.before_push(now)?;
        self.core_mut().push(now)
    }

    /// Tells that the messages of a push were stored. Without effect when the config was changed
    /// again since.
    fn confirm_pushed(&mut self, seqno: i64, hashes: &[&str]) {
        self.core_mut().confirm_pushed(seqno, hashes);
    }

    /// Takes in messages from the swarm, in any order.
    ///
    /// # Errors
    /// [`ConfigError::NoKey`] for a group whose keys are not loaded,
    /// [`ConfigError::NothingValid`] when all messages are invalid and there is no own state.
    fn merge(&mut self, incoming: &[Incoming<'_>], now: Timestamp) -> Result<Merged, ConfigError> {
        self.core_mut().merge(incoming, now)
    }

    /// The whole state, to be saved. Holds secrets.
    fn dump(&mut self, now: Timestamp) -> Zeroizing<Vec<u8>> {
        let extra = self.extra();
        self.core_mut().dump(&extra, now)
    }

    /// The storage hashes of the present version.
    fn current_hashes(&self) -> &BTreeSet<String> {
        self.core().current_hashes()
    }

    /// The storage hashes whose time in the swarm should be extended.
    fn active_hashes(&self) -> BTreeSet<String> {
        self.core().active_hashes()
    }

    /// Storage hashes that may be deleted now, without a push. Each is given once.
    fn obsolete_hashes(&mut self) -> Vec<String> {
        self.core_mut().obsolete_hashes()
    }
}

/// The common parts of a kind of config with a field `core`.
macro_rules! shared_config {
    ($name:ident $({ $($more:tt)* })?) => {
        #[allow(private_interfaces, reason = "see the trait")]
        impl crate::shared::Sealed for $name {
            fn core(&self) -> &crate::engine::Core {
                &self.core
            }

            fn core_mut(&mut self) -> &mut crate::engine::Core {
                &mut self.core
            }

            $($($more)*)?
        }

        impl crate::shared::SharedConfig for $name {}

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("seqno", &self.core.seqno())
                    .field("state", &self.core.state())
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use shared_config;
