//! Errors as one sentence that says what to do.

use session_core::CoreError;
use session_devnet::DevnetError;
use session_encoding::mnemonic::MnemonicError;
use session_net::NetError;
use session_store::StoreError;

use crate::output::printable;

/// An error for a person and a machine.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) text: String,
    pub(crate) code: &'static str,
}

/// Finds the words for an error.
pub(crate) fn explain(error: &anyhow::Error) -> Failure {
    for cause in error.chain() {
        if let Some(store) = cause.downcast_ref::<StoreError>() {
            return Failure {
                text: store_text(store),
                code: store.code(),
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
                        text: other.to_string(),
                        code: "core",
                    };
                }
            }
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
