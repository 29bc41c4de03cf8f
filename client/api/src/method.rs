//! What a method is, and the table of all.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ApiError;
use crate::connection::Inner;
use crate::methods;

/// What handlers work with: the connection a call came by.
pub(crate) type Cx = Arc<Inner>;

type Running = Pin<Box<dyn Future<Output = Result<Value, ApiError>> + Send>>;

/// How calls of a method stand to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// One after another in each account, as they came; what the account does is told after the
    /// answer.
    InTurn,
    /// At any time beside others.
    Free,
    /// About the accounts of the process and not about what is in one: goes on when an account
    /// is closed.
    Process,
}

/// One method: everything that calling, documentation and schema need to know.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) doc: String,
    pub(crate) order: Order,
    pub(crate) params: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) result: fn(&mut SchemaGenerator) -> Schema,
    run: Box<dyn Fn(Cx, Value) -> Running + Send + Sync>,
}

impl Method {
    /// The method that `handler` implements; parameters and result are the handler's.
    pub(crate) fn new<P, R, F, W>(
        name: &'static str,
        doc: &[&str],
        order: Order,
        handler: F,
    ) -> Self
    where
        P: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema,
        F: Fn(Cx, P) -> W + Copy + Send + Sync + 'static,
        W: Future<Output = Result<R, ApiError>> + Send + 'static,
    {
        let run = move |cx: Cx, params: Value| -> Running {
            Box::pin(async move {
                if !params.is_object() {
                    return Err(ApiError::params("they are given by name, as an object"));
                }
                let params = serde_json::from_value(params).map_err(ApiError::params)?;
                let result = handler(cx, params).await?;
                serde_json::to_value(result)
                    .map_err(|_| ApiError::internal("the result cannot be written"))
            })
        };
        Self {
            name,
            doc: doc
                .iter()
                .map(|line| line.trim())
                .collect::<Vec<_>>()
                .join("\n"),
            order,
            params: |generator| generator.subschema_for::<P>(),
            result: |generator| generator.subschema_for::<R>(),
            run: Box::new(run),
        }
    }

    pub(crate) fn run(&self, cx: Cx, params: Value) -> Running {
        (self.run)(cx, params)
    }

    /// The method of a name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        static BY_NAME: LazyLock<BTreeMap<&'static str, &'static Method>> =
            LazyLock::new(|| all().iter().map(|method| (method.name, method)).collect());
        BY_NAME.get(name).copied()
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// All methods, in the order of the documentation.
pub(crate) fn all() -> &'static [Method] {
    static ALL: LazyLock<Vec<Method>> = LazyLock::new(methods::table);
    &ALL
}
