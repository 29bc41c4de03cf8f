//! `session node stats`, `verify` and `compact`: the node's database.

use std::path::Path;
use std::process::ExitCode;

use indicatif::BinaryBytes;
use serde::Serialize;
use session_node::clock::{Clock as _, SystemClock};
use session_node::maintenance::{
    self, ClassStats, MaintenanceError, Progress as Step, Repaired, Stats, Verified,
};
use session_types::Timestamp;

use crate::output::{Output, Progress, wall_time};

/// Shows what is in the database.
pub(super) fn stats(dir: &Path, output: &Output) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let progress = output.progress("Counting …");
    let stats = explain(maintenance::stats(dir, now), dir)?;
    drop(progress);
    output.object(&stats);
    for line in stats_lines(&stats, now) {
        output.line(&line);
    }
    Ok(())
}

/// Looks through the database; repairs it if wanted. The status is 1 when something was found
/// and not repaired.
pub(super) fn verify(dir: &Path, repair: bool, output: &Output) -> anyhow::Result<ExitCode> {
    let progress = output.progress("Checking the structure of the file …");
    let verified = explain(
        maintenance::verify(dir, SystemClock.now(), &mut |step| show(&progress, step)),
        dir,
    )?;
    drop(progress);
    let repaired = if repair && !verified.is_in_order() {
        let progress = output.progress("Saving everything that is in order …");
        let repaired = explain(maintenance::repair(dir), dir)?;
        drop(progress);
        Some(repaired)
    } else {
        None
    };
    output.object(&Answer {
        in_order: verified.is_in_order(),
        verified: &verified,
        repaired,
    });
    for line in verified_lines(&verified, repaired.as_ref(), *output) {
        output.line(&line);
    }
    Ok(if verified.is_in_order() || repaired.is_some() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Writes the database anew without free space.
pub(super) fn compact(dir: &Path, output: &Output) -> anyhow::Result<()> {
    let progress = output.progress("Writing the database anew …");
    let compacted = explain(
        maintenance::compact(dir, &mut |step| show(&progress, step)),
        dir,
    )?;
    drop(progress);
    output.object(&compacted);
    output.line(&format!(
        "{} messages; {} before, {} now.",
        compacted.messages,
        BinaryBytes(compacted.bytes_before),
        BinaryBytes(compacted.bytes_after)
    ));
    Ok(())
}

/// What `verify --json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    in_order: bool,
    #[serde(flatten)]
    verified: &'a Verified,
    #[serde(skip_serializing_if = "Option::is_none")]
    repaired: Option<Repaired>,
}

/// Says what to do about an error.
fn explain<T>(result: Result<T, MaintenanceError>, dir: &Path) -> anyhow::Result<T> {
    let folder = dir.display();
    result.map_err(|error| {
        let advice = match &error {
            MaintenanceError::Missing => format!(
                "{folder} has no database (storage.db): is it the folder of a node that has run? \
                 --data-dir names the folder that has `node` in it"
            ),
            MaintenanceError::Foreign => {
                format!("storage.db in {folder} is not the database of a node; nothing was changed")
            }
            MaintenanceError::Damaged => format!(
                "the database in {folder} is damaged: `session node verify` shows how, \
                 `session node verify --repair` or the next start of the node saves what can be \
                 read"
            ),
            MaintenanceError::InUse => {
                format!("a running node uses the database in {folder}: stop the node first")
            }
            MaintenanceError::Busy => format!(
                "another process reads the database in {folder}: try again when it has ended"
            ),
            MaintenanceError::NoSpace => format!(
                "the disk of {folder} has not enough space for a copy of the database; nothing \
                 was changed"
            ),
            _ => format!("the database in {folder}"),
        };
        match error {
            MaintenanceError::Store(_) | MaintenanceError::Incomplete => {
                anyhow::Error::new(error).context(advice)
            }
            _ => anyhow::Error::msg(advice),
        }
    })
}

fn show(progress: &Progress, step: Step) {
    progress.say(&match step {
        Step::Structure => "Checking the structure of the file …".to_owned(),
        Step::Messages { done, total } => format!("Checking messages: {done} of {total} …"),
        Step::Writing { done, total } => {
            format!(
                "Writing the database anew: {} of {} …",
                BinaryBytes(done),
                BinaryBytes(total)
            )
        }
        _ => "Checking everything else …".to_owned(),
    });
}

fn stats_lines(stats: &Stats, now: Timestamp) -> Vec<String> {
    let time = |ms: Option<u64>| {
        ms.map_or_else(
            || "none".to_owned(),
            |ms| wall_time(Timestamp::from_ms(ms), now),
        )
    };
    let class = |class: &ClassStats| format!("{} ({})", class.messages, BinaryBytes(class.bytes));
    let mut lines = vec![
        format!(
            "Messages           {} of {} accounts and groups, {}",
            stats.messages,
            stats.owners,
            BinaryBytes(stats.message_bytes)
        ),
        format!("  public inboxes   {}", class(&stats.public_inbox)),
        format!("  public outboxes  {}", class(&stats.public_outbox)),
        format!("  private          {}", class(&stats.private)),
        format!("  legacy groups    {}", class(&stats.legacy_group)),
        format!("  oldest           {}", time(stats.oldest_ms)),
        format!("  newest           {}", time(stats.newest_ms)),
        format!(
            "Expiring           {} within 24 hours; {} have expired and go next",
            stats.expiring_within_a_day, stats.expired
        ),
        format!(
            "For other members  {} deliveries and {} transfers waiting",
            stats.deliveries_waiting, stats.dumps_waiting
        ),
        format!(
            "Remembered         {} revocations, {} deletions",
            stats.revocations, stats.deletions
        ),
        format!(
            "File               {}, of which {} are free ({} pages); log {}",
            BinaryBytes(stats.file_bytes),
            BinaryBytes(stats.free_bytes),
            stats.free_pages,
            BinaryBytes(stats.log_bytes)
        ),
    ];
    if stats.set_aside > 0 {
        lines.push(format!(
            "Set aside          {} damaged databases, {}: delete storage.db.damaged-* when you \
             do not want to look into them",
            stats.set_aside,
            BinaryBytes(stats.set_aside_bytes)
        ));
    }
    lines
}

fn verified_lines(verified: &Verified, repaired: Option<&Repaired>, output: Output) -> Vec<String> {
    let mut lines = vec![format!(
        "Looked at {} messages of {} accounts and groups.",
        verified.messages, verified.owners
    )];
    if verified.is_in_order() {
        lines.push(output.bold("The database is in order."));
        return lines;
    }
    lines.push(output.bold("The database is not in order:"));
    lines.extend(verified.structure.iter().map(|line| format!("  {line}")));
    lines.extend(
        verified
            .rows
            .iter()
            .map(|(rule, count)| format!("  {rule}: {count}")),
    );
    match repaired {
        Some(repaired) => lines.push(format!(
            "Repaired: {} messages saved, {} lost; {} other rows saved, {} lost. The damaged \
             database was set aside. The other members of the swarm are asked for what was lost \
             when the node starts.",
            repaired.messages_saved,
            repaired.messages_lost,
            repaired.others_saved,
            repaired.others_lost
        )),
        None => lines.push(
            "Stop the node and run `session node verify --repair`: it saves every row that is in \
             order and sets the damaged file aside."
                .to_owned(),
        ),
    }
    lines
}
