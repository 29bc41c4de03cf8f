//! `session doctor`

use std::process::ExitCode;
use std::sync::Arc;

use futures_util::StreamExt as _;
use serde_json::json;
use session_net::{CachedNetwork, Network, NoCache, Step, StepOutcome, SystemClock};

use crate::accounts;
use crate::cli::Global;
use crate::output::Output;
use crate::work::Work;

pub(crate) async fn run(global: &Global, output: &Output) -> anyhow::Result<ExitCode> {
    let has_account = !accounts::profile(global)?.list()?.is_empty();
    let worst = if has_account {
        let unlocked = accounts::unlock(global)?;
        let store = unlocked.store()?;
        let work = Work::start(global, unlocked, store).await?;
        let worst = examine(work.account.network(), output).await;
        work.close().await;
        worst
    } else {
        output
            .note("There is no account here: the nodes that would keep its messages are left out.");
        let network = Network::new(
            accounts::network(global, None)?,
            Box::new(SystemClock),
            accounts::network_options(global)?,
            CachedNetwork::default(),
            Arc::new(NoCache),
        )?;
        examine(&network, output).await
    };
    output.line(match worst {
        StepOutcome::Ok => "\nAll is well.",
        StepOutcome::Warn => "\nMessages get through.",
        StepOutcome::Failed => "\nSomething does not work: see ✗ above.",
    });
    output.object(&json!({ "outcome": worst }));
    Ok(match worst {
        StepOutcome::Failed => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

/// Shows each step when it is done; returns how the worst one went.
async fn examine(network: &Network, output: &Output) -> StepOutcome {
    output.line(&format!("Network {}", network.profile().name()));
    let progress = output.spinner("Trying …");
    let mut worst = StepOutcome::Ok;
    let mut steps = Box::pin(network.diagnose());
    while let Some(step) = steps.next().await {
        worst = worst.max(step.outcome);
        progress.above(|| {
            for line in lines(&step, *output) {
                output.line(&line);
            }
            output.object(&step);
        });
    }
    worst
}

fn lines(step: &Step, output: Output) -> Vec<String> {
    let mark = match step.outcome {
        StepOutcome::Ok => output.green("✓"),
        StepOutcome::Warn => output.yellow("!"),
        StepOutcome::Failed => output.red("✗"),
    };
    let mut name = step.name.to_string();
    if let Some(number) = step.number {
        name += &format!(" {number}");
    }
    let took = output.faint(&format!("({} ms)", step.took.as_millis()));
    let mut lines = vec![format!("{mark} {name:<32} {} {took}", step.detail)];
    if let Some(advice) = &step.advice {
        lines.push(format!("    {advice}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use session_net::StepName;

    use super::*;

    #[test]
    fn a_step_says_what_it_found_how_long_it_took_and_what_to_do() {
        let step = Step {
            name: StepName::Clock,
            number: None,
            outcome: StepOutcome::Warn,
            detail: "61 min slow".to_owned(),
            took: Duration::from_millis(40),
            advice: Some("Set this computer's clock.".to_owned()),
        };
        let shown = lines(&step, Output::new(false)).join("\n");
        let expected = "! clock                            61 min slow (40 ms)\n    \
                        Set this computer's clock.";
        assert_eq!(shown, expected);
    }
}
