//! Several accounts in one process, without a network.

use serde_json::{Value, json};
use session_api::{ApiErrorKind, Notification};
use session_crypto::AccountKeys;

use crate::support::{Person, run, within};

/// An address where nobody is.
const NOWHERE: &str = "http://127.0.0.1:9";

async fn create(person: &mut Person, name: &str) -> Value {
    let new = json!({ "name": name, "network": NOWHERE, "key_store": "file" });
    let made = person.raw("accounts.create", new).await.unwrap();
    assert_eq!(made["account"]["open"], true);
    assert_eq!(made["account"]["name"], name);
    made["account"]["id"].clone()
}

#[test]
fn accounts_open_and_close_by_themselves() {
    run(async {
        let mut person = Person::without_account("somebody");
        let first = create(&mut person, "one").await;
        let second = create(&mut person, "two").await;
        let mut other = person.session.connect();
        let closed = json!({ "account": first });
        person.raw("accounts.close", closed.clone()).await.unwrap();
        let nothing = person.raw("accounts.close", closed.clone()).await.unwrap();
        assert_eq!(nothing["was_open"], false);
        let hello = other.call("hello", json!({})).await.unwrap();
        let open: Vec<_> = hello["accounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|account| (account["id"].clone(), account["open"].clone()))
            .collect();
        assert_eq!(
            open,
            [(first.clone(), json!(false)), (second.clone(), json!(true))]
        );
        let name = json!({ "account": second });
        let profile = person.raw("profile.get", name).await.unwrap();
        assert_eq!(profile["name"], "two");

        // Every connection hears of it, in order.
        for _ in 0..3 {
            person.raw("accounts.open", closed.clone()).await.unwrap();
            person.raw("accounts.close", closed.clone()).await.unwrap();
        }
        let mut states = Vec::new();
        while states.len() < 7 {
            let next = within("an account's state", other.next()).await.unwrap();
            if let Notification::AccountChanged(changed) = next {
                states.push(changed.account.open);
            }
        }
        assert_eq!(states, [false, true, false, true, false, true, false]);
        person.session.close().await;
    });
}

#[test]
fn an_account_that_is_closed_ends_its_calls() {
    run(async {
        let mut person = Person::without_account("somebody");
        let account = create(&mut person, "one").await;
        let caller = person.connection.caller();
        let poll = {
            let params = json!({ "account": account });
            tokio::spawn(async move { caller.call("network.poll", params).await })
        };
        let session = person.session.clone();
        within("closing", session.close()).await;
        let ended = within("the poll", poll).await.unwrap().unwrap_err();
        // The network, which is not there, may have been quicker.
        let code = ended.code();
        assert!(
            code == "api.account_closed" || code.starts_with("net.") || code == "core.poll_failed",
            "{code}"
        );
    });
}

#[test]
fn passphrases_are_asked_for() {
    run(async {
        let mut person = Person::without_account("somebody");
        let new = json!({ "network": NOWHERE, "passphrase": "correct horse" });
        let made = person.raw("accounts.create", new).await.unwrap();
        assert_eq!(made["account"]["key_store"], "passphrase");
        let account = made["account"]["id"].clone();
        let params = json!({ "account": account });
        let words = person.raw("accounts.recovery_password", params.clone());
        let shown = words.await.unwrap();
        let words = shown["recovery_password"].clone();
        assert_seed(&shown);
        assert_eq!(words.as_str().unwrap().split(' ').count(), 13);
        person.raw("accounts.close", params.clone()).await.unwrap();
        let error = person.raw("accounts.open", params).await.unwrap_err();
        assert_eq!(error.code(), "store.passphrase_required");
        let wrong = json!({ "account": account, "passphrase": "wrong" });
        let error = person.raw("accounts.open", wrong).await.unwrap_err();
        assert_eq!(error.code(), "store.wrong_key");
        assert_eq!(error.kind(), ApiErrorKind::Unauthorised);
        let right = json!({ "account": account, "passphrase": "correct horse" });
        person.raw("accounts.open", right).await.unwrap();

        // The same account cannot be there twice, and wrong words are no account.
        let again = json!({ "recovery_password": words, "network": NOWHERE, "key_store": "file" });
        let error = person.raw("accounts.restore", again).await.unwrap_err();
        assert_eq!(error.code(), "store.already_exists");
        let wrong = json!({ "recovery_password": "private words of mine" });
        let error = person.raw("accounts.restore", wrong).await.unwrap_err();
        assert_eq!(error.code(), "api.recovery_password");
        assert!(!error.message().contains("private"), "{error}");
        let unused = json!({ "network": NOWHERE, "key_store": "file", "passphrase": "x" });
        let error = person.raw("accounts.create", unused).await.unwrap_err();
        assert_eq!(error.code(), "store.passphrase_unused");
        person.session.close().await;
    });
}

/// The seed is the words in hexadecimal digits, as a phone takes it.
fn assert_seed(shown: &Value) {
    let seed = shown["seed"].as_str().unwrap();
    assert_eq!(seed.len(), 32);
    let bytes = u128::from_str_radix(seed, 16).unwrap().to_be_bytes();
    let keys = AccountKeys::from_seed16(bytes);
    assert_eq!(shown["recovery_password"], keys.mnemonic().as_str());
}

#[test]
fn a_recovery_password_is_hidden_for_good() {
    run(async {
        let mut person = Person::without_account("somebody");
        let new = json!({ "network": NOWHERE, "key_store": "file" });
        let made = person.raw("accounts.create", new).await.unwrap();
        let account = json!({ "account": made["account"]["id"] });
        let set = |hidden: bool| {
            let mut params = account.clone();
            params["recovery_hidden"] = json!(hidden);
            params
        };
        let shown = person.raw("settings.set", set(false)).await.unwrap();
        assert_eq!(shown["recovery_hidden"], false);
        let words = person.raw("accounts.recovery_password", account.clone());
        words.await.unwrap();
        person.raw("settings.set", set(true)).await.unwrap();
        // Neither a setting nor a restart brings it back.
        let still = person.raw("settings.set", set(false)).await.unwrap();
        assert_eq!(still["recovery_hidden"], true);
        person.raw("accounts.close", account.clone()).await.unwrap();
        person.raw("accounts.open", account.clone()).await.unwrap();
        let words = person.raw("accounts.recovery_password", account);
        assert_eq!(words.await.unwrap_err().code(), "api.recovery_hidden");
        person.session.close().await;
    });
}

#[test]
fn bad_parameters_are_told() {
    run(async {
        let mut person = Person::without_account("somebody");
        for (method, params, code) in [
            ("no.such", json!({}), "api.unknown_method"),
            ("hello", json!({ "version": 2 }), "api.version"),
            ("hello", json!({ "vresion": 1 }), "api.bad_params"),
            ("hello", json!([]), "api.bad_params"),
            ("accounts.open", json!({}), "api.bad_params"),
            (
                "accounts.open",
                json!({ "account": "05abc" }),
                "api.bad_params",
            ),
            (
                "accounts.open",
                json!({ "account": "05".repeat(33) }),
                "store.unknown_account",
            ),
            (
                "profile.get",
                json!({ "account": "05".repeat(33) }),
                "api.account_closed",
            ),
            (
                "accounts.create",
                json!({ "network": "nowhere" }),
                "api.bad_network",
            ),
            (
                "accounts.create",
                json!({ "name": "x".repeat(101) }),
                "api.name_too_long",
            ),
        ] {
            let error = person.raw(method, params.clone()).await.unwrap_err();
            assert_eq!(error.code(), code, "{method} {params}");
        }
        let account = create(&mut person, "one").await;
        person.account = account.clone();
        let around = json!({ "conversation": account, "time_zone": "Nowhere/At_All" });
        assert_eq!(person.fail("timeline.open", around).await, "api.time_zone");
        for _ in 0..100 {
            person.call("conversations.open", json!({})).await;
        }
        assert_eq!(
            person.fail("conversations.open", json!({})).await,
            "api.too_many_subscriptions"
        );
        let gone = json!({ "sub": 999_999, "direction": "older" });
        assert_eq!(
            person.fail("timeline.more", gone).await,
            "api.unknown_subscription"
        );
        person.session.close().await;
    });
}
