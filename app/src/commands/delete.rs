//! `session delete`

use std::process::ExitCode;

use session_core::DeleteFor;
use session_net::{Clock as _, SystemClock};

use crate::accounts;
use crate::cli::{DeleteArguments, Global, Whom};
use crate::output::Output;
use crate::show::Teller;
use crate::who::{self, Person};
use crate::work::{Done, Work};

pub(crate) async fn run(
    global: &Global,
    arguments: DeleteArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let (whom, name, where_) = match arguments.whom {
        Whom { everyone: true, .. } => (DeleteFor::Everyone, "everyone", "for everyone"),
        Whom {
            everywhere: true, ..
        } => (DeleteFor::MyDevices, "everywhere", "on all your devices"),
        Whom { .. } => (DeleteFor::ThisDevice, "here", "on this device"),
    };
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    let message = who::message(&store, &arguments.message)?;
    let person = Person::find(&store, message.conversation)?;
    let words = Teller::new(&store, SystemClock.now()).excerpt(&message);
    let work = Work::start(global, unlocked, store).await?;
    work.account.delete(message.id, whom).await?;
    let text = format!(
        "Deleted {where_}: message {} with {}: {words}",
        message.id,
        person.called()
    );
    let done = Done::new("delete", text)
        .about(person.id)
        .with("message_id", message.id.get())
        .with("whom", name);
    if whom == DeleteFor::ThisDevice {
        return Ok(work.conclude_here(done, output).await);
    }
    work.conclude(done, arguments.wait, output).await
}
