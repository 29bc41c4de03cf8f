//! Parameters and results of what front ends need beside the accounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::view::schema::AccountIdText;
use session_types::AccountId;

use super::{KeyStoreChoice, Node, structures};
use crate::{Content, Secret};

structures! { strict
    /// A text to be shown as a QR code.
    QrMakeParams {
        /// At most 1,000 bytes.
        text: Secret,
    }

    /// A picture in which there may be a QR code.
    QrReadParams {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// How bright each pixel is, row after row, as Base64: at most 700,000 of them.
        grey: Content,
    }

    /// What a front end keeps for itself.
    SetPreferencesParams {
        /// At most 16,384 bytes. Nothing secret: it is not encrypted.
        value: String,
    }

    /// Words of a Recovery Password as far as they were typed.
    CheckWordsParams {
        /// The words, with white space between them.
        words: Secret,
    }

    /// What a QR code says.
    ReadCodeParams {
        /// Its text, as `qr.read` gives it.
        text: Secret,
    }

    /// How the key of a database is to be kept from now on.
    SetKeyParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The passphrase that holds until now, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passphrase: Option<Secret>,
        /// How the key is kept from now on.
        key_store: KeyStoreChoice,
        /// The new passphrase, when it is kept by one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new_passphrase: Option<Secret>,
    }
}

/// What a QR code is to somebody who restores an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum CodeContent {
    /// A Recovery Password, as words or as the digits that `accounts.recovery_password` gives.
    RecoveryPassword {
        /// Its 13 words, or 25 of an account with a long seed.
        recovery_password: Secret,
    },
    /// Somebody's Account ID.
    AccountId,
    /// The address of a page or of a community.
    Link,
    /// Anything else.
    Other,
}

structures! { loose
    /// A QR code.
    QrCode {
        /// Fields in a row, and rows.
        size: usize,
        /// Each row: `1` for a dark field, `0` for a light one. Without the light margin of four
        /// fields that has to be around it.
        rows: Vec<String>,
    }

    /// What a QR code says.
    QrText {
        /// The text; absent when there is no code that can be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<Secret>,
    }

    /// What a front end keeps for itself.
    Preferences {
        /// As it was set; empty at first.
        value: String,
    }

    /// What is known of the words.
    CheckedWords {
        /// Each word.
        words: Vec<CheckedWord>,
        /// Whether there are as many as a Recovery Password has.
        complete: bool,
        /// Whether they are one.
        valid: bool,
    }

    /// A word of a Recovery Password.
    CheckedWord {
        /// The word of the list it stands for: the first three letters are enough.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        word: Option<Secret>,
        /// Words of the list that may be meant, if it stands for none: at most three.
        suggestions: Vec<Secret>,
    }

    /// The nodes that keep the messages for an account.
    Swarm {
        /// All of them.
        nodes: Vec<SwarmNode>,
    }

    /// A node that keeps the messages for an account.
    SwarmNode {
        /// The node.
        node: Node,
        /// Whether it has not failed to answer within the last minute.
        answers: bool,
    }
}
