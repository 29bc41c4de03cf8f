//! Parameters and results of the methods.

mod files;
mod network;
mod requests;
mod results;
mod tools;

pub use files::*;
pub use network::*;
pub use requests::*;
pub use results::*;
pub use tools::*;

/// Structures whose fields are all public; `strict` ones refuse fields they do not know.
macro_rules! structures {
    ($strict:ident $(
        $(#[$meta:meta])*
        $name:ident { $( $(#[$of_field:meta])* $field:ident: $type:ty, )* }
    )*) => {
        $( structures!(@ $strict $(#[$meta])*
            pub struct $name { $( $(#[$of_field])* pub $field: $type, )* }
        ); )*
    };
    (@ strict $item:item) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        $item
    };
    (@ loose $item:item) => {
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        $item
    };
}

use structures;
