//! `session search`

use std::process::ExitCode;

use session_net::{Clock as _, SystemClock};

use crate::accounts;
use crate::cli::{Global, SearchArguments};
use crate::output::Output;
use crate::show::Teller;
use crate::who;

pub(crate) fn run(
    global: &Global,
    arguments: &SearchArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let store = accounts::open_store(global)?;
    let within = match &arguments.within {
        Some(who) => Some(who::known_person(&store, who)?.id),
        None => None,
    };
    let words = arguments.words.join(" ");
    let found = store.search(&words, within.as_ref(), arguments.limit)?;
    if found.is_empty() {
        output.line("Nothing found.");
    }
    let mut teller = Teller::new(&store, SystemClock.now());
    for shown in teller.with_reactions(found)? {
        for line in teller.lines(&shown, within.is_none(), *output) {
            output.line(&line);
        }
        output.object(&teller.object(&shown));
    }
    Ok(ExitCode::SUCCESS)
}
