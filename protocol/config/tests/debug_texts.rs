//! No type that holds a key or what people wrote shows it when it is printed for debugging.
#![allow(clippy::unwrap_used)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_config::untyped::{Change, Edit, LAG, Scalar, Version};
use session_config::{
    Access, BlindedContact, Community, CommunityServer, Contact, Contacts, Conversation,
    ConvoInfoVolatile, GroupInfo, GroupKeys, GroupMembers, LegacyGroup, Local, Picture,
    ProCredential, ProProof, UserGroups, UserProfile,
};
use session_crypto::pro::Proof;
use session_crypto::{AccountKeys, Ed25519Secret};
use session_types::{AccountId, GroupId, Signature, SwarmPubkey, Timestamp, X25519PublicKey};

const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);

fn account() -> AccountKeys {
    AccountKeys::from_seed16([5; 16])
}

fn person(number: u8) -> AccountId {
    AccountId::from_x25519(X25519PublicKey::new([number; 32]))
}

#[test]
fn nothing_secret_in_debug() {
    let account = account();
    let admin = Ed25519Secret::from_seed([3; 32]);
    let id = GroupId::from_ed25519(*admin.public());
    let mut groups = UserGroups::new(&account);
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    groups.create_group("name", NOW, &mut rng).unwrap();
    let group = groups.groups().next().unwrap();
    let keys = GroupKeys::new(&account, id, Some(&admin)).unwrap();
    let auth = keys
        .subaccount_auth(&account.account_id(), Access::MEMBER)
        .unwrap();
    let member = GroupMembers::new(id, None)
        .unwrap()
        .get_or_new(&account.account_id());
    let community = "https://example.org/room?public_key=".to_owned() + &"ab".repeat(32);
    let community = Community::parse(&community).unwrap();
    let server = CommunityServer::new("https://example.org/", [9; 32]).unwrap();
    let blinded = BlindedContact::new(SwarmPubkey::new(0x15, [1; 32]), server.clone());
    let credential = ProCredential {
        rotating: Ed25519Secret::from_seed([4; 32]),
        proof: ProProof::Newest(Proof {
            revocation_tag: [7; 32],
            rotating: *Ed25519Secret::from_seed([4; 32]).public(),
            expiry_seconds: 1_800_000_000,
            signature: Signature::new([8; 64]),
        }),
    };
    let change = Change {
        path: vec![b"n".to_vec()],
        edit: Edit::Put(Scalar::Bytes(b"Ann".to_vec())),
    };
    let first = Version::parse(b"d1:#i0e1:&de1:<le1:=dee", None, LAG).unwrap();
    let version = first.next(std::slice::from_ref(&change), LAG).unwrap();
    let all = [
        (
            format!("{groups:?}"),
            "UserGroups { seqno: 1, state: Dirty, .. }",
        ),
        (format!("{group:?}"), "Group { .. }"),
        (
            format!("{:?}", UserProfile::new(&account)),
            "UserProfile { seqno: 0, state: Clean, .. }",
        ),
        (
            format!("{:?}", Contacts::new(&account)),
            "Contacts { seqno: 0, state: Clean, .. }",
        ),
        (format!("{:?}", Contact::new(person(1))), "Contact { .. }"),
        (format!("{member:?}"), "Member { .. }"),
        (format!("{keys:?}"), "GroupKeys { generation: 0, .. }"),
        (format!("{auth:?}"), "AuthData { .. }"),
        (format!("{community:?}"), "Community { .. }"),
        (
            format!("{:?}", Conversation::Community(community)),
            "Community(..)",
        ),
        (
            format!("{:?}", Picture::new("u", [1; 32]).unwrap()),
            "Picture { .. }",
        ),
        (
            format!("{:?}", ConvoInfoVolatile::new(&account)),
            "ConvoInfoVolatile { seqno: 0, state: Clean, .. }",
        ),
        (format!("{:?}", Local::new(&account)), "Local { .. }"),
        (
            format!("{:?}", GroupInfo::new(id, Some(&admin)).unwrap()),
            "GroupInfo { seqno: 0, state: Clean, .. }",
        ),
        (
            format!("{:?}", GroupMembers::new(id, Some(&admin)).unwrap()),
            "GroupMembers { seqno: 0, state: Clean, .. }",
        ),
        (
            format!("{:?}", LegacyGroup::new(account.account_id())),
            "LegacyGroup { .. }",
        ),
        (format!("{blinded:?}"), "BlindedContact { .. }"),
        (format!("{server:?}"), "CommunityServer { .. }"),
        (format!("{credential:?}"), "ProCredential { .. }"),
        (format!("{version:?}"), "Version { seqno: 1, .. }"),
        (
            format!("{:?}", change),
            "Change { edit: Put(Bytes(3 bytes)), .. }",
        ),
    ];
    for (text, expected) in all {
        assert_eq!(text, expected);
    }
}
