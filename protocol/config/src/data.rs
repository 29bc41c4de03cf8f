//! The data of a config: nested dicts of scalars and sets (docs/protocol/config.md section 2).
//!
//! | Value | Encoded as | Rules |
//! |---|---|---|
//! | integer | integer | 64 bits, signed |
//! | string | string | any bytes |
//! | set | list | scalars, integers before strings, ascending, each once, never empty |
//! | dict | dict | never empty but for the outermost |
//!
//! Nested containers are shared between versions of a config, so that keeping the previous version
//! costs nothing and two versions are compared without looking at what they share.

use std::sync::Arc;

use crate::blob::Blob;
use crate::error::Malformed;
use crate::wire::{Reader, deeper, put_bytes, put_int};

/// A member of a set, or a plain value. Integers sort before strings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scalar {
    Int(i64),
    Bytes(Blob),
}

/// From how many on changes are made in one pass over the dict.
const MANY: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Int(i64),
    Bytes(Blob),
    Set(Arc<Vec<Scalar>>),
    Dict(Arc<Dict>),
}

/// Entries in ascending order of their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Dict(Vec<(Blob, Value)>);

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&Scalar> for Value {
    fn from(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Int(value) => Self::Int(*value),
            Scalar::Bytes(bytes) => Self::Bytes(bytes.clone()),
        }
    }
}

impl Value {
    /// A set of these members; `None` when there are none, because a set is never empty.
    pub(crate) fn set(members: impl IntoIterator<Item = Scalar>) -> Option<Self> {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        (!members.is_empty()).then(|| Self::Set(Arc::new(members)))
    }

    pub(crate) fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    fn is_empty_container(&self) -> bool {
        match self {
            Self::Int(_) | Self::Bytes(_) => false,
            Self::Set(set) => set.is_empty(),
            Self::Dict(dict) => dict.is_empty(),
        }
    }

    fn read(reader: &mut Reader<'_>, depth: usize) -> Result<Self, Malformed> {
        reader.count()?;
        match reader.peek()? {
            b'i' => reader.int().map(Self::Int),
            b'd' => {
                let dict = Dict::read(reader, depth)?;
                if dict.is_empty() {
                    return Err(Malformed::Empty);
                }
                Ok(Self::Dict(Arc::new(dict)))
            }
            b'l' => {
                let set = read_set(reader)?;
                if set.is_empty() {
                    return Err(Malformed::Empty);
                }
                Ok(Self::Set(Arc::new(set)))
            }
            _ => reader.bytes().map(Self::from),
        }
    }

    fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(value) => put_int(out, *value),
            Self::Bytes(bytes) => put_bytes(out, bytes),
            Self::Set(set) => encode_set(set, out),
            Self::Dict(dict) => dict.encode_into(out),
        }
    }
}

impl Dict {
    /// An empty dict with room for the fields of a usual entry.
    pub(crate) fn for_entry() -> Self {
        Self(Vec::with_capacity(8))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Blob, &Value)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    fn search(&self, key: &[u8]) -> Result<usize, usize> {
        // Keys of fields are one letter, for which a comparison of slices is a detour.
        if let [letter] = key {
            return self.0.binary_search_by(|(own, _)| match &**own {
                [own] => own.cmp(letter),
                own => own.cmp(key),
            });
        }
        self.0.binary_search_by(|(own, _)| (**own).cmp(key))
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Value> {
        let index = self.search(key).ok()?;
        self.0.get(index).map(|(_, value)| value)
    }

    pub(crate) fn dict(&self, key: &[u8]) -> Option<&Self> {
        self.get(key)?.as_dict()
    }

    pub(crate) fn int(&self, key: &[u8]) -> Option<i64> {
        match self.get(key)? {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self, key: &[u8]) -> Option<&[u8]> {
        match self.get(key)? {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn set(&self, key: &[u8]) -> &[Scalar] {
        match self.get(key) {
            Some(Value::Set(set)) => set,
            _ => &[],
        }
    }

    pub(crate) fn insert(&mut self, key: &[u8], value: Value) {
        match self.search(key) {
            Ok(index) => {
                if let Some((_, slot)) = self.0.get_mut(index) {
                    *slot = value;
                }
            }
            Err(index) => self.0.insert(index, (key.into(), value)),
        }
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        if let Ok(index) = self.search(key) {
            self.0.remove(index);
        }
    }

    /// The dict of this key, made if there is none or something else.
    fn dict_mut(&mut self, key: &[u8]) -> Option<&mut Self> {
        let empty = || Value::Dict(Arc::default());
        let index = match self.search(key) {
            Ok(index) => index,
            Err(index) => {
                self.0.insert(index, (key.into(), empty()));
                index
            }
        };
        let (_, slot) = self.0.get_mut(index)?;
        if slot.as_dict().is_none() {
            *slot = empty();
        }
        match slot {
            Value::Dict(dict) => Some(Arc::make_mut(dict)),
            _ => None,
        }
    }

    /// Replaces the values of some keys, which must ascend, by what `change` makes of them; without
    /// a value there is no entry.
    pub(crate) fn update<C>(
        &mut self,
        changes: &[(Blob, C)],
        mut change: impl FnMut(&Blob, &C, Option<Value>) -> Option<Value>,
    ) {
        if changes.len() < MANY {
            for (key, how) in changes {
                let place = self.search(key);
                let before = place.ok().and_then(|index| {
                    let (_, slot) = self.0.get_mut(index)?;
                    Some(core::mem::replace(slot, Value::Int(0)))
                });
                match (place, change(key, how, before)) {
                    (Ok(index), Some(value)) => {
                        if let Some((_, slot)) = self.0.get_mut(index) {
                            *slot = value;
                        }
                    }
                    (Ok(index), None) => drop(self.0.remove(index)),
                    (Err(index), Some(value)) => self.0.insert(index, (key.clone(), value)),
                    (Err(_), None) => {}
                }
            }
            return;
        }
        // In one pass: many insertions into a large dict would each move all that follows.
        let entries = core::mem::take(&mut self.0);
        let mut result = Vec::with_capacity(entries.len().saturating_add(changes.len()));
        let mut entries = entries.into_iter().peekable();
        for (key, how) in changes {
            while let Some(entry) = entries.next_if(|(own, _)| own < key) {
                result.push(entry);
            }
            let before = entries.next_if(|(own, _)| own == key);
            if let Some(value) = change(key, how, before.map(|(_, value)| value)) {
                result.push((key.clone(), value));
            }
        }
        result.extend(entries);
        self.0 = result;
    }

    /// The value at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&[u8]]) -> Option<&Value> {
        let (last, dicts) = path.split_last()?;
        let mut dict = self;
        for key in dicts {
            dict = dict.dict(key)?;
        }
        dict.get(last)
    }

    /// Puts a value at the end of a path, whose dicts are made as needed.
    pub(crate) fn put_at(&mut self, path: &[&[u8]], value: Value) {
        let Some((last, dicts)) = path.split_last() else {
            return;
        };
        let mut dict = self;
        for key in dicts {
            let Some(next) = dict.dict_mut(key) else {
                return;
            };
            dict = next;
        }
        dict.insert(last, value);
    }

    /// Removes what is at the end of a path, and the dicts that become empty by it.
    pub(crate) fn remove_at(&mut self, path: &[&[u8]]) {
        match path {
            [] => {}
            [last] => self.remove(last),
            [first, rest @ ..] => {
                if self.dict(first).is_none() {
                    return;
                }
                if let Some(inner) = self.dict_mut(first) {
                    inner.remove_at(rest);
                    if inner.is_empty() {
                        self.remove(first);
                    }
                }
            }
        }
    }

    /// Whether some dict or set inside is empty.
    fn needs_pruning(&self) -> bool {
        self.0.iter().any(|(_, value)| {
            value.is_empty_container() || value.as_dict().is_some_and(Self::needs_pruning)
        })
    }

    /// Removes empty dicts and sets, and those that become empty by it.
    pub(crate) fn prune(&mut self) {
        if !self.needs_pruning() {
            return;
        }
        self.0.retain_mut(|(_, value)| {
            if let Value::Dict(dict) = value
                && dict.needs_pruning()
            {
                Arc::make_mut(dict).prune();
            }
            !value.is_empty_container()
        });
    }

    /// Reads a dict, which may be empty.
    pub(crate) fn read(reader: &mut Reader<'_>, depth: usize) -> Result<Self, Malformed> {
        let depth = deeper(depth)?;
        reader.expect(b'd')?;
        let mut entries: Vec<(Blob, Value)> = Vec::new();
        let mut previous = None;
        while let Some(key) = reader.key(previous)? {
            previous = Some(key);
            entries.push((key.into(), Value::read(reader, depth)?));
        }
        Ok(Self(entries))
    }

    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(b'd');
        for (key, value) in &self.0 {
            put_bytes(out, key);
            value.encode_into(out);
        }
        out.push(b'e');
    }
}

/// Reads the members of a set, which may be none.
pub(crate) fn read_set(reader: &mut Reader<'_>) -> Result<Vec<Scalar>, Malformed> {
    reader.expect(b'l')?;
    let mut members: Vec<Scalar> = Vec::new();
    while !reader.accept(b'e')? {
        reader.count()?;
        let member = match reader.peek()? {
            b'i' => Scalar::Int(reader.int()?),
            _ => Scalar::Bytes(reader.bytes()?.into()),
        };
        if members.last().is_some_and(|last| *last >= member) {
            return Err(Malformed::Order);
        }
        members.push(member);
    }
    Ok(members)
}

pub(crate) fn encode_set(members: &[Scalar], out: &mut Vec<u8>) {
    out.push(b'l');
    for member in members {
        match member {
            Scalar::Int(value) => put_int(out, *value),
            Scalar::Bytes(bytes) => put_bytes(out, bytes),
        }
    }
    out.push(b'e');
}
