//! The `.keras` archive: a ZIP file of `metadata.json`, `config.json` and `model.weights.h5`.

use std::io::{Cursor, Read, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The version of Keras whose files these are.
const KERAS_VERSION: &str = "3.15.1";
/// How often a packed member may exceed the archive; deflate reaches about 1032.
const UNPACK: u64 = 64;

/// The members of an archive.
pub(super) struct Archive {
    /// `config.json`.
    pub config: Value,
    /// `model.weights.h5`.
    pub weights: Vec<u8>,
}

/// Takes an archive apart.
///
/// # Errors
/// A description of what is wrong with it.
pub(super) fn read(bytes: &[u8]) -> Result<Archive, String> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| format!("not a `.keras` archive: {e}"))?;
    let limit = (bytes.len() as u64).saturating_mul(UNPACK);
    let config = member(&mut zip, "config.json", limit)?;
    let config = super::json::parse(&config).map_err(|e| format!("`config.json`: {e}"))?;
    if zip.index_for_name("model.weights.h5").is_none() && zip.index_for_name("model.weights.npz").is_some() {
        return Err(
            "its weights are `model.weights.npz`, a Python pickle, which is not read: save it as HDF5".into(),
        );
    }
    let weights = member(&mut zip, "model.weights.h5", limit)?;
    Ok(Archive { config, weights })
}

fn member(zip: &mut ZipArchive<Cursor<&[u8]>>, name: &str, limit: u64) -> Result<Vec<u8>, String> {
    let file = zip.by_name(name).map_err(|e| format!("`{name}`: {e}"))?;
    let size = file.size();
    if size > limit {
        return Err(format!("`{name}` declares {size} bytes, more than {UNPACK} times the archive"));
    }
    // What is declared need not be what comes.
    let mut out = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    let mut bounded = file.take(size + 1);
    bounded.read_to_end(&mut out).map_err(|e| format!("`{name}`: {e}"))?;
    if out.len() as u64 != size {
        return Err(format!("`{name}` declares {size} bytes but holds another number"));
    }
    Ok(out)
}

/// Puts an archive together: members stored, in Keras' order.
///
/// # Errors
/// If there is no memory for it.
pub(super) fn write(config: &Value, weights: &[u8]) -> Result<Vec<u8>, String> {
    let metadata = json!({ "keras_version": KERAS_VERSION, "date_saved": now() });
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o600);
    let options = options.large_file(weights.len() as u64 >= u64::from(u32::MAX));
    let mut zip = ZipWriter::new(Cursor::new(Vec::with_capacity(weights.len() + (1 << 16))));
    let members = [
        ("metadata.json", super::json::print(&metadata).into_bytes()),
        ("config.json", super::json::print(config).into_bytes()),
    ];
    let members =
        members.iter().map(|(name, bytes)| (*name, &bytes[..])).chain([("model.weights.h5", weights)]);
    for (name, bytes) in members {
        zip.start_file(name, options).map_err(|e| e.to_string())?;
        zip.write_all(bytes).map_err(|e| e.to_string())?;
    }
    Ok(zip.finish().map_err(|e| e.to_string())?.into_inner())
}

/// `YYYY-MM-DD@HH:MM:SS`, in UTC.
fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, second) = (seconds / 86400, seconds % 86400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}@{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of a number of days since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_survive_and_are_stored() {
        let config = json!({ "class_name": "Sequential", "config": { "name": "größe" } });
        let bytes = write(&config, &[1, 2, 3]).expect("can be written");
        let read = read(&bytes).expect("can be read");
        assert_eq!((read.config, read.weights), (config, vec![1, 2, 3]));
        let mut zip = ZipArchive::new(Cursor::new(&bytes[..])).expect("an archive");
        let names: Vec<String> = zip.file_names().map(|n| n.expect("UTF-8").into_owned()).collect();
        assert_eq!(names, ["metadata.json", "config.json", "model.weights.h5"]);
        assert!((0..3).all(|i| zip.by_index(i).expect("there").compression() == CompressionMethod::Stored));
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file("config.json", options).expect("in memory");
        zip.write_all(&vec![b' '; 1 << 22]).expect("in memory");
        let bytes = zip.finish().expect("in memory").into_inner();
        assert!(read(&bytes).is_err_and(|e| e.contains("times the archive")));
    }

    #[test]
    fn dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_780), (2026, 11, 23));
    }
}
