//! JSON-RPC 2.0: requests and answers as texts.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::OwnedMutexGuard;

use crate::connection::{Inner, Turn};
use crate::error::RpcError;
use crate::method::{Method, Order};
use crate::{ApiError, ApiErrorKind};

/// Requests in one batch.
const MOST_IN_BATCH: usize = 100;

/// A text that came.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// One request with its place in the line of its account.
    One(Turn, Call),
    /// Several, run one after another; their places are taken when they run.
    Batch(Vec<Call>),
    /// None that could be run.
    Bad(Value, ApiError),
}

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    /// None for one that wants no answer.
    id: Option<Value>,
    request: Result<(String, Value), ApiError>,
}

/// What an answer keeps until it is in the queue: the turns of its calls.
pub(crate) type Turns = Vec<OwnedMutexGuard<()>>;

#[derive(Serialize)]
struct Response<'a> {
    jsonrpc: &'static str,
    id: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RpcError>,
}

#[derive(Serialize)]
struct Notice<'a, T> {
    jsonrpc: &'static str,
    #[serde(flatten)]
    notification: &'a T,
}

/// A notification as a text.
pub(crate) fn notification(notification: &impl Serialize) -> String {
    let notice = Notice {
        jsonrpc: "2.0",
        notification,
    };
    // Texts, numbers and lists of them always have a form in JSON.
    serde_json::to_string(&notice).unwrap_or_default()
}

/// The answer to what could not be read as a request at all.
pub(crate) fn refusal(error: &ApiError) -> String {
    answer(&Value::Null, Err(error))
}

pub(crate) fn too_long(most: usize) -> String {
    refusal(&bad_request(format!("a line has at most {most} bytes")))
}

impl Incoming {
    /// Reads a text. The request takes its place in line here: to be awaited in the order in
    /// which texts come.
    pub(crate) async fn read(text: &[u8], connection: &Inner) -> Self {
        match serde_json::from_slice(text) {
            Err(_) => {
                let problem = "this is not JSON in UTF-8";
                let error = ApiError::new(ApiErrorKind::Parse, "api.parse", problem);
                Self::Bad(Value::Null, error)
            }
            Ok(Value::Array(requests)) => {
                if requests.is_empty() || requests.len() > MOST_IN_BATCH {
                    let problem = format!("a batch holds 1 to {MOST_IN_BATCH} requests");
                    return Self::Bad(Value::Null, bad_request(problem));
                }
                Self::Batch(requests.into_iter().map(Call::read).collect())
            }
            Ok(request) => {
                let call = Call::read(request);
                let turn = match &call.request {
                    Ok((method, params)) => connection.turn(method, params).await,
                    Err(_) => Turn::Now(None),
                };
                Self::One(turn, call)
            }
        }
    }

    /// Whether this opens or closes accounts, so that what follows depends on it.
    pub(crate) fn is_about_accounts(&self) -> bool {
        let Self::One(_, Call { request, .. }) = self else {
            return false;
        };
        let method = request.as_ref().ok().map(|(method, _)| method.as_str());
        let method = method.and_then(Method::find);
        method.is_some_and(|method| method.order == Order::Process)
    }

    /// Runs what was asked. `None` when nobody wants an answer.
    pub(crate) async fn run(self, connection: &Arc<Inner>) -> (Turns, Option<String>) {
        match self {
            Self::Bad(id, error) => (Turns::new(), Some(answer(&id, Err(&error)))),
            Self::One(turn, call) => {
                let (turn, text) = call.run(turn, connection).await;
                (turn.into_iter().collect(), text)
            }
            Self::Batch(calls) => {
                let mut answers = Vec::new();
                for call in calls {
                    let turn = match &call.request {
                        Ok((method, params)) => connection.turn(method, params).await,
                        Err(_) => Turn::Now(None),
                    };
                    let (_turn, text) = call.run(turn, connection).await;
                    answers.extend(text);
                }
                let text = (!answers.is_empty()).then(|| format!("[{}]", answers.join(",")));
                (Turns::new(), text)
            }
        }
    }
}

impl Call {
    fn read(request: Value) -> Self {
        let Value::Object(mut request) = request else {
            return Self {
                id: Some(Value::Null),
                request: Err(bad_request("a request is an object")),
            };
        };
        let id = request.remove("id");
        let is_name = |id: &Value| id.is_string() || id.is_number() || id.is_null();
        if !id.as_ref().is_none_or(is_name) {
            return Self {
                id: Some(Value::Null),
                request: Err(bad_request("an id is a text or a number")),
            };
        }
        match read_request(request) {
            Ok(request) => Self {
                id,
                request: Ok(request),
            },
            // What is no request cannot be one that wants no answer.
            Err(error) => Self {
                id: Some(id.unwrap_or_default()),
                request: Err(error),
            },
        }
    }

    async fn run(
        self,
        turn: Turn,
        connection: &Arc<Inner>,
    ) -> (Option<OwnedMutexGuard<()>>, Option<String>) {
        let (turn, result) = match self.request {
            Ok((method, params)) => connection.run(turn, &method, params).await,
            Err(error) => (None, Err(error)),
        };
        let text = self.id.map(|id| answer(&id, result.as_ref()));
        (turn, text)
    }
}

fn read_request(mut request: Map<String, Value>) -> Result<(String, Value), ApiError> {
    if request.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(bad_request("`jsonrpc` must be \"2.0\""));
    }
    let Some(Value::String(method)) = request.remove("method") else {
        return Err(bad_request("`method` must be a text"));
    };
    let params = request.remove("params");
    Ok((method, params.unwrap_or_else(|| Value::Object(Map::new()))))
}

fn bad_request(problem: impl Into<String>) -> ApiError {
    ApiError::new(ApiErrorKind::Request, "api.bad_request", problem)
}

fn answer(id: &Value, result: Result<&Value, &ApiError>) -> String {
    let response = Response {
        jsonrpc: "2.0",
        id,
        result: result.ok().cloned(),
        error: result.err().map(RpcError::from),
    };
    serde_json::to_string(&response).unwrap_or_default()
}
