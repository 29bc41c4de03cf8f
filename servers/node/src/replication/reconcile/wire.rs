//! What members say to each other when they compare what they hold
//! (docs/protocol/node.md section 17.1).
//!
//! A question, a bt dict:
//!
//! | Key | Value |
//! |---|---|
//! | `@` | 0, the version |
//! | `a` | first and last position of the arc that is compared, 16 bytes, big-endian |
//! | `i` | 1: answer even while messages come in |
//! | `r` | or: the digest of everything, 16 bytes |
//! | `g` | or: the digests of the 64 groups, 16 bytes each |
//! | `b` | or: for some groups the number, a byte, and the digests of its 64 buckets, 16 bytes each |
//! | `m` | or: a list of stretches: bucket, `after`, `until`, short ids of the asker's messages, 8 bytes each |
//! | `s` | with `m`: what the short ids are keyed with, 16 bytes |
//!
//! An answer, a bt dict:
//!
//! | Key | Value |
//! |---|---|
//! | `d` | a bit for each digest or id, lowest bit first: 1 where they differ, or the message is missing |
//! | `h` | with `m`: the answer ends within a stretch, after this hash |
//! | `q` | with `m`: how many messages will be sent to the asker |
//! | `t` | the time by the clock of the machine, milliseconds |

use rand::Rng as _;
use session_crypto::hash::{blake2b, blake2b_keyed};
use session_encoding::bt::{Bt, Value, parse};
use session_types::{MessageHash, Timestamp};

use crate::store::{BUCKETS, Element, Stretch, Sum, SwarmRange};

/// The version of this dialogue.
const VERSION: i64 = 0;
/// Groups, and buckets in each of them.
pub(super) const FAN: usize = 64;
/// Most short ids in one question.
pub(super) const MAX_IDS: usize = 65_536;

const DIGEST: usize = 16;
const ID: usize = 8;

pub(super) type Digest = [u8; DIGEST];
pub(super) type Salt = [u8; 16];
pub(super) type ShortId = [u8; ID];

/// A salt nobody can foresee.
pub(super) fn new_salt() -> Salt {
    let mut salt = [0; 16];
    rand::rng().fill_bytes(&mut salt);
    salt
}

/// What stands for a message in one question.
pub(super) fn short_id(salt: &Salt, element: &Element) -> ShortId {
    blake2b_keyed::<ID>(salt, &[element])
}

/// The digests of all buckets in groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digests {
    buckets: Vec<Digest>,
    groups: Vec<Digest>,
}

impl Digests {
    pub(super) fn of(sums: &[Sum]) -> Self {
        let buckets: Vec<Digest> = sums
            .iter()
            .map(|sum| blake2b::<DIGEST>(&[&sum.to_bytes()]))
            .collect();
        let groups = buckets
            .chunks(FAN)
            .map(|group| blake2b::<DIGEST>(&[group.as_flattened()]))
            .collect();
        Self { buckets, groups }
    }

    pub(super) fn root(&self) -> Digest {
        blake2b::<DIGEST>(&[self.groups.as_flattened()])
    }

    pub(super) fn groups(&self) -> &[Digest] {
        &self.groups
    }

    /// The buckets of a group.
    pub(super) fn group(&self, group: u8) -> &[Digest] {
        self.buckets
            .chunks(FAN)
            .nth(group.into())
            .unwrap_or_default()
    }
}

/// A stretch and what the asker has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) stretch: Stretch,
    pub(super) ids: Vec<ShortId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    Root(Digest),
    Groups(Vec<Digest>),
    Buckets(Vec<(u8, Vec<Digest>)>),
    Messages { salt: Salt, parts: Vec<Part> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) range: SwarmRange,
    pub(super) insists: bool,
    pub(super) ask: Ask,
}

impl Question {
    pub(super) fn encode(&self) -> Vec<u8> {
        let arc = [self.range.first, self.range.last].map(u64::to_be_bytes);
        let mut fields = vec![
            ("@", Bt::Int(VERSION)),
            ("a", Bt::bytes(arc.as_flattened())),
        ];
        if self.insists {
            fields.push(("i", Bt::Int(1)));
        }
        match &self.ask {
            Ask::Root(digest) => fields.push(("r", Bt::bytes(digest))),
            Ask::Groups(digests) => fields.push(("g", Bt::bytes(digests.as_flattened()))),
            Ask::Buckets(groups) => {
                let mut bytes = Vec::with_capacity(groups.len() * (1 + FAN * DIGEST));
                for (group, digests) in groups {
                    bytes.push(*group);
                    bytes.extend_from_slice(digests.as_flattened());
                }
                fields.push(("b", Bt::bytes(&bytes)));
            }
            Ask::Messages { salt, parts } => {
                let parts = parts.iter().map(|part| {
                    let text = |text: &Option<String>| {
                        Bt::bytes(text.as_deref().unwrap_or_default().as_bytes())
                    };
                    Bt::List(vec![
                        Bt::Int(part.stretch.bucket.into()),
                        text(&part.stretch.after),
                        text(&part.stretch.until),
                        Bt::bytes(part.ids.as_flattened()),
                    ])
                });
                fields.push(("m", Bt::List(parts.collect())));
                fields.push(("s", Bt::bytes(salt)));
            }
        }
        Bt::dict(fields).encode()
    }

    /// Reads a question of this version.
    pub(super) fn decode(body: &[u8]) -> Option<Self> {
        let fields = parse(body).ok()?;
        if fields.get("@")?.as_i64()? != VERSION {
            return None;
        }
        let (arc, rest) = fields.get("a")?.as_bytes()?.as_chunks::<8>();
        let [first, last] = arc else {
            return None;
        };
        if !rest.is_empty() {
            return None;
        }
        let range = SwarmRange {
            first: u64::from_be_bytes(*first),
            last: u64::from_be_bytes(*last),
        };
        let insists = fields.get("i").and_then(Value::as_i64) == Some(1);
        Some(Self {
            range,
            insists,
            ask: decode_ask(&fields)?,
        })
    }
}

fn decode_ask(fields: &Value<'_>) -> Option<Ask> {
    let bytes = |key: &str| fields.get(key).and_then(Value::as_bytes);
    if let Some(digest) = bytes("r") {
        return Some(Ask::Root(digest.try_into().ok()?));
    }
    if let Some(digests) = bytes("g") {
        return Some(Ask::Groups(whole_group(digests)?));
    }
    if let Some(groups) = bytes("b") {
        let groups = groups.chunks(1 + FAN * DIGEST).map(|group| {
            let (number, digests) = group.split_first()?;
            let known = usize::from(*number) < FAN;
            known.then_some((*number, whole_group(digests)?))
        });
        let groups: Vec<_> = groups.collect::<Option<_>>()?;
        return (groups.len() <= FAN).then_some(Ask::Buckets(groups));
    }
    let salt = bytes("s")?.try_into().ok()?;
    let list = fields.get("m")?.as_list()?;
    if list.len() > usize::from(BUCKETS) {
        return None;
    }
    let parts: Vec<Part> = list.iter().map(decode_part).collect::<Option<_>>()?;
    let ids: usize = parts.iter().map(|part| part.ids.len()).sum();
    (ids <= MAX_IDS).then_some(Ask::Messages { salt, parts })
}

fn whole_group(digests: &[u8]) -> Option<Vec<Digest>> {
    let (digests, rest) = digests.as_chunks::<DIGEST>();
    (rest.is_empty() && digests.len() == FAN).then(|| digests.to_vec())
}

fn decode_part(value: &Value<'_>) -> Option<Part> {
    let [bucket, after, until, ids] = value.as_list()? else {
        return None;
    };
    let bucket = u16::try_from(bucket.as_i64()?).ok()?;
    let edge = |value: &Value<'_>| match value.as_bytes()? {
        [] => Some(None),
        text => Some(Some(hash_text(text)?)),
    };
    let (ids, rest) = ids.as_bytes()?.as_chunks::<ID>();
    (bucket < BUCKETS && rest.is_empty()).then_some(Part {
        stretch: Stretch {
            bucket,
            after: edge(after)?,
            until: edge(until)?,
        },
        ids: ids.to_vec(),
    })
}

fn hash_text(bytes: &[u8]) -> Option<String> {
    let hash: MessageHash = core::str::from_utf8(bytes).ok()?.parse().ok()?;
    Some(hash.as_str().to_owned())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// A bit for each digest or id.
    pub(super) differing: Vec<bool>,
    /// The answer ends here, in the stretch the last bits are about.
    pub(super) stopped_at: Option<String>,
    /// Messages that will be sent to the asker.
    pub(super) queued: u64,
    /// By the clock of the machine.
    pub(super) time: Timestamp,
}

impl Answer {
    pub(super) fn encode(&self) -> Vec<u8> {
        let bits: Vec<u8> = self
            .differing
            .chunks(8)
            .map(|bits| {
                let bits = bits.iter().rev();
                bits.fold(0, |byte, bit| byte << 1 | u8::from(*bit))
            })
            .collect();
        let mut fields = vec![
            ("d", Bt::bytes(&bits)),
            ("t", Bt::Int(self.time.as_ms_i64())),
        ];
        if let Some(hash) = &self.stopped_at {
            fields.push(("h", Bt::bytes(hash.as_bytes())));
        }
        if self.queued > 0 {
            let queued = i64::try_from(self.queued).unwrap_or(i64::MAX);
            fields.push(("q", Bt::Int(queued)));
        }
        Bt::dict(fields).encode()
    }

    /// Reads an answer to a question of at most so many digests or ids. The bits may be fewer
    /// when it ends early, and up to seven more than there are.
    pub(super) fn decode(body: &[u8], bits: usize) -> Option<Self> {
        let fields = parse(body).ok()?;
        let bytes = fields.get("d")?.as_bytes()?;
        if bytes.len() > bits.div_ceil(8) {
            return None;
        }
        let mut differing: Vec<bool> = bytes
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1))
            .collect();
        differing.truncate(bits);
        let stopped_at = match fields.get("h") {
            Some(hash) => Some(hash_text(hash.as_bytes()?)?),
            None => None,
        };
        if stopped_at.is_none() && differing.len() < bits {
            return None;
        }
        Some(Self {
            differing,
            stopped_at,
            queued: match fields.get("q") {
                Some(queued) => queued.as_u64()?,
                None => 0,
            },
            time: Timestamp::from_ms(fields.get("t")?.as_u64()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARC: SwarmRange = SwarmRange {
        first: 1,
        last: 0x0203,
    };

    fn round_trip(ask: &Ask) {
        for insists in [false, true] {
            let question = Question {
                range: ARC,
                insists,
                ask: ask.clone(),
            };
            let encoded = question.encode();
            assert_eq!(Question::decode(&encoded), Some(question));
            assert_eq!(Question::decode(&encoded[..encoded.len() - 1]), None);
        }
    }

    fn hash(letter: char) -> Option<String> {
        Some(String::from(letter).repeat(43))
    }

    #[test]
    fn questions_round_trip() {
        round_trip(&Ask::Root([7; 16]));
        round_trip(&Ask::Groups(vec![[3; 16]; FAN]));
        round_trip(&Ask::Buckets(vec![
            (0, vec![[1; 16]; FAN]),
            (63, vec![[2; 16]; FAN]),
        ]));
        let part = |bucket, after, until, ids| Part {
            stretch: Stretch {
                bucket,
                after,
                until,
            },
            ids,
        };
        round_trip(&Ask::Messages {
            salt: [5; 16],
            parts: vec![
                part(0, None, None, vec![]),
                part(4095, hash('a'), None, vec![[1; 8], [2; 8]]),
                part(17, None, hash('z'), vec![[9; 8]]),
            ],
        });
        let root = Question {
            range: ARC,
            insists: false,
            ask: Ask::Root([b'x'; 16]),
        };
        let expected =
            b"d1:@i0e1:a16:\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x02\x031:r16:xxxxxxxxxxxxxxxxe";
        assert_eq!(root.encode(), expected);
    }

    #[test]
    fn questions_out_of_order_are_refused() {
        let with = |fields: Vec<(&str, Bt)>| {
            let mut all = vec![("@", Bt::Int(0)), ("a", Bt::bytes(&[0; 16]))];
            all.extend(fields);
            Question::decode(&Bt::dict(all).encode())
        };
        assert!(with(vec![("r", Bt::bytes(&[0; 16]))]).is_some());
        for bad in [
            vec![],
            vec![("r", Bt::bytes(&[0; 15]))],
            vec![("g", Bt::bytes(&[0; 16 * 63]))],
            vec![("b", Bt::bytes(&[64; 1 + 16 * 64]))],
            vec![("b", Bt::bytes(&[0; 1 + 16 * 63]))],
            vec![("a", Bt::bytes(&[0; 24])), ("r", Bt::bytes(&[0; 16]))],
            vec![("@", Bt::Int(1)), ("r", Bt::bytes(&[0; 16]))],
            vec![("m", Bt::List(vec![]))],
        ] {
            assert_eq!(with(bad.clone()), None, "{bad:?}");
        }
        let part = |bucket: i64, after: &[u8], ids: &[u8]| {
            let part = vec![
                Bt::Int(bucket),
                Bt::bytes(after),
                Bt::bytes(b""),
                Bt::bytes(ids),
            ];
            with(vec![
                ("m", Bt::List(vec![Bt::List(part)])),
                ("s", Bt::bytes(&[0; 16])),
            ])
        };
        assert!(part(4095, b"", &[0; 16]).is_some());
        assert_eq!(part(4096, b"", b""), None);
        assert_eq!(part(-1, b"", b""), None);
        assert_eq!(part(0, b"short", b""), None);
        assert_eq!(part(0, b"", &[0; 7]), None);
        assert_eq!(part(0, b"", &vec![0; 8 * (MAX_IDS + 1)]), None);
        for garbage in [&b""[..], b"le", b"d", b"d1:@i0ee"] {
            assert_eq!(Question::decode(garbage), None);
        }
    }

    #[test]
    fn answers_round_trip() {
        let mut differing = vec![false; 11];
        differing[0] = true;
        differing[9] = true;
        let answer = Answer {
            differing,
            stopped_at: None,
            queued: 0,
            time: Timestamp::from_ms(1_700_000_000_000),
        };
        let encoded = answer.encode();
        assert_eq!(encoded, b"d1:d2:\x01\x021:ti1700000000000ee");
        assert_eq!(Answer::decode(&encoded, 11), Some(answer.clone()));
        assert_eq!(Answer::decode(&encoded, 8), None, "too many bits");
        assert_eq!(Answer::decode(&encoded, 17), None, "too few");
        let stopped = Answer {
            stopped_at: hash('q'),
            queued: 3,
            ..answer
        };
        let decoded = Answer::decode(&stopped.encode(), 100).unwrap();
        assert_eq!((decoded.queued, decoded.differing.len()), (3, 16));
        assert_eq!(decoded.stopped_at, hash('q'));
        assert_eq!(Answer::decode(b"d1:d1:\0e", 8), None);
    }

    /// Cut anywhere, and any byte replaced by those that mean something.
    #[test]
    fn spoilt_bytes_are_refused_or_read() {
        let part = |bucket| Part {
            stretch: Stretch {
                bucket,
                after: hash('a'),
                until: hash('z'),
            },
            ids: vec![[1; 8], [2; 8]],
        };
        let question = Question {
            range: ARC,
            insists: true,
            ask: Ask::Messages {
                salt: [5; 16],
                parts: vec![part(7), part(4095)],
            },
        };
        let answer = Answer {
            differing: vec![true; 11],
            stopped_at: hash('q'),
            queued: 3,
            time: Timestamp::from_ms(1_700_000_000_000),
        };
        for good in [question.encode(), answer.encode()] {
            for end in 0..good.len() {
                assert_eq!(Question::decode(&good[..end]), None);
                assert_eq!(Answer::decode(&good[..end], 11), None);
            }
            for place in 0..good.len() {
                for byte in *b"0179:-dlie\0\xff" {
                    let mut bad = good.clone();
                    bad[place] = byte;
                    if let Some(read) = Question::decode(&bad) {
                        assert_eq!(Question::decode(&read.encode()), Some(read));
                    }
                    let _ = Answer::decode(&bad, 11);
                }
            }
        }
    }

    #[test]
    fn digests_differ_where_the_sums_do() {
        let mut sums = vec![Sum::default(); BUCKETS.into()];
        let before = Digests::of(&sums);
        sums[64 * 5 + 7].add(&[1; 32]);
        let after = Digests::of(&sums);
        assert_ne!(before.root(), after.root());
        let differing = |a: &[Digest], b: &[Digest]| -> Vec<usize> {
            (0..FAN).filter(|i| a[*i] != b[*i]).collect()
        };
        assert_eq!(differing(before.groups(), after.groups()), [5]);
        assert_eq!(differing(before.group(5), after.group(5)), [7]);
        assert_eq!(before.group(6), after.group(6));
        assert_eq!(after.group(64), &[] as &[Digest]);
    }
}
