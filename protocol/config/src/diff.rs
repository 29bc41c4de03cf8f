//! What a message changed (docs/protocol/config.md section 4).
//!
//! A diff is a dict that mirrors the data:
//!
//! | Value | Meaning |
//! |---|---|
//! | `""` | a scalar was set; to what, the data of the message with the diff tells |
//! | `"-"` | a scalar was removed |
//! | dict | changes inside the dict of this key |
//! | list of two lists | members added to and removed from the set of this key |

use core::cmp::Ordering;
use std::sync::Arc;

use crate::blob::Blob;
use crate::data::{Dict, Scalar, Value, encode_set, read_set};
use crate::error::Malformed;
use crate::wire::{Reader, deeper, put_bytes};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Diff(Vec<(Blob, Change)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Put,
    Remove,
    Dict(Diff),
    Set {
        added: Vec<Scalar>,
        removed: Vec<Scalar>,
    },
}

impl Diff {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What leads from `old` to `new`, both without empty containers.
    pub(crate) fn between(old: &Dict, new: &Dict) -> Self {
        let mut changes = Vec::new();
        let mut left = old.iter().peekable();
        let mut right = new.iter().peekable();
        loop {
            let order = match (left.peek(), right.peek()) {
                (Some((a, _)), Some((b, _))) => a.cmp(b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let before = if order.is_le() { left.next() } else { None };
            let after = if order.is_ge() { right.next() } else { None };
            let change = match (before, after) {
                (Some((key, before)), Some((_, after))) => {
                    Change::between(before, after).map(|change| (key, change))
                }
                (Some((key, before)), None) => Some((key, Change::removing(before))),
                (None, Some((key, after))) => Some((key, Change::adding(after))),
                (None, None) => None,
            };
            if let Some((key, change)) = change {
                changes.push((key.clone(), change));
            }
        }
        Self(changes)
    }

    /// Repeats the changes on `data`, taking new values from `source`. May leave empty containers.
    pub(crate) fn apply(&self, data: &mut Dict, source: &Dict) {
        data.update(&self.0, |key, change, before| {
            change.apply(before, source.get(key))
        });
    }

    pub(crate) fn read(reader: &mut Reader<'_>, depth: usize) -> Result<Self, Malformed> {
        let depth = deeper(depth)?;
        reader.expect(b'd')?;
        let mut changes = Vec::new();
        let mut previous = None;
        while let Some(key) = reader.key(previous)? {
            previous = Some(key);
            reader.count()?;
            let change = match reader.peek()? {
                b'd' => Change::Dict(Self::read(reader, depth)?),
                b'l' => {
                    reader.expect(b'l')?;
                    let added = read_set(reader)?;
                    let removed = read_set(reader)?;
                    reader.expect(b'e')?;
                    Change::Set { added, removed }
                }
                _ => match reader.bytes()? {
                    b"" => Change::Put,
                    b"-" => Change::Remove,
                    _ => return Err(Malformed::Type),
                },
            };
            changes.push((key.into(), change));
        }
        Ok(Self(changes))
    }

    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(b'd');
        for (key, change) in &self.0 {
            put_bytes(out, key);
            match change {
                Change::Put => out.extend_from_slice(b"0:"),
                Change::Remove => out.extend_from_slice(b"1:-"),
                Change::Dict(diff) => diff.encode_into(out),
                Change::Set { added, removed } => {
                    out.push(b'l');
                    encode_set(added, out);
                    encode_set(removed, out);
                    out.push(b'e');
                }
            }
        }
        out.push(b'e');
    }
}

impl Change {
    /// The value after the change, given the one before and the one in the message that knows.
    fn apply(&self, before: Option<Value>, source: Option<&Value>) -> Option<Value> {
        match (self, source?) {
            (Self::Put, value @ (Value::Int(_) | Value::Bytes(_))) => Some(value.clone()),
            (Self::Dict(diff), Value::Dict(source)) => {
                let mut dict = match before {
                    Some(Value::Dict(dict)) => dict,
                    _ => Arc::default(),
                };
                diff.apply(Arc::make_mut(&mut dict), source);
                Some(Value::Dict(dict))
            }
            (Self::Set { added, removed }, Value::Set(_)) => {
                let mut set = match before {
                    Some(Value::Set(set)) => set,
                    _ => Arc::default(),
                };
                let members = Arc::make_mut(&mut set);
                members.extend(added.iter().cloned());
                members.sort_unstable();
                members.dedup();
                members.retain(|member| removed.binary_search(member).is_err());
                Some(Value::Set(set))
            }
            // Removed, or of another kind by now in the message that knows: members of the former
            // kind must not come back.
            _ => None,
        }
    }

    fn adding(value: &Value) -> Self {
        match value {
            Value::Int(_) | Value::Bytes(_) => Self::Put,
            Value::Set(set) => Self::Set {
                added: set.to_vec(),
                removed: Vec::new(),
            },
            Value::Dict(dict) => Self::Dict(Diff::between(&Dict::default(), dict)),
        }
    }

    fn removing(value: &Value) -> Self {
        match value {
            Value::Int(_) | Value::Bytes(_) => Self::Remove,
            Value::Set(set) => Self::Set {
                added: Vec::new(),
                removed: set.to_vec(),
            },
            Value::Dict(dict) => Self::Dict(Diff::between(dict, &Dict::default())),
        }
    }

    fn between(before: &Value, after: &Value) -> Option<Self> {
        match (before, after) {
            (Value::Dict(before), Value::Dict(after)) => {
                if Arc::ptr_eq(before, after) {
                    return None;
                }
                let diff = Diff::between(before, after);
                (!diff.is_empty()).then_some(Self::Dict(diff))
            }
            (Value::Set(before), Value::Set(after)) => {
                let missing_in = |own: &[Scalar], other: &[Scalar]| -> Vec<Scalar> {
                    own.iter()
                        .filter(|member| other.binary_search(member).is_err())
                        .cloned()
                        .collect()
                };
                let added = missing_in(after, before);
                let removed = missing_in(before, after);
                (!added.is_empty() || !removed.is_empty()).then_some(Self::Set { added, removed })
            }
            (Value::Int(_) | Value::Bytes(_), Value::Int(_) | Value::Bytes(_)) => {
                (before != after).then_some(Self::Put)
            }
            _ => Some(Self::adding(after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few changes are made one by one, many in one pass.
    #[test]
    fn both_ways_of_updating_agree() {
        for count in [1, 31, 32, 100] {
            let (mut old, mut new) = (Dict::default(), Dict::default());
            let key = |number: i64| format!("{:03}", number * 7 % 301);
            for number in 0..120 {
                old.insert(key(number).as_bytes(), Value::Int(number));
                let moved = if number < count { number + 150 } else { number };
                new.insert(key(moved).as_bytes(), Value::Int(number));
            }
            let diff = Diff::between(&old, &new);
            let mut data = old.clone();
            diff.apply(&mut data, &new);
            assert_eq!(data, new, "{count}");
        }
    }
}
