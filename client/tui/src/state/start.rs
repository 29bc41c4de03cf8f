//! Before there is an account to show: making one, bringing one back, unlocking one.

use crossterm::event::KeyCode;
use session_api::params::{
    AccountParams, CreateParams, KeyStore, KeyStoreChoice, OpenParams, RestoreParams,
};
use session_api::{ApiError, Secret};
use session_types::AccountId;
use zeroize::Zeroizing;

use super::{Pane, State, compose, sentence};
use crate::editor::Editor;
use crate::effect::{Params, Then};
use crate::keys::{Command, Key, Place};

/// The most bytes of a name.
const NAME: usize = 100;

/// What is shown instead of conversations.
#[derive(Debug)]
pub(crate) enum Start {
    /// Nothing is known yet.
    Starting,
    /// Conversations are shown.
    Ready,
    /// There is no account, or another one is to be added.
    Welcome(usize),
    /// An account is to be unlocked.
    Locked(Box<Unlock>),
    /// An account is made or brought back.
    Form(Box<Form>),
}

/// The passphrase of an account.
#[derive(Debug)]
pub(crate) struct Unlock {
    pub(crate) account: AccountId,
    pub(crate) passphrase: Editor,
    pub(crate) error: Option<String>,
    pub(crate) is_working: bool,
}

/// A new account, or one that exists elsewhere.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) restores: bool,
    pub(crate) step: Step,
    pub(crate) words: Editor,
    pub(crate) name: Editor,
    pub(crate) passphrase: Editor,
    pub(crate) again: Editor,
    pub(crate) choice: usize,
    pub(crate) error: Option<String>,
}

/// Where a form is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Words,
    Name,
    Protect,
    Passphrase,
    Again,
    Working,
    Made(AccountId),
}

/// How the key of a new database can be kept.
pub(crate) const KEEPING: &[(KeyStoreChoice, &str, &str)] = &[
    (
        KeyStoreChoice::Passphrase,
        "A passphrase",
        "Asked for whenever you open the account. Forgotten, only the Recovery Password helps.",
    ),
    #[cfg(any(target_os = "macos", windows))]
    (
        KeyStoreChoice::Keyring,
        "The system keyring",
        "Open whenever you are logged in.",
    ),
    (
        KeyStoreChoice::File,
        "Neither",
        "The key lies in a file only you can read: whoever uses your login can read everything.",
    ),
];

impl Start {
    pub(crate) fn locked(account: AccountId) -> Self {
        Self::Locked(Box::new(Unlock {
            account,
            passphrase: Editor::secret(),
            error: None,
            is_working: false,
        }))
    }

    /// The line that is being written.
    fn editor(&mut self) -> Option<&mut Editor> {
        match self {
            Self::Locked(form) if !form.is_working => Some(&mut form.passphrase),
            Self::Form(form) => match form.step {
                Step::Words => Some(&mut form.words),
                Step::Name => Some(&mut form.name),
                Step::Passphrase => Some(&mut form.passphrase),
                Step::Again => Some(&mut form.again),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn paste(&mut self, text: &str) -> bool {
        if matches!(self, Self::Ready) {
            return false;
        }
        if let Some(editor) = self.editor() {
            editor.paste(&text.replace(['\n', '\r'], " "));
        }
        true
    }

    /// A call of the form did not work.
    pub(crate) fn refused(&mut self, then: &Then, error: &ApiError) -> bool {
        let text = match error.code() {
            "store.wrong_key" => "That was not it.".to_owned(),
            "store.already_exists" => "This account is on this device already.".to_owned(),
            _ => sentence(error.message()),
        };
        match (self, then) {
            (Self::Locked(form), Then::Opened(account)) if form.account == *account => {
                form.is_working = false;
                form.passphrase.clear();
                form.error = Some(text);
                true
            }
            (this @ Self::Starting, Then::Opened(account)) => {
                let mut start = Self::locked(*account);
                if let Self::Locked(form) = &mut start {
                    form.error = Some(text);
                }
                *this = start;
                true
            }
            (Self::Form(form), Then::Made) => {
                form.step = if error.code() == "api.recovery_password" {
                    Step::Words
                } else if form.restores {
                    Step::Protect
                } else {
                    Step::Name
                };
                form.error = Some(text);
                true
            }
            _ => false,
        }
    }
}

impl Form {
    fn new(restores: bool) -> Self {
        Self {
            restores,
            step: if restores { Step::Words } else { Step::Name },
            words: Editor::secret(),
            name: Editor::default(),
            passphrase: Editor::secret(),
            again: Editor::secret(),
            choice: 0,
            error: None,
        }
    }

    fn next(&mut self) {
        self.error = None;
        match self.step {
            Step::Words => {
                let count = self.words.text().split_whitespace().count();
                if count == 13 {
                    self.step = Step::Protect;
                } else {
                    self.error = Some(format!(
                        "A Recovery Password has 13 words; these are {count}."
                    ));
                }
            }
            Step::Name => {
                let name = crate::text::one_line(self.name.text());
                if name.len() > NAME {
                    self.error = Some(format!("Too long by {} bytes.", name.len() - NAME));
                } else if !name.is_empty() && !name.chars().any(char::is_alphanumeric) {
                    self.error = Some("Choose a visible name.".to_owned());
                } else {
                    self.step = Step::Protect;
                }
            }
            Step::Protect => {
                let by_passphrase = self.keeping() == KeyStoreChoice::Passphrase;
                self.step = if by_passphrase {
                    Step::Passphrase
                } else {
                    Step::Working
                };
            }
            Step::Passphrase => {
                if self.passphrase.is_empty() {
                    self.error = Some("An empty passphrase locks nothing.".to_owned());
                } else {
                    self.again.clear();
                    self.step = Step::Again;
                }
            }
            Step::Again => {
                if self.again.text() == self.passphrase.text() {
                    self.step = Step::Working;
                } else {
                    self.passphrase.clear();
                    self.again.clear();
                    self.step = Step::Passphrase;
                    self.error = Some("The two are not the same. Once more.".to_owned());
                }
            }
            Step::Working | Step::Made(_) => {}
        }
    }

    /// False at the first step.
    fn back(&mut self) -> bool {
        self.error = None;
        self.step = match self.step {
            Step::Words | Step::Name => return false,
            Step::Protect if self.restores => Step::Words,
            Step::Protect => Step::Name,
            Step::Passphrase | Step::Again => {
                self.passphrase.clear();
                Step::Protect
            }
            step @ (Step::Working | Step::Made(_)) => step,
        };
        true
    }

    fn keeping(&self) -> KeyStoreChoice {
        KEEPING
            .get(self.choice)
            .map_or(KeyStoreChoice::Auto, |(choice, _, _)| *choice)
    }

    fn params(&self, network: Option<String>) -> (&'static str, Params) {
        let keeping = self.keeping();
        let secret = |editor: &Editor| Secret::from(Zeroizing::new(editor.text().to_owned()));
        let passphrase = (keeping == KeyStoreChoice::Passphrase).then(|| secret(&self.passphrase));
        let name = crate::text::one_line(self.name.text());
        if self.restores {
            let params = RestoreParams {
                recovery_password: secret(&self.words),
                name: name.into(),
                network,
                key_store: keeping,
                passphrase,
            };
            ("accounts.restore", Params::Restore(params))
        } else {
            let params = CreateParams {
                name: name.into(),
                network,
                key_store: keeping,
                passphrase,
            };
            ("accounts.create", Params::Create(params))
        }
    }
}

impl State {
    /// What is shown first, once it is known which accounts there are.
    pub(crate) fn first_screen(&mut self) {
        if self.accounts.is_empty() {
            self.start = Start::Welcome(0);
            return;
        }
        let wanted = self
            .beginning
            .account
            .clone()
            .unwrap_or_default()
            .to_lowercase();
        let chosen = self
            .accounts
            .iter()
            .find(|account| account.id.to_hex().starts_with(&wanted))
            .cloned();
        if chosen.is_none() {
            self.fail(format!("No account here begins with {wanted}."));
        }
        let chosen = chosen.or_else(|| self.accounts.first().cloned());
        let Some(chosen) = chosen else { return };
        self.current = Some(chosen.id);
        if chosen.key_store == KeyStore::Passphrase && !chosen.open {
            self.start = Start::locked(chosen.id);
        }
        let others = self.accounts.iter();
        let open: Vec<AccountId> = others
            .filter(|account| account.open || account.key_store != KeyStore::Passphrase)
            .map(|account| account.id)
            .collect();
        for account in open {
            self.call_secret(
                "accounts.open",
                Params::Open(OpenParams {
                    account,
                    passphrase: None,
                }),
                Then::Opened(account),
            );
        }
    }

    /// Unlocks the account that is shown, with a passphrase given at the start.
    pub(crate) fn unlock_with(&mut self, passphrase: &str) {
        if let Start::Locked(form) = &mut self.start {
            form.passphrase.set(passphrase);
            self.unlock();
        }
    }

    fn unlock(&mut self) {
        let Start::Locked(form) = &mut self.start else {
            return;
        };
        let account = form.account;
        let words = form.passphrase.text();
        let known = self.accounts.iter().find(|known| known.id == account);
        let by_passphrase = known.is_none_or(|known| known.key_store == KeyStore::Passphrase);
        if by_passphrase && words.is_empty() {
            return;
        }
        let words = Zeroizing::new(words.to_owned());
        form.is_working = true;
        form.error = None;
        let passphrase = by_passphrase.then(|| Secret::from(words));
        let params = OpenParams {
            account,
            passphrase,
        };
        self.call_secret("accounts.open", Params::Open(params), Then::Opened(account));
    }

    /// Whether an account is open and has a passphrase to open it with again.
    pub(crate) fn can_lock(&self, id: AccountId) -> bool {
        let mut accounts = self.accounts.iter();
        let has_passphrase =
            accounts.any(|account| account.id == id && account.key_store == KeyStore::Passphrase);
        has_passphrase && self.desks.contains_key(&id)
    }

    /// Closes every account that has a passphrase.
    pub(crate) fn lock(&mut self) {
        let ids = self.accounts.iter().map(|account| account.id);
        let locked: Vec<AccountId> = ids.filter(|id| self.can_lock(*id)).collect();
        self.lock_these(&locked);
    }

    /// Closes one account, if it has a passphrase.
    pub(crate) fn lock_one(&mut self, id: AccountId) {
        let locked: Vec<AccountId> = Some(id)
            .filter(|id| self.can_lock(*id))
            .into_iter()
            .collect();
        self.lock_these(&locked);
    }

    fn lock_these(&mut self, locked: &[AccountId]) {
        self.save_draft(true);
        if locked.is_empty() {
            return self.say("This account has no passphrase: there is nothing to lock it with.");
        }
        for account in locked {
            if let Some(desk) = self.desks.remove(account)
                && let Some(chat) = desk.chat
            {
                self.start_places.insert(*account, chat.id);
            }
            self.call(
                "accounts.close",
                AccountParams { account: *account },
                Then::Locked,
            );
        }
        self.pictures.clear();
        let Some(current) = self.current.filter(|current| locked.contains(current)) else {
            return self.refresh_settings();
        };
        self.page = None;
        self.prompt = None;
        self.question = None;
        self.remark = None;
        self.start = Start::locked(current);
    }

    pub(crate) fn next_account(&mut self) {
        let at = self
            .accounts
            .iter()
            .position(|account| Some(account.id) == self.current);
        let next = at.map_or(0, |at| at + 1);
        let next = self.accounts.get(next).or_else(|| self.accounts.first());
        match next.map(|account| account.id) {
            Some(id) if Some(id) != self.current => self.switch_to(id),
            _ => self.say("There is only this account. Settings add another one."),
        }
    }

    pub(crate) fn add_account(&mut self) {
        self.page = None;
        self.save_draft(true);
        self.start = Start::Welcome(0);
    }

    /// An account was made: its id is shown.
    pub(crate) fn made(&mut self, id: AccountId) {
        self.current = Some(id);
        self.pane = Pane::List;
        match &mut self.start {
            Start::Form(form) if !form.restores => form.step = Step::Made(id),
            _ => self.start = Start::Ready,
        }
    }

    pub(crate) fn start_key(&mut self, key: Key) {
        if self.keys.command(key, Place::Anywhere) == Some(Command::NextAccount)
            && matches!(self.start, Start::Locked(_))
        {
            return self.next_account();
        }
        let can_leave = self.current.is_some();
        let has_desk = self.desk().is_some();
        match &mut self.start {
            Start::Starting | Start::Ready => {}
            Start::Welcome(choice) => match key.code() {
                KeyCode::Up | KeyCode::Down | KeyCode::Tab => *choice = 1 - (*choice).min(1),
                KeyCode::Char('1') => self.start = Start::Form(Box::new(Form::new(false))),
                KeyCode::Char('2') => self.start = Start::Form(Box::new(Form::new(true))),
                KeyCode::Enter => {
                    self.start = Start::Form(Box::new(Form::new(*choice == 1)));
                }
                KeyCode::Esc if can_leave && has_desk => self.start = Start::Ready,
                _ => {}
            },
            Start::Locked(form) if form.is_working => {}
            Start::Locked(form) => match key.code() {
                KeyCode::Enter => self.unlock(),
                _ => {
                    form.error = None;
                    compose::edit(&mut form.passphrase, key, usize::MAX);
                }
            },
            Start::Form(_) => self.form_key(key),
        }
    }

    fn form_key(&mut self, key: Key) {
        let network = self.beginning.network.clone();
        let Start::Form(form) = &mut self.start else {
            return;
        };
        match (form.step, key.code()) {
            (Step::Working, _) => {}
            (Step::Made(_), KeyCode::Enter) => self.start = Start::Ready,
            (Step::Made(id), KeyCode::Char('y')) => {
                self.copy(&id.to_hex());
            }
            (Step::Made(_), KeyCode::Char('w')) => {
                self.start = Start::Ready;
                self.ask_for_recovery();
            }
            (Step::Made(_), _) => {}
            (_, KeyCode::Esc) => {
                if !form.back() {
                    self.start = Start::Welcome(usize::from(form.restores));
                }
            }
            (Step::Protect, KeyCode::Up) => form.choice = form.choice.saturating_sub(1),
            (Step::Protect, KeyCode::Down) => {
                form.choice = (form.choice + 1).min(KEEPING.len() - 1);
            }
            (Step::Protect, KeyCode::Char(digit @ '1'..='9')) => {
                let at = digit.to_digit(10).and_then(|n| usize::try_from(n).ok());
                let at = at.and_then(|n| n.checked_sub(1));
                if let Some(at) = at.filter(|at| *at < KEEPING.len()) {
                    form.choice = at;
                }
            }
            (_, KeyCode::Enter) => {
                form.next();
                if form.step == Step::Working {
                    let (method, params) = form.params(network);
                    self.call_secret(method, params, Then::Made);
                }
            }
            _ => {
                form.error = None;
                if let Some(editor) = self.start.editor() {
                    compose::edit(editor, key, usize::MAX);
                }
            }
        }
    }
}
