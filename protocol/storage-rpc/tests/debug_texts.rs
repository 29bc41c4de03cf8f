//! No type that holds a key shows it when it is printed for debugging.

use session_crypto::{AccountKeys, Ed25519Secret};
use session_storage_rpc::{
    AccountSigner, GroupAdminSigner, Permissions, SubaccountSigner, SubaccountToken,
};
use session_types::{SwarmPubkey, network_prefix};

#[test]
fn texts() {
    let account = AccountKeys::from_seed16([7; 16]);
    let id = account.account_id();
    let admin = Ed25519Secret::from_seed([3; 32]);
    let group = SwarmPubkey::new(network_prefix::GROUP, *admin.public().as_bytes());
    let holder = Ed25519Secret::from_seed([9; 32]);
    let token = SubaccountToken::new(network_prefix::GROUP, Permissions::READ, holder.public());
    let signature = admin.sign(token.as_bytes());
    let member = SubaccountSigner::new(group, token, signature, |text: &[u8]| holder.sign(text));
    let table = [
        (
            format!("{:?}", AccountSigner::new(id, account.ed25519())),
            format!("AccountSigner {{ account: {id:?}, key: Ed25519Secret {{ .. }} }}"),
        ),
        (
            format!("{:?}", GroupAdminSigner::new(&admin)),
            "GroupAdminSigner { key: Ed25519Secret { .. } }".to_owned(),
        ),
        (
            format!("{member:?}"),
            format!("SubaccountSigner {{ owner: {group:?}, token: {token:?}, .. }}"),
        ),
    ];
    for (text, expected) in table {
        assert_eq!(text, expected);
    }
}
