//! The network.

use session_core::CoreError;
use session_types::{NodeContact, SwarmPubkey};

use super::params::{AccountParams, Diagnosis, NetworkReport, Polled, Swarm, SwarmNode};
use crate::ApiError;
use crate::method::Cx;

pub(super) async fn status(cx: Cx, params: AccountParams) -> Result<NetworkReport, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(account.network().into())
}

pub(super) async fn poll(cx: Cx, params: AccountParams) -> Result<Polled, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(account.poll_now().await?.into())
}

pub(super) async fn swarm(cx: Cx, params: AccountParams) -> Result<Swarm, ApiError> {
    let account = cx.in_use(params.account).await?;
    let network = account.network();
    let nodes = network.swarm(&SwarmPubkey::from(params.account)).await;
    let nodes = nodes.map_err(CoreError::from)?;
    let node = |node: &NodeContact| SwarmNode {
        node: node.into(),
        answers: network.answers(&node.ed25519),
    };
    Ok(Swarm {
        nodes: nodes.iter().map(node).collect(),
    })
}

pub(super) async fn diagnose(cx: Cx, params: AccountParams) -> Result<Diagnosis, ApiError> {
    let account = cx.in_use(params.account).await?;
    let steps = account.network().diagnose_all().await;
    Ok(Diagnosis {
        steps: steps.into_iter().map(Into::into).collect(),
    })
}
