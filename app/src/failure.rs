//! Errors as one sentence that says what to do.

use core::fmt;

use session_core::CoreError;
use session_devnet::DevnetError;
use session_encoding::mnemonic::MnemonicError;
use session_net::{NameError, NetError, ProxyUrlError};
use session_store::StoreError;

use crate::output::printable;
use crate::who::Unclear;

/// Exit status when something is done here and queued for the network.
pub(crate) const QUEUED: u8 = 3;

/// An error for a person and a machine.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) text: String,
    pub(crate) code: &'static str,
}

/// The command line is not understood.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Usage {}

/// Finds the words for an error.
pub(crate) fn explain(error: &anyhow::Error) -> Failure {
    for cause in error.chain() {
        if let Some(store) = cause.downcast_ref::<StoreError>() {
            return Failure {
                text: store_text(store),
                code: store.code(),
            };
        }
        if let Some(name) = cause.downcast_ref::<NameError>() {
            return Failure {
                text: name.to_string(),
                code: name.code(),
            };
        }
        if let Some(net) = cause.downcast_ref::<NetError>() {
            return Failure {
                text: net.to_string(),
                code: net.code(),
            };
        }
        if let Some(core) = cause.downcast_ref::<CoreError>() {
            match core {
                CoreError::Store(store) => {
                    return Failure {
                        text: store_text(store),
                        code: store.code(),
                    };
                }
                CoreError::Net(net) => {
                    return Failure {
                        text: net.to_string(),
                        code: net.code(),
                    };
                }
                other => {
                    return Failure {
                        text: core_text(other),
                        code: "core",
                    };
                }
            }
        }
        if let Some(usage) = cause.downcast_ref::<Usage>() {
            return Failure {
                text: usage.to_string(),
                code: "usage",
            };
        }
        if let Some(unclear) = cause.downcast_ref::<Unclear>() {
            return Failure {
                text: unclear.to_string(),
                code: unclear.code(),
            };
        }
        if let Some(proxy) = cause.downcast_ref::<ProxyUrlError>() {
            return Failure {
                text: format!("--proxy: {proxy}"),
                code: "proxy",
            };
        }
        if let Some(words) = cause.downcast_ref::<MnemonicError>() {
            return Failure {
                text: recovery_text(words),
                code: "recovery_password",
            };
        }
        if let Some(devnet) = cause.downcast_ref::<DevnetError>() {
            return Failure {
                text: devnet.to_string(),
                code: "devnet",
            };
        }
    }
    Failure {
        text: format!("{error:#}"),
        code: "other",
    }
}

/// Names the word: the person must find it on their paper.
fn recovery_text(error: &MnemonicError) -> String {
    let what = match error {
        MnemonicError::UnknownWord { position, word } => {
            format!(
                "word {position} (“{}”) is not in the word list",
                printable(word)
            )
        }
        MnemonicError::Checksum { position, .. } => format!(
            "word {position}, which checks the others, does not fit them: one of the words is \
             wrong or in the wrong place"
        ),
        other => other.to_string(),
    };
    format!("this is not a Recovery Password: {what}. Nothing was written")
}

/// What to do is said with commands.
fn core_text(error: &CoreError) -> String {
    match error {
        CoreError::Blocked => "this person is blocked; `session unblock` comes first".to_owned(),
        CoreError::NotYours => {
            "only your own messages can be deleted for everyone; --here deletes this one on this \
             device"
                .to_owned()
        }
        CoreError::OnlyInNotes => {
            "only notes to yourself can be deleted --everywhere; choose --here or --everyone"
                .to_owned()
        }
        CoreError::OnlyForOwnDevices => {
            "a note to yourself is deleted with --here or --everywhere".to_owned()
        }
        other => other.to_string(),
    }
}

fn store_text(error: &StoreError) -> String {
    let advice = match error {
        StoreError::WrongKey => {
            "the passphrase or key does not open this account's database; nothing was changed"
        }
        StoreError::PassphraseRequired => {
            "this account's database is locked with a passphrase: run in a terminal, or give it \
             in --passphrase-file or SESSION_PASSPHRASE"
        }
        StoreError::NotWritable { path } => {
            return format!(
                "cannot write {}: choose another folder with --data-dir, or change its \
                 permissions",
                path.display()
            );
        }
        StoreError::Io { path, .. } => {
            return format!(
                "{error}: choose another folder with --data-dir, or look at {}",
                path.display()
            );
        }
        StoreError::Busy => "another session command is using this account; try again",
        StoreError::KeyringUnavailable(_) => {
            "the system keyring cannot be used here; choose --key-store passphrase or file"
        }
        StoreError::AlreadyExists => {
            "this account is on this device already; see `session account list`"
        }
        other => return other.to_string(),
    };
    advice.to_owned()
}
