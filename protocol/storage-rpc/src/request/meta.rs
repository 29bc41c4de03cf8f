use session_types::limits;

use crate::fields::Fields;
use crate::wire::{DictBuilder, Reader, Tree};
use crate::{HardFork, Method, Request, RpcError};

/// `ifelse`: one of two requests, chosen by the state of the network
/// (docs/protocol/node-rpc.md section 9.2).
#[derive(Debug, Clone, PartialEq)]
pub struct IfElse {
    /// What is looked at.
    pub condition: Condition,
    /// Run when the condition holds.
    pub then: Option<Request>,
    /// Run when it does not.
    pub otherwise: Option<Request>,
}

/// Conditions of an `ifelse`; those given must all hold. Versions are compared number by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Condition {
    /// The chain has at least this height.
    pub height_at_least: Option<i64>,
    /// The chain has less than this height.
    pub height_before: Option<i64>,
    /// The network is at this hard fork or a later one.
    pub hf_at_least: Option<[i64; 2]>,
    /// The network is at an earlier hard fork.
    pub hf_before: Option<[i64; 2]>,
    /// The node has this version or a later one.
    pub v_at_least: Option<[i64; 3]>,
    /// The node has an earlier version.
    pub v_before: Option<[i64; 3]>,
}

impl Condition {
    /// Whether every given condition holds.
    #[must_use]
    pub fn holds(&self, height: u64, hf: HardFork, version: [u16; 3]) -> bool {
        let height = i64::try_from(height).unwrap_or(i64::MAX);
        let hf = [i64::from(hf.version), i64::from(hf.revision)];
        let version = version.map(i64::from);
        self.height_at_least.is_none_or(|least| height >= least)
            && self.height_before.is_none_or(|before| height < before)
            && self.hf_at_least.is_none_or(|least| hf >= least)
            && self.hf_before.is_none_or(|before| hf < before)
            && self.v_at_least.is_none_or(|least| version >= least)
            && self.v_before.is_none_or(|before| version < before)
    }

    fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let condition = Self {
            height_at_least: fields.integer("height_at_least")?,
            height_before: fields.integer("height_before")?,
            hf_at_least: fixed(fields.integer_list("hf_at_least")?),
            hf_before: fixed(fields.integer_list("hf_before")?),
            v_at_least: fixed(fields.integer_list("v_at_least")?),
            v_before: fixed(fields.integer_list("v_before")?),
        };
        if condition == Self::default() {
            return Err(RpcError::invalid(
                "Invalid ifelse request: must specify at least one \"if\" condition",
            ));
        }
        Ok(condition)
    }

    fn write(&self) -> Tree {
        fn list<const N: usize>(numbers: Option<[i64; N]>) -> Option<Tree> {
            numbers.map(|numbers| Tree::List(numbers.into_iter().map(Tree::Int).collect()))
        }
        DictBuilder::new()
            .put_some("height_at_least", self.height_at_least.map(Tree::Int))
            .put_some("height_before", self.height_before.map(Tree::Int))
            .put_some("hf_at_least", list(self.hf_at_least))
            .put_some("hf_before", list(self.hf_before))
            .put_some("v_at_least", list(self.v_at_least))
            .put_some("v_before", list(self.v_before))
            .finish()
    }
}

impl IfElse {
    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let condition = fields
            .reader()
            .get("if")
            .filter(|condition| condition.is_dict())
            .ok_or_else(|| RpcError::invalid("Invalid ifelse request: no valid \"if\" field"))?;
        let condition = Condition::read(Fields::new(condition))?;
        let then = read_branch(fields.reader(), "then")?;
        let otherwise = read_branch(fields.reader(), "else")?;
        if then.is_none() && otherwise.is_none() {
            return Err(RpcError::invalid(
                "Invalid ifelse request: at least one of \"then\"/\"else\" required",
            ));
        }
        Ok(Self {
            condition,
            then,
            otherwise,
        })
    }

    pub(crate) fn write(&self) -> Tree {
        DictBuilder::new()
            .put("if", self.condition.write())
            .put_some("then", self.then.as_ref().map(Request::to_tree))
            .put_some("else", self.otherwise.as_ref().map(Request::to_tree))
            .finish()
    }
}

fn read_branch(params: Reader<'_>, key: &str) -> Result<Option<Request>, RpcError> {
    let refuse = |what: &str| {
        Err(RpcError::invalid(format!(
            "Invalid ifelse request: {key} {what}"
        )))
    };
    let Some(branch) = params.get(key) else {
        return Ok(None);
    };
    let json = branch.is_json();
    if !branch.is_dict() {
        return refuse(if json {
            "must be an object"
        } else {
            "must be a dict"
        });
    }
    let Some(name) = branch.get("method").and_then(Reader::raw) else {
        return refuse(if json {
            "must have method/params keys"
        } else {
            "missing method"
        });
    };
    let inner = branch.get("params").filter(|params| params.is_dict());
    if json && inner.is_none() {
        return refuse("must have method/params keys");
    }
    let Some(method) = method_named(name) else {
        return Err(RpcError::invalid(format!(
            "Invalid ifelse request method \"{key}\""
        )));
    };
    let Some(inner) = inner else {
        return refuse("missing params");
    };
    Request::read(method, inner).map(Some)
}

/// The list under `requests` of `batch` and `sequence`.
pub(super) fn read_subrequests(fields: Fields<'_>) -> Result<Vec<Request>, RpcError> {
    let json = fields.reader().is_json();
    let list = fields
        .reader()
        .get("requests")
        .and_then(Reader::list)
        .ok_or_else(no_requests)?;
    if list.is_empty() {
        return Err(if json {
            no_requests()
        } else {
            RpcError::invalid("Invalid batch request: empty \"requests\" list")
        });
    }
    if list.len() > limits::MAX_BATCH_REQUESTS {
        return Err(too_many());
    }
    list.into_iter().map(read_subrequest).collect()
}

fn read_subrequest(request: Reader<'_>) -> Result<Request, RpcError> {
    let refuse = |what: &str| Err(RpcError::invalid(format!("Invalid batch request: {what}")));
    let json = request.is_json();
    if !request.is_dict() {
        return refuse(if json {
            "requests must be objects"
        } else {
            "requests must be dicts"
        });
    }
    let name = request.get("method").and_then(Reader::raw);
    let params = request.get("params").filter(|params| params.is_dict());
    let name = match (name, params) {
        (Some(name), Some(_)) => name,
        _ if json => return refuse("subrequests must have method/params keys"),
        (None, _) => return refuse("subrequests must have a method"),
        (Some(name), None) => name,
    };
    let Some(method) = method_named(name) else {
        let name = String::from_utf8_lossy(name);
        return Err(RpcError::invalid(format!(
            "Invalid batch subrequest: invalid method \"{name}\""
        )));
    };
    let Some(params) = params else {
        return refuse("subrequests must have a params dict");
    };
    // The parameters are read first: what is wrong with them is told before what the method is.
    let request = Request::read(method, params)?;
    if method.is_meta() {
        Err(nested())
    } else {
        Ok(request)
    }
}

pub(super) fn check_subrequests(requests: &[Request]) -> Result<(), RpcError> {
    if requests.is_empty() {
        return Err(no_requests());
    }
    if requests.len() > limits::MAX_BATCH_REQUESTS {
        return Err(too_many());
    }
    if requests.iter().any(|request| request.method().is_meta()) {
        return Err(nested());
    }
    Ok(())
}

fn method_named(name: &[u8]) -> Option<Method> {
    core::str::from_utf8(name).ok().and_then(Method::from_name)
}

fn no_requests() -> RpcError {
    RpcError::invalid("Invalid batch request: no valid \"requests\" field")
}

fn too_many() -> RpcError {
    RpcError::invalid("Invalid batch request: subrequest limit exceeded")
}

fn nested() -> RpcError {
    RpcError::invalid("Invalid batch subrequest: subrequests may not contain meta-requests")
}

/// The first `N` numbers, missing ones as 0; nothing when there are none.
fn fixed<const N: usize>(numbers: Option<Vec<i64>>) -> Option<[i64; N]> {
    let numbers = numbers.filter(|numbers| !numbers.is_empty())?;
    let mut out = [0; N];
    for (slot, number) in out.iter_mut().zip(numbers) {
        *slot = number;
    }
    Some(out)
}
