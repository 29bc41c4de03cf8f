//! How identifiers and times look in JSON, for the documents generated from these types.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! described {
    ($(#[doc = $doc:literal])* $name:ident $text:literal { $($schema:tt)* }) => {
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                $text.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": concat!($($doc),*).trim(), $($schema)* })
            }
        }
    };
}

described! {
    /// A person or an account: 66 hexadecimal digits beginning with 05.
    AccountIdText "AccountId" { "type": "string", "pattern": "^05[0-9a-f]{64}$" }
}
described! {
    /// Unix time in milliseconds.
    Milliseconds "Milliseconds" { "type": "integer", "minimum": 0 }
}
described! {
    /// The number of a message on this device.
    MessageNumber "MessageId" { "type": "integer" }
}
described! {
    /// The number of a file of a draft on this device.
    DraftFileNumber "DraftFileId" { "type": "integer" }
}
described! {
    /// Changes whenever anything of what is shown does.
    Revision "Revision" { "type": "integer", "minimum": 0 }
}
