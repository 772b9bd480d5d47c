//! Safetensors: variables by their Keras paths (`tower/dense/kernel`), without an architecture.
//!
//! Eight bytes with the length of a JSON header, the header, the numbers:
//! <https://huggingface.co/docs/safetensors/index>.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::array::{Array, Stored};
use super::bytes::Bytes;
use super::paths::path;
use super::weights::Match;
use crate::engine::Network;
use crate::{Error, Result};

/// The key of what is not a tensor.
const METADATA: &str = "__metadata__";
/// Names of element types.
const TYPES: [(&str, Stored); 13] = [
    ("F16", Stored::F16),
    ("BF16", Stored::BF16),
    ("F32", Stored::F32),
    ("F64", Stored::F64),
    ("I8", Stored::I8),
    ("I16", Stored::I16),
    ("I32", Stored::I32),
    ("I64", Stored::I64),
    ("U8", Stored::U8),
    ("U16", Stored::U16),
    ("U32", Stored::U32),
    ("U64", Stored::U64),
    ("BOOL", Stored::Bool),
];

/// Reads a file; its arrays share the bytes.
///
/// # Errors
/// A description of what is wrong with it.
pub(super) fn read(bytes: &Bytes) -> Result<Vec<(String, Array)>, String> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or("not a safetensors file: it is too short")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok().filter(|length| *length <= rest.len());
    let length = length.ok_or("not a safetensors file: its header is longer than it")?;
    let header = super::json::parse(&rest[..length]).map_err(|e| format!("its header: {e}"))?;
    let Value::Object(header) = header else { return Err("its header is not a dict".into()) };
    let (start, size) = (8 + length, rest.len() - length);
    let mut arrays = Vec::new();
    let mut stretches = Vec::new();
    for (name, info) in header.into_iter().filter(|(name, _)| name != METADATA) {
        let fail = |message: &str| format!("`{name}`: {message}");
        let dtype = info["dtype"].as_str().unwrap_or("");
        let stored = TYPES.iter().find(|(known, _)| *known == dtype).map(|(_, stored)| *stored);
        let stored = stored.ok_or_else(|| fail(&format!("elements of type `{dtype}` are not read")))?;
        let numbers = |value: &Value| -> Option<Vec<usize>> {
            value.as_array()?.iter().map(|n| usize::try_from(n.as_u64()?).ok()).collect()
        };
        let shape = numbers(&info["shape"]).ok_or_else(|| fail("its shape is not a list of numbers"))?;
        let offsets = numbers(&info["data_offsets"]).unwrap_or_default();
        let &[from, to] = &offsets[..] else { return Err(fail("it does not say where its data is")) };
        let data = to.checked_sub(from).filter(|_| to <= size).and_then(|len| bytes.slice(start + from, len));
        let data = data.ok_or_else(|| fail("its data lies outside the file"))?;
        let array = Array::new(shape, stored, data).map_err(|e| fail(&e.to_string()))?;
        stretches.push((from, to));
        arrays.push((name, array));
    }
    // The format allows neither overlaps nor holes.
    stretches.sort_unstable();
    let end = stretches.iter().try_fold(0, |end, (from, to)| (*from == end).then_some(*to));
    if end != Some(size) {
        return Err("its arrays overlap, or leave holes".into());
    }
    Ok(arrays)
}

/// The pieces of a file.
///
/// # Errors
/// If two arrays have one name.
pub(super) fn write(arrays: Vec<(String, Array)>) -> Result<Vec<Bytes>, String> {
    let mut sorted = BTreeMap::new();
    for (name, array) in arrays {
        if sorted.insert(name.clone(), array).is_some() {
            return Err(format!("two variables are called `{name}`: give the layers other names"));
        }
    }
    // Wide elements first, so that all are aligned.
    let mut arrays: Vec<(String, Array)> = sorted.into_iter().collect();
    arrays.sort_by_key(|(_, array)| std::cmp::Reverse(array.stored.size()));
    let mut header = Map::new();
    header.insert(METADATA.into(), json!({"format": "keras", "keras_version": super::KERAS_VERSION}));
    let mut at = 0;
    for (name, array) in &arrays {
        let dtype = TYPES.iter().find(|(_, stored)| *stored == array.stored).map(|(name, _)| *name);
        let end = at + array.bytes.len();
        header.insert(name.clone(), json!({"dtype": dtype, "shape": array.shape, "data_offsets": [at, end]}));
        at = end;
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut head = (header.len() as u64).to_le_bytes().to_vec();
    head.extend(header);
    Ok(std::iter::once(head.into()).chain(arrays.into_iter().map(|(_, array)| array.bytes)).collect())
}

/// A network's variables by path.
pub(super) fn collect(network: &Network) -> Vec<(String, Array)> {
    let variables = network.variables().iter();
    variables.map(|v| (path(network, v), network.array(v))).collect()
}

/// Matches a network's variables with those of a file. Keras leaves names of models around a layer out of some paths (it
/// depends on when the layer was built), so one path may be the end of the other, where that says which one is meant. By
/// position they must be the same ones; by name there may be others on both sides.
pub(super) fn matches<'a>(
    network: &Network,
    named: &'a [(String, Array)],
    some: bool,
) -> Result<Vec<Match<'a>>> {
    let mut left: HashMap<&str, &Array> = named.iter().map(|(name, array)| (name.as_str(), array)).collect();
    let paths: Vec<String> = network.variables().iter().map(|v| path(network, v)).collect();
    let mut found: Vec<Option<&'a Array>> = paths.iter().map(|path| left.remove(path.as_str())).collect();
    let mut by_end: HashMap<&str, Vec<&'a str>> = HashMap::new();
    for (name, _) in named.iter().filter(|(name, _)| left.contains_key(name.as_str())) {
        by_end.entry(end(name)).or_default().push(name);
    }
    for (path, found) in paths.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
        let candidates = by_end.get(end(path)).map_or(&[][..], Vec::as_slice);
        let mut fitting = candidates.iter().filter(|name| ends_with(name, path) || ends_with(path, name));
        if let (Some(name), None) = (fitting.next(), fitting.next()) {
            *found = left.remove(name);
        }
    }
    if let (Some(name), false) = (left.keys().min(), some) {
        let message = format!("the model has no variable `{name}`; `by_name` loads those that both have");
        return Err(Error::Data(message));
    }
    let all = paths.iter().zip(found).enumerate().filter(|(_, (_, array))| array.is_some() || !some);
    Ok(all
        .map(|(at, (path, array))| Match {
            what: format!("`{path}`"),
            variables: vec![at],
            arrays: vec![array],
            there: usize::from(array.is_some()),
        })
        .collect())
}

/// The layer's and the variable's name.
fn end(path: &str) -> &str {
    path.rmatch_indices('/').nth(1).map_or(path, |(at, _)| &path[at + 1..])
}

fn ends_with(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|rest| rest.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(arrays: Vec<(String, Array)>) -> Vec<u8> {
        write(arrays).expect("names differ").iter().flat_map(|piece| piece.to_vec()).collect()
    }

    #[test]
    fn every_type_survives() {
        let arrays: Vec<(String, Array)> = Stored::ALL
            .into_iter()
            .map(|stored| {
                let bytes = vec![1u8; 3 * stored.size()];
                (format!("a/{stored:?}"), Array::new(vec![3, 1], stored, bytes).expect("sizes agree"))
            })
            .collect();
        let mut read = read(&Bytes::from(bytes(arrays.clone())).shared()).expect("can be read");
        let mut arrays = arrays;
        arrays.sort_by(|a, b| a.0.cmp(&b.0));
        read.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(read, arrays);
    }

    #[test]
    fn sizes_are_not_believed() {
        let file = |header: &str, data: usize| {
            let mut out = (header.len() as u64).to_le_bytes().to_vec();
            out.extend(header.as_bytes());
            out.resize(out.len() + data, 0);
            read(&Bytes::from(out).shared())
        };
        assert!(file(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8).is_ok());
        for header in [
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
            r#"{"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}}"#,
            r#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            r#"[1]"#,
        ] {
            assert!(file(header, 8).is_err(), "{header}");
        }
        let mut long = u64::MAX.to_le_bytes().to_vec();
        long.extend(*b"{}");
        assert!(read(&Bytes::from(long).shared()).is_err());
    }
}
