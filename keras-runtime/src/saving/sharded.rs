//! Sharded weights: an index (`.weights.json`) that says which `.weights.h5` files hold the variables of which layer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::array::Array;
use super::tree::Group;
use super::{Format, atomic, found, hdf5, json, read_file, write_pieces};
use crate::{Error, Result};

/// Reads an index and its shards.
pub(super) fn read(path: &Path) -> Result<Group> {
    let bytes = read_file(path)?;
    let index = json::parse(&bytes)
        .map_err(|cause| Error::file(path, found::unreadable(&bytes, Format::Sharded, cause)))?;
    let names = names(&index).map_err(|e| Error::file(path, e))?;
    let mut root = Group::default();
    for name in names {
        let shard = path.with_file_name(name);
        let tree = hdf5::read(&read_file(&shard)?).map_err(|e| Error::file(&shard, e))?;
        merge(&mut root, tree, "").map_err(|e| Error::file(&shard, e))?;
    }
    Ok(root)
}

/// The files that an index names.
fn names(index: &Value) -> Result<BTreeSet<&str>, String> {
    let map = index.get("weight_map").and_then(Value::as_object).ok_or("it lacks a dict at `weight_map`, so it is not the index of sharded weights (Keras' `save_weights` with `max_shard_size`)")?;
    let mut names = BTreeSet::new();
    for (path, files) in map {
        let files = match files {
            Value::Array(files) => &files[..],
            one => std::slice::from_ref(one),
        };
        for file in files {
            let name = file.as_str().ok_or_else(|| format!("`{path}`: a shard's name is not a text"))?;
            // A name, not a path: shards lie beside the index.
            let plain = !name.contains(['/', '\\', ':', '\0']) && name != ".." && name.ends_with(".h5");
            if !plain {
                return Err(format!("`{name}` is not the name of a shard beside the index"));
            }
            names.insert(name);
        }
    }
    Ok(names)
}

fn merge(into: &mut Group, from: Group, path: &str) -> Result<(), String> {
    into.attributes.extend(from.attributes);
    for (name, array) in from.arrays {
        if into.arrays.insert(name.clone(), array).is_some() {
            return Err(format!("`{path}/{name}` is in two shards"));
        }
    }
    for (name, group) in from.groups {
        let path = format!("{path}/{name}");
        merge(into.groups.entry(name).or_default(), group, &path)?;
    }
    Ok(())
}

/// Writes shards of at most so many bytes of numbers, then their index. Shards of an older index stay until the new one
/// is there, so a crash leaves the old weights or the new ones.
pub(super) fn write(path: &Path, root: &Group, most: u64) -> Result<()> {
    let stem =
        path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".weights.json"));
    let stem = stem.ok_or_else(|| Error::file(path, "an index of shards is called `NAME.weights.json`"))?;
    let name_of = |at: usize| format!("{stem}_{at:05}.weights.h5");
    let old = fs::read(path).ok().and_then(|bytes| json::parse(&bytes).ok());
    let old: BTreeSet<String> = old
        .as_ref()
        .and_then(|index| names(index).ok())
        .map_or_else(BTreeSet::new, |names| names.into_iter().map(String::from).collect());
    let free = (0..).map(name_of).filter(|name| !old.contains(name));

    let mut cut = Cut { most, shards: vec![Group::default()], size: 0, total: 0 };
    cut.group(root, &mut Vec::new()).map_err(|e| Error::file(path, e))?;
    let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut new = BTreeSet::new();
    for (shard, name) in cut.shards.iter().zip(free) {
        paths(shard, "", &mut |path| map.entry(path.into()).or_default().push(name.clone()));
        write_shard(&path.with_file_name(&name), shard)?;
        new.insert(name);
    }
    let map: Map<String, Value> = map.into_iter().map(|(path, names)| (path, json!(names))).collect();
    let index = json!({"metadata": {"total_size": cut.total}, "weight_map": map});
    atomic::write(path, json::print(&index).as_bytes())?;

    // What is left is nobody's; it is in the way of nothing if it cannot be removed. Keras opens the first name before it
    // looks at the index, so that one stays, empty.
    let first = name_of(0);
    for name in old.difference(&new).filter(|name| **name != first) {
        let _ = fs::remove_file(path.with_file_name(name));
    }
    if !new.contains(&first) {
        write_shard(&path.with_file_name(first), &Group::default())?;
    }
    Ok(())
}

fn write_shard(path: &PathBuf, shard: &Group) -> Result<()> {
    let image = hdf5::write(shard).map_err(|e| Error::file(path, e))?;
    atomic::write_with(path, |file| write_pieces(file, image.pieces()))
}

/// Cuts a tree into shards.
struct Cut {
    most: u64,
    shards: Vec<Group>,
    /// Bytes in the last shard.
    size: u64,
    total: u64,
}

impl Cut {
    fn group(&mut self, group: &Group, path: &mut Vec<String>) -> Result<(), String> {
        // In numerical order, as Keras stores them.
        let mut arrays: Vec<(&String, &Array)> = group.arrays.iter().collect();
        arrays.sort_by_key(|(name, _)| name.parse::<usize>().unwrap_or(usize::MAX));
        for (name, array) in arrays {
            let size = array.bytes.len() as u64;
            if size > self.most {
                let most = self.most;
                return Err(format!(
                    "`{}/{name}` has {size} bytes, more than a shard may ({most})",
                    path.join("/")
                ));
            }
            if self.size + size > self.most {
                self.shards.push(Group::default());
                self.size = 0;
            }
            self.size += size;
            self.total += size;
            if let Some(shard) = self.shards.last_mut() {
                let place = shard.make(path.iter().map(String::as_str));
                place.attributes.clone_from(&group.attributes);
                place.arrays.insert(name.clone(), array.clone());
            }
        }
        for (name, inner) in &group.groups {
            path.push(name.clone());
            self.group(inner, path)?;
            path.pop();
        }
        Ok(())
    }
}

/// The groups of a tree that hold arrays.
fn paths(group: &Group, path: &str, found: &mut impl FnMut(&str)) {
    if !group.arrays.is_empty() {
        found(path);
    }
    for (name, inner) in &group.groups {
        paths(inner, &format!("{path}/{name}"), found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_lie_beside_the_index() {
        for name in ["../x.h5", "/etc/x.h5", "a/b.h5", "..", "C:\\x.h5", "x.txt"] {
            assert!(names(&json!({"weight_map": {"/vars": name}})).is_err(), "{name}");
        }
        let index = json!({"weight_map": {"/a": "x_00000.weights.h5", "/b": ["x_00000.weights.h5", "y.h5"]}});
        assert_eq!(names(&index), Ok(BTreeSet::from(["x_00000.weights.h5", "y.h5"])));
    }
}
