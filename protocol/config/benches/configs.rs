//! The hot paths of configs: changing one of many contacts, saving, loading, merging, new group keys.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use session_config::{
    Contacts, GroupInfo, GroupKeys, GroupMembers, Incoming, Picture, SharedConfig,
};
use session_crypto::{AccountKeys, Ed25519Secret};
use session_types::{AccountId, GroupId, Timestamp};
use std::hint::black_box;

const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);

fn account() -> AccountKeys {
    AccountKeys::from_seed16([5; 16])
}

fn person(number: usize) -> AccountId {
    let hash = session_crypto::hash::blake2b::<32>(&[&number.to_be_bytes()]);
    AccountId::from_x25519(*Ed25519Secret::from_seed(hash).to_x25519().public())
}

fn fill(contacts: &mut Contacts, people: &[AccountId]) {
    for (number, id) in people.iter().enumerate() {
        contacts
            .modify(id, |contact| {
                contact.name = format!("Contact number {number}");
                contact.nickname = format!("nick{number}");
                contact.approved = true;
                contact.approved_me = true;
                contact.created_seconds = 1_700_000_000;
                let url = format!("http://files.example.org/file/{number}");
                contact.picture = Picture::new(url, *id.x25519().as_bytes()).ok();
            })
            .unwrap();
    }
}

fn stored(account: &AccountKeys, people: &[AccountId]) -> Contacts {
    let mut contacts = Contacts::new(account);
    fill(&mut contacts, people);
    let push = contacts.push(NOW).unwrap();
    contacts.confirm_pushed(push.seqno, &["a", "b"]);
    contacts
}

fn contacts(c: &mut Criterion) {
    let account = account();
    let people: Vec<AccountId> = (0..1000).map(person).collect();
    let mut one = stored(&account, &people);
    let mut number = 0u64;
    c.bench_function("change one of 1000 contacts and push", |b| {
        b.iter(|| {
            number += 1;
            let nickname = format!("changed {number}");
            one.set_nickname(&people[500], &nickname).unwrap();
            let push = one.push(NOW).unwrap();
            one.confirm_pushed(push.seqno, &["a", "b"]);
            push
        });
    });
    c.bench_function("dump 1000 contacts", |b| b.iter(|| one.dump(NOW)));
    let dump = one.dump(NOW);
    c.bench_function("load a dump of 1000 contacts", |b| {
        b.iter(|| Contacts::load(&account, &dump).unwrap());
    });
    c.bench_function("put 1000 contacts into an empty one and push", |b| {
        b.iter(|| {
            let mut contacts = Contacts::new(&account);
            fill(&mut contacts, &people);
            contacts.push(NOW).unwrap()
        });
    });

    let messages: Vec<(String, Vec<u8>)> = (0..10)
        .flat_map(|device| {
            let mut contacts = Contacts::load(&account, &dump).unwrap();
            for edit in 0..20 {
                let name = format!("device {device} edit {edit}");
                contacts
                    .set_nickname(&people[(device * 37 + edit * 11) % 1000], &name)
                    .unwrap();
            }
            let messages = contacts.push(NOW).unwrap().messages;
            messages
                .into_iter()
                .enumerate()
                .map(move |(part, message)| (format!("{device}-{part}"), message))
        })
        .collect();
    let incoming: Vec<Incoming<'_>> = messages
        .iter()
        .map(|(hash, data)| Incoming { hash, data })
        .collect();
    c.bench_function("merge 10 diverged configs of 1000 contacts", |b| {
        b.iter_batched(
            || Contacts::new(&account),
            |mut contacts| {
                let merged = contacts.merge(&incoming, NOW).unwrap();
                assert!(contacts.needs_push());
                black_box(merged);
                contacts
            },
            BatchSize::LargeInput,
        );
    });
}

fn groups(c: &mut Criterion) {
    let account = account();
    let admin = Ed25519Secret::from_seed([3; 32]);
    let id = GroupId::from_ed25519(*admin.public());
    let mut info = GroupInfo::new(id, Some(&admin)).unwrap();
    let mut members = GroupMembers::new(id, Some(&admin)).unwrap();
    for number in 0..100 {
        members.modify(&person(number), |_| {}).unwrap();
    }
    c.bench_function("first rekey with 100 members", |b| {
        b.iter_batched(
            || GroupKeys::new(&account, id, Some(&admin)).unwrap(),
            |mut keys| keys.rekey(&mut info, &mut members).unwrap(),
            BatchSize::SmallInput,
        );
    });
    let mut keys = GroupKeys::new(&account, id, Some(&admin)).unwrap();
    c.bench_function("later rekey with 100 members", |b| {
        b.iter(|| keys.rekey(&mut info, &mut members).unwrap());
    });
    let hash = session_crypto::hash::blake2b::<32>(&[&99usize.to_be_bytes()]);
    let member = AccountKeys::from_seed32(hash);
    let message = keys.rekey(&mut info, &mut members).unwrap();
    let mut info = GroupInfo::new(id, None).unwrap();
    let mut members = GroupMembers::new(id, None).unwrap();
    c.bench_function("a member loads it", |b| {
        b.iter_batched(
            || GroupKeys::new(&member, id, None).unwrap(),
            |mut keys| {
                let loaded = keys.load_message("h", &message, NOW, &mut info, &mut members);
                assert!(loaded.unwrap());
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, contacts, groups);
criterion_main!(benches);
