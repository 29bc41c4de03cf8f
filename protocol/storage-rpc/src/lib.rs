#![doc = include_str!("../README.md")]

pub mod active_nodes;
mod auth;
pub mod bulk;
mod check;
mod error;
mod fields;
mod json;
mod method;
pub mod monitor;
pub mod node_list;
pub mod request;
pub mod response;
mod shared;
pub mod signing;
pub mod stream;
mod together;
mod wire;

pub use auth::{
    AccountSigner, Auth, AuthError, AuthFact, AuthMemory, GroupAdminSigner, NoAuthMemory,
    Permissions, RequestSigner, SubaccountAuth, SubaccountSigner, SubaccountToken, verify_auth,
};
pub use check::{CheckContext, Origin};
pub use error::{ReadError, RpcError, status_kind};
pub use method::Method;
pub use request::{
    Encoding, ExpireMode, NamespaceFilter, OxendEndpoint, OxendRequest, Request, Retrieve, Store,
};
pub use response::{
    BatchResponse, HardFork, NodeOutcome, Reply, RetrieveResponse, StoreResponse, SubResponse,
    SwarmResponse,
};
pub use shared::{Shared, SharedPart};
pub use together::CheckedTogether;
pub use wire::Tree;
