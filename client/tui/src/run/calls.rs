//! Calls of the API: in order, but for those that take long.

use core::time::Duration;
use std::collections::VecDeque;

use serde_json::Value;
use session_api::{ApiError, Caller};
use tokio::task::JoinSet;

use crate::effect::{Call, Params, Then};

type Answered = (Then, Result<Value, ApiError>);

/// Calls that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Calls {
    waiting: VecDeque<(Caller, Call)>,
    /// One after another: what is written before a message is sent is kept before it.
    in_order: JoinSet<Answered>,
    beside: JoinSet<Answered>,
}

impl Calls {
    pub(super) fn call(&mut self, caller: Caller, call: Call) {
        if call.slow {
            self.beside.spawn(run(caller, call));
        } else {
            self.waiting.push_back((caller, call));
            self.go_on();
        }
    }

    fn go_on(&mut self) {
        if self.in_order.is_empty()
            && let Some((caller, call)) = self.waiting.pop_front()
        {
            self.in_order.spawn(run(caller, call));
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.in_order.is_empty() || !self.beside.is_empty()
    }

    /// The next answer. Safe to be dropped while it waits.
    pub(super) async fn next(&mut self) -> Answered {
        loop {
            let answered = tokio::select! {
                Some(answered) = self.in_order.join_next() => answered,
                Some(answered) = self.beside.join_next() => answered,
                else => core::future::pending().await,
            };
            self.go_on();
            if let Ok(answered) = answered {
                return answered;
            }
        }
    }

    /// Lets calls that are in order come to their end.
    pub(super) async fn finish(&mut self, patience: Duration) {
        let all = async {
            while !self.in_order.is_empty() {
                let _ = self.in_order.join_next().await;
                self.go_on();
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("calls were not answered in time at the end");
        }
    }
}

async fn run(caller: Caller, call: Call) -> Answered {
    let answer = match call.params {
        Params::Json(params) => caller.call(call.method, params).await,
        Params::Create(params) => caller.ask(call.method, params).await,
        Params::Restore(params) => caller.ask(call.method, params).await,
        Params::Open(params) => caller.ask(call.method, params).await,
    };
    (call.then, answer)
}
