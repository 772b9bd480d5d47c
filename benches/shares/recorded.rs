//! Shares that were recorded, by instruction set: `recorded.txt`.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use crate::peak;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/shares/recorded.txt")
}

/// Those of this machine's instruction set.
pub fn read() -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let of_line = |line: &str| {
        let (set, rest) = line.split_once(' ')?;
        let (share, name) = rest.trim_start().split_once(' ')?;
        (set == peak::name()).then_some((name.trim().to_string(), share.parse().ok()?))
    };
    text.lines().filter_map(of_line).collect()
}

/// Replaces those of this machine's instruction set and these names.
pub fn write(shares: &[(String, f64)]) -> io::Result<()> {
    let mut all = read();
    all.extend(shares.iter().cloned());
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let others = text.lines().filter(|line| line.split_once(' ').is_some_and(|(set, _)| set != peak::name()));
    let mut lines: Vec<String> = others.map(str::to_string).collect();
    lines.extend(all.iter().map(|(name, share)| format!("{} {share:.3} {name}", peak::name())));
    std::fs::write(path(), lines.join("\n") + "\n")
}
