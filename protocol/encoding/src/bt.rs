//! bt-encoding: bencode with 64-bit integers, binary strings, lists and sorted dicts
//! (docs/protocol/config.md section 1).
//!
//! | Type | Form | Canonical when |
//! |---|---|---|
//! | integer | `i` decimal `e` | no leading zero, no `-0`; from −2^63 to 2^64 − 1 |
//! | string | length `:` bytes | length without leading zeros |
//! | list | `l` values `e` | its values are |
//! | dict | `d` key value … `e` | keys are strings, ascending by unsigned bytes, each once |
//!
//! Writers here emit the canonical form only. Readers come in two kinds: canonical, which refuse
//! everything else, and lenient, which take what the reference decoder takes: leading zeros, `-0`,
//! dict keys in any order, and of a repeated key the first value. What is signed or hashed must
//! never be encoded again after reading: use the received bytes.

mod cursor;
mod error;
mod owned;
mod reader;
mod value;
mod writer;

pub use error::BtError;
pub use owned::Bt;
pub use reader::{DictReader, ListReader};
pub use value::{Limits, Value, parse, parse_lenient, parse_prefix, parse_with};
pub use writer::{DictWriter, ListWriter};

pub use cursor::Form;
