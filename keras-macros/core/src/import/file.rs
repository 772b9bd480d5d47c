//! Files: what of them becomes source.
//!
//! Of an archive the configuration alone is read, whatever the size of its weights. The few fields of ZIP that this takes are
//! read here: a library for ZIP would stand between every program and the macros that it waits for.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};
use serde_json::Value;

use super::Result;

/// Most bytes of a configuration, or of a list of members.
const MOST: u64 = 1 << 28;

/// What a file holds.
#[derive(Debug)]
pub struct Content {
    /// The model's configuration: `config.json`, or `Model.to_json()`.
    pub config: Value,
    /// Whether the file has weights, too.
    pub has_weights: bool,
}

/// Reads a `.keras` file, or an architecture in JSON.
///
/// # Errors
/// What is wrong with it, without its name.
pub fn open(path: &Path) -> Result<Content> {
    let unreadable = |e| format!("cannot be read: {e}");
    let mut file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let start = at(&mut file, 0, size.min(1))?;
    match start.first() {
        Some(b'P') => archive(&mut file, size),
        Some(b'{' | b' ' | b'\n' | b'\r' | b'\t') => {
            if size > MOST {
                return Err(format!("has more than {MOST} bytes"));
            }
            Ok(Content { config: json(&at(&mut file, 0, size)?)?, has_weights: false })
        }
        Some(0x89) => {
            Err("is an HDF5 file: save the model as `.keras`, or its `to_json()` as `.json`".into())
        }
        _ => Err("is neither a `.keras` file nor an architecture in JSON".into()),
    }
}

/// Bytes of a file.
fn at(file: &mut File, offset: u64, len: u64) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.take(len).read_to_end(&mut out));
    match read {
        Ok(_) if out.len() as u64 == len => Ok(out),
        Ok(_) => Err("is cut off".into()),
        Err(e) => Err(format!("cannot be read: {e}")),
    }
}

/// A little-endian number in a record; the record was checked to be long enough.
fn number(record: &[u8], at: usize, bytes: usize) -> u64 {
    record[at..at + bytes].iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte))
}

const OTHER_SIZE: &str = "`config.json` has another size than is declared";

/// The end of the list of members, and one of its entries, without names, and what precedes a member (APPNOTE 4.3).
const END: usize = 22;
const ENTRY: usize = 46;
const LOCAL: usize = 30;

fn archive(file: &mut File, size: u64) -> Result<Content> {
    let broken = || "is not a whole `.keras` file (ZIP)".to_string();
    // A comment of at most 65535 bytes may follow.
    let tail = size.min(END as u64 + 0xffff);
    let tail = at(file, size - tail, tail)?;
    let end = tail.windows(END).rposition(|record| record.starts_with(b"PK\x05\x06")).ok_or_else(broken)?;
    let (len, offset) = (number(&tail, end + 12, 4), number(&tail, end + 16, 4));
    if offset == 0xffff_ffff {
        return Err(
            "is larger than 4 GiB: give its architecture, `Model.to_json()`, as a `.json` file".into()
        );
    }
    if len > MOST || offset + len > size {
        return Err(broken());
    }
    let entries = at(file, offset, len)?;
    let (mut config, mut has_weights, mut rest) = (None, false, &entries[..]);
    while rest.len() >= ENTRY && rest.starts_with(b"PK\x01\x02") {
        let names = [28, 30, 32].map(|at| number(rest, at, 2) as usize);
        let name = rest.get(ENTRY..ENTRY + names[0]).ok_or_else(broken)?;
        has_weights |= name == b"model.weights.h5";
        if name == b"config.json" {
            config =
                Some((number(rest, 10, 2), number(rest, 20, 4), number(rest, 24, 4), number(rest, 42, 4)));
        }
        rest = rest.get(ENTRY + names.iter().sum::<usize>()..).ok_or_else(broken)?;
    }
    let (method, packed, unpacked, offset) =
        config.ok_or("is not a `.keras` file: it has no member `config.json`")?;
    if packed > size || unpacked > MOST {
        return Err(broken());
    }
    let local = at(file, offset, LOCAL as u64)?;
    let start = offset + LOCAL as u64 + number(&local, 26, 2) + number(&local, 28, 2);
    let member = at(file, start, packed)?;
    let text = match method {
        0 => member,
        // What is declared need not be what comes.
        8 => decompress_to_vec_with_limit(&member, unpacked as usize).map_err(|e| match e.status {
            TINFLStatus::HasMoreOutput => OTHER_SIZE.to_string(),
            status => format!("`config.json` cannot be unpacked: {status:?}"),
        })?,
        other => {
            return Err(format!(
                "`config.json` is packed by method {other}; stored and deflated ones are read"
            ));
        }
    };
    if text.len() as u64 != unpacked {
        return Err(OTHER_SIZE.into());
    }
    Ok(Content { config: json(&text).map_err(|e| format!("`config.json` {e}"))?, has_weights })
}

fn json(bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|e| format!("is not JSON: {e}"))
}
